// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego

import (
	"context"
	"errors"
	"time"

	"k8s.io/utils/clock"
)

// Measured is an EGO that tells of every call what was asked, how long it took and how it ended, in a word of Outcome.
func Measured(asked EGO, now clock.PassiveClock, tell func(command, outcome string, took time.Duration)) EGO {
	return &measured{asked, now, tell}
}

type measured struct {
	EGO

	clock clock.PassiveClock
	tell  func(command, outcome string, took time.Duration)
}

// Outcome is a word for what came of a call: ok, unreachable, forbidden, refused, not_understood, or error for what is none of them.
func Outcome(err error) string {
	for _, known := range []struct {
		err  error
		word string
	}{{nil, "ok"}, {ErrUnreachable, "unreachable"}, {ErrForbidden, "forbidden"}, {ErrRefused, "refused"}, {ErrNotUnderstood, "not_understood"}} {
		if errors.Is(err, known.err) {
			return known.word
		}
	}
	return "error"
}

func (m *measured) told(command string, began time.Time, err error) {
	m.tell(command, Outcome(err), m.clock.Since(began))
}

// Hosts implements EGO.
func (m *measured) Hosts(ctx context.Context) (hosts []Host, err error) {
	defer func(began time.Time) { m.told("hosts", began, err) }(m.clock.Now())
	return m.EGO.Hosts(ctx)
}

// Applications implements EGO.
func (m *measured) Applications(ctx context.Context) (all []Application, err error) {
	defer func(began time.Time) { m.told("applications", began, err) }(m.clock.Now())
	return m.EGO.Applications(ctx)
}

// Workloads implements EGO.
func (m *measured) Workloads(ctx context.Context) (all []Workload, err error) {
	defer func(began time.Time) { m.told("workloads", began, err) }(m.clock.Now())
	return m.EGO.Workloads(ctx)
}

// Logon implements EGO.
func (m *measured) Logon(ctx context.Context) (err error) {
	defer func(began time.Time) { m.told("logon", began, err) }(m.clock.Now())
	return m.EGO.Logon(ctx)
}

// Close implements EGO.
func (m *measured) Close(ctx context.Context, hosts []string, options CloseOptions) (err error) {
	command := "close"
	if options.Reclaim {
		command = "reclaim"
	}
	defer func(began time.Time) { m.told(command, began, err) }(m.clock.Now())
	return m.EGO.Close(ctx, hosts, options)
}

// Open implements EGO.
func (m *measured) Open(ctx context.Context, hosts []string) (err error) {
	defer func(began time.Time) { m.told("open", began, err) }(m.clock.Now())
	return m.EGO.Open(ctx, hosts)
}

// Remove implements EGO.
func (m *measured) Remove(ctx context.Context, hosts []string) (err error) {
	defer func(began time.Time) { m.told("remove", began, err) }(m.clock.Now())
	return m.EGO.Remove(ctx, hosts)
}
