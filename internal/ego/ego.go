// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ego is EGO's command line as a Go interface: which hosts the master has, what they hold, and closing, opening
// and removing them. The commands run in the master's pod, through the API server's exec.
//
// The right to do that (pods/exec, verbs get and create) is a ClusterRole of its own, which the wiring of this package
// brings: there is no marker here, because one would put the right into the operator's own role, in every namespace.
package ego

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Errors carry the policy. After each of them it is unknown what hosts hold, and unknown means busy. They are compared
// with errors.Is. The text that comes with them is for people and logs: of a connection that broke, it has numbers that
// differ every time, so a condition must not repeat it.
var (
	// ErrUnreachable: EGO, its pod or the way there does not answer, or not in time. It may have done what it was asked.
	// Try again; never remove a host because of it.
	ErrUnreachable = errors.New("EGO cannot be reached")
	// ErrForbidden: the operator may not run commands in the pod. An administrator has to grant it, or does not want to.
	ErrForbidden = errors.New("commands in the master's pod are forbidden")
	// ErrRefused: EGO answered and did not do it: the password is wrong, a host does not exist, an argument is bad.
	// The same call will not do better, unless something else changes.
	ErrRefused = errors.New("EGO refused")
	// ErrNotUnderstood: EGO answered in a format that this operator does not know. Nothing of the answer is used.
	ErrNotUnderstood = errors.New("EGO's answer is not understood")
)

// NotFoundError names the hosts that EGO does not know. What was asked was done to all others. It is an ErrRefused;
// after a removal it is what was wanted.
type NotFoundError struct {
	Hosts []string
}

// Error names them all: they are few, and the caller decides what to show.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%v: no such host: %s", ErrRefused, strings.Join(e.Hosts, ", "))
}

// Is makes it a refusal.
func (e *NotFoundError) Is(target error) bool { return target == ErrRefused }

// EGO is the master of one cluster.
//
// Every call has a deadline: the context's, and the implementation's own for each command. When it is over, the call
// returns ErrUnreachable, though the command may still take effect.
//
// Close, Open and Remove can be repeated without harm, log on by themselves, and serve the hosts that EGO knows when it
// does not know others. That they return nil says that EGO did not object: neither its texts of success nor its exit
// statuses are documented, so the next Hosts tells what is true. Host names are passed as Hosts returned them.
type EGO interface {
	// Hosts is `resource list` and `alloc list`: all hosts, the master's own and other management hosts among them, each
	// with what is allocated of it. The allocations are read after the states, so that a host which is closed and holds
	// nothing is one that gets nothing any more. It takes no logon.
	Hosts(ctx context.Context) ([]Host, error)
	// Applications is `soamview app`: the applications that the session director knows. ErrUnreachable while it is not
	// up, which after a start of the master is later than EGO. It takes no logon.
	Applications(ctx context.Context) ([]Application, error)
	// Workloads is `soamview app NAME -l` of every application: how much it has to do. ErrUnreachable as of Applications.
	Workloads(ctx context.Context) ([]Workload, error)
	// Logon finds out whether EGO takes the administrator's password that is mounted in the master's pod. ErrRefused:
	// there is none, or it is wrong.
	Logon(ctx context.Context) error
	// Close keeps new work from hosts. What runs goes on, and what is allocated stays so until its consumer returns it.
	Close(ctx context.Context, hosts []string, options CloseOptions) error
	// Open lets work come again, and takes a reclaim back that has not happened yet. It opens hosts whoever closed them:
	// not to open what an administrator closed is up to the caller, because EGO's lists do not tell who did.
	Open(ctx context.Context, hosts []string) error
	// Remove drops hosts from EGO's table. One whose LIM still runs is back, and open, a heartbeat later: only hosts
	// whose pods are gone may be removed.
	Remove(ctx context.Context, hosts []string) error
}

// CloseOptions are those of `resource close`.
type CloseOptions struct {
	// Reclaim takes back what is allocated: work gets its consumer's reclaim grace period (none by default), then it is
	// ended and started again elsewhere.
	Reclaim bool
	// Comment tells administrators who closed the host and why: printable ASCII, at most 1024 characters.
	Comment string
}

// State is what EGO says of a host. Why a host is closed is not in any list whose format is known.
type State string

// The states that are documented. Everything else is StateUnknown.
const (
	// StateOK hosts take work.
	StateOK State = "ok"
	// StateClosed hosts take no new work: closed by an administrator (or this operator), locked, too busy, unlicensed.
	StateClosed State = "closed"
	// StateUnavailable hosts do not answer.
	StateUnavailable State = "unavail"
	// StateUnknown is a word that this operator does not know. Such a host counts as busy.
	StateUnknown State = "unknown"
)

// Host is one host of EGO's table.
type Host struct {
	// Name as EGO has it, short or with a domain, in its own case.
	Name  string
	State State
	// Status is the word that State was made of.
	Status string
	Load   Load
	// Allocations are what consumers hold of the host. Idle service instances keep theirs: it is not what is running.
	Allocations []Allocation
}

// Slots is how many slots of the host are allocated; of allocations that name several hosts, it is at most that many.
func (h *Host) Slots() int {
	total := 0
	for i := range h.Allocations {
		total += h.Allocations[i].Slots
	}
	return total
}

// Load is what a host last told of itself. Nothing that must be right may depend on it: a reading that is not understood
// is one that is not there.
type Load struct {
	// Memory, Swap and Tmp are free bytes.
	Memory, Swap, Tmp Reading
	// CPU is the share in use, 0 to 1.
	CPU Reading
	// Run15s, Run1m and Run15m are the average lengths of the run queue.
	Run15s, Run1m, Run15m Reading
	// Paging is pages a second, IdleMinutes the time since somebody last used the host, Logins how many are logged on.
	Paging, IdleMinutes, Logins Reading
}

// Reading is a value that can be missing: hosts that do not answer have none.
type Reading struct {
	Value float64
	Known bool
}

// Allocation is a number of slots that a consumer holds.
type Allocation struct {
	ID       string
	Client   string
	Consumer string
	Group    string
	Slots    int
	// Places are the words of the line that can be names of hosts. In which column EGO names the host is not documented;
	// IBM's own requestor looks for it in the whole line.
	Places []string
}

// Application is one line of `soamview app`.
type Application struct {
	Name    string
	Enabled bool
}

// Workload is what `soamview app NAME -l` tells of an application, over all its hosts.
type Workload struct {
	Application string
	Enabled     bool
	// Consumer is whose allocations the application works with; "" if EGO does not say.
	Consumer string
	// Pending, Running and Done are tasks.
	Pending, Running, Done int
	// Occupied are the slots that the application holds, Unused those of them whose service instances are idle.
	Occupied, Unused int
}

// Busy is how many slots have a task.
func (w Workload) Busy() int { return max(w.Occupied-w.Unused, 0) }

// Idle reports whether there is no task, running or waiting: what the application still holds are idle service instances.
func (w Workload) Idle() bool { return w.Busy() == 0 && w.Running == 0 && w.Pending == 0 }
