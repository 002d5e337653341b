// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Urgent reports whether a status has something that users, or what they wait with, must see at once: that a new spec was seen, that a condition
// is another one, why a cluster is in trouble, that the master is another one, what EGO says of the hosts. The rest tells how far
// something is that goes on, such as how many pods are ready; with each pod of a large cluster that would be one more write.
func Urgent(before, after *v1alpha1.SymphonyClusterStatus) bool {
	return before.ObservedGeneration != after.ObservedGeneration ||
		before.Master.PodIP != after.Master.PodIP ||
		before.Master.Instance != after.Master.Instance ||
		hostsChanged(before.Compute.Hosts, after.Compute.Hosts) ||
		conditionsChanged(before.Conditions, after.Conditions)
}

func hostsChanged(before, after *v1alpha1.HostCounts) bool {
	if before == nil || after == nil {
		return before != after
	}
	return !sameButBusy(before, after) || (before.Busy == nil) != (after.Busy == nil)
}

// conditionsChanged reports whether one has come, gone or turned, or the reason of Ready is more than the next of those that follow
// each other when all goes well.
func conditionsChanged(before, after []metav1.Condition) bool {
	if len(before) != len(after) {
		return true
	}
	for i := range after {
		is := &after[i]
		was := meta.FindStatusCondition(before, is.Type)
		if was == nil || was.Status != is.Status {
			return true
		}
		onItsWay := is.Reason != v1alpha1.ReasonRetrying && slices.Contains(calm, was.Reason) && slices.Contains(calm, is.Reason)
		if is.Type == v1alpha1.ConditionReady && was.Reason != is.Reason && !onItsWay {
			return true
		}
	}
	return false
}
