// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build seeded

package fault

import (
	"slices"
	"testing"

	"github.com/symphony-operator/symphony-operator/internal/seeded"
	"github.com/symphony-operator/symphony-operator/test/rig"
)

// TestSeededBugs switches bugs on, one after the other: the suite must find each, by the oracle that is there for it.
func TestSeededBugs(t *testing.T) {
	for _, bug := range []struct {
		name     string
		on       *bool
		workload string
		fault    rig.Fault
		oracle   rig.Oracle
	}{
		{"a forgotten requeue", &seeded.ForgetRequeue, "restart", rig.Fault{Write: "PATCH replicasets/prod-compute", Occurrence: 1, Times: 5, Phase: rig.Broken}, inTime},
		{"a delete by name", &seeded.DeleteByName, "update the master", rig.Fault{}, rig.Ownership},
		{"a bad spec that is retried without a pause", &seeded.HotLoop, "create", rig.Fault{
			Write: "PATCH services/prod-gui", Occurrence: 1, Times: 1000, Phase: rig.Invalid,
		}, rig.Retries},
		{"a scale-in while the master is unknown", &seeded.ScaleInBlind, "master away while users scale in", rig.Fault{}, rig.Availability},
		{"a status from memory", &seeded.StatusFromMemory, "entitlement gone and back", rig.Fault{}, rig.Statuses},
	} {
		t.Run(bug.name, func(t *testing.T) {
			load := &workloads[slices.IndexFunc(workloads, func(l workload) bool { return l.name == bug.workload })]
			wanted := refer(t, load)
			*bug.on = true
			defer func() { *bug.on = false }()
			what := trial{bug.fault}
			found := wanted.compare(play(t, load, what), what)
			if !slices.ContainsFunc(found, func(b rig.Breach) bool { return b.Oracle == bug.oracle }) {
				t.Errorf("%s did not find it; all that was found: %v", bug.oracle, found)
			}
		})
	}
}
