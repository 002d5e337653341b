// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseApplications reads `soamview app`: a table without quotes, of which only the header's first word and the second
// column are known, or one sentence.
func ParseApplications(text string) ([]Application, error) {
	all := lines(text)
	if len(all) == 1 && strings.TrimSpace(all[0]) == "No applications found" {
		return nil, nil
	}
	if len(all) == 0 || !strings.HasPrefix(all[0], "APPLICATION") {
		return nil, fmt.Errorf("%w: no list of applications: %s", ErrNotUnderstood, quote(text))
	}
	applications := make([]Application, 0, len(all)-1)
	for _, line := range all[1:] {
		words := strings.Fields(line)
		if len(words) < 2 || !ValidApplication(words[0]) {
			return nil, fmt.Errorf("%w: no application: %s", ErrNotUnderstood, quote(line))
		}
		enabled, err := parseEnabled(words[1])
		if err != nil {
			return nil, err
		}
		applications = append(applications, Application{Name: words[0], Enabled: enabled})
	}
	return applications, nil
}

// ValidApplication tells whether a text can be the name of an application that is passed as an argument: not an option,
// and one word, because the list of applications has no quotes.
func ValidApplication(name string) bool {
	if name == "" || len(name) > maxHostName || name[0] == '-' || !utf8.ValidString(name) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

func parseEnabled(word string) (bool, error) {
	switch word {
	case "enabled":
		return true, nil
	case "disabled":
		return false, nil
	default:
		return false, fmt.Errorf("%w: an application is neither enabled nor disabled: %s", ErrNotUnderstood, quote(word))
	}
}

// ParseWorkload reads `soamview app NAME -l`, lines `key: value`. All keys that are used have to be there: one that is
// missing is not zero.
func ParseWorkload(text string) (Workload, error) {
	values := map[string]string{}
	for _, line := range lines(text) {
		key, value, ok := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if _, again := values[key]; again {
			return Workload{}, fmt.Errorf("%w: %s is there twice", ErrNotUnderstood, quote(key))
		}
		if ok && key != "" {
			values[key] = strings.TrimSpace(value)
		}
	}
	var workload Workload
	if workload.Application = values["Application name"]; workload.Application == "" {
		return Workload{}, fmt.Errorf("%w: it has no Application name", ErrNotUnderstood)
	}
	status, _, _ := strings.Cut(values["Status"], " ")
	enabled, err := parseEnabled(status)
	if err != nil {
		return Workload{}, err
	}
	workload.Enabled, workload.Consumer = enabled, values["Consumer"]
	for _, count := range []struct {
		key string
		to  *int
	}{
		{"Pending tasks", &workload.Pending},
		{"Running tasks", &workload.Running},
		{"Done tasks", &workload.Done},
		{"Occupied", &workload.Occupied},
		{"Unused", &workload.Unused},
	} {
		if *count.to, err = parseCount(values[count.key]); err != nil {
			return Workload{}, fmt.Errorf("%w: %s is %s", ErrNotUnderstood, count.key, quote(values[count.key]))
		}
	}
	return workload, nil
}
