// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func TestOnlyWhatDiffersIsNews(t *testing.T) {
	p := newPolled(t, polledHost)
	p.read()
	p.answered()
	p.look()
	p.drain()
	for _, event := range []struct {
		what string
		do   func()
		news int
	}{
		{"nothing happens", func() {}, 0},
		{"a host gets work", func() { p.Allocate(polledHost, 1) }, 1},
		{"it goes on", func() {}, 0},
		{"it gets more", func() { p.Allocate(polledHost, 1) }, 1},
		{"its consumer has nothing to do", func() { p.SetWorkload(ego.Workload{Application: "app", Consumer: "/egotest"}) }, 1},
		{"still so, which makes it idle", func() {}, 1},
		{"still so", func() {}, 0},
		{"a host joins", func() { p.Join("prod-compute-bbbbb") }, 1},
		{"it was idle twice", func() {}, 1},
		{"it does not answer", func() { p.Silence("prod-compute-bbbbb") }, 1},
		{"EGO cannot be asked", func() { p.fails(egotest.Always(fmt.Errorf("%w: port 1", ego.ErrUnreachable))) }, 1},
		{"for the same reason", func() { p.fails(egotest.Always(fmt.Errorf("%w: port 2", ego.ErrUnreachable))) }, 0},
		{"for another", func() { p.fails(egotest.Always(ego.ErrForbidden)) }, 1},
		{"it can", func() { p.fails(nil) }, 1},
	} {
		event.do()
		p.look()
		p.g.Expect(p.reads.Changed).To(HaveLen(event.news), event.what)
		p.drain()
	}
}

func TestNobodyWaitsForAControllerThatIsBusy(t *testing.T) {
	p := newPolled(t, polledHost)
	p.reads.Changed = nil
	p.read()
	p.g.Expect(p.answered().Err).NotTo(HaveOccurred())
}

// Management hosts hold something all the time, and the applications' numbers cost a command each.
func TestWorkloadsAreAskedForOnlyWhenAComputeHostIsAllocated(t *testing.T) {
	p := newPolled(t, "PROD-COMPUTE-AAAAA.example.com", "prod-master", "prod-computer")
	verbs := func() []string {
		var all []string
		for _, call := range p.Calls() {
			all = append(all, call.Verb)
		}
		return all[len(all)-2:]
	}
	p.Allocate("prod-master", 3)
	p.Allocate("prod-computer", 1)
	p.read()
	p.g.Expect(p.answered()).To(And(HaveField("Workloads", BeEmpty()), HaveField("SessionDirector", true)))
	p.g.Expect(verbs()).To(Equal([]string{egotest.VerbHosts, egotest.VerbApplications}))

	p.Allocate("PROD-COMPUTE-AAAAA.example.com", 1)
	p.SetWorkload(ego.Workload{Application: "app", Running: 1})
	p.g.Expect(p.look().Workloads).To(HaveLen(1))
	p.g.Expect(verbs()).To(Equal([]string{egotest.VerbHosts, egotest.VerbWorkloads}))
}

func TestWithoutItsSessionDirectorEGOStillTellsItsHosts(t *testing.T) {
	p := newPolled(t, polledHost)
	p.Allocate(polledHost, 1)
	p.fails(func(_ context.Context, call egotest.Call) error {
		if call.Verb != egotest.VerbHosts {
			return ego.ErrUnreachable
		}
		return nil
	})
	p.read()
	read := p.answered()
	p.g.Expect(read.Err).NotTo(HaveOccurred())
	p.g.Expect(read.SessionDirector).To(BeFalse())
	p.g.Expect(observe.Working(&read.Hosts[0], read.Workloads)).To(BeTrue())
}

func TestIdleLooksAreCountedInARow(t *testing.T) {
	p := newPolled(t, polledHost, "prod-compute-bbbbb")
	looks := func(read *observe.EGORead) []int {
		return []int{read.IdleLooks[polledHost], read.IdleLooks["prod-compute-bbbbb"]}
	}
	p.read()
	p.g.Expect(looks(p.answered())).To(Equal([]int{1, 1}))
	p.Allocate(polledHost, 1)
	p.g.Expect(looks(p.look())).To(Equal([]int{0, 2}))
	p.Free(polledHost)
	p.g.Expect(looks(p.look())).To(Equal([]int{1, 2}), "no more than are needed")
	p.fails(egotest.Always(ego.ErrUnreachable))
	p.g.Expect(looks(p.look())).To(Equal([]int{0, 0}), "nobody knows")
	p.fails(nil)
	p.g.Expect(looks(p.look())).To(Equal([]int{1, 1}), "and nobody knows what was meanwhile")
	p.reads.HostsChange(prod(), nil)
	p.g.Eventually(func() []int { return looks(p.read()) }).Should(Equal([]int{2, 2}), "a change does not interrupt it")
}

func TestAHostWorksUnlessAllThatIsHeldOfItIsKnownToBeIdle(t *testing.T) {
	idle, other := ego.Workload{Consumer: "/a", Occupied: 2, Unused: 2}, ego.Workload{Consumer: "/b"}
	for name, c := range map[string]struct {
		consumers []string
		workloads []ego.Workload
		works     bool
	}{
		"nothing is held":                          {nil, nil, false},
		"held by nobody that is known":             {[]string{"/a"}, []ego.Workload{other}, true},
		"held while nobody could be asked":         {[]string{"/a"}, nil, true},
		"held by one without a task":               {[]string{"/a"}, []ego.Workload{other, idle}, false},
		"held by one that has tasks waiting":       {[]string{"/a"}, []ego.Workload{{Consumer: "/a", Pending: 1}}, true},
		"held by one that has tasks":               {[]string{"/a"}, []ego.Workload{{Consumer: "/a", Running: 1}}, true},
		"held by one whose instances are not idle": {[]string{"/a"}, []ego.Workload{{Consumer: "/a", Occupied: 2, Unused: 1}}, true},
		"one of its applications has tasks":        {[]string{"/a"}, []ego.Workload{idle, {Consumer: "/a", Running: 1}}, true},
		"held by an idle one and a service":        {[]string{"/a", "/service"}, []ego.Workload{idle}, true},
		"held by somebody without a name":          {[]string{""}, []ego.Workload{{}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			host := ego.Host{}
			for _, consumer := range c.consumers {
				host.Allocations = append(host.Allocations, ego.Allocation{Consumer: consumer, Slots: 1})
			}
			slices.Reverse(host.Allocations)
			NewWithT(t).Expect(observe.Working(&host, c.workloads)).To(Equal(c.works))
		})
	}
}

func TestTroubleWithEGOHasReasonsThatStayTheSame(t *testing.T) {
	g := NewWithT(t)
	for reason, err := range map[string]error{
		"": nil, "EGOForbidden": fmt.Errorf("x: %w", ego.ErrForbidden), "EGONotUnderstood": ego.ErrNotUnderstood,
		"EGORefused": &ego.NotFoundError{Hosts: []string{"a"}}, "EGOUnreachable": errors.New("anything else"),
	} {
		g.Expect(observe.EGOTrouble(err)).To(Equal(reason))
	}
}
