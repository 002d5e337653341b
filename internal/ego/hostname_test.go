// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

func TestSameHost(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"prod-compute-a", "prod-compute-a", true},
		{"prod-compute-a", "PROD-Compute-A", true},
		{"prod-compute-a", "prod-compute-a.default.svc", true},
		{"PROD-COMPUTE-A", "prod-compute-a.Default.svc", true},
		{"a.one", "a.ONE", true},
		{"a.one", "a.two", false},
		{"a", "b", false},
		{"a", "ab.one", false},
		{"a-1", "a", false},
		{"a.b", "a.b.c", false},
		{"10.0.0.1", "10.0.0.1", true},
		{"10", "10.0.0.1", false},
		{"", "", false},
		{"", "a", false},
		{".a", "", false},
	} {
		g := NewWithT(t)
		g.Expect(ego.SameHost(test.a, test.b)).To(Equal(test.same), "%s and %s", test.a, test.b)
		g.Expect(ego.SameHost(test.b, test.a)).To(Equal(test.same), "%s and %s", test.b, test.a)
	}
}

func TestValidHostName(t *testing.T) {
	g := NewWithT(t)
	for _, name := range []string{"a", "prod-compute-x7k2p", "Host_1.Example.com", "10.0.0.1", strings.Repeat("a", 63)} {
		g.Expect(ego.ValidHostName(name)).To(BeTrue(), name)
	}
	for _, name := range []string{
		"", "-", "-a", "a-", "a.-b", ".", "a..b", "a.", ".a", "a b", "a;b", "$(a)", "`a`", "a\n", "a*", "a/b", "é", "'a'",
		strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a", "a\x00",
	} {
		g.Expect(ego.ValidHostName(name)).To(BeFalse(), "%q", name)
	}
}

func TestIndex(t *testing.T) {
	names := []string{"a", "b.one", "C.One", "d", "d.one", "e.one", "e.two", "10.0.0.1"}
	hosts := make([]ego.Host, 0, len(names))
	for _, name := range names {
		hosts = append(hosts, ego.Host{Name: name})
	}
	index := ego.NewIndex(hosts)
	for _, test := range []struct {
		name, found string
		matches     int
	}{
		{"a", "a", 1},
		{"A.one", "a", 1},
		{"b", "b.one", 1},
		{"b.two", "", 0},
		{"c", "C.One", 1},
		{"c.one", "C.One", 1},
		// The host of exactly this name, whatever else there is.
		{"d", "d", 1},
		{"d.one", "d.one", 1},
		{"d.two", "d", 1},
		// It can be either: none is given, and the caller knows that there are some.
		{"e", "", 2},
		{"10", "", 0},
		{"10.0.0.1", "10.0.0.1", 1},
		{"", "", 0},
		{"x", "", 0},
	} {
		host, matches := index.Find(test.name)
		NewWithT(t).Expect(host.Name).To(Equal(test.found), test.name)
		NewWithT(t).Expect(matches).To(Equal(test.matches), test.name)
	}
}
