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

// TestThePast has an operator start with a cache from every moment of a workload's past, as one does whose API server is behind the others: it acts on
// what it sees, then sees what there is, and has never seen what came and went in between. Nothing may come of it.
func TestThePast(t *testing.T) {
	for i := range workloads {
		load := &workloads[i]
		t.Run(load.name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, load)
			moments := []map[rig.Key]client.Object{}
			w.OnPass(func(seen map[rig.Key]client.Object) { moments = append(moments, seen) })
			for _, do := range load.steps {
				do(w)
				w.Converge()
			}
			w.OnPass(nil)
			wanted, counts := w.State(), w.Counts()
			for i, moment := range moments {
				w.Restart()
				w.FreezeAt(moment)
				before := len(w.Writes())
				w.Pass(blindPasses)
				blind := texts(w.Writes()[before:])
				w.Thaw()
				w.Quiet = 30 * time.Second
				w.Converge()
				for path, what := range rig.Differences(wanted, w.State()) {
					t.Errorf("moment %d of %d: %s: %s\nwritten blindly:\n%s", i+1, len(moments), path, what, blind)
				}
				for name, what := range rig.Differences(counts, w.Counts()) {
					if harmless(name) {
						continue
					}
					t.Errorf("moment %d of %d: %s: %s\nwritten blindly:\n%s", i+1, len(moments), name, what, blind)
				}
				for _, breach := range w.Breaches() {
					t.Errorf("moment %d of %d: %s\nwritten blindly:\n%s", i+1, len(moments), breach, blind)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// harmless reports whether an object may be made and deleted once more: kept templates, and pods that look whether an image can be pulled or measure
// the network, run nothing of users', and a policy was in force a moment ago.
func harmless(name string) bool {
	return strings.HasPrefix(name, "ControllerRevision ") || strings.HasPrefix(name, "NetworkPolicy ") || strings.Contains(name, "-image-") || strings.Contains(name, "network-")
}
