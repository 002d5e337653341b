// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symphony-operator/symphony-operator/test/rig"
)

// run is what came of a workload.
type run struct {
	writes []*rig.Write
	// done is how many writes there were at the end of each step, states what there was.
	done     []int
	states   []map[string]string
	counts   map[string]string
	took     []time.Duration
	again    []*rig.Write
	breaches []rig.Breach
	events   []string
}

// in are the writes of a step.
func (r *run) in(step int) []*rig.Write {
	first := 0
	if step > 0 {
		first = r.done[step-1]
	}
	return r.writes[first:r.done[step]]
}

// begin makes a world in which there is what a workload starts with.
func begin(t *testing.T, load *workload) *rig.World {
	t.Helper()
	w := machine.NewWorld(t)
	for _, do := range load.given {
		do(w)
		w.Converge()
	}
	return w
}

// play plays a workload in a world of its own, and has fail what is to fail.
func play(t *testing.T, load *workload, what trial) *run {
	t.Helper()
	w := begin(t, load)
	defer w.End()
	w.Quiet = what.patience() + 10*time.Second
	return record(w, what, len(load.steps), func(i int) {
		if i == len(load.steps)-1 {
			w.Quiet = rig.Quiet
		}
		load.steps[i](w)
	})
}

// stage is a world or a fabric, in which a workload is played.
type stage interface {
	ForgetWrites()
	Inject(fault rig.Fault)
	Converge() time.Duration
	Writes() []*rig.Write
	State() map[string]string
	Counts() map[string]string
	Events() []string
	Again() []*rig.Write
	Breaches() []rig.Breach
}

// record does the steps one after the other, has fail in each what is to fail in it, and tells what came of it.
func record(on stage, what trial, steps int, do func(step int)) *run {
	on.ForgetWrites()
	r := &run{}
	for i := range steps {
		on.Inject(what.at(i))
		do(i)
		r.took, r.done, r.states = append(r.took, on.Converge()), append(r.done, len(on.Writes())), append(r.states, on.State())
	}
	r.writes, r.counts, r.events = on.Writes(), on.Counts(), on.Events()
	r.again, r.breaches = on.Again(), on.Breaches()
	return r
}

// reference is what comes of a workload when nothing fails: once more, what differs between two such runs is chance.
type reference struct {
	run

	// chance is that of the steps.
	chance []map[string]string
}

func refer(t *testing.T, load *workload) *reference {
	t.Helper()
	return referenceOf(t, load.writes, func() *run { return play(t, load, nil) })
}

// referenceOf makes one of two runs without a fault. writes is how many they have to have, 0 for however many there are.
func referenceOf(t *testing.T, writes int, play func() *run) *reference {
	t.Helper()
	var runs []*run
	for range referenceRuns {
		next := play()
		if len(next.again) > 0 || len(next.breaches) > 0 {
			t.Errorf("without a fault: writes at rest %v, breaches %v, after\n%s", next.again, next.breaches, texts(next.writes))
			for _, write := range next.again {
				t.Log(write.Body)
			}
		}
		if writes > 0 && len(next.writes) != writes {
			continue
		}
		runs = append(runs, next)
		if len(runs) == 2 {
			break
		}
	}
	if len(runs) < 2 || !sameWrites(runs[0], runs[1]) {
		told := make([]string, 0, len(runs))
		for _, one := range runs {
			told = append(told, texts(one.writes))
		}
		t.Fatalf("runs in which nothing fails have other writes:\n%s", strings.Join(told, "\nand\n"))
	}
	made := &reference{run: *runs[0]}
	for i, state := range runs[0].states {
		made.chance = append(made.chance, rig.Differences(state, runs[1].states[i]))
	}
	return made
}

// referenceRuns is how many runs without a fault are made at most until two are the reference.
const referenceRuns = 12

// sameWrites reports whether two runs have the same writes in each step.
func sameWrites(a, b *run) bool {
	for i := range a.done {
		if !slices.Equal(sorted(a.in(i)), sorted(b.in(i))) {
			return false
		}
	}
	return true
}

// sorted are the writes' texts: those to pods are made side by side, in any order.
func sorted(writes []*rig.Write) []string {
	var all []string
	for _, write := range writes {
		all = append(all, write.String())
	}
	slices.Sort(all)
	return all
}

// texts have a line a write, with the answer, and with how it was made to fail.
func texts(writes []*rig.Write) string {
	var lines []string
	for i, write := range writes {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %d %s", i+1, write, write.Code, write.Failed)))
	}
	return strings.Join(lines, "\n")
}

