// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package egotest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

// call records, lets the test interfere, and does what was asked.
func (f *Fake) call(ctx context.Context, call Call, do func() error) error {
	f.mutex.Lock()
	f.calls = append(f.calls, call)
	before, after := f.Before, f.After
	f.mutex.Unlock()
	if err := interfere(ctx, before, call); err != nil {
		return err
	}
	f.mutex.Lock()
	err := do()
	f.mutex.Unlock()
	if fault := interfere(ctx, after, call); fault != nil {
		return fault
	}
	return err
}

func interfere(ctx context.Context, fault func(context.Context, Call) error, call Call) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ego.ErrUnreachable, err)
	}
	if fault == nil {
		return nil
	}
	return fault(ctx, call)
}

// Hosts are sorted by name: a test that needs another order can shuffle them.
func (f *Fake) Hosts(ctx context.Context) (hosts []ego.Host, err error) {
	err = f.call(ctx, Call{Verb: VerbHosts}, func() error {
		for _, key := range slices.Sorted(maps.Keys(f.hosts)) {
			known := f.hosts[key]
			entry := known.Host
			entry.State = known.state()
			entry.Status = string(entry.State)
			entry.Allocations = slices.Clone(known.Allocations)
			hosts = append(hosts, entry)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hosts, nil
}

// Applications are those of SetWorkload.
func (f *Fake) Applications(ctx context.Context) (applications []ego.Application, err error) {
	err = f.call(ctx, Call{Verb: VerbApplications}, func() error {
		for _, name := range slices.Sorted(maps.Keys(f.workloads)) {
			applications = append(applications, ego.Application{Name: name, Enabled: f.workloads[name].Enabled})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return applications, nil
}

// Workloads are those of SetWorkload.
func (f *Fake) Workloads(ctx context.Context) (workloads []ego.Workload, err error) {
	err = f.call(ctx, Call{Verb: VerbWorkloads}, func() error {
		for _, name := range slices.Sorted(maps.Keys(f.workloads)) {
			workloads = append(workloads, f.workloads[name])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return workloads, nil
}

// Logon is refused only by Before.
func (f *Fake) Logon(ctx context.Context) error {
	return f.call(ctx, Call{Verb: VerbLogon}, func() error { return nil })
}

// Close closes the hosts that are there.
func (f *Fake) Close(ctx context.Context, hosts []string, options ego.CloseOptions) error {
	call := Call{Verb: VerbClose, Names: slices.Clone(hosts), Reclaim: options.Reclaim, Comment: options.Comment}
	return f.change(ctx, call, func(known *host) {
		known.closed, known.comment = true, options.Comment
		switch {
		case options.Reclaim && f.KeepOnReclaim:
			known.reclaiming = true
		case options.Reclaim:
			known.Allocations = nil
		}
	})
}

// Open opens them, whoever closed them.
func (f *Fake) Open(ctx context.Context, hosts []string) error {
	return f.change(ctx, Call{Verb: VerbOpen, Names: slices.Clone(hosts)}, func(known *host) {
		known.closed, known.comment, known.reclaiming = false, "", false
	})
}

// Remove drops hosts that do not answer. One that does is back at once, open and without work, as in EGO a heartbeat
// later: a test sees that a live host was removed by the work that it lost.
func (f *Fake) Remove(ctx context.Context, hosts []string) error {
	return f.change(ctx, Call{Verb: VerbRemove, Names: slices.Clone(hosts)}, func(known *host) {
		key := strings.ToLower(known.Name)
		if known.silent {
			delete(f.hosts, key)
			return
		}
		f.hosts[key] = &host{Host: ego.Host{Name: known.Name}}
	})
}

func (f *Fake) change(ctx context.Context, call Call, do func(*host)) error {
	return f.call(ctx, call, func() error {
		var missing []string
		for _, name := range call.Names {
			if known := f.hosts[strings.ToLower(name)]; known != nil {
				do(known)
			} else {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return &ego.NotFoundError{Hosts: missing}
		}
		return nil
	})
}
