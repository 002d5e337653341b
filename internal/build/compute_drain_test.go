// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

func drainTimeout(timeout time.Duration) edit {
	return func(c *v1alpha1.SymphonyCluster) {
		c.Spec.Compute.ScaleIn.DrainTimeout = &metav1.Duration{Duration: timeout}
	}
}

func immediate(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate }

func ownGrace(seconds string) edit {
	return computeOverlay(`{"spec":{"terminationGracePeriodSeconds":` + seconds + `}}`)
}

// The hook returns 30 seconds before the end, so that EGO stops in order; work that is taken back at the timeout gets 30 too.
func TestComputePodsGetTheTimeThatTheirWorkMayTake(t *testing.T) {
	for name, c := range map[string]struct {
		edits []edit
		grace int64
		wait  string
	}{
		"by default":                      {nil, 660, "630"},
		"by a timeout":                    {[]edit{drainTimeout(2 * time.Hour)}, 7260, "7230"},
		"by a fraction, which is rounded": {[]edit{drainTimeout(1500 * time.Millisecond)}, 62, "32"},
		"by the longest timeout":          {[]edit{drainTimeout(168 * time.Hour)}, 604860, "604830"},
		"by no timeout":                   {[]edit{drainTimeout(0)}, 60, "30"},
		"not waiting at all":              {[]edit{immediate, drainTimeout(time.Hour)}, 30, "0"},
		"by the user":                     {[]edit{ownGrace("120"), drainTimeout(time.Hour)}, 120, "90"},
		"by the user, too little":         {[]edit{ownGrace("10")}, 10, "0"},
		"by the user, not waiting":        {[]edit{ownGrace("120"), immediate}, 120, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pod := computePod(t, buildFirst(t, c.edits...))
			g.Expect(pod.Spec.TerminationGracePeriodSeconds).To(HaveValue(Equal(c.grace)))
			g.Expect(pod.Annotations).To(HaveKeyWithValue(names.AnnotationDrainSeconds, c.wait))
		})
	}
}

// It counts for pods that are created later, and replaces none.
func TestAnotherTimeoutIsNoOtherRevision(t *testing.T) {
	g := NewWithT(t)
	before := buildFirst(t)
	facts := &observe.Facts{Cluster: newCluster(drainTimeout(time.Hour)), Revisions: storedRevisions(t, before)}
	facts.ComputeSet = liveSet(before.ComputeRevision)
	for _, decided := range []*plan.Plan{follow(1), hold(1)} {
		children := buildAll(t, facts, decided)
		g.Expect(children.ComputeRevision).To(Equal(before.ComputeRevision))
		g.Expect(children.Revisions).To(BeEmpty())
		pod := computePod(t, children)
		g.Expect(pod.Spec.TerminationGracePeriodSeconds).To(HaveValue(BeEquivalentTo(3660)))
		g.Expect(pod.Annotations).To(HaveKeyWithValue(names.AnnotationDrainSeconds, "3630"))
	}
}

// Without a hook that waits, a pod would only be slow to go.
func TestAKeptTemplateWithoutTheHookKeepsItsTime(t *testing.T) {
	for name, hook := range map[string]*corev1.Lifecycle{
		"none":       nil,
		"the user's": {PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}},
		"a pause":    {PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := &observe.Facts{Cluster: newCluster(drainTimeout(time.Hour)), Revisions: storedRevisions(t, buildFirst(t))}
			for _, revision := range facts.Revisions {
				var template corev1.PodTemplateSpec
				g.Expect(json.Unmarshal(revision.Data.Raw, &template)).To(Succeed())
				template.Spec.Containers[0].Lifecycle = hook
				template.Spec.TerminationGracePeriodSeconds = new(int64(30))
				var err error
				revision.Data.Raw, err = json.Marshal(template)
				g.Expect(err).NotTo(HaveOccurred())
			}
			pod := computePod(t, buildAll(t, facts, follow(1)))
			g.Expect(pod.Spec.TerminationGracePeriodSeconds).To(HaveValue(BeEquivalentTo(30)))
			g.Expect(pod.Annotations).NotTo(HaveKey(names.AnnotationDrainSeconds))
		})
	}
}

