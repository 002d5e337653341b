// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"math"
	"sort"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deletedByReplicaSet are the pods that the ReplicaSet controller deletes when it has so many too many: its getPodsToDelete and
// ActivePodsWithRanks (k8s.io/kubernetes/pkg/controller, v1.37), rule by rule. Where these leave two pods equal, the order in which the
// pods are given decides, as in the controller: callers shuffle them.
func deletedByReplicaSet(active []*corev1.Pod, tooMany int, now time.Time) []*corev1.Pod {
	ranked := rankedPods{pods: append([]*corev1.Pod{}, active...), onNode: map[string]int{}, now: now}
	for _, pod := range active {
		ranked.onNode[pod.Spec.NodeName]++
	}
	if tooMany < len(active) {
		sort.Sort(ranked)
	}
	return ranked.pods[:tooMany]
}

type rankedPods struct {
	pods   []*corev1.Pod
	onNode map[string]int
	now    time.Time
}

func (r rankedPods) Len() int { return len(r.pods) }

func (r rankedPods) Swap(i, j int) { r.pods[i], r.pods[j] = r.pods[j], r.pods[i] }

func (r rankedPods) Less(i, j int) bool {
	a, b := r.pods[i], r.pods[j]
	if unassigned := a.Spec.NodeName == ""; unassigned != (b.Spec.NodeName == "") {
		return unassigned
	}
	ordinal := map[corev1.PodPhase]int{corev1.PodPending: 0, corev1.PodUnknown: 1, corev1.PodRunning: 2}
	if x, y := ordinal[a.Status.Phase], ordinal[b.Status.Phase]; x != y {
		return x < y
	}
	readyA, sinceA := readyCondition(a)
	readyB, sinceB := readyCondition(b)
	if readyA != readyB {
		return !readyA
	}
	if x, y := realCost(a), realCost(b); x != y {
		return x < y
	}
	if x, y := r.onNode[a.Spec.NodeName], r.onNode[b.Spec.NodeName]; x != y {
		return x > y
	}
	if readyA && !sinceA.Equal(&sinceB) {
		return r.later(a, b, sinceA, sinceB)
	}
	if x, y := restartsOf(a), restartsOf(b); x != y {
		return x > y
	}
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return r.later(a, b, a.CreationTimestamp, b.CreationTimestamp)
	}
	return false
}

// later compares times as the controller does: on a logarithmic scale, and by UID within one step of it.
func (r rankedPods) later(a, b *corev1.Pod, atA, atB metav1.Time) bool {
	if atA.IsZero() || atB.IsZero() {
		return atA.IsZero()
	}
	rank := func(at metav1.Time) int64 {
		if age := r.now.Sub(at.Time); age > 0 {
			return int64(math.Log2(float64(age)))
		}
		return -1
	}
	if rank(atA) == rank(atB) {
		return a.UID < b.UID
	}
	return rank(atA) < rank(atB)
}

func readyCondition(pod *corev1.Pod) (isReady bool, since metav1.Time) {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return true, c.LastTransitionTime
		}
	}
	return false, since
}

// realCost is GetDeletionCostFromPodAnnotations, whose errors the controller ignores.
func realCost(pod *corev1.Pod) int32 {
	text := pod.Annotations[corev1.PodDeletionCost]
	if text == "" || text[0] != '-' && text != "0" && (text[0] < '1' || text[0] > '9') {
		return 0
	}
	cost, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0
	}
	return int32(cost)
}

func restartsOf(pod *corev1.Pod) int32 {
	var most int32
	for i := range pod.Status.ContainerStatuses {
		most = max(most, pod.Status.ContainerStatuses[i].RestartCount)
	}
	return most
}
