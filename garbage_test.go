// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
)

func TestTheHeapMayGrowMoreWhenMuchIsHeld(t *testing.T) {
	const mb = 1 << 20
	for held, grows := range map[int]int{
		0: 9, 20 * mb: 11, 62 * mb: 15, 70 * mb: 16, // Up to 30,000 pods have a limit of memory.
		100 * mb: 34, 150 * mb: 64, 700 * mb: 127, // 5,000 clusters have one, too.
	} {
		g := NewWithT(t)
		g.Expect((held+ballastBytes)*percentFor(held)/100/mb).To(BeNumerically("~", grows, grows/10+1), "%d MB are held", held/mb)
	}
}

func TestSomethingIsDoneAfterEachCollection(t *testing.T) {
	g := NewWithT(t)
	var done atomic.Int32
	afterEachCollection(func() { done.Add(1) })
	for range 3 {
		before := done.Load()
		g.Eventually(func() int32 {
			runtime.GC()
			return done.Load()
		}).Should(BeNumerically(">", before))
	}
}
