// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package table is VEMKD's host table: which hosts the master knows, what state each is in, and who holds what on it.
// It has no clock and no network: both are its caller's.
package table

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// The states that `egosh resource list` prints. Lower case "closed" is taken from scripts, not from IBM's documents.
const (
	StatusOK          = "ok"
	StatusUnavailable = "unavail"
	StatusClosed      = "closed"
)

// Reasons of a closed host, as documented.
const (
	reasonClosed  = "closed by administrator"
	reasonReclaim = "cluster administrator closes and reclaims the host"
)

// Timing is what the table's states depend on. After which silence a host is `unavail` is not documented.
type Timing struct {
	Unavailable  time.Duration // without a heartbeat
	Forget       time.Duration // EGO_DYNAMIC_HOST_TIMEOUT, 0: never
	ReclaimGrace time.Duration // the consumer's reclaim grace period, 0 in the product
}

// Table is safe for concurrent use.
type Table struct {
	mutex  sync.Mutex
	timing Timing
	hosts  map[string]*host
	allocs []wire.Allocation
	nextID int

	apps     []wire.Application
	tasks    []wire.Task
	nextTask int
	events   []Event
}

type host struct {
	wire.Host

	master    bool
	lastBeat  time.Time
	closed    bool
	reclaimAt time.Time
	// restored: the master was started again and has not heard of the host since.
	restored bool
}

// New is an empty table.
func New(timing Timing) *Table {
	return &Table{timing: timing, hosts: map[string]*host{}, nextID: 1, nextTask: 1}
}

// Beat notes a heartbeat. A host that the table does not know joins: so a removed host whose LIM still runs comes
// back, and a master that started empty learns all its hosts again.
func (t *Table) Beat(name, address string, load wire.Load, now time.Time) (joined bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	key := strings.ToLower(name)
	known := t.hosts[key]
	if known == nil {
		known = &host{Host: wire.Host{Name: name}}
		t.hosts[key] = known
	}
	joined = known.lastBeat.IsZero()
	// That everything on a host ends with its LIM is a guess, and true of a container that was started again.
	if known.Load.Start != "" && load.Start != "" && known.Load.Start != load.Start {
		t.lose(known.Name, EventHostLost)
	}
	known.Address, known.Load, known.lastBeat, known.restored = address, load, now, false
	return joined
}

// SetMaster notes which host the table is on: it is ok as long as it answers.
func (t *Table) SetMaster(name, address string, load wire.Load, now time.Time) {
	load.Management = true
	t.Beat(name, address, load, now)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.hosts[strings.ToLower(name)].master = true
}

// Expire drops hosts that were unavailable for too long, gives back what hosts lost, ends the tasks whose time is over,
// starts those that wait, and returns the dropped names.
func (t *Table) Expire(now time.Time) []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var dropped []string
	for key, known := range t.hosts {
		if !known.reclaimAt.IsZero() && !now.Before(known.reclaimAt) {
			known.reclaimAt = time.Time{}
			t.lose(known.Name, EventReclaimed)
		}
		if known.master || !t.silent(known, now) {
			continue
		}
		// Work on a host that is gone is started again elsewhere.
		t.lose(known.Name, EventHostLost)
		if t.timing.Forget > 0 && now.Sub(known.lastBeat) > t.timing.Unavailable+t.timing.Forget {
			delete(t.hosts, key)
			dropped = append(dropped, known.Name)
		}
	}
	t.finishOnTime()
	t.schedule(now)
	slices.Sort(dropped)
	return dropped
}

