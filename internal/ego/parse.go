// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is the answer to a command with -ll: a header, and lines with as many fields.
type table struct {
	header []string
	rows   [][]string
}

// parseTable refuses everything that is not exactly that: a misread line is a host that counts as idle.
func parseTable(text string) (table, error) {
	var read table
	for number, line := range lines(text) {
		fields, err := parseRecord(line)
		switch {
		case err != nil:
			return table{}, fmt.Errorf("%w: line %d: %w", ErrNotUnderstood, number+1, err)
		case number == 0:
			read.header = fields
		case len(fields) != len(read.header):
			return table{}, fmt.Errorf("%w: line %d has %d fields, the header has %d",
				ErrNotUnderstood, number+1, len(fields), len(read.header))
		default:
			read.rows = append(read.rows, fields)
		}
	}
	if read.header == nil {
		return table{}, fmt.Errorf("%w: it is empty", ErrNotUnderstood)
	}
	return read, nil
}

// lines are the lines of a text, without the empty one after its last line end. Windows has a say in line ends.
func lines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// parseRecord reads `"a","b"`. Every field is quoted; how EGO would write a quote inside of one is not known, so there is
// none.
func parseRecord(line string) ([]string, error) {
	if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
		return nil, fmt.Errorf("%s is no text", quote(line))
	}
	inner, opened := strings.CutPrefix(line, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	if !opened || !closed {
		return nil, fmt.Errorf("%s is not a list of quoted fields", quote(line))
	}
	fields := strings.Split(inner, `","`)
	for _, field := range fields {
		if strings.Contains(field, `"`) {
			return nil, fmt.Errorf("%s has a quote inside of a field", quote(line))
		}
	}
	return fields, nil
}

// quote shows the beginning of what was not understood, in one line.
func quote(text string) string {
	const limit = 120
	if len(text) > limit {
		return strconv.QuoteToASCII(text[:limit]) + "…"
	}
	return strconv.QuoteToASCII(text)
}

// columns finds columns by their titles; each has to be there once. Others may be, too: versions differ in them.
func (t *table) columns(titles ...string) ([]int, error) {
	found := make([]int, len(titles))
	for i, title := range titles {
		switch at := t.positions(title); len(at) {
		case 1:
			found[i] = at[0]
		case 0:
			return nil, fmt.Errorf("%w: no column %s in the header %s", ErrNotUnderstood, title, t.titles())
		default:
			return nil, fmt.Errorf("%w: several columns %s in the header %s", ErrNotUnderstood, title, t.titles())
		}
	}
	return found, nil
}

func (t *table) positions(title string) []int {
	var found []int
	for at, candidate := range t.header {
		if strings.EqualFold(candidate, title) {
			found = append(found, at)
		}
	}
	return found
}

func (t *table) titles() string { return quote(strings.Join(t.header, ",")) }

