// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
	"github.com/symphony-operator/symphony-operator/test/rig"
)

var (
	soakFor = flag.Duration("soak", 0, "how long TestSoak goes on; 0 is a few rounds")
	seed    = flag.Uint64("seed", 1, "where chances begin: what happens in TestSoak, and which faults TestEveryWrite tries in one run")
)

// deed is something that happens in a soak.
type deed struct {
	name string
	do   step
}

// deeds are all; what is not possible just now is left undone. None of them asks for work to be lost.
var deeds = []deed{
	{"scale to 0", change(replicas(0))},
	{"scale to 1", change(replicas(1))},
	{"scale to 2", change(replicas(2))},
	{"scale to 3", change(replicas(3))},
	{"image a", change(computeImage("a"))},
	{"image b", change(computeImage("b"))},
	{"a bad image", change(computeImage("bad"))},
	{"an absent image", change(computeImage("absent"))},
	{"the image of the beginning", change(computeImage(""), masterImage(""))},
	{"another image of the master", change(masterImage("a"))},
	{"suspend", change(suspend(true))},
	{"resume", change(suspend(false))},
	{"environment", change(func(c *v1alpha1.SymphonyCluster) {
		c.Spec.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_LOG_MASK": "LOG_INFO"}
	})},
	{"no environment", change(func(c *v1alpha1.SymphonyCluster) { c.Spec.EgoConf = nil })},
	{"work", func(w *rig.World) { work(len(w.Pods("prod", names.Compute)))(w) }},
	{"work ends", workEnds},
	{"the master is lost", killMaster},
	{"children are deleted", deleteChildren},
}

// TestSoak lets users, faults and crashes come as chance has it, round by round, each in a world of its own; when the faults end, a cluster is what a
// new one of the same spec would be. A round is one seed: `-run TestSoak -seed N` plays it again.
func TestSoak(t *testing.T) {
	rounds, until := 8, time.Now().Add(*soakFor)
	for round := 0; round < rounds || time.Now().Before(until); round++ {
		from := *seed + uint64(round)
		t.Run(fmt.Sprintf("seed %d", from), func(t *testing.T) {
			if *soakFor == 0 {
				t.Parallel()
			}
			soak(t, rand.New(rand.NewPCG(from, 0)))
		})
		if *soakFor > 0 && t.Failed() {
			return
		}
	}
}

func soak(t *testing.T, chance *rand.Rand) {
	t.Helper()
	w := machine.NewWorld(t)
	defer w.End()
	w.Quiet = 20 * time.Second
	w.Kubelet.When(kubelet.Image("bad"), bad)
	w.Kubelet.When(kubelet.Image("absent"), cannotPull)
	w.Create("prod", replicas(2), maxUnavailable(1))
	w.Converge()
	var done []string
	w.Choose(func(*rig.Write) rig.Phase {
		if chance.IntN(8) > 0 {
			return ""
		}
		return []rig.Phase{rig.CrashBefore, rig.CrashAfter, rig.Lost, rig.Late, rig.Conflict, rig.Throttled, rig.Broken, rig.Forbidden, rig.Invalid}[chance.IntN(9)]
	})
	for range 12 {
		deed := deeds[chance.IntN(len(deeds))]
		done = append(done, deed.name)
		deed.do(w)
		if chance.IntN(3) > 0 {
			w.Converge()
		}
	}
	// All that is in the way ends, and what is waited for.
	w.Choose(nil)
	w.Change("prod", func(c *v1alpha1.SymphonyCluster) {
		c.Spec.Suspend, c.Spec.Compute.Replicas = false, new(int32(2))
		if c.Spec.Compute.Image == "bad" || c.Spec.Compute.Image == "absent" {
			c.Spec.Compute.Image = "a"
		}
	})
	w.Quiet = rig.Quiet
	w.Converge()
	workEnds(w)
	w.Converge()
	for path, what := range rig.Differences(fresh(t, w, "prod"), lasting(w.State())) {
		t.Errorf("%s: %s", path, what)
	}
	expectRest(t, w)
	if t.Failed() {
		t.Logf("deeds: %s\nwrites:\n%s", strings.Join(done, ", "), texts(w.Writes()))
	}
}
