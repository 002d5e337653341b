// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package oracle knows what must be true of every SymphonyCluster, whatever a test does with it. The
// integration and the end-to-end tests hold what they see against it.
package oracle

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// CheckStatus holds one observed object against the invariants of kstatus, which `kubectl wait`, Flux and
// Argo CD build on. It returns a sentence for each that is broken.
func CheckStatus(cluster *v1alpha1.SymphonyCluster) []string {
	return checkKind(cluster.ObjectMeta, cluster.Status.ObservedGeneration, cluster.Status.Conditions,
		v1alpha1.ConditionReady, v1alpha1.ConditionMasterReady, v1alpha1.ConditionComputeReady, v1alpha1.ConditionHostsReady,
		v1alpha1.ConditionGUIReady, v1alpha1.ConditionStatePersistent)
}

// checkComputed compares what kstatus makes of the object with what a person would say.
func checkComputed(cluster *v1alpha1.SymphonyCluster) []string {
	conditions, person := cluster.Status.Conditions, "InProgress"
	switch {
	case cluster.DeletionTimestamp != nil:
		person = "Terminating"
	case cluster.Status.ObservedGeneration != cluster.Generation:
	case meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionStalled):
		person = "Failed"
	case meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady):
		person = "Current"
	}
	computed, err := Computed(cluster)
	if err != nil {
		return []string{err.Error()}
	}
	if computed != person {
		return []string{fmt.Sprintf("kstatus says %s, a person would say %s", computed, person)}
	}
	return nil
}

func checkCondition(cluster *v1alpha1.SymphonyCluster, condition *metav1.Condition) []string {
	var broken []string
	fail := func(format string, arguments ...any) {
		broken = append(broken, condition.Type+": "+fmt.Sprintf(format, arguments...))
	}
	if condition.ObservedGeneration != cluster.Status.ObservedGeneration {
		// Every pass sets every condition: one that lags would be of another pass.
		fail("its observedGeneration is %d, that of the status %d", condition.ObservedGeneration, cluster.Status.ObservedGeneration)
	}
	if condition.Reason == "" || condition.Message == "" {
		fail("reason %q and message %q must both say something", condition.Reason, condition.Message)
	}
	if condition.LastTransitionTime.IsZero() {
		fail("it has no lastTransitionTime")
	}
	abnormal := condition.Type == v1alpha1.ConditionReconciling || condition.Type == v1alpha1.ConditionStalled
	if abnormal && condition.Status != metav1.ConditionTrue {
		fail("it is %s; it must be present only while True", condition.Status)
	}
	return broken
}

// checkSummary compares Ready with the conditions that contradict it.
func checkSummary(conditions []metav1.Condition) []string {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	reconciling := meta.FindStatusCondition(conditions, v1alpha1.ConditionReconciling)
	stalled := meta.FindStatusCondition(conditions, v1alpha1.ConditionStalled)
	if ready == nil {
		return nil // said before
	}
	var broken []string
	if reconciling != nil && stalled != nil {
		broken = append(broken, "Reconciling and Stalled are both there")
	}
	for _, negative := range []*metav1.Condition{reconciling, stalled} {
		if negative == nil {
			continue
		}
		if ready.Status != metav1.ConditionFalse {
			broken = append(broken, fmt.Sprintf("Ready is %s while %s is there", ready.Status, negative.Type))
		}
		if ready.Reason != negative.Reason || ready.Message != negative.Message {
			broken = append(broken, fmt.Sprintf("Ready says %s (%s), %s says %s (%s)",
				ready.Reason, ready.Message, negative.Type, negative.Reason, negative.Message))
		}
	}
	if ready.Status != metav1.ConditionTrue && reconciling == nil && stalled == nil {
		broken = append(broken, fmt.Sprintf("Ready is %s without Reconciling or Stalled", ready.Status))
	}
	return append(broken, checkParts(conditions, ready)...)
}

// checkParts compares a Ready that is True with the conditions that it sums up.
func checkParts(conditions []metav1.Condition, ready *metav1.Condition) []string {
	var broken []string
	for _, part := range []string{v1alpha1.ConditionMasterReady, v1alpha1.ConditionComputeReady, v1alpha1.ConditionNetworkReady} {
		found := meta.FindStatusCondition(conditions, part)
		// Of the network it may not be known yet, while nobody waits for it.
		unknown := part == v1alpha1.ConditionNetworkReady && found != nil && found.Status == metav1.ConditionUnknown
		if ready.Status == metav1.ConditionTrue && found != nil && found.Status != metav1.ConditionTrue && !unknown {
			broken = append(broken, fmt.Sprintf("Ready is True while %s is %s", part, found.Status))
		}
	}
	return broken
}

// CheckStep holds two statuses of one object, one after the other, against each other.
func CheckStep(before, after *v1alpha1.SymphonyCluster) []string {
	if before == nil || before.UID != after.UID {
		return nil
	}
	var broken []string
	if after.Status.ObservedGeneration < before.Status.ObservedGeneration {
		broken = append(broken, fmt.Sprintf("observedGeneration went back from %d to %d",
			before.Status.ObservedGeneration, after.Status.ObservedGeneration))
	}
	for i := range after.Status.Conditions {
		now := &after.Status.Conditions[i]
		was := meta.FindStatusCondition(before.Status.Conditions, now.Type)
		if was == nil {
			continue
		}
		moved := !was.LastTransitionTime.Equal(&now.LastTransitionTime)
		if was.Status == now.Status && moved {
			broken = append(broken, now.Type+": lastTransitionTime moved, but the status is the same")
		}
		if now.LastTransitionTime.Before(&was.LastTransitionTime) {
			broken = append(broken, now.Type+": lastTransitionTime went back")
		}
	}
	return broken
}
