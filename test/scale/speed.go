// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// A machine that others share is not always as fast: the same work took up to a third more CPU time from one minute to the next, in all programs alike,
// and so a ratio of two times that were taken one after the other tells of that too. What the same small piece of work takes meanwhile tells how much.

// pieceEvery is how long the meter rests between two samples, of some tenths of a millisecond each.
const pieceEvery = 200 * time.Millisecond

// meter measures, until it is read, what a piece of work takes.
type meter struct {
	stop chan struct{}
	done chan measuredPieces
}

type measuredPieces struct {
	took []time.Duration
	err  error
}

// startMeter decodes and encodes a pod template again and again: that is what an API server and its clients do most.
func startMeter(template *corev1.PodTemplateSpec) (*meter, error) {
	piece, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("encoding a pod template: %w", err)
	}
	m := &meter{make(chan struct{}), make(chan measuredPieces, 1)}
	go func() {
		// A thread's CPU time is this goroutine's for as long as nobody else runs on it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var all measuredPieces
		for {
			took, err := cpuOf(func() error { return pieceOfWork(piece) })
			all.took = append(all.took, took)
			if all.err = err; err != nil {
				m.done <- all
				return
			}
			select {
			case <-m.stop:
				m.done <- all
				return
			case <-time.After(pieceEvery):
			}
		}
	}()
	return m, nil
}

// read ends the measuring and returns the median: in some samples garbage is collected besides.
func (m *meter) read() (time.Duration, error) {
	close(m.stop)
	all := <-m.done
	slices.Sort(all.took)
	return all.took[len(all.took)/2], all.err
}

func pieceOfWork(piece []byte) error {
	decoded := &corev1.PodTemplateSpec{}
	if err := json.Unmarshal(piece, decoded); err != nil {
		return fmt.Errorf("decoding a pod template: %w", err)
	}
	if _, err := json.Marshal(decoded); err != nil {
		return fmt.Errorf("encoding a pod template: %w", err)
	}
	return nil
}

// cpuOf is the CPU time that something takes of its thread.
func cpuOf(do func() error) (time.Duration, error) {
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before); err != nil {
		return 0, fmt.Errorf("reading a thread's CPU time: %w", err)
	}
	err := do()
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after); err != nil {
		return 0, fmt.Errorf("reading a thread's CPU time: %w", err)
	}
	return time.Duration(after.Nano() - before.Nano()), err
}
