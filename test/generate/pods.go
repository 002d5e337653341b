// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"fmt"
	"math/rand"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func (w *World) masterPods(facts *observe.Facts) []*corev1.Pod {
	deployment := w.kept.MasterDeployment
	if deployment == nil {
		return nil
	}
	var pods []*corev1.Pod
	for i := range oneOf(w.source, 0, 1, 1, 1, 2) {
		pod := w.pod(facts, fmt.Sprintf("%s-%d-x", deployment.Name, i), names.Master, deployment.Spec.Template.Labels[names.LabelRevision])
		if claim := sharedClaim(deployment.Spec.Template.Spec.Volumes); claim != nil {
			pod.Spec.Volumes = []corev1.Volume{*claim}
		}
		pods = append(pods, pod)
	}
	return pods
}

func sharedClaim(volumes []corev1.Volume) *corev1.Volume {
	for i := range volumes {
		if volumes[i].Name == names.SharedVolume {
			return &volumes[i]
		}
	}
	return nil
}

func (w *World) computePods(facts *observe.Facts) []*corev1.Pod {
	set := w.kept.ComputeSet
	if set == nil {
		return nil
	}
	var pods []*corev1.Pod
	for i := range w.source.random.Intn(7) {
		pod := w.pod(facts, set.Name+"-bcdf"+string("bcdfghj"[i]), names.Compute, set.Spec.Template.Labels[names.LabelRevision])
		if w.source.one(2) {
			pod.Annotations[names.AnnotationMasterHosts] = set.Spec.Template.Annotations[names.AnnotationMasterHosts]
		}
		w.drain(facts, pod)
		pods = append(pods, pod)
	}
	return pods
}

// drain puts the notes of a drain on a pod; anybody may have changed them by hand.
func (w *World) drain(facts *observe.Facts, pod *corev1.Pod) {
	s := w.source
	if s.one(3) {
		pod.Annotations[names.AnnotationDrain] = oneOf(s, names.Draining, names.Released, "else")
		pod.Annotations[names.AnnotationDrainSince] = w.time(facts)
	}
	for _, annotation := range []string{names.AnnotationHostClosed, names.AnnotationHostReclaimed} {
		if s.one(4) {
			pod.Annotations[annotation] = w.time(facts)
		}
	}
	if s.one(4) {
		pod.Annotations[corev1.PodDeletionCost] = oneOf(s, "-1000", "-2147483648", "2147483647", "x", "1e9", "")
	}
	if s.one(4) {
		pod.Labels[names.LabelIdle] = oneOf(s, names.Idle, "x")
	}
}

func (w *World) time(facts *observe.Facts) string {
	return oneOf(w.source, facts.Now.Format(time.RFC3339), facts.Now.Add(-time.Hour).Format(time.RFC3339), facts.Now.Add(time.Hour).Format(time.RFC3339),
		"", "yesterday", "0001-01-01T00:00:00Z", "9000-01-01T00:00:00Z")
}

func (w *World) pod(facts *observe.Facts, name, role, revision string) *corev1.Pod {
	s := w.source
	labels := names.Labels(w.Cluster.Name, role)
	labels[names.LabelRevision] = oneOf(s, revision, revision, "older")
	created := metav1.NewTime(facts.Now.Add(-time.Duration(s.random.Intn(7200)) * time.Second))
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.Cluster.Namespace, Name: name, UID: types.UID("uid-of-" + name), ResourceVersion: "1",
		Labels: labels, Annotations: map[string]string{}, CreationTimestamp: created,
	}}
	if s.one(5) {
		pod.DeletionTimestamp = new(metav1.NewTime(facts.Now.Add(time.Duration(s.random.Intn(240)-120) * time.Second)))
		pod.DeletionGracePeriodSeconds = new(int64(oneOf(s, 30, 600)))
	}
	s.state(pod, created)
	return pod
}

// state is how far a pod is, as the kubelet and the scheduler say it.
func (s *Source) state(pod *corev1.Pod, created metav1.Time) {
	container := corev1.ContainerStatus{Name: names.Container, Image: "sym712", RestartCount: int32(s.random.Intn(3))}
	pod.Spec.NodeName = "node-1"
	pod.Status.Phase, pod.Status.HostIP = corev1.PodRunning, "192.0.2.1"
	ready := corev1.ConditionFalse
	switch s.random.Intn(12) {
	case 0:
		pod.Spec.NodeName, pod.Status = "", corev1.PodStatus{Phase: corev1.PodPending}
		if s.one(2) {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: oneOf(s, "", "0/3 nodes")}}
		}
		return
	case 1:
		pod.Status.Phase = corev1.PodPending
		container.State.Waiting = &corev1.ContainerStateWaiting{
			Reason: oneOf(s, "", "ContainerCreating", "ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError"), Message: s.noise(),
		}
	case 2:
		pod.Status.Phase = oneOf(s, corev1.PodFailed, corev1.PodSucceeded)
		pod.Status.Reason = oneOf(s, "", "Evicted", "OutOfcpu")
		container.State.Terminated = s.ended()
	case 3:
		container.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: s.noise()}
		container.LastTerminationState.Terminated = s.ended()
	case 4:
		container.State.Terminated = s.ended()
	default:
		pod.Status.PodIP = oneOf(s, "10.32.0.1", "10.32.0.2", "2001:db8::1")
		container.State.Running = &corev1.ContainerStateRunning{StartedAt: created}
		container.Ready = s.one(2)
		if container.Ready && !s.one(5) {
			ready = corev1.ConditionTrue
		}
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{container}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: created}}
}

func (s *Source) ended() *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{
		ExitCode: int32(oneOf(s, 0, 1, 137)), Reason: oneOf(s, "Error", "OOMKilled", "Completed", "ContainerStatusUnknown"),
		Message: oneOf(s, "", "set spec.adminPassword", scripts.ForeignDirectory+"of grid/other", s.noise()),
	}
}

// imageChecks are those that were created, as far as they are.
func (w *World) imageChecks(facts *observe.Facts) {
	for _, made := range w.kept.ImageChecks {
		if w.source.one(3) {
			continue
		}
		pod := made.DeepCopy()
		pod.UID, pod.CreationTimestamp = types.UID("uid-of-"+pod.Name), metav1.NewTime(facts.Now.Add(-oneOf(w.source, time.Second, time.Hour)))
		w.source.state(pod, pod.CreationTimestamp)
		if w.source.one(8) {
			facts.OrphanChecks = append(facts.OrphanChecks, pod)
			continue
		}
		facts.ImageChecks = append(facts.ImageChecks, pod)
	}
	shuffle(w.source, facts.ImageChecks)
}

// shuffle has a list in any order: that of a cache is random.
func shuffle[T any](s *Source, all []T) {
	rand.New(rand.NewSource(s.random.Int63())).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
}
