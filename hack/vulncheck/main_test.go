// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestOnlyWhatTheProgramHasOfAModuleFails(t *testing.T) {
	const began = `{"SBOM":{"go_version":"go1.26.8"}}`
	found := func(module, function string) string {
		return `{"finding":{"osv":"GO-1","fixed_version":"v1.2.3","trace":[{"module":"` + module + `","version":"v1.0.0","package":"p","function":"` + function + `"}]}}`
	}
	for name, c := range map[string]struct {
		output, fails, prints string
	}{
		"nothing":             {began, "", "0 in modules, 0 in the library of go1.26.8"},
		"it is in it":         {began + found("example.com/m", "F"), "GO-1 in example.com/m v1.0.0: mended in v1.2.3", "1 in modules"},
		"twice":               {began + found("example.com/m", "F") + found("example.com/m", "G"), "GO-1", "1 in modules"},
		"the module alone":    {began + found("example.com/m", ""), "", "0 in modules"},
		"in Go's own library": {began + found("stdlib", "F"), "", "GO-1 in p: mended in go1.2.3"},
		"no answer":           {"", "said nothing", ""},
		"half an answer":      {began + `{"find`, "reading what govulncheck says", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var printed bytes.Buffer
			err := judge(strings.NewReader(c.output), &printed)
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
			if !strings.Contains(printed.String(), c.prints) {
				t.Errorf("printed %q, want %q", &printed, c.prints)
			}
		})
	}
}
