// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego

import (
	"net/netip"
	"strings"
)

const (
	maxHostName = 253
	maxLabel    = 63
)

// ValidHostName tells whether a text can be the name of a host. It is strict because names become arguments of commands:
// none can be taken for an option, or for several words.
func ValidHostName(name string) bool {
	if name == "" || len(name) > maxHostName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !isNameByte(label[i]) {
				return false
			}
		}
	}
	return true
}

// isNameByte: the underscore is none in DNS, but hosts have it in hosts files and under Windows.
func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// SameHost tells whether two names can be the same host's: the same name, or the same first label where one of them has
// no domain. Case does not count: Windows hosts appear in upper case, and what a resolver answers is up to DNS.
func SameHost(a, b string) bool {
	if strings.EqualFold(a, b) {
		return a != ""
	}
	shortA, longA, okA := split(a)
	shortB, longB, okB := split(b)
	return okA && okB && longA != longB && strings.EqualFold(shortA, shortB)
}

// split gives the first label of a name and whether more follow. An address has no short form.
func split(name string) (short string, long, ok bool) {
	if _, err := netip.ParseAddr(name); err == nil || name == "" {
		return "", false, false
	}
	short, _, long = strings.Cut(name, ".")
	return short, long, short != ""
}

// Index finds hosts by name in a list of tens of thousands.
type Index struct {
	hosts []Host
	// full is by the whole name, first by the first label; both in lower case.
	full  map[string]int
	first map[string][]int
}

// NewIndex is over a list as Hosts returns it, which it does not copy.
func NewIndex(hosts []Host) *Index {
	index := &Index{hosts: hosts, full: make(map[string]int, len(hosts)), first: make(map[string][]int, len(hosts))}
	for i := range hosts {
		name := strings.ToLower(hosts[i].Name)
		index.full[name] = i
		if short, _, ok := split(name); ok {
			index.first[short] = append(index.first[short], i)
		}
	}
	return index
}

// Find gives the host of a name and how many hosts it can be: with more than one, it is not known which, and none is
// given. A host of exactly this name is the one, whatever others share its first label.
func (x *Index) Find(name string) (host Host, matches int) {
	found := x.matching(name)
	if len(found) == 1 {
		host = x.hosts[found[0]]
	}
	return host, len(found)
}

func (x *Index) matching(name string) []int {
	name = strings.ToLower(name)
	if at, ok := x.full[name]; ok {
		return []int{at}
	}
	short, long, ok := split(name)
	if !ok {
		return nil
	}
	var found []int
	for _, at := range x.first[short] {
		if strings.Contains(x.hosts[at].Name, ".") != long {
			found = append(found, at)
		}
	}
	return found
}