// List is all hosts with their present state, the master first.
func (t *Table) List(now time.Time) []wire.Host {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	list := make([]wire.Host, 0, len(t.hosts))
	for _, known := range t.hosts {
		entry := known.Host
		entry.Status, entry.Reason = t.status(known, now), ""
		if entry.Status == StatusClosed {
			entry.Reason = known.Reason
		}
		list = append(list, entry)
	}
	slices.SortFunc(list, func(a, b wire.Host) int {
		if a.Load.Management != b.Load.Management {
			if a.Load.Management {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

// Close stops new allocations on hosts; with reclaim it also takes back what is held, after the grace period. The
// known ones are served, the unknown ones are returned.
func (t *Table) Close(names []string, reclaim bool, comment string, now time.Time) (unknown []string) {
	return t.each(names, func(known *host) {
		known.closed, known.Comment, known.Reason = true, comment, reasonClosed
		if reclaim {
			known.Reason, known.reclaimAt = reasonReclaim, now.Add(t.timing.ReclaimGrace)
		}
	})
}

// Open takes the closing of hosts back.
func (t *Table) Open(names []string) (unknown []string) {
	return t.each(names, func(known *host) {
		known.closed, known.Comment, known.Reason, known.reclaimAt = false, "", "", time.Time{}
	})
}

// Remove drops hosts. One whose LIM runs is back, open, with its next heartbeat.
func (t *Table) Remove(names []string) (unknown []string) {
	return t.each(names, func(known *host) {
		if known.master {
			return
		}
		t.lose(known.Name, EventHostLost)
		delete(t.hosts, strings.ToLower(known.Name))
	})
}

// Allocate lets a consumer hold slots of a host.
func (t *Table) Allocate(name, consumer string, slots int, now time.Time) (wire.Allocation, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	known := t.find(name)
	if known == nil {
		return wire.Allocation{}, fmt.Errorf("Resource <%s> is not found", name)
	}
	if status := t.status(known, now); status != StatusOK {
		return wire.Allocation{}, fmt.Errorf("Resource <%s> is %s", name, status)
	}
	return t.hold(wire.Allocation{Client: "symsim", Consumer: consumer, Host: known.Name, Slots: slots}), nil
}

// hold adds an allocation and gives it its number.
func (t *Table) hold(alloc wire.Allocation) wire.Allocation {
	alloc.ID, alloc.Group = t.nextID, "ComputeHosts"
	t.nextID++
	t.allocs = append(t.allocs, alloc)
	return alloc
}

// Free gives back all that is held on a host, or one allocation by its number; it returns how many. A task keeps what it
// runs in.
func (t *Table) Free(which string) int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	before, busy := len(t.allocs), t.busy()
	t.allocs = slices.DeleteFunc(t.allocs, func(alloc wire.Allocation) bool {
		return !busy[alloc.ID] && (strings.EqualFold(alloc.Host, which) || fmt.Sprint(alloc.ID) == which)
	})
	return before - len(t.allocs)
}

// Allocations is what is held, in the order of its making.
func (t *Table) Allocations() []wire.Allocation {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.allocs)
}

// Joins tells whether a heartbeat is a host's first, the first after a silence, or the first from an address.
func (t *Table) Joins(name, address string, now time.Time) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	known := t.find(name)
	return known == nil || known.restored || known.Address != address || t.silent(known, now)
}

func (t *Table) each(names []string, change func(*host)) (unknown []string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, name := range names {
		if known := t.find(name); known != nil {
			change(known)
		} else {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func (t *Table) find(name string) *host { return t.hosts[strings.ToLower(name)] }

// lose takes everything from a host, and says of its tasks why.
func (t *Table) lose(name, why string) {
	t.interrupt(name, why)
	t.allocs = slices.DeleteFunc(t.allocs, func(alloc wire.Allocation) bool { return alloc.Host == name })
}

func (t *Table) silent(known *host, now time.Time) bool {
	return now.Sub(known.lastBeat) > t.timing.Unavailable
}

// status: that a silent host which is closed counts as unavailable is a guess.
func (t *Table) status(known *host, now time.Time) string {
	switch {
	case !known.master && t.silent(known, now):
		return StatusUnavailable
	case known.closed:
		return StatusClosed
	default:
		return StatusOK
	}
}
