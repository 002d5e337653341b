// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

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

// foreseen are the errors that callers know what to do with; any other would be retried without a reason that a person can read.
func foreseen(err error) bool {
	for _, one := range []error{ego.ErrUnreachable, ego.ErrForbidden, ego.ErrRefused, ego.ErrNotUnderstood} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// FuzzHosts is a whole poll: both lists, and which host has what. A host that is allocated must not look idle.
func FuzzHosts(f *testing.F) {
	hosts, allocations := fixture(f, "resource-list-ll.csv"), fixture(f, "alloc-list-ll.csv")
	f.Add(hosts, allocations)
	f.Add(hosts, "\"ALLOC\",\"CLIENT\",\"CONSUMER\",\"RGROUP\",\"RESOURCE\",\"ALLOCATED\"\n\"1\",\"a\",\"b\",\"c\",\"elsewhere\",\"1\"")
	f.Add("\"NAME\",\"status\"\n\"a.b\",\"ok\"\n\"a.c\",\"ok\"\n", "\"ALLOC\",\"CLIENT\",\"CONSUMER\",\"RGROUP\",\"ALLOCATED\",\"x\"\n\"1\",\"\",\"\",\"\",\"2\",\"a 2*A\"")
	f.Fuzz(func(t *testing.T, resources, allocations string) {
		found, err := ego.New(&answer{stdout: resources + "symphony-operator: alloc list\n" + allocations}, pod, 0).Hosts(t.Context())
		if err != nil {
			if !foreseen(err) || found != nil {
				t.Fatalf("%d hosts and %v", len(found), err)
			}
			return
		}
		placed := 0
		for i := range found {
			if found[i].Slots() < 0 {
				t.Fatalf("%s has %d slots", found[i].Name, found[i].Slots())
			}
			placed += len(found[i].Allocations)
		}
		if listed, err := ego.ParseAllocations(allocations); err == nil && placed == 0 {
			for _, one := range listed {
				if one.Slots > 0 {
					t.Fatalf("%d slots are allocated, and no host has any", one.Slots)
				}
			}
		}
	})
}

// FuzzWorkloads is what the session director says of all applications.
func FuzzWorkloads(f *testing.F) {
	list, one := fixture(f, "soamview-app.txt"), fixture(f, "soamview-app-l.txt")
	const marker = "symphony-operator: workload\n"
	f.Add(list + marker + one + marker + one)
	f.Add(list + marker + one)
	f.Add("No applications found\n")
	f.Add(list)
	f.Fuzz(func(t *testing.T, text string) {
		found, err := ego.New(&answer{stdout: text}, pod, 0).Workloads(t.Context())
		if err != nil && (!foreseen(err) || found != nil) {
			t.Fatalf("%v and %v", found, err)
		}
		for _, workload := range found {
			if workload.Application == "" || workload.Busy() < 0 || workload.Pending < 0 || workload.Running < 0 {
				t.Fatalf("%+v", workload)
			}
		}
	})
}

// FuzzComplaints has EGO say anything, on both outputs and with any exit status, when hosts are removed.
func FuzzComplaints(f *testing.F) {
	f.Add("Resource <a> is not found.\n", "", 73)
	f.Add("Resource <A> is not found\nResource <c> is not found\n", "Permission denied", 73)
	f.Add("No resource found", "cannot log on", 72)
	f.Add("", "\x1b[31m\n", 71)
	f.Add("", "", 0)
	f.Add("", "Killed", 137)
	f.Fuzz(func(t *testing.T, stdout, stderr string, code int) {
		runner := &answer{stdout: stdout}
		if code != 0 {
			runner.err = &ego.ExitError{Code: code, Stderr: stderr}
		}
		err := ego.New(runner, pod, 0).Remove(t.Context(), []string{"a", "b.c"})
		if err == nil {
			return
		}
		if missing, ok := errors.AsType[*ego.NotFoundError](err); ok {
			for _, host := range missing.Hosts {
				if host != "a" && host != "b.c" {
					t.Fatalf("nobody asked for %q", host)
				}
			}
		}
		if !foreseen(err) {
			t.Fatalf("nobody knows what to do about %v", err)
		}
		if strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Fatalf("not one printable line: %q", err.Error())
		}
	})
}

// FuzzHostNames: what may become an argument of a command is a name and nothing else, and whoever finds a host by a name
// finds one that has it.
func FuzzHostNames(f *testing.F) {
	for _, names := range [][2]string{
		{"prod-compute-abcde", "prod-compute-abcde.example.com"},
		{"WINHOST", "winhost"},
		{"192.0.2.1", "192"},
		{"-rf", "a b"},
		{"", "."},
		{"a..b", "a."},
		{"ſ", "s"},
		{"K", "k"},
		{"a.b", "a.c"},
		{"::1", "fe80::1%eth0"},
		{"a_b", strings.Repeat("a", 64)},
	} {
		f.Add(names[0], names[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range []string{a, b} {
			if ego.ValidHostName(name) && (name[0] == '-' || len(name) > 253 || strings.ContainsAny(name, " \t\n'\"$`;|&<>()*?[]#~=%\\")) {
				t.Fatalf("%q is no host's name", name)
			}
		}
		if ego.SameHost(a, b) != ego.SameHost(b, a) {
			t.Fatalf("%q and %q are the same only one way round", a, b)
		}
		if a != "" && !ego.SameHost(a, a) {
			t.Fatalf("%q is not itself", a)
		}
		if !ego.ValidHostName(a) || !ego.ValidHostName(b) {
			return
		}
		host, matches := ego.NewIndex([]ego.Host{{Name: a}}).Find(b)
		if (matches == 1) != ego.SameHost(a, b) || matches == 1 && host.Name != a {
			t.Fatalf("of %q, %q finds %d", a, b, matches)
		}
	})
}
