// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// gcPercent is by how much the heap may grow over what counts as held before garbage is collected. Most of what the operator holds is its
	// cache, and with Go's default of 100 the 30,000 pods of a cluster took twice their size.
	gcPercent = 10
	// ballastBytes count as held. With them the heap grows by 16 MB with 30,000 pods: without, the heap of an operator that holds little would be collected
	// after every few MB, which took a quarter of its time.
	ballastBytes = 96 << 20
	// largestBytes is what the 30,000 pods of a cluster take, and what their operator holds has a limit. Who holds less may take what is left until there, up to
	// spareBytes: while 40 clusters of 100 came, a fifth of the operator's time went into collecting.
	largestBytes = 62 << 20
	spareBytes   = 20 << 20
	// plentyBytes is more than 30,000 pods take. To hold more than that there have to be hundreds of clusters, and with a thousand a third of the operator's time
	// went into collecting: half of what is held beyond it the heap may grow besides, up to mostBytes, which the largest installation has room for.
	plentyBytes = 70 << 20
	mostBytes   = 48 << 20
)

// collectGarbageEarly has garbage be collected so; with GOGC in the environment, by how much the heap may grow is that. What it returns is never touched, and
// so takes addresses and no memory; it counts for as long as it is kept.
func collectGarbageEarly() (ballast []byte) {
	if os.Getenv("GOGC") == "" {
		percent := gcPercent
		debug.SetGCPercent(percent)
		afterEachCollection(func() {
			if now := percentFor(heldBytes()); now != percent {
				percent = now
				debug.SetGCPercent(percent)
			}
		})
	}
	return make([]byte, ballastBytes)
}

// percentFor is by how much of what counts as held the heap may grow.
func percentFor(held int) int {
	counts := held + ballastBytes
	grows := counts*gcPercent/100 + min(max(0, largestBytes-held), spareBytes) + min(max(0, held-plentyBytes)/2, mostBytes)
	return (grows*100 + counts/2) / counts
}

// heldBytes is what the last collection found to be held, without the ballast.
func heldBytes() int {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return max(0, int(live[0].Value.Uint64())-ballastBytes)
}

// afterEachCollection does something after each collection of garbage, one after the other.
func afterEachCollection(do func()) {
	type unreachable struct{ _ [64]byte } // What is smaller may share its memory with others, and live as long as they.
	runtime.AddCleanup(&unreachable{}, func(do func()) {
		do()
		afterEachCollection(do)
	}, do)
}
