// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
)

func TestTheHeapMayGrowByMoreButWithTheLargestCluster(t *testing.T) {
	const mb = 1 << 20
	for held, percent := range map[int]int{
		0: 31, 20 * mb: 27, 50 * mb: 18, // Held and grown, it is never more than with the largest.
		62 * mb: 10, 70 * mb: 10, // 30,000 pods have a limit of memory.
		100 * mb: 18, 150 * mb: 26, 166 * mb: 28, 300 * mb: 22, 700 * mb: 16, // So have 5,000 clusters: the last may grow by 127 MB.
	} {
		NewWithT(t).Expect(percentFor(held)).To(Equal(percent), "%d MB are held", held/mb)
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
