// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package egotest is an EGO in memory, for tests of what decides on hosts.
package egotest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

// Verbs of calls.
const (
	VerbHosts        = "hosts"
	VerbApplications = "applications"
	VerbWorkloads    = "workloads"
	VerbLogon        = "logon"
	VerbClose        = "close"
	VerbOpen         = "open"
	VerbRemove       = "remove"
)

// Call is what somebody asked of EGO.
type Call struct {
	Verb    string
	Names   []string
	Reclaim bool
	Comment string
}

// String is for golden logs: `close -reclaim a b`.
func (c Call) String() string {
	words := []string{c.Verb}
	if c.Reclaim {
		words = append(words, "-reclaim")
	}
	return strings.Join(append(words, c.Names...), " ")
}

// Fake is safe for concurrent use, but for its fields, which are set before.
type Fake struct {
	// Before and After are called around every call, without the lock, and can let it fail, wait for its context, or end
	// the test's operator: an error of Before keeps the call from taking effect, one of After hides that it did.
	Before, After func(context.Context, Call) error
	// KeepOnReclaim is a reclaim grace period: what is allocated stays until EndReclaim.
	KeepOnReclaim bool

	mutex     sync.Mutex
	hosts     map[string]*host
	calls     []Call
	workloads map[string]ego.Workload
	nextID    int
}

type host struct {
	ego.Host

	closed, silent bool
	reclaiming     bool
	comment        string
}

var _ ego.EGO = &Fake{}

// New is an EGO with these hosts, all ok.
func New(hosts ...string) *Fake {
	fake := &Fake{hosts: map[string]*host{}, workloads: map[string]ego.Workload{}}
	for _, name := range hosts {
		fake.Join(name)
	}
	return fake
}

// Always is a fault for Before or After.
func Always(err error) func(context.Context, Call) error {
	return func(context.Context, Call) error { return err }
}

// Hang is a fault for Before or After: no answer until the deadline.
func Hang(ctx context.Context, _ Call) error {
	<-ctx.Done()
	return fmt.Errorf("%w: %w", ego.ErrUnreachable, ctx.Err())
}

// Join is a host's LIM that starts: a host that EGO knows answers again, in the state it had; a new one is ok.
func (f *Fake) Join(name string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if known := f.hosts[strings.ToLower(name)]; known != nil {
		known.silent = false
		return
	}
	f.hosts[strings.ToLower(name)] = &host{Host: ego.Host{Name: name}}
}

// Silence is a host that no longer answers: it loses its work.
func (f *Fake) Silence(name string) {
	f.with(name, func(known *host) { known.silent, known.Allocations = true, nil })
}

// CloseAsAdministrator is somebody else's close, which is not among the calls.
func (f *Fake) CloseAsAdministrator(name, comment string) {
	f.with(name, func(known *host) { known.closed, known.comment = true, comment })
}

// Allocate lets a consumer hold slots of a host, and returns the allocation's number. A host that is not ok gets none.
func (f *Fake) Allocate(name string, slots int) string {
	var id string
	f.with(name, func(known *host) {
		if known.state() != ego.StateOK {
			return
		}
		f.nextID++
		id = strconv.Itoa(f.nextID)
		known.Allocations = append(known.Allocations, ego.Allocation{
			ID: id, Client: "egotest", Consumer: "/egotest", Group: "ComputeHosts", Slots: slots, Places: []string{known.Name},
		})
	})
	return id
}

// Free is work on a host that ends.
func (f *Fake) Free(name string) { f.with(name, func(known *host) { known.Allocations = nil }) }

// EndReclaim is the end of the reclaim grace period.
func (f *Fake) EndReclaim() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, known := range f.hosts {
		if known.reclaiming {
			known.Allocations, known.reclaiming = nil, false
		}
	}
}

// SetWorkload is an application's work.
func (f *Fake) SetWorkload(workload ego.Workload) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.workloads[workload.Application] = workload
}

// Forget is a master that lost its state and starts empty.
func (f *Fake) Forget() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	clear(f.hosts)
}

// State is a host's, empty if EGO does not know it.
func (f *Fake) State(name string) ego.State {
	var state ego.State
	f.with(name, func(known *host) { state = known.state() })
	return state
}

// Comment is that of who closed a host.
func (f *Fake) Comment(name string) string {
	var comment string
	f.with(name, func(known *host) { comment = known.comment })
	return comment
}

// Calls are all calls so far; Changes are those that change something.
func (f *Fake) Calls() []Call {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Clone(f.calls)
}

// Changes leaves out the calls that only look.
func (f *Fake) Changes() []Call {
	return slices.DeleteFunc(f.Calls(), func(call Call) bool {
		return call.Verb != VerbClose && call.Verb != VerbOpen && call.Verb != VerbRemove
	})
}

func (f *Fake) with(name string, do func(*host)) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if known := f.hosts[strings.ToLower(name)]; known != nil {
		do(known)
	}
}

func (h *host) state() ego.State {
	switch {
	case h.silent:
		return ego.StateUnavailable
	case h.closed:
		return ego.StateClosed
	default:
		return ego.StateOK
	}
}
