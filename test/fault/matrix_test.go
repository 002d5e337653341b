// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"io"
	"iter"
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
	// done is how many writes there were at the end of each step.
	done     []int
	state    map[string]string
	counts   map[string]string
	took     []time.Duration
	again    []*rig.Write
	breaches []rig.Breach
	events   []string
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

// play plays a workload in a world of its own with a fault.
func play(t *testing.T, load *workload, fault rig.Fault) *run {
	t.Helper()
	w := begin(t, load)
	defer w.End()
	w.Quiet = patience(fault.Phase) + 10*time.Second
	w.Inject(fault)
	r := &run{}
	for i, do := range load.steps {
		if i == len(load.steps)-1 {
			w.Quiet = rig.Quiet
		}
		do(w)
		r.took, r.done = append(r.took, w.Converge()), append(r.done, len(w.Writes()))
	}
	r.writes, r.state, r.counts, r.events = w.Writes(), w.State(), w.Counts(), w.Events()
	r.again, r.breaches = w.Again(), w.Breaches()
	return r
}

// reference is what comes of a workload when nothing fails: once more, what differs between two such runs is chance.
type reference struct {
	run

	chance map[string]string
}

func refer(t *testing.T, load *workload) *reference {
	t.Helper()
	return referenceOf(t, load.writes, func() *run { return play(t, load, rig.Fault{}) })
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
	if len(runs) < 2 || !slices.Equal(sorted(runs[0].writes), sorted(runs[1].writes)) {
		told := make([]string, 0, len(runs))
		for _, one := range runs {
			told = append(told, texts(one.writes))
		}
		t.Fatalf("runs in which nothing fails have other writes:\n%s", strings.Join(told, "\nand\n"))
	}
	return &reference{run: *runs[0], chance: rig.Differences(runs[0].state, runs[1].state)}
}

// referenceRuns is how many runs without a fault are made at most until two are the reference.
const referenceRuns = 12

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
	// endState is what there is in the end.
	endState rig.Oracle = "end state"
	// churn is how many objects were created and deleted on the way.
	churn rig.Oracle = "churn"
	// atRest is that another operator, which knows nothing, has nothing to write.
	atRest rig.Oracle = "at rest"
	// inTime is how long it took until all was well.
	inTime rig.Oracle = "in time"
)

// differs is where another end state differs, by more than chance.
func (r *reference) differs(state map[string]string) map[string]string {
	differences := rig.Differences(r.state, state)
	maps.DeleteFunc(differences, func(path, _ string) bool { _, chance := r.chance[path]; return chance })
	return differences
}

// compare holds a run with a fault against the reference.
func (r *reference) compare(got *run, fault rig.Fault) []rig.Breach {
	found := slices.Clone(got.breaches)
	for path, what := range r.differs(got.state) {
		found = append(found, rig.Breach{Oracle: endState, What: path + ": " + what})
	}
	for name, what := range rig.Differences(r.counts, got.counts) {
		found = append(found, rig.Breach{Oracle: churn, What: name + ": " + what})
	}
	if len(got.again) > 0 {
		found = append(found, rig.Breach{Oracle: atRest, What: "another operator still writes: " + texts(got.again)})
	}
	for i, took := range got.took {
		if late := took - r.took[i]; late > patience(fault.Phase) {
			found = append(found, rig.Breach{Oracle: inTime, What: fmt.Sprintf("step %d took %s, and %s when nothing fails", i+1, took, r.took[i])})
		}
	}
	return found
}

// expect has a run come to the same as the reference.
func (r *reference) expect(t *testing.T, got *run, fault rig.Fault) {
	t.Helper()
	for _, breach := range r.compare(got, fault) {
		t.Error(breach)
	}
	if t.Failed() {
		t.Logf("writes:\n%s\nevents:\n%s", texts(got.writes), strings.Join(got.events, "\n"))
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

// patience is how much later a workload may come to its end than when nothing fails. What only a person can mend is looked at again every minute, all
// else soon.
func patience(phase rig.Phase) time.Duration {
	switch phase {
	case rig.Forbidden, rig.Invalid:
		return 70 * time.Second
	case rig.Refused:
		return 140 * time.Second
	default:
		return 20 * time.Second
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
			for name, fault := range wanted.faults() {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					wanted.expect(t, play(t, load, fault), fault)
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
				wanted := referenceOf(t, 0, func() *run { return playWeave(t, weaveMachine, load, rig.Fault{}) })
				tried("WeaveNetwork: "+load.name, len(wanted.writes))
				for name, fault := range wanted.faults() {
					t.Run(name, func(t *testing.T) { wanted.expect(t, playWeave(t, weaveMachine, load, fault), fault) })
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

// faults are all ways in which one of the writes can fail, by their names. To be killed right after a write is to be killed before the next,
// if the clock stands still between the two and no user does anything: what there is, and what is forgotten, is the same. One run is for both.
func (r *run) faults() iter.Seq2[string, rig.Fault] {
	return func(yield func(string, rig.Fault) bool) {
		count, both := map[string]int{}, ""
		for i, write := range r.writes {
			text := write.String()
			count[text]++
			for _, phase := range rig.Phases {
				fault := rig.Fault{Write: text, Occurrence: count[text], Phase: phase}
				name := fmt.Sprintf("%s %d %s", text, fault.Occurrence, phase)
				switch {
				case phase == rig.CrashAfter && r.goesOn(i):
					both = name + ", "
					continue
				case phase == rig.CrashBefore:
					name, both = both+name, ""
				}
				if !yield(name, fault) {
					return
				}
			}
		}
	}
}

// goesOn reports whether a write is followed by another before anything else happens.
func (r *run) goesOn(i int) bool {
	return i+1 < len(r.writes) && r.writes[i].At.Equal(r.writes[i+1].At) && !slices.Contains(r.done, i+1)
}
