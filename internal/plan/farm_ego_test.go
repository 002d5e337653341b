// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// farmEGO is a farm's EGO. It is no egotest.Fake, because the farm has to know what EGO does not tell: which host really has a task, and
// whose close it was.
type farmEGO struct {
	hosts map[string]*farmHost
	// started is the last start of the master; director is true when its session director answers.
	started  time.Time
	director bool
	// asking and changing are why nothing is answered, and why nothing is changed.
	asking, changing error
	// hidden is true when what is changed is done, and its answer lost.
	hidden bool
	// calls counts changes.
	calls int
}

type farmHost struct {
	name           string
	closed, silent bool
	// administrator is true when an administrator closed it, and disputed when the operator could not know: it had noted that it closes
	// the host, or was about to.
	administrator, disputed bool
	// held is true when a consumer holds slots, task when one of its instances works, and reclaiming when EGO takes it back.
	held, task, reclaiming bool
}

func (h *farmHost) state() ego.State {
	switch {
	case h.silent:
		return ego.StateUnavailable
	case h.closed:
		return ego.StateClosed
	default:
		return ego.StateOK
	}
}

func (e *farmEGO) text(name string) string {
	host := e.hosts[name]
	if host == nil {
		return "no host"
	}
	return fmt.Sprintf("host %s held=%t task=%t reclaiming=%t administrator=%t", host.state(), host.held, host.task, host.reclaiming, host.administrator)
}

func (e *farmEGO) sorted() []*farmHost {
	all := make([]*farmHost, 0, len(e.hosts))
	for _, name := range slices.Sorted(maps.Keys(e.hosts)) {
		all = append(all, e.hosts[name])
	}
	return all
}

// start is a new start of the master: all hosts have to come back.
func (e *farmEGO) start(now time.Time) {
	e.started, e.director = now, false
	for _, host := range e.hosts {
		host.silent = true
	}
}

// silence is a host that ceases to answer for good: EGO starts its work again elsewhere.
func (e *farmEGO) silence(name string) {
	if host := e.hosts[name]; host != nil {
		host.silent, host.held, host.task, host.reclaiming = true, false, false, false
	}
}

// settle gives up hosts that have not come back in time.
func (e *farmEGO) settle(now time.Time) {
	if now.Before(e.started.Add(farmSettle)) {
		return
	}
	for _, host := range e.hosts {
		if host.silent {
			e.silence(host.name)
		}
	}
}

// answer is what a poll sees.
func (e *farmEGO) answer(now time.Time, before *observe.EGORead) *observe.EGORead {
	if e.asking != nil {
		return &observe.EGORead{At: now, Err: e.asking}
	}
	read := &observe.EGORead{At: now, SessionDirector: e.director, IdleLooks: map[string]int{}}
	running := 0
	for _, host := range e.sorted() {
		listed := ego.Host{Name: host.name, State: host.state()}
		// Of hosts that have not come back, the lists know nothing.
		if host.held && !host.silent {
			listed.Allocations = []ego.Allocation{{ID: host.name, Consumer: "/c", Slots: 1, Places: []string{host.name}}}
		}
		if host.task {
			running++
		}
		read.Hosts = append(read.Hosts, listed)
	}
	if e.director {
		read.Workloads = []ego.Workload{{Application: "app", Enabled: true, Consumer: "/c", Running: running}}
	}
	for i := range read.Hosts {
		if observe.Working(&read.Hosts[i], read.Workloads) {
			continue
		}
		read.IdleLooks[read.Hosts[i].Name] = 1
		if before != nil && before.IdleLooks[read.Hosts[i].Name] > 0 {
			read.IdleLooks[read.Hosts[i].Name] = observe.EnoughIdleLooks
		}
	}
	return read
}

// change does something to hosts, unless EGO is in a mood.
func (e *farmEGO) change(names []string, do func(*farmHost)) error {
	e.calls++
	if e.changing != nil && !e.hidden {
		return e.changing
	}
	for _, name := range names {
		if host := e.hosts[name]; host != nil {
			do(host)
		}
	}
	return e.changing
}