// ParseHosts reads `egosh resource list -ll`.
func ParseHosts(text string) ([]Host, error) {
	read, err := parseTable(text)
	if err != nil {
		return nil, err
	}
	at, err := read.columns("NAME", "status")
	if err != nil {
		return nil, err
	}
	loads := read.loadColumns()
	hosts := make([]Host, 0, len(read.rows))
	seen := make(map[string]bool, len(read.rows))
	for _, row := range read.rows {
		name := row[at[0]]
		key := strings.ToLower(name)
		if !ValidHostName(name) || seen[key] {
			return nil, fmt.Errorf("%w: the host name %s is not valid, or is there twice", ErrNotUnderstood, quote(name))
		}
		seen[key] = true
		host := Host{Name: name, Status: row[at[1]], State: stateOf(row[at[1]])}
		for _, column := range loads {
			*column.of(&host.Load) = column.parse(row[column.at])
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

// stateOf: IBM's requestor takes a dash for unavailable. That "closed" is in lower case was never seen, so case does not
// count.
func stateOf(status string) State {
	switch strings.ToLower(status) {
	case "ok":
		return StateOK
	case "closed":
		return StateClosed
	case "unavail", "-":
		return StateUnavailable
	default:
		return StateUnknown
	}
}

// loadColumn is a column of the load that was found.
type loadColumn struct {
	title string
	of    func(*Load) *Reading
	parse func(string) Reading
	at    int
}

func (t *table) loadColumns() []loadColumn {
	all := []loadColumn{
		{title: "mem", of: func(l *Load) *Reading { return &l.Memory }, parse: parseSize},
		{title: "swp", of: func(l *Load) *Reading { return &l.Swap }, parse: parseSize},
		{title: "tmp", of: func(l *Load) *Reading { return &l.Tmp }, parse: parseSize},
		{title: "ut", of: func(l *Load) *Reading { return &l.CPU }, parse: parsePercent},
		{title: "it", of: func(l *Load) *Reading { return &l.IdleMinutes }, parse: parseNumber},
		{title: "pg", of: func(l *Load) *Reading { return &l.Paging }, parse: parseNumber},
		{title: "r1m", of: func(l *Load) *Reading { return &l.Run1m }, parse: parseNumber},
		{title: "r15s", of: func(l *Load) *Reading { return &l.Run15s }, parse: parseNumber},
		{title: "r15m", of: func(l *Load) *Reading { return &l.Run15m }, parse: parseNumber},
		{title: "ls", of: func(l *Load) *Reading { return &l.Logins }, parse: parseNumber},
	}
	found := all[:0]
	for _, column := range all {
		if at := t.positions(column.title); len(at) == 1 {
			column.at = at[0]
			found = append(found, column)
		}
	}
	return found
}

// ParseAllocations reads `egosh alloc list -ll`.
func ParseAllocations(text string) ([]Allocation, error) {
	read, err := parseTable(text)
	if err != nil {
		return nil, err
	}
	at, err := read.columns("ALLOC", "CLIENT", "CONSUMER", "RGROUP", "ALLOCATED")
	if err != nil {
		return nil, err
	}
	allocations := make([]Allocation, 0, len(read.rows))
	for _, row := range read.rows {
		slots, err := parseCount(row[at[4]])
		if err != nil {
			return nil, fmt.Errorf("%w: ALLOCATED is %s", ErrNotUnderstood, quote(row[at[4]]))
		}
		allocation := Allocation{
			ID: row[at[0]], Client: row[at[1]], Consumer: row[at[2]], Group: row[at[3]], Slots: slots,
		}
		for column, field := range row {
			if !slices.Contains(at, column) {
				allocation.Places = append(allocation.Places, hostNames(field)...)
			}
		}
		allocations = append(allocations, allocation)
	}
	return allocations, nil
}

// hostNames are the words of a field that can be hosts' names.
func hostNames(field string) []string {
	var names []string
	for word := range strings.FieldsFuncSeq(field, func(r rune) bool {
		return r >= utf8.RuneSelf || !isNameByte(byte(r)) && r != '.'
	}) {
		if ValidHostName(word) {
			names = append(names, word)
		}
	}
	return names
}

// place notes on each host what is allocated of it. A name that can be several hosts' is noted on all of them: a busy
// host must not look idle.
func place(hosts []Host, allocations []Allocation) error {
	index := NewIndex(hosts)
	placed, homeless := 0, 0
	for _, allocation := range allocations {
		on := map[int]bool{}
		for _, name := range allocation.Places {
			for _, at := range index.matching(name) {
				on[at] = true
			}
		}
		for at := range on {
			hosts[at].Allocations = append(hosts[at].Allocations, allocation)
		}
		switch {
		case len(on) > 0:
			placed++
		case allocation.Slots > 0:
			homeless++
		}
	}
	// One that was made, or whose host was removed, between the two lists has no host. If none has one, the hosts are not
	// where this operator looks for them, and all would seem idle.
	if homeless > 0 && placed == 0 {
		return fmt.Errorf("%w: none of %d allocations names a host that is listed", ErrNotUnderstood, homeless)
	}
	return nil
}
