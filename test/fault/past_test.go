// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/test/rig"
)

// blindPasses is how many passes an operator makes over every object while its watches are held.
const blindPasses = 4

// dated is a world or a fabric, whose operator can be made to see an earlier time.
type dated interface {
	// Restart has a new operator go on, FreezeAt has it see an earlier state, until Thaw.
	Restart()
	FreezeAt(objects map[rig.Key]client.Object)
	Thaw()
	OnPass(tell func(map[rig.Key]client.Object))
	// Pass makes n passes over everything, Converge as many as it takes.
	Pass(n int)
	Converge() time.Duration
	Writes() []*rig.Write
	State() map[string]string
	Counts() map[string]string
	Breaches() []rig.Breach
}

// TestThePast has an operator start with a cache from every moment of a workload's past, as one does whose API server is behind the others: it acts on
// what it sees, then sees what there is, and has never seen what came and went in between. Nothing may come of it.
func TestThePast(t *testing.T) {
	for i := range workloads {
		load := &workloads[i]
		t.Run(load.name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, load)
			relive(t, w, func() {
				for _, do := range load.steps {
					do(w)
					w.Converge()
				}
				w.Quiet = 30 * time.Second
			})
		})
	}
	t.Run("WeaveNetwork", func(t *testing.T) {
		t.Parallel()
		weaveMachine := startMachine(t)
		for i := range weaveWorkloads {
			load := &weaveWorkloads[i]
			t.Run(load.name, func(t *testing.T) {
				f := beginWeave(t, weaveMachine, load)
				defer f.End()
				relive(t, f, func() {
					for _, do := range load.steps {
						do(t, f)
						f.Converge()
					}
				})
			})
		}
	})
}

// relive has somebody live, and then act on every moment of that.
func relive(t *testing.T, who dated, live func()) {
	t.Helper()
	moments := []map[rig.Key]client.Object{}
	who.OnPass(func(seen map[rig.Key]client.Object) { moments = append(moments, seen) })
	live()
	who.OnPass(nil)
	wanted, counts := who.State(), who.Counts()
	for i, moment := range moments {
		who.Restart()
		who.FreezeAt(moment)
		before := len(who.Writes())
		who.Pass(blindPasses)
		blind := texts(who.Writes()[before:])
		who.Thaw()
		who.Converge()
		found := who.Breaches()
		for path, what := range rig.Differences(wanted, who.State()) {
			found = append(found, rig.Breach{Oracle: endState, What: path + ": " + what})
		}
		for name, what := range rig.Differences(counts, who.Counts()) {
			if !harmless(name) {
				found = append(found, rig.Breach{Oracle: churn, What: name + ": " + what})
			}
		}
		for _, breach := range found {
			t.Errorf("moment %d of %d: %s\nwritten blindly:\n%s", i+1, len(moments), breach, blind)
		}
		if t.Failed() {
			return
		}
	}
}

// harmless reports whether an object may be made and deleted once more: kept templates, and pods that look whether an image can be pulled or measure
// the network, run nothing of users', and a policy was in force a moment ago.
func harmless(name string) bool {
	return strings.HasPrefix(name, "ControllerRevision ") || strings.HasPrefix(name, "NetworkPolicy ") || strings.Contains(name, "-image-") || strings.Contains(name, "network-")
}
