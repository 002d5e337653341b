// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// runs are the facts about a cluster that runs what first asks for, while its spec asks for second.
func runs(t *testing.T, first, second edit) *observe.Facts {
	t.Helper()
	before := buildFirst(t, first)
	return &observe.Facts{
		Cluster:          newCluster(second),
		Now:              time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
		Revisions:        storedRevisions(t, before),
		MasterDeployment: decoded[appsv1.Deployment](t, before.MasterDeployment),
		ComputeSet:       decoded[appsv1.ReplicaSet](t, before.ComputeSet),
	}
}

// state is the check that was created, in a phase.
func state(check *build.ImageCheck, phase corev1.PodPhase, reason string, age time.Duration) func(*observe.Facts) {
	return func(f *observe.Facts) {
		pod := check.Pod.DeepCopy()
		pod.CreationTimestamp = metav1.NewTime(f.Now.Add(-age))
		pod.Status.Phase, pod.Status.Reason = phase, reason
		if phase == corev1.PodFailed && reason == "" {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{ended("StartError")}
		}
		f.ImageChecks = append(f.ImageChecks, pod)
	}
}

// ended is the status of a container that has ended.
func ended(reason string) corev1.ContainerStatus {
	return corev1.ContainerStatus{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason}}}
}

func images(t *testing.T, children *build.Children) []string {
	t.Helper()
	return []string{masterPod(t, children).Spec.Containers[0].Image, computePod(t, children).Spec.Containers[0].Image}
}

func TestANewImageWaitsForItsCheck(t *testing.T) {
	g := NewWithT(t)
	facts := runs(t, setImage("old"), setImage("new"))
	waiting := buildAll(t, facts, follow(1))
	g.Expect(waiting.ImageChecks).To(HaveLen(2), "one a role: they may run on different machines")
	g.Expect(images(t, waiting)).To(Equal([]string{"old", "old"}))
	g.Expect(waiting.Revisions).To(BeEmpty(), "nothing is kept of a template that is not in force")
	g.Expect(waiting.Obsolete).To(BeEmpty())

	for _, check := range waiting.ImageChecks {
		g.Expect(check.Passed).To(BeFalse())
		g.Expect(check.Pod.Spec.Containers).To(HaveLen(1))
		g.Expect(check.Pod.Spec.Containers[0].Image).To(Equal("new"))
		g.Expect(check.Pod.Spec.Volumes).To(BeEmpty())
		g.Expect(check.Pod.Spec.RestartPolicy).To(Equal(corev1.RestartPolicyNever))
		g.Expect(*check.Pod.Spec.SecurityContext.RunAsNonRoot).To(BeTrue(), "it must run where Pod Security is restricted")
		state(check, corev1.PodSucceeded, "", 0)(facts)
	}
	passed := buildAll(t, facts, follow(1))
	g.Expect(images(t, passed)).To(Equal([]string{"new", "new"}))
	g.Expect(passed.Revisions).To(HaveLen(2))
	g.Expect(passed.ObsoleteChecks).To(BeEmpty(), "until the new template is seen to be kept")

	facts.Revisions = append(facts.Revisions, storedRevisions(t, passed)...)
	kept := buildAll(t, facts, follow(1))
	g.Expect(images(t, kept)).To(Equal([]string{"new", "new"}))
	g.Expect(kept.ImageChecks).To(BeEmpty())
	g.Expect(kept.ObsoleteChecks).To(HaveLen(2))
}

func TestWhatACheckSays(t *testing.T) {
	for name, c := range map[string]struct {
		phase    corev1.PodPhase
		reason   string
		age      time.Duration
		passed   bool
		obsolete bool
	}{
		"it waits":                             {corev1.PodPending, "", time.Hour, false, false},
		"it runs":                              {corev1.PodRunning, "", 0, true, false},
		"it has ended":                         {corev1.PodSucceeded, "", 0, true, false},
		"it could not run what it was told to": {corev1.PodFailed, "", 0, true, false},
		"it was evicted a moment ago":          {corev1.PodFailed, "Evicted", time.Second, false, false},
		"it was evicted a while ago":           {corev1.PodFailed, "Evicted", time.Minute, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := runs(t, setImage("old"), func(c *v1alpha1.SymphonyCluster) { c.Spec.Image, c.Spec.Compute.Image = "old", "new" })
			state(buildAll(t, facts, follow(1)).ImageChecks[0], c.phase, c.reason, c.age)(facts)
			children := buildAll(t, facts, follow(1))
			g.Expect(children.ImageChecks[0].Passed).To(Equal(c.passed))
			g.Expect(len(children.ObsoleteChecks) == 1).To(Equal(c.obsolete))
		})
	}
}

