// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package egotest_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
)

func TestFake(t *testing.T) {
	g := NewWithT(t)
	ctx := t.Context()
	fake := egotest.New("a", "b")
	g.Expect(fake.Allocate("A", 2)).To(Equal("1"))
	g.Expect(fake.Close(ctx, []string{"a", "x"}, ego.CloseOptions{Comment: "symphony-operator"})).
		To(Equal(&ego.NotFoundError{Hosts: []string{"x"}}))
	g.Expect(fake.State("a")).To(Equal(ego.StateClosed))
	g.Expect(fake.Comment("a")).To(Equal("symphony-operator"))
	g.Expect(fake.Allocate("a", 1)).To(BeEmpty(), "nothing new comes")
	hosts, err := fake.Hosts(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hosts[0].Slots()).To(Equal(2))

	fake.KeepOnReclaim = true
	g.Expect(fake.Close(ctx, []string{"a"}, ego.CloseOptions{Reclaim: true})).To(Succeed())
	g.Expect(fake.Hosts(ctx)).To(ContainElement(HaveField("Allocations", HaveLen(1))))
	fake.EndReclaim()
	g.Expect(fake.Hosts(ctx)).NotTo(ContainElement(HaveField("Allocations", Not(BeEmpty()))))

	g.Expect(fake.Remove(ctx, []string{"a"})).To(Succeed())
	g.Expect(fake.State("a")).To(Equal(ego.StateOK), "it runs: it is back, and open")
	fake.Silence("a")
	g.Expect(fake.State("a")).To(Equal(ego.StateUnavailable))
	g.Expect(fake.Remove(ctx, []string{"a"})).To(Succeed())
	g.Expect(fake.State("a")).To(BeEmpty())

	fake.CloseAsAdministrator("b", "maintenance")
	g.Expect(fake.Open(ctx, []string{"b"})).To(Succeed())
	var log []string
	for _, call := range fake.Changes() {
		log = append(log, call.String())
	}
	g.Expect(log).To(Equal([]string{"close a x", "close -reclaim a", "remove a", "remove a", "open b"}))
}

func TestFaults(t *testing.T) {
	g := NewWithT(t)
	fake := egotest.New("a")
	fake.Before = egotest.Always(ego.ErrForbidden)
	g.Expect(fake.Close(t.Context(), []string{"a"}, ego.CloseOptions{})).To(MatchError(ego.ErrForbidden))
	g.Expect(fake.State("a")).To(Equal(ego.StateOK))
	fake.Before, fake.After = nil, egotest.Always(ego.ErrUnreachable)
	g.Expect(fake.Close(t.Context(), []string{"a"}, ego.CloseOptions{})).To(MatchError(ego.ErrUnreachable))
	g.Expect(fake.State("a")).To(Equal(ego.StateClosed), "it did, and nobody heard of it")
	fake.After = egotest.Hang
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	hosts, err := fake.Hosts(ctx)
	g.Expect(err).To(MatchError(ego.ErrUnreachable))
	g.Expect(hosts).To(BeNil())
	g.Expect(fake.Calls()).To(HaveLen(3))
}

func TestWorkload(t *testing.T) {
	g := NewWithT(t)
	fake := egotest.New("a")
	want := ego.Workload{Application: "app", Enabled: true, Running: 1}
	fake.SetWorkload(want)
	g.Expect(fake.Applications(t.Context())).To(Equal([]ego.Application{{Name: "app", Enabled: true}}))
	g.Expect(fake.Workloads(t.Context())).To(Equal([]ego.Workload{want}))
	g.Expect(fake.Logon(t.Context())).To(Succeed())
	fake.Forget()
	g.Expect(fake.Hosts(t.Context())).To(BeEmpty())
}
