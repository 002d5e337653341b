// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime/debug"
)

const (
	// gcPercent is by how much the heap may grow over what counts as held before garbage is collected. Most of what the operator holds is its
	// cache, and with Go's default of 100 the 30,000 pods of a cluster took twice their size.
	gcPercent = 10
	// ballastBytes count as held. With them the heap grows by 10 MB when next to nothing is held, and by 16 MB with 30,000 pods: without, the heap
	// of an operator that holds little would be collected after every few MB, which took a quarter of its time.
	ballastBytes = 96 << 20
)

// collectGarbageEarly sets this; with GOGC in the environment, by how much the heap may grow is that. What it returns is never touched, and so takes addresses and
// no memory; it counts for as long as it is kept.
func collectGarbageEarly() (ballast []byte) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	return make([]byte, ballastBytes)
}
