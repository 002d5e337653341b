// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestAFigureIsJudgedByItsMedian(t *testing.T) {
	g := NewWithT(t)
	r := newResults("small")
	writes := figure{"writes", count, 10, false}
	for _, value := range []float64{12, 9, 10} {
		r.add("one", writes, value)
	}
	g.Expect(r.over(true)).To(BeEmpty())
	r.add("one", writes, 12)
	r.add("one", writes, 12)
	g.Expect(r.over(true)).To(ConsistOf("one, writes: 12, and at most 10"))
}

func TestLimitsOnTimeCountWhereTheMachineIsFree(t *testing.T) {
	g := NewWithT(t)
	r := newResults("small")
	r.add("one", figure{"wall time over floor", ratio, 1.1, true}, 1.5)
	r.add("one", plain("wall time of the floor", seconds), 100)
	g.Expect(r.over(false)).To(BeEmpty())
	g.Expect(r.over(true)).To(ConsistOf("one, wall time over floor: 1.50 ×, and at most 1.10 ×"))
}

func TestResultsAreWrittenForMachinesAndPeople(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	r := newResults("small")
	r.add("two", figure{"memory", megabytes, 5, false}, 7.25)
	r.add("two", figure{"memory", megabytes, 5, false}, 7.75)
	r.add("one", plain("time", seconds), 3)
	g.Expect(r.write(dir)).To(Succeed())

	var read map[string]map[string]map[string]any
	data, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(json.Unmarshal(data, &read)).To(Succeed())
	g.Expect(read["two"]["memory"]).To(Equal(map[string]any{"median": 7.5, "min": 7.25, "max": 7.75, "limit": 5.0, "unit": "MB", "runs": 2.0}))
	g.Expect(read["one"]["time"]).NotTo(HaveKey("limit"))

	text, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).To(And(
		ContainSubstring("| two | memory | 7.5 MB | 7.2 MB | 7.8 MB | 2 | **5.0 MB** |\n| one |"),
		ContainSubstring("| one | time | 3.00 s | 3.00 s | 3.00 s | 1 |  |\n"),
	))
}

func TestTheHundredthOfFewIsTheLast(t *testing.T) {
	g := NewWithT(t)
	times := make([]time.Duration, 50)
	for i := range times {
		times[i] = time.Duration(50-i) * time.Second
	}
	g.Expect(quantile(times, 0.99)).To(Equal(50 * time.Second))
	g.Expect(quantile(times, 0.5)).To(Equal(25 * time.Second))
	g.Expect(quantile(times[:1], 0.5)).To(Equal(50 * time.Second))
	g.Expect(quantile(nil, 0.99)).To(BeZero())
}

func TestMistakesAreNamedBeforeAnythingIsDone(t *testing.T) {
	for arguments, said := range map[string]string{
		"-profile=huge":   `there is no profile "huge": it is small or full`,
		"-only=poll,nope": `the profile small has no scenario "nope"`,
	} {
		t.Run(arguments, func(t *testing.T) {
			_, err := parse([]string{arguments})
			NewWithT(t).Expect(err).To(MatchError(usageError(said)))
		})
	}
}
