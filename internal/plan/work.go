// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// Work is what is known of the work on a compute pod's host.
type Work int

// In the order in which pods had better go.
const (
	// NothingRuns says that the container of the pod does not run, so nothing in it does, whatever EGO says.
	NothingRuns Work = iota
	// NoWork says that nothing of the host is allocated, or that EGO does not know it.
	NoWork
	// LeftOver says that consumers hold something of the host and have no task: idle service instances.
	LeftOver
	// Busy says that the host may have tasks.
	Busy
	// Unknown says that EGO could not be asked, or that its lists do not tell yet. It counts as busy.
	Unknown
)

// Host is a compute pod's host.
type Host struct {
	// Name is EGO's own; "" when EGO does not know the host, or cannot be asked.
	Name  string
	State ego.State
	Work  Work
	// Slots is how many are allocated.
	Slots int
}

// grid is what EGO says of the compute pods' hosts.
type grid struct {
	read    *observe.EGORead
	index   *ego.Index
	settled bool
	// unasked is true while the first answer of a running master, or a new one, is on its way.
	unasked bool
	// settlesAt is when hosts stop counting as busy only because the master was started; zero when that is not known.
	settlesAt time.Time
}

// newGrid is without an index when EGO cannot be asked.
func newGrid(facts *observe.Facts, master *corev1.Pod) *grid {
	g := &grid{read: facts.EGO, unasked: master != nil && (facts.EGO == nil || facts.EGO.Stale && facts.EGO.Err == nil)}
	if g.read == nil || g.read.Err != nil || master == nil {
		return g
	}
	g.index = g.read.Index()
	if started := startOf(master); !started.IsZero() {
		g.settlesAt = started.Add(facts.Cluster.Spec.Compute.ScaleIn.SettleOrDefault())
		g.settled = !facts.Now.Before(g.settlesAt)
	}
	g.settled = g.settled || g.read.SessionDirector && g.allBack(facts.ComputePods)
	return g
}

// answers reports whether EGO was asked and answered.
func (g *grid) answers() bool { return g.index != nil }

// current reports whether what EGO said counts: hosts that the operator itself has closed or opened since may be otherwise.
func (g *grid) current() bool { return g.answers() && !g.read.Stale }

// allBack reports whether every compute pod that runs is a host that answers. After a start of the master its lists are empty, or
// from before: what hosts do is known when they are back.
func (g *grid) allBack(pods []*corev1.Pod) bool {
	for _, pod := range pods {
		if !observe.PodReady(pod) {
			continue
		}
		found, matches := g.index.Find(pod.Name)
		if matches != 1 || found.State == ego.StateUnavailable {
			return false
		}
	}
	return true
}

// host is what is known of a pod's host.
func (g *grid) host(pod *corev1.Pod) Host {
	if !observe.Runs(pod) {
		host := g.named(pod)
		host.Work = NothingRuns
		return host
	}
	return g.named(pod)
}

func (g *grid) named(pod *corev1.Pod) Host {
	if !g.answers() {
		return Host{Work: Unknown}
	}
	found, matches := g.index.Find(pod.Name)
	if matches > 1 {
		return Host{Work: Unknown}
	}
	host := Host{Name: found.Name, State: found.State, Slots: found.Slots()}
	switch {
	case !g.settled, found.State == ego.StateUnknown:
		host.Work = Unknown
	case len(found.Allocations) == 0:
		host.Work = NoWork
	case observe.Working(&found, g.read.Workloads):
		host.Work = Busy
	default:
		host.Work = LeftOver
	}
	return host
}

// startOf is when the container that runs Symphony was started, zero when it does not run.
func startOf(pod *corev1.Pod) time.Time {
	for i := range pod.Status.ContainerStatuses {
		if c := &pod.Status.ContainerStatuses[i]; c.Name == names.Container && c.State.Running != nil {
			return c.State.Running.StartedAt.Time
		}
	}
	return time.Time{}
}
