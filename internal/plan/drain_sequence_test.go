// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// step is one thing that happens to a farm.
func (f *farm) step() {
	f.now = f.now.Add(time.Duration(f.random.IntN(3000)) * time.Millisecond)
	f.ego.settle(f.now)
	f.older, f.newest = f.newest, snapshot{}
	if f.chance(20) {
		f.newest = f.snapshot()
	}
	switch draw := f.random.IntN(100); {
	case f.chance(f.restless):
		f.meddle()
	case draw < 25:
		f.pass(f.chance(10))
	case draw < 38:
		f.replicaSet()
	case draw < 62:
		f.some(f.kubelet)
	case draw < 70:
		f.some(f.join)
	case draw < 80:
		f.poll()
	case draw < 88:
		f.some(f.work)
	case draw < 90:
		f.endReclaims()
	case draw < 92:
		f.heartbeats()
	case draw < 94:
		f.ego.director = f.ego.director || f.master != nil
	case draw < 96:
		f.trouble()
	default:
		f.meddle()
	}
}

// some has it done to some of the pods.
func (f *farm) some(do func(*farmPod)) {
	for _, p := range slices.Clone(f.pods) {
		if f.chance(30) {
			do(p)
		}
	}
}

// calm ends all that users, administrators and chance do. What is on its way goes on, and work stays where it is.
func (f *farm) calm() {
	f.logf("from here on all is calm")
	f.ego.asking, f.ego.changing = nil, nil
	if f.master == nil {
		f.startMaster()
	}
	f.cluster.Spec.Compute.Update.Type = v1alpha1.RollingUpdate
	if f.revision == "bad" && f.chance(70) {
		f.revision = "r1"
	}
	for _, p := range f.pods {
		p.flapping = false
	}
}

// round is five seconds in which everybody gets to act.
func (f *farm) round() int {
	f.now = f.now.Add(5 * time.Second)
	f.ego.settle(f.now)
	f.ego.director = true
	for _, p := range slices.Clone(f.pods) {
		f.kubelet(p)
		f.join(p)
	}
	f.heartbeats()
	f.older = snapshot{}
	f.replicaSet()
	if f.random.IntN(4) == 0 {
		f.endReclaims()
	}
	f.poll()
	before := f.ego.calls
	return f.pass(false) + f.ego.calls - before
}

// unsettled is what is not yet as it is to be, "" when all is.
func (f *farm) unsettled() string {
	live := f.live()
	if len(live) != f.wanted() || len(f.pods) != len(live)+f.failed() {
		return "the number of pods"
	}
	for _, p := range live {
		if p.Labels[names.LabelRevision] != f.revision {
			return "the revision of " + p.Name
		}
		for _, key := range []string{
			names.AnnotationDrain, names.AnnotationDrainSince, names.AnnotationHostClosed, names.AnnotationHostReclaimed, corev1.PodDeletionCost,
		} {
			if p.Annotations[key] != "" {
				return "a note on " + p.Name
			}
		}
	}
	for _, host := range f.ego.sorted() {
		p := f.find(host.name)
		switch {
		case p == nil || !observe.PodLive(p.Pod):
			return "the dead host " + host.name
		case host.state() == ego.StateUnavailable:
			return "the host " + host.name
		case host.closed && !host.administrator:
			return "nobody's close of " + host.name
		}
	}
	return ""
}

func (f *farm) failed() int {
	failed := 0
	for _, p := range f.pods {
		if p.Status.Phase == corev1.PodFailed && p.DeletionTimestamp == nil {
			failed++
		}
	}
	return failed
}

// rests has rounds go by until nothing is left to do, and reports how many at most.
func (f *farm) rests(rounds int) bool {
	quiet := 0
	for range rounds {
		if f.broken != "" {
			return false
		}
		// Pods of a broken template come and go, so only the steps count.
		switch todo := f.round(); {
		case todo > 0, f.revision != "bad" && f.unsettled() != "":
			quiet = 0
		default:
			quiet++
		}
		if quiet == 5 {
			return true
		}
	}
	return false
}

// checkBudget checks that a pass chooses no pod that serves for an update when too few would be left.
func (f *farm) checkBudget(facts *observe.Facts, compute *plan.Compute) {
	serving := 0
	for _, pod := range facts.ComputePods {
		if serves(pod) {
			serving++
		}
	}
	replaced := 0
	for _, step := range compute.Steps {
		leaves := step.Do == plan.Mark || step.Do == plan.Release || step.Do == plan.Delete
		if leaves && serves(step.Pod) {
			serving--
			if step.Update {
				replaced++
			}
		}
	}
	most := max(1, f.wanted()/4)
	if value := f.cluster.Spec.Compute.Update.MaxUnavailable; value != nil {
		most = int(value.IntVal)
	}
	if replaced > 0 && serving < f.wanted()-most && !f.atOnce() {
		f.violate("an update takes %d, which leaves %d of %d", replaced, serving, f.wanted())
	}
}

func serves(pod *corev1.Pod) bool {
	return observe.PodLive(pod) && observe.PodReady(pod) && pod.Annotations[names.AnnotationDrain] == ""
}

// seeds is how many farms are run: FARM_SEEDS, or a few hundred.
func seeds(t *testing.T) (first, last uint64) {
	t.Helper()
	if text := os.Getenv("FARM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seed, seed + 1
	}
	last = 300
	if text := os.Getenv("FARM_SEEDS"); text != "" {
		many, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		last = many
	}
	return 0, last
}

// Whatever happens in whatever order: no task is lost before its time, no administrator's host is opened, no live host is removed, an
// update keeps its budget; and once it is calm, all is as it is to be, and nothing is done any more. FARM_SEED runs one seed again, and
// FARM_SEEDS=100000 more of them.
func TestInAnyOrderOfEventsNothingIsLostAndItEnds(t *testing.T) {
	first, last := seeds(t)
	for seed := first; seed < last; seed++ {
		f := newFarm(seed)
		for range 5 + f.random.IntN(10) {
			f.round()
		}
		for range 400 {
			f.step()
			if f.broken != "" {
				break
			}
		}
		if f.broken != "" {
			t.Fatalf("seed %d: %s\n%s", seed, f.broken, f.story())
		}
		f.calm()
		if !f.rests(600) {
			t.Fatalf("seed %d: it does not come to rest: %s %s\n%s", seed, f.broken, f.unsettled(), f.story())
		}
	}
}