// Kept templates can be lost to somebody's clean-up: then there is none to go on with, and what runs is left alone.
func TestACheckNeedsNoKeptTemplate(t *testing.T) {
	g := NewWithT(t)
	facts := runs(t, setImage("old"), setImage("new"))
	facts.Revisions = nil
	children := buildAll(t, facts, follow(1))
	g.Expect(children.ImageChecks).To(HaveLen(2))
	g.Expect(children.MasterDeployment).To(BeNil())
	g.Expect(children.ComputeSet).To(BeNil())
}

func TestWhatNeedsNoCheck(t *testing.T) {
	sideCar := computeOverlay(`{"spec":{"containers":[{"name":"side","image":"side"}]}}`)
	for name, facts := range map[string]*observe.Facts{
		"the first template": {Cluster: newCluster(setImage("new"))},
		"another field":      runs(t, setImage("old"), func(c *v1alpha1.SymphonyCluster) { c.Spec.Image, c.Spec.RestartedAt = "old", "now" }),
		"an image less":      runs(t, sideCar, func(*v1alpha1.SymphonyCluster) {}),
		"a way back to what still runs": func() *observe.Facts {
			back := runs(t, setImage("new"), setImage("old"))
			first := buildFirst(t, setImage("old"))
			for role, revision := range map[string]string{names.Master: first.MasterRevision, names.Compute: first.ComputeRevision} {
				pod := &corev1.Pod{}
				pod.Labels = map[string]string{names.LabelRevision: revision}
				pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
				if role == names.Master {
					back.MasterPods = []*corev1.Pod{pod}
				} else {
					back.ComputePods = []*corev1.Pod{pod}
				}
			}
			return back
		}(),
		"an image that runs already, seen before its template is": func() *observe.Facts {
			seen := runs(t, setImage("new"), setImage("new"))
			seen.Revisions = storedRevisions(t, buildFirst(t, setImage("old")))
			return seen
		}(),
		"a role that has nothing that runs": func() *observe.Facts {
			none := runs(t, setImage("old"), setImage("new"))
			none.MasterDeployment, none.ComputeSet = nil, nil
			return none
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(buildAll(t, facts, follow(1)).ImageChecks).To(BeEmpty())
		})
	}
}

func TestOnlyNewImagesArePulled(t *testing.T) {
	g := NewWithT(t)
	side := computeOverlay(`{"spec":{"initContainers":[{"name":"init","image":"init"}],"containers":[{"name":"a","image":"side"},{"name":"b","image":"side"}]}}`)
	checks := buildAll(t, runs(t, func(*v1alpha1.SymphonyCluster) {}, side), follow(1)).ImageChecks
	g.Expect(checks).To(HaveLen(1))
	g.Expect(checks[0].Role).To(Equal(names.Compute))
	pulled := []string{}
	for _, container := range checks[0].Pod.Spec.Containers {
		pulled = append(pulled, container.Image)
	}
	g.Expect(pulled).To(ConsistOf("init", "side"))
}

// Nothing waits for the check of an image that is not asked for any more.
func TestGoingBackGivesTheCheckUp(t *testing.T) {
	g := NewWithT(t)
	facts := runs(t, setImage("old"), setImage("new"))
	for _, check := range buildAll(t, facts, follow(1)).ImageChecks {
		state(check, corev1.PodPending, "", time.Second)(facts)
	}
	facts.Cluster = newCluster(setImage("old"))
	children := buildAll(t, facts, follow(1))
	g.Expect(children.ImageChecks).To(BeEmpty())
	g.Expect(children.ObsoleteChecks).To(HaveLen(2))
	g.Expect(images(t, children)).To(Equal([]string{"old", "old"}))
}
