// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

// seed is the product's outputs, and those that nearly are.
func seed(f *testing.F) {
	f.Helper()
	for _, name := range []string{
		"resource-list-ll.csv", "resource-list-ll-o.csv", "alloc-list-ll.csv", "service-list-ll.csv", "soamview-app.txt",
		"soamview-app-l.txt",
	} {
		text := fixture(f, name)
		f.Add(text)
		f.Add(text[:len(text)/2])
		f.Add(strings.ReplaceAll(text, "\n", "\r\n"))
	}
	f.Add("No applications found")
	f.Add("NAME     status       mem    swp\nhpcc-sy* ok           14G     0M\n")
	f.Add("\"\"\n\",\"")
}

// check: what is refused is refused by name, and what is taken has one result for each line but the header.
func check(t *testing.T, text string, count int, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, ego.ErrNotUnderstood) || count != 0 {
			t.Fatalf("%d results and %v", count, err)
		}
		return
	}
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if want := strings.Count(text, "\n"); count != want {
		t.Fatalf("%d results of %d lines", count, want)
	}
}

func FuzzParseHosts(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		hosts, err := ego.ParseHosts(text)
		check(t, text, len(hosts), err)
		index := ego.NewIndex(hosts)
		for _, host := range hosts {
			if found, matches := index.Find(strings.ToUpper(host.Name)); matches != 1 || found.Name != host.Name {
				t.Fatalf("%q is %d hosts", host.Name, matches)
			}
		}
	})
}

func FuzzParseAllocations(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		allocations, err := ego.ParseAllocations(text)
		check(t, text, len(allocations), err)
		for _, allocation := range allocations {
			for _, place := range allocation.Places {
				if !ego.ValidHostName(place) || !strings.Contains(text, place) {
					t.Fatalf("%q is no host", place)
				}
			}
		}
	})
}

func FuzzParseSoamview(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		applications, err := ego.ParseApplications(text)
		check(t, text, len(applications), err)
		workload, err := ego.ParseWorkload(text)
		if err != nil && (!errors.Is(err, ego.ErrNotUnderstood) || workload != ego.Workload{}) {
			t.Fatalf("%v and %v", workload, err)
		}
	})
}
