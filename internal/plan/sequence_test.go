// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// world is a compute ReplicaSet and what happens around it, in an order that a seed chooses: its controller makes
// pods late, pods get ready late and leave late.
type world struct {
	random   *rand.Rand
	replicas int
	update   v1alpha1.ComputeUpdate
	pods     []*corev1.Pod
	made     int
	// broken templates make pods that never get ready.
	broken bool
}

func newWorld(seed uint64, replicas int, update v1alpha1.ComputeUpdate) *world {
	return &world{
		random: rand.New(rand.NewPCG(seed, 0)), replicas: replicas, update: update,
		pods: hosts(replicas, "old", "old", ready),
	}
}

// pass is one of the operator's: the pods that it replaces are on their way out from then on.
func (w *world) pass() int {
	replaced := rollout(w.replicas, w.update, w.pods)
	for _, p := range w.pods {
		if slices.Contains(replaced, p.Name) {
			ending(p)
		}
	}
	return len(replaced)
}

// step is one thing that happens.
func (w *world) step() {
	switch w.random.IntN(4) {
	case 0:
		w.pass()
	case 1:
		live := slices.DeleteFunc(slices.Clone(w.pods), func(p *corev1.Pod) bool { return !observe.PodLive(p) })
		if len(live) < w.replicas {
			w.made++
			w.pods = append(w.pods, hosts(1, fmt.Sprintf("new%d-", w.made), "new")...)
		}
	case 2:
		for _, p := range w.pods {
			if !w.broken && observe.PodLive(p) && !observe.PodReady(p) && w.random.IntN(2) == 0 {
				ready(p)
			}
		}
	case 3:
		w.pods = slices.DeleteFunc(w.pods, func(p *corev1.Pod) bool { return p.DeletionTimestamp != nil && w.random.IntN(2) == 0 })
	}
	// The cache lists pods in no order.
	w.random.Shuffle(len(w.pods), func(i, j int) { w.pods[i], w.pods[j] = w.pods[j], w.pods[i] })
}

func (w *world) serving() int {
	serving := 0
	for _, p := range w.pods {
		if observe.PodReady(p) {
			serving++
		}
	}
	return serving
}

func (w *world) done() bool {
	return w.serving() == w.replicas && !slices.ContainsFunc(w.pods, outdatedOrNotReady)
}

func TestAnUpdateInAnyOrderOfEventsKeepsItsBudgetAndEnds(t *testing.T) {
	for _, c := range []struct {
		replicas, away int
		update         v1alpha1.ComputeUpdate
	}{
		{1, 1, v1alpha1.ComputeUpdate{}},
		{2, 1, v1alpha1.ComputeUpdate{}},
		{7, 1, v1alpha1.ComputeUpdate{}},
		{9, 2, v1alpha1.ComputeUpdate{}},
		{12, 5, budget(intstr.FromInt32(5))},
		{40, 20, budget(intstr.FromString("50%"))},
	} {
		t.Run(fmt.Sprintf("%d of %d", c.away, c.replicas), func(t *testing.T) {
			g := NewWithT(t)
			for seed := range uint64(25) {
				w := newWorld(seed, c.replicas, c.update)
				for step := 0; !w.done(); step++ {
					w.step()
					g.Expect(w.replicas-w.serving()).To(BeNumerically("<=", c.away), "away after step %d, seed %d", step, seed)
					g.Expect(step).To(BeNumerically("<", 200*c.replicas), "seed %d: it comes to an end", seed)
				}
			}
		})
	}
}

func TestATemplateThatNeverGetsReadyStopsAtTheBudgetAndTheNextOneHeals(t *testing.T) {
	g := NewWithT(t)
	for seed := range uint64(25) {
		w := newWorld(seed, 10, budget(intstr.FromInt32(3)))
		w.broken = true
		for range 500 {
			w.step()
			g.Expect(w.serving()).To(BeNumerically(">=", 7), "seed %d", seed)
		}
		g.Expect(w.serving()).To(Equal(7), "seed %d: it has used its budget", seed)

		// The user mends the template: what was made from the broken one is outdated now, and serves nobody.
		w.broken = false
		for _, p := range w.pods {
			p.Labels[names.LabelRevision] = "old"
		}
		for step := 0; !w.done(); step++ {
			w.step()
			g.Expect(w.serving()).To(BeNumerically(">=", 7), "seed %d", seed)
			g.Expect(step).To(BeNumerically("<", 2000), "seed %d: it comes to an end", seed)
		}
	}
}

// A pass on a cache from before the last pass's own deletions must choose no others.
func TestTheChoiceIsTheSameInWhateverOrderTheCacheLists(t *testing.T) {
	g := NewWithT(t)
	// The clock of creation counts seconds: pods of one second are told apart by their names.
	pods := slices.Concat(hosts(5, "a", "old", ready), hosts(5, "b", "old", ready), hosts(3, "c", "old"))
	want := rollout(13, budget(intstr.FromInt32(6)), pods)
	g.Expect(want).To(HaveExactElements("c0", "c1", "c2", "a0", "b0", "a1"))
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		random.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
		g.Expect(rollout(13, budget(intstr.FromInt32(6)), pods)).To(Equal(want))
	}
}

// A budget counts against what is wanted: pods that are too many are no reserve that may all go.
func TestSurplusPodsDoNotWidenTheBudget(t *testing.T) {
	NewWithT(t).Expect(rollout(4, budget(intstr.FromInt32(1)), hosts(6, "old", "old", ready))).To(HaveExactElements("old0"))
}