// The oracles that compare a run with the reference.
const (
	// endState is what there is in the end, and at the end of each step.
	endState rig.Oracle = "end state"
	// churn is how many objects were created and deleted on the way.
	churn rig.Oracle = "churn"
	// atRest is that another operator, which knows nothing, has nothing to write.
	atRest rig.Oracle = "at rest"
	// inTime is how long it took until all was well.
	inTime rig.Oracle = "in time"
)

// differs is where another state at the end of a step differs, by more than chance.
func (r *reference) differs(step int, state map[string]string) map[string]string {
	differences := rig.Differences(r.states[step], state)
	maps.DeleteFunc(differences, func(path, _ string) bool { _, chance := r.chance[step][path]; return chance })
	return differences
}

// compare holds a run in which something failed against the reference.
func (r *reference) compare(got *run, what trial) []rig.Breach {
	found := slices.Clone(got.breaches)
	for i, state := range got.states {
		for path, what := range r.differs(i, state) {
			found = append(found, rig.Breach{Oracle: endState, What: fmt.Sprintf("step %d: %s: %s", i+1, path, what)})
		}
	}
	for name, what := range rig.Differences(r.counts, got.counts) {
		found = append(found, rig.Breach{Oracle: churn, What: name + ": " + what})
	}
	if len(got.again) > 0 {
		found = append(found, rig.Breach{Oracle: atRest, What: "another operator still writes: " + texts(got.again)})
	}
	for i, took := range got.took {
		if late := took - r.took[i]; late > what.patience() {
			found = append(found, rig.Breach{Oracle: inTime, What: fmt.Sprintf("step %d took %s, and %s when nothing fails", i+1, took, r.took[i])})
		}
	}
	return found
}

// expect has a run come to the same as the reference.
func (r *reference) expect(t *testing.T, got *run, what trial) {
	t.Helper()
	for _, breach := range r.compare(got, what) {
		t.Error(breach)
	}
	for i := range got.done {
		if fault := what.at(i); fault.Phase != "" && !slices.ContainsFunc(got.in(i), func(w *rig.Write) bool { return w.Failed != "" }) {
			t.Errorf("step %d: %s %d did not come, and so it was not tried", i+1, fault.Write, fault.Occurrence)
		}
	}
	if t.Failed() {
		t.Logf("-seed %d, writes:\n%s\nevents:\n%s", *seed, texts(got.writes), strings.Join(got.events, "\n"))
	}
}

// expectRest has a world have no breaches, and an operator that knows nothing write nothing more.
func expectRest(t *testing.T, w *rig.World) {
	t.Helper()
	for _, breach := range w.Breaches() {
		t.Error(breach)
	}
	if again := w.Again(); len(again) > 0 {
		t.Errorf("another operator still writes: %s", texts(again))
	}
}

// TestEveryWrite fails every write of every workload in every way.
func TestEveryWrite(t *testing.T) {
	t.Cleanup(func() { checkReport(t) })
	for i := range workloads {
		load := &workloads[i]
		t.Run(load.name, func(t *testing.T) {
			t.Parallel()
			wanted := refer(t, load)
			tried(load.name, len(wanted.writes))
			for _, what := range wanted.trials(*seed) {
				t.Run(what.String(), func(t *testing.T) {
					t.Parallel()
					wanted.expect(t, play(t, load, what), what)
				})
			}
		})
	}
	// There is one WeaveNetwork on an API server: these runs come one after the other, beside the rest, and on an API server of their own,
	// because before Weave is installed the manager looks through the pods of all namespaces.
	t.Run("WeaveNetwork", func(t *testing.T) {
		t.Parallel()
		weaveMachine := startMachine(t)
		for i := range weaveWorkloads {
			load := &weaveWorkloads[i]
			t.Run(load.name, func(t *testing.T) {
				wanted := referenceOf(t, 0, func() *run { return playWeave(t, weaveMachine, load, nil) })
				tried("WeaveNetwork: "+load.name, len(wanted.writes))
				for _, what := range wanted.trials(*seed) {
					t.Run(what.String(), func(t *testing.T) { wanted.expect(t, playWeave(t, weaveMachine, load, what), what) })
				}
			})
		}
	})
}

// startMachine starts another one than that of the worlds. It ends with the test.
func startMachine(t *testing.T) *rig.Rig {
	t.Helper()
	started, err := rig.Start(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := started.Stop(); err != nil {
			t.Error(err)
		}
	})
	return started
}
