// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symphony-operator/symphony-operator/test/rig"
)

// trial is what fails in the steps of a workload, by their order: at most one write a step. Each step ends in what the reference has then,
// and so the next one begins as if nothing had failed: one run tries as many faults as there are steps. What an operator remembers wrongly after
// the one is seen until the next: another seed brings others together.
type trial []rig.Fault

// at is what fails in a step, nothing if there is none.
func (tr trial) at(step int) rig.Fault {
	if step < len(tr) {
		return tr[step]
	}
	return rig.Fault{}
}

func (tr trial) String() string {
	var told []string
	for _, fault := range tr {
		if fault.Phase != "" {
			told = append(told, fmt.Sprintf("%s %d %s", fault.Write, fault.Occurrence, fault.Phase))
		}
	}
	return strings.Join(told, ", ")
}

// patience is how much later a workload may come to its end than when nothing fails. What only a person can mend is looked at again every
// minute, all else soon.
func (tr trial) patience() time.Duration {
	most := 20 * time.Second
	for _, fault := range tr {
		switch fault.Phase { //nolint:exhaustive // All others are tried again soon.
		case rig.Forbidden, rig.Invalid:
			most = max(most, 70*time.Second)
		case rig.Refused:
			most = max(most, 140*time.Second)
		}
	}
	return most
}

// alike are the phases that may be tried in one run: a crash makes a new operator, which would hide what the one before it remembered wrongly.
var alike = [][]rig.Phase{{rig.CrashBefore, rig.CrashAfter}, {rig.Lost}, {rig.Late}, {rig.Refused}}

// trials try every write in every phase. Which faults are tried together is chance, from the seed.
func (r *run) trials(seed uint64) []trial {
	chance := rand.New(rand.NewPCG(seed, 0))
	var all []trial
	for _, phases := range alike {
		var steps [][]rig.Fault
		for step := range r.done {
			faults := r.faults(step, phases)
			chance.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
			steps = append(steps, faults)
		}
		all = append(all, together(steps)...)
	}
	return all
}

// together has the first faults of all steps in the first trial, the second ones in the second, and so on.
func together(steps [][]rig.Fault) []trial {
	var all []trial
	for step, faults := range steps {
		for i, fault := range faults {
			if i == len(all) {
				all = append(all, make(trial, len(steps)))
			}
			all[i][step] = fault
		}
	}
	return all
}

// faults are all ways in which one of a step's writes can fail in these phases. To be killed right after a write is to be killed before the
// next, if the clock stands still between the two: what there is, and what is forgotten, is the same. One fault is both.
func (r *run) faults(step int, phases []rig.Phase) []rig.Fault {
	var found []rig.Fault
	count := map[string]int{}
	writes := r.in(step)
	for i, write := range writes {
		text := write.String()
		count[text]++
		for _, phase := range phases {
			goesOn := i+1 < len(writes) && write.At.Equal(writes[i+1].At)
			if phase != rig.CrashAfter || !goesOn {
				found = append(found, rig.Fault{Write: text, Occurrence: count[text], Phase: phase})
			}
		}
	}
	return found
}

func TestTrialsTryEveryWriteInEveryPhase(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	write := func(command string, second int) *rig.Write {
		return &rig.Write{Command: command, At: begin.Add(time.Duration(second) * time.Second)}
	}
	// The second step writes nothing; b and the last a are written at the same time, but in other steps.
	r := &run{done: []int{3, 3, 5}, writes: []*rig.Write{write("a", 0), write("a", 0), write("b", 1), write("a", 1), write("c", 1)}}
	var told []string
	trials := r.trials(1)
	for _, trial := range trials {
		for step, fault := range trial {
			if fault.Phase != "" {
				told = append(told, fmt.Sprintf("%d: %s %d %s", step+1, fault.Write, fault.Occurrence, fault.Phase))
			}
		}
	}
	wanted := []string{"1: a 2 crash-after", "1: b 1 crash-after", "3: c 1 crash-after"}
	for _, phase := range []rig.Phase{rig.CrashBefore, rig.Lost, rig.Late, rig.Refused} {
		for _, write := range []string{"1: a 1", "1: a 2", "1: b 1", "3: a 1", "3: c 1"} {
			wanted = append(wanted, fmt.Sprintf("%s %s", write, phase))
		}
	}
	slices.Sort(told)
	slices.Sort(wanted)
	if !slices.Equal(told, wanted) {
		t.Errorf("what is tried is\n%s\nand not\n%s", strings.Join(told, "\n"), strings.Join(wanted, "\n"))
	}
	if len(trials) != 5+3+3+3 {
		t.Errorf("there are %d runs: each has to try a fault of every step for as long as there are some", len(trials))
	}
	texts := func(trials []trial) string { return fmt.Sprint(trials) }
	if texts(r.trials(1)) != texts(trials) {
		t.Error("with the same seed, other faults are tried together")
	}
	if !slices.ContainsFunc([]uint64{2, 3, 4, 5}, func(seed uint64) bool { return texts(r.trials(seed)) != texts(trials) }) {
		t.Error("whatever the seed is, the same faults are tried together")
	}
	tried, phases := slices.Concat(alike...), slices.Clone(rig.Phases)
	slices.Sort(tried)
	slices.Sort(phases)
	if !slices.Equal(tried, phases) {
		t.Errorf("what is tried are the phases %v, and not %v", tried, phases)
	}
}
