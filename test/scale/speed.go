// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// A machine that others share is not always as fast: the same work took up to a third more CPU time from one minute to the next, in all programs alike,
// and so a ratio of two times that were taken one after the other tells of that too. What the same small piece of work takes meanwhile tells how much.

// pieceOfWork decodes a pod template and encodes it again: that is what an API server and its clients do most. It takes some tenths of a millisecond.
func pieceOfWork(encoded []byte) error {
	decoded := &corev1.PodTemplateSpec{}
	if err := json.Unmarshal(encoded, decoded); err != nil {
		return fmt.Errorf("decoding a pod template: %w", err)
	}
	if _, err := json.Marshal(decoded); err != nil {
		return fmt.Errorf("encoding a pod template: %w", err)
	}
	return nil
}

// pieceOf is what a piece of work took while these samples were taken: the median, as in some of them garbage is collected besides.
func pieceOf(samples []sample) time.Duration {
	took := make([]time.Duration, 0, len(samples))
	for _, one := range samples {
		took = append(took, one.piece)
	}
	return quantile(took, 0.5)
}

// cpuOf is the CPU time that something takes of its thread, which nobody else runs on meanwhile.
func cpuOf(do func() error) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
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
