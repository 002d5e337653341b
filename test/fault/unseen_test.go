// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"testing"

	"github.com/symphony-operator/symphony-operator/test/rig"
)

// TestWhatIsNeverSeen has the operator look only when all of a workload's steps are done: watches tell of the last version, and what came
// and went in between was never seen. The end is the same.
func TestWhatIsNeverSeen(t *testing.T) {
	for i := range workloads {
		load := &workloads[i]
		if len(load.steps) < 2 || load.way != "" {
			continue
		}
		t.Run(load.name, func(t *testing.T) {
			t.Parallel()
			wanted := refer(t, load)
			w := begin(t, load)
			defer w.End()
			for _, do := range load.steps {
				do(w)
			}
			w.Converge()
			for path, what := range rig.Differences(lasting(wanted.states[len(load.steps)-1]), lasting(w.State())) {
				t.Errorf("%s: %s", path, what)
			}
			expectRest(t, w)
		})
	}
}
