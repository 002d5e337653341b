// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func idle(p *corev1.Pod) { p.Labels[names.LabelIdle] = names.Idle }

// looked says in how many looks in a row the host of the pod a had no work.
func looked(times int) func(*observe.Facts) {
	return func(f *observe.Facts) { f.EGO.IdleLooks["prod-compute-a"] = times }
}

func TestWhichPodsMayBeDisrupted(t *testing.T) {
	for name, c := range map[string]struct {
		pod        podEdits
		hosts      []ego.Host
		facts      factsEdits
		idle, busy bool
	}{
		"one whose host had no work for long enough":        {nil, theHost(ego.StateOK, nothing), factsEdits{looked(2)}, true, false},
		"or only idle instances":                            {nil, theHost(ego.StateOK, leftOver), factsEdits{looked(2)}, true, false},
		"once is enough to say":                             {podEdits{idle}, theHost(ego.StateOK, nothing), factsEdits{looked(2)}, false, false},
		"not one that had work a moment ago":                {nil, theHost(ego.StateOK, nothing), factsEdits{looked(1)}, false, false},
		"not one with work":                                 {podEdits{idle}, theHost(ego.StateOK, 1), nil, false, true},
		"not one of which nobody knows":                     {podEdits{idle}, theHost(ego.StateUnknown, nothing), factsEdits{looked(2)}, false, true},
		"not while EGO does not answer":                     {podEdits{idle}, nil, factsEdits{failing}, false, true},
		"not without a master":                              {podEdits{idle}, nil, factsEdits{noMaster}, false, true},
		"not while EGO's lists do not tell":                 {podEdits{idle}, theHost(ego.StateOK, nothing), factsEdits{looked(2), restarted, busyHost}, false, true},
		"one that does not run":                             {podEdits{crashed}, nil, nil, true, false},
		"one that is not ready, and that EGO does not know": {podEdits{unready}, nil, nil, true, false},
		"not one that is about to join":                     {podEdits{idle}, nil, nil, false, true},
		"nothing is said before EGO was asked":              {podEdits{idle}, nil, factsEdits{unasked}, false, false},
		"nor on what it said before a change":               {podEdits{idle}, theHost(ego.StateOK, 1), factsEdits{stale}, false, false},
		"nor of pods on their way out":                      {podEdits{idle, ending}, theHost(ego.StateOK, 1), nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			made := drained(1, []*corev1.Pod{member(1, "a", c.pod...)}, append(factsEdits{says(c.hosts...)}, c.facts...)...)
			g.Expect(made.Labels.Idle).To(HaveLen(count(c.idle)))
			g.Expect(made.Labels.Busy).To(HaveLen(count(c.busy)))
		})
	}
}

// busyHost is a second pod's, which is not back yet.
func busyHost(f *observe.Facts) { f.ComputePods = append(f.ComputePods, member(2, "b")) }

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// A grid whose work ends changes all labels. Pods that get work get their protection before others lose it.
func TestAFewLabelsChangeAtATimeTheProtectingOnesFirst(t *testing.T) {
	g := NewWithT(t)
	var pods []*corev1.Pod
	var hosts []ego.Host
	for i := range 300 {
		pods = append(pods, member(i, fmt.Sprintf("i%d", i), crashed))
	}
	for i := range 150 {
		pods = append(pods, member(i, fmt.Sprintf("b%d", i), idle))
		hosts = append(hosts, hostOf(fmt.Sprintf("b%d", i), ego.StateOK, 1))
	}
	made := drained(450, pods, says(hosts...))
	g.Expect(made.Labels.Busy).To(HaveLen(150))
	g.Expect(made.Labels.Idle).To(HaveLen(50))
	g.Expect(made.Due).To(Equal(time.Second))
	g.Expect(drained(100, pods[:100]).Due).To(BeZero(), "all are done")
}

func TestWhichHostsAreRemoved(t *testing.T) {
	dead := ego.Host{Name: "prod-compute-bbbbb", State: ego.StateUnavailable}
	closed := ego.Host{Name: "PROD-COMPUTE-CCCCC.example.com", State: ego.StateClosed}
	runs := ego.Host{Name: "prod-compute-ddddd", State: ego.StateOK}
	all := []ego.Host{dead, closed, runs, {Name: "prod-master", State: ego.StateClosed}, {Name: "prod-compute-aaaaa", State: ego.StateUnavailable}}
	noSet := func(f *observe.Facts) { f.ComputeSet, f.ComputePods = nil, nil }
	for name, c := range map[string]struct {
		pods  []*corev1.Pod
		facts factsEdits
		names []string
	}{
		"those of pods that are gone, unless they run":  {nil, nil, []string{dead.Name, closed.Name}},
		"of pods that have ended":                       {[]*corev1.Pod{member(1, "bbbbb", finished)}, nil, []string{dead.Name, closed.Name}},
		"not of pods that live":                         {[]*corev1.Pod{member(1, "bbbbb"), member(1, "ccccc")}, nil, nil},
		"not of pods on their way out":                  {[]*corev1.Pod{member(1, "bbbbb", ending), member(1, "ccccc", ending)}, nil, nil},
		"not on what EGO said before a change":          {nil, factsEdits{stale}, nil},
		"not without a ReplicaSet, whose pods may live": {nil, factsEdits{noSet}, nil},
		"not without a master":                          {nil, factsEdits{noMaster}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			made := drained(2, c.pods, append(factsEdits{says(all...)}, c.facts...)...)
			NewWithT(t).Expect(made.DeadHosts).To(HaveExactElements(c.names))
		})
	}
}

func TestWhenEGOTellsWhatItsHostsDo(t *testing.T) {
	pods := []*corev1.Pod{member(1, "a"), member(2, "b", unready)}
	director := func(f *observe.Facts) { f.EGO.SessionDirector = true }
	stopped := func(f *observe.Facts) { f.MasterPods[0].Status.ContainerStatuses[0].State.Running = nil }
	for name, c := range map[string]struct {
		hosts   []ego.Host
		facts   factsEdits
		settled bool
	}{
		"ten minutes after the master was started": {nil, nil, true},
		"not before": {theHost(ego.StateOK, nothing), factsEdits{restarted}, false},
		"but when all that are ready are back, and the director": {theHost(ego.StateOK, nothing), factsEdits{restarted, director}, true},
		"not when one is not back":                               {nil, factsEdits{restarted, director}, false},
		"not when one does not answer":                           {theHost(ego.StateUnavailable, nothing), factsEdits{restarted, director}, false},
		"also of a master whose start is not known":              {theHost(ego.StateOK, nothing), factsEdits{stopped}, true},
		"not while EGO fails":                                    {nil, factsEdits{failing}, false},
		"not without a master":                                   {nil, factsEdits{noMaster}, false},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(drained(2, pods, append(factsEdits{says(c.hosts...)}, c.facts...)...).Settled).To(Equal(c.settled))
		})
	}
}
