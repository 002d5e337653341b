// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// whole is a compute pod as the API server sends it.
func whole() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "prod-compute-x", UID: "uid", ResourceVersion: "5",
			Labels:          map[string]string{names.LabelCluster: "prod", names.LabelRevision: "c1", "team": "risk"},
			Annotations:     map[string]string{names.AnnotationMasterHosts: "10.0.0.1 prod-master", "example.com/much": "text"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", UID: "set", Controller: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubelet"}},
		},
		Spec: corev1.PodSpec{NodeName: "node1", Containers: []corev1.Container{{
			Name: "symphony", Args: []string{"a long script"},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2G")}},
		}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.2", HostIP: "192.0.2.1",
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodInitialized, Status: corev1.ConditionTrue},
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastProbeTime: metav1.NewTime(time.Unix(1, 0))},
			},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "symphony", Ready: true, Image: "sym712", ImageID: "sha256:1",
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
			}},
		},
	}
}

func TestOfAPodOnlyWhatIsUsedIsKept(t *testing.T) {
	g := NewWithT(t)
	kept, err := observe.TrimPod(whole())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept).To(Equal(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "prod-compute-x", UID: "uid", ResourceVersion: "5",
			Labels:          map[string]string{names.LabelCluster: "prod", names.LabelRevision: "c1"},
			Annotations:     map[string]string{names.AnnotationMasterHosts: "10.0.0.1 prod-master"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", UID: "set", Controller: new(true)}},
		},
		Spec: corev1.PodSpec{NodeName: "node1"},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.2", HostIP: "192.0.2.1",
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "symphony", Ready: true}},
		},
	}))
}

// What a pod says before it dies must survive the trimming: conditions are made of it.
func TestLastWordsAreKept(t *testing.T) {
	g := NewWithT(t)
	pod := whole()
	words := &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "no password", ContainerID: "containerd://1"}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no room"}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "symphony", Image: "sym712", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: words},
	}}
	_, err := observe.TrimPod(pod)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(pod.Status.Conditions).To(HaveLen(1))
	g.Expect(pod.Status.Conditions[0].Message).To(Equal("no room"))
	container := pod.Status.ContainerStatuses[0]
	g.Expect(container.Image).To(Equal("sym712"))
	g.Expect(container.State.Waiting.Reason).To(Equal("CrashLoopBackOff"))
	g.Expect(container.LastTerminationState.Terminated).To(Equal(&corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "no password"}))
}

// 30,000 pods are held in memory: one is about 10 KB as it comes.
func TestAPodIsSmall(t *testing.T) {
	g := NewWithT(t)
	kept, err := observe.TrimPod(whole())
	g.Expect(err).NotTo(HaveOccurred())
	data, err := json.Marshal(kept)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(data)).To(BeNumerically("<", 1000))
}

func TestADeletionThatTheWatchMissedPasses(t *testing.T) {
	tombstone := cache.DeletedFinalStateUnknown{Key: "grid/prod-compute-x"}
	kept, err := observe.TrimPod(tombstone)
	g := NewWithT(t)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept).To(Equal(tombstone))
}

func TestReadyAndLive(t *testing.T) {
	ending := func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }
	for name, c := range map[string]struct {
		edit        func(*corev1.Pod)
		ready, live bool
	}{
		"it runs":        {func(*corev1.Pod) {}, true, true},
		"it starts":      {func(p *corev1.Pod) { p.Status.Conditions = nil }, false, true},
		"it waits":       {func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodPending} }, false, true},
		"it ends":        {ending, false, false},
		"it failed":      {func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodFailed} }, false, false},
		"it succeeded":   {func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodSucceeded} }, false, false},
		"it is not well": {func(p *corev1.Pod) { p.Status.Conditions[2].Status = corev1.ConditionFalse }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			pod := whole()
			c.edit(pod)
			NewWithT(t).Expect(observe.PodReady(pod)).To(Equal(c.ready))
			NewWithT(t).Expect(observe.PodLive(pod)).To(Equal(c.live))
		})
	}
}

// A check that passes wrongly costs the running master.
func TestPulledIsWhatContainersProve(t *testing.T) {
	ended := func(reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason}}}
	}
	waits := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}
	for name, c := range map[string]struct {
		status corev1.PodStatus
		pulled bool
	}{
		"it waits":                      {corev1.PodStatus{Phase: corev1.PodPending}, false},
		"it runs":                       {corev1.PodStatus{Phase: corev1.PodRunning}, true},
		"it has ended well":             {corev1.PodStatus{Phase: corev1.PodSucceeded}, true},
		"it has no bash":                {corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{ended("StartError")}}, true},
		"a kubelet marked it as failed": {corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{ended("ContainerStatusUnknown")}}, false},
		"it was cleaned away before it had begun": {corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{waits}}, false},
		"one of two could not be pulled":          {corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{ended("Completed"), waits}}, false},
		"it never had a container":                {corev1.PodStatus{Phase: corev1.PodFailed}, false},
		"it was evicted":                          {corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", ContainerStatuses: []corev1.ContainerStatus{ended("Error")}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Status: c.status}
			NewWithT(t).Expect(observe.PodPulled(pod)).To(Equal(c.pulled))
			pod.DeletionTimestamp = new(metav1.Now())
			NewWithT(t).Expect(observe.PodPulled(pod)).To(BeFalse(), "while it is being deleted")
		})
	}
}
