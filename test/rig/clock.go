// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// Clock stands still until it is stepped. What is due then runs in the step, one after the other, and not in goroutines that a test
// would have to wait for; FakeClock alone would run it under its lock.
type Clock struct {
	*clocktesting.FakeClock

	mu  sync.Mutex
	due []func()
}

// NewClock starts now, in whole seconds as the API has them: the API server's own time stamps are real.
func NewClock() *Clock {
	return &Clock{FakeClock: clocktesting.NewFakeClock(time.Now().Truncate(time.Second))}
}

// AfterFunc implements clock.WithDelayedExecution.
func (c *Clock) AfterFunc(after time.Duration, do func()) clock.Timer {
	return c.FakeClock.AfterFunc(after, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.due = append(c.due, do)
	})
}

// Step moves the time on and does what is due.
func (c *Clock) Step(by time.Duration) {
	c.FakeClock.Step(by)
	c.mu.Lock()
	due := c.due
	c.due = nil
	c.mu.Unlock()
	for _, do := range due {
		do()
	}
}
