// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// TrimPod keeps of a pod what plan and status use. A whole pod is about 10 KB in memory, and there are up to
// 30,000 of them in one cluster. It changes the pod in place.
func TrimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		// A tombstone of a deletion that the watch missed: it passes through.
		return object, nil
	}
	pod.ManagedFields, pod.GenerateName = nil, ""
	pod.Annotations = keep(pod.Annotations, names.AnnotationMasterHosts, names.AnnotationDrain, names.AnnotationDrainSince,
		names.AnnotationHostClosed, names.AnnotationHostReclaimed, corev1.PodDeletionCost)
	pod.Labels = keep(pod.Labels, names.LabelManagedBy, names.LabelCluster, names.LabelRole, names.LabelRevision, names.LabelIdle,
		names.LabelNetworkCheck, names.LabelWeave)
	pod.Spec = corev1.PodSpec{NodeName: pod.Spec.NodeName, Volumes: sharedVolume(pod)}
	pod.Status = corev1.PodStatus{
		Phase:                 pod.Status.Phase,
		Reason:                pod.Status.Reason,
		HostIP:                pod.Status.HostIP,
		PodIP:                 pod.Status.PodIP,
		Conditions:            trimConditions(pod.Status.Conditions),
		InitContainerStatuses: trimContainers(pod.Status.InitContainerStatuses, pod.Labels[names.LabelRole]),
		ContainerStatuses:     trimContainers(pod.Status.ContainerStatuses, pod.Labels[names.LabelRole]),
	}
	return pod, nil
}

func keep(all map[string]string, keys ...string) map[string]string {
	var kept map[string]string
	for _, key := range keys {
		if value, ok := all[key]; ok {
			if kept == nil {
				kept = make(map[string]string, len(keys))
			}
			kept[key] = value
		}
	}
	return kept
}

func trimConditions(all []corev1.PodCondition) []corev1.PodCondition {
	var kept []corev1.PodCondition
	for i := range all {
		c := &all[i]
		unschedulable := c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue
		if c.Type == corev1.PodReady || unschedulable {
			slim := corev1.PodCondition{Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message}
			if c.Status != corev1.ConditionTrue {
				slim.LastTransitionTime = c.LastTransitionTime // Since when it is not; few are not for long.
			}
			kept = append(kept, slim)
		}
	}
	return kept
}

// trimContainers keeps of each container why it does not run, and of the master's since when it does and how often it began anew: what is true of every
// running container is dropped.
func trimContainers(all []corev1.ContainerStatus, role string) []corev1.ContainerStatus {
	if len(all) == 0 {
		return nil
	}
	kept := make([]corev1.ContainerStatus, 0, len(all))
	for i := range all {
		c := &all[i]
		slim := corev1.ContainerStatus{Name: c.Name, Ready: c.Ready}
		if role == names.Master {
			slim.State.Running, slim.RestartCount = c.State.Running, c.RestartCount
		}
		if c.State.Waiting != nil {
			slim.State.Waiting = c.State.Waiting
			slim.Image = c.Image
		}
		slim.State.Terminated = lastWords(c.State.Terminated)
		if !c.Ready {
			slim.LastTerminationState.Terminated = lastWords(c.LastTerminationState.Terminated)
		}
		kept = append(kept, slim)
	}
	return kept
}

func lastWords(t *corev1.ContainerStateTerminated) *corev1.ContainerStateTerminated {
	if t == nil {
		return nil
	}
	return &corev1.ContainerStateTerminated{ExitCode: t.ExitCode, Reason: t.Reason, Message: t.Message}
}

// PodReady reports whether the pod's readiness condition is true and it is not on its way out.
func PodReady(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// YoungerPod reports whether a is younger than b. Times have seconds only, and the cache lists in no order: without the
// name, two pods of one second would take turns.
func YoungerPod(a, b *corev1.Pod) bool {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name)) > 0
}

// PodLive reports whether the pod runs or will run: not finished, and not on its way out.
func PodLive(pod *corev1.Pod) bool { return pod.DeletionTimestamp == nil && !podFinished(pod) }

func podFinished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Runs reports whether the container that runs Symphony may be running. Where it waits or has ended nothing does, and a pod that was
// never started has no containers.
func Runs(pod *corev1.Pod) bool {
	for i := range pod.Status.ContainerStatuses {
		if c := &pod.Status.ContainerStatuses[i]; c.Name == names.Container {
			return c.State.Waiting == nil && c.State.Terminated == nil
		}
	}
	return pod.Status.Phase != corev1.PodPending && pod.Spec.NodeName != ""
}

// PodPulled reports whether the images of all containers of the pod were pulled: a container that has ended, however, was
// started, while one whose image is missing keeps the pod Pending. A pod that somebody deletes proves nothing: it is Failed
// too, with containers that nobody knows the end of.
func PodPulled(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	switch pod.Status.Phase {
	case corev1.PodRunning, corev1.PodSucceeded:
		return true
	case corev1.PodFailed:
		return pod.Status.Reason == "" && allEnded(pod.Status.ContainerStatuses)
	default:
		return false
	}
}

// statusUnknown is the kubelet's reason for a container whose end it has not seen.
const statusUnknown = "ContainerStatusUnknown"

func allEnded(containers []corev1.ContainerStatus) bool {
	for i := range containers {
		if ended := containers[i].State.Terminated; ended == nil || ended.Reason == statusUnknown {
			return false
		}
	}
	return len(containers) > 0
}

// PodTurnedAway reports whether a kubelet refused, evicted or lost the pod, which says nothing about its images.
func PodTurnedAway(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed && !PodPulled(pod)
}

// controllerUID is the UID of the object that controls this one, or "".
func controllerUID(object metav1.Object) string {
	if owner := metav1.GetControllerOfNoCopy(object); owner != nil {
		return string(owner.UID)
	}
	return ""
}