func TestTheBudgetCoversAllPodsThatAreNotKnownToBeIdle(t *testing.T) {
	g := NewWithT(t)
	budget := decoded[policyv1.PodDisruptionBudget](t, buildFirst(t).ComputeBudget)
	g.Expect(budget.Name).To(Equal("prod-compute"))
	g.Expect(budget.Spec.MaxUnavailable.IntValue()).To(BeZero())
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	g.Expect(err).NotTo(HaveOccurred())
	for name, c := range map[string]struct {
		role, cluster, idle string
		covered             bool
	}{
		"of which nothing is known": {names.Compute, "prod", "", true},
		"without work":              {names.Compute, "prod", names.Idle, false},
		"of another word":           {names.Compute, "prod", "false", true},
		"a master":                  {names.Master, "prod", "", false},
		"of another cluster":        {names.Compute, "test", "", false},
	} {
		pod := labels.Set(names.Labels(c.cluster, c.role))
		if c.idle != "" {
			pod[names.LabelIdle] = c.idle
		}
		g.Expect(selector.Matches(pod)).To(Equal(c.covered), name)
	}
}

func TestABudgetIsThereWhileWorkIsWaitedFor(t *testing.T) {
	there := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "prod-compute", UID: "budget"}}
	going := there.DeepCopy()
	going.DeletionTimestamp = new(metav1.Now())
	wait := &plan.Plan{Compute: plan.Compute{Verdict: plan.Wait}}
	for name, c := range map[string]struct {
		edits    []edit
		decided  *plan.Plan
		live     *policyv1.PodDisruptionBudget
		wanted   bool
		obsolete bool
	}{
		"drained":                             {nil, follow(1), nil, true, false},
		"drained, while the master is away":   {nil, hold(1), there, true, false},
		"before compute is created":           {nil, wait, nil, false, false},
		"not drained":                         {[]edit{immediate}, follow(1), nil, false, false},
		"not drained any more":                {[]edit{immediate}, hold(1), there, false, true},
		"not drained any more, and going":     {[]edit{immediate}, follow(1), going, false, false},
		"not drained, and compute not wanted": {[]edit{immediate}, wait, there, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildAll(t, &observe.Facts{Cluster: newCluster(c.edits...), ComputeBudget: c.live}, c.decided)
			g.Expect(children.ComputeBudget != nil).To(Equal(c.wanted))
			g.Expect(children.ObsoleteBudget != nil).To(Equal(c.obsolete))
		})
	}
}

func TestTheListsOfComputeHosts(t *testing.T) {
	g := NewWithT(t)
	facts := &observe.Facts{Cluster: newCluster(), Now: time.Date(2026, 8, 1, 10, 0, 0, 5000, time.FixedZone("", 3600))}
	facts.ComputeHosts[1] = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "7"}}
	decided := follow(1)
	decided.ComputeHosts = []plan.HostsShard{{Number: 0, Text: "10.32.0.7 prod-compute-a\n"}, {Number: 1, Text: ""}}
	children := buildAll(t, facts, decided)
	g.Expect(children.ComputeHosts).To(HaveLen(2))
	first := decoded[corev1.ConfigMap](t, children.ComputeHosts[0])
	g.Expect(first.Name).To(Equal("prod-compute-hosts-0"))
	g.Expect(first.Labels).To(Equal(names.Labels("prod", names.Compute)))
	g.Expect(first.Annotations).To(HaveKeyWithValue(names.AnnotationWritten, "2026-08-01T09:00:00.000005Z"))
	g.Expect(metav1.GetControllerOf(first).UID).To(BeEquivalentTo("cluster-uid"))
	g.Expect(first.Data).To(Equal(map[string]string{names.HostsKey: "10.32.0.7 prod-compute-a\n"}))
	g.Expect(first.ResourceVersion).To(BeEmpty())
	second := decoded[corev1.ConfigMap](t, children.ComputeHosts[1])
	g.Expect(second.Name).To(Equal("prod-compute-hosts-1"))
	g.Expect(second.Data).To(Equal(map[string]string{names.HostsKey: ""}), "it is emptied, and stays")
	g.Expect(second.ResourceVersion).To(Equal("7"), "it is meant for the version that was looked at")
}
