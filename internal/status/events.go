// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
)

// Event is one transition, for users.
type Event struct {
	// Type is Normal, or Warning for what a person should look at.
	Type string
	// Reason is UpperCamel, Action a verb, Note a sentence.
	Reason, Action, Note string
}

// calm are the reasons of a cluster that is not ready and on its way: no cause for a Warning.
var calm = []string{
	v1alpha1.ReasonProgressing, v1alpha1.ReasonMasterPending, v1alpha1.ReasonMasterStarting, v1alpha1.ReasonWaitingForMaster,
	v1alpha1.ReasonScaling, v1alpha1.ReasonUpdating, v1alpha1.ReasonDraining, v1alpha1.ReasonWaitingForDeletion, v1alpha1.ReasonRetrying,
	v1alpha1.ReasonNetworkCheckRunning,
}

// Events are the transitions between the status before and after a pass. They are sent only after the status
// was written: a pass that is repeated because the write failed would send them twice.
func Events(in *Input, after *v1alpha1.SymphonyClusterStatus) []Event {
	before := in.Facts.Cluster.Status.Conditions
	ready := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady)
	was := meta.FindStatusCondition(before, v1alpha1.ConditionReady)
	var events []Event
	if moved := masterMoved(in); moved != "" {
		events = append(events, event(corev1.EventTypeNormal, v1alpha1.ReasonMasterMoved, "UpdateHosts", moved))
	}
	if lost := stateLost(in, after); lost != "" {
		events = append(events, event(corev1.EventTypeWarning, v1alpha1.ReasonStateLost, "StartMaster", lost))
	}
	if was != nil && was.Status == ready.Status && was.Reason == ready.Reason {
		return events
	}
	switch {
	case ready.Status == metav1.ConditionTrue:
		events = append(events, event(corev1.EventTypeNormal, ready.Reason, "Reconcile", ready.Message))
	case !slices.Contains(calm, ready.Reason):
		events = append(events, event(corev1.EventTypeWarning, ready.Reason, "Reconcile", ready.Message))
	case was != nil && was.Status == metav1.ConditionTrue:
		events = append(events, event(corev1.EventTypeNormal, ready.Reason, "Reconcile", ready.Message))
	}
	return events
}

// Deeds are what this pass did that people should know, and that no later pass does again. They do not wait for the status.
func Deeds(in *Input) []Event {
	var events []Event
	if in.Outcome.Reclaimed > 0 {
		events = append(events, event(corev1.EventTypeWarning, v1alpha1.ReasonDrainTimedOut, "Reclaim", fmt.Sprintf(
			"%d compute hosts still had work when compute.scaleIn.drainTimeout was over: EGO takes it back and starts it again elsewhere", in.Outcome.Reclaimed)))
	}
	if in.Outcome.Forced > 0 {
		events = append(events, event(corev1.EventTypeWarning, v1alpha1.ReasonDrainTimedOut, "Delete", fmt.Sprintf(
			"%d compute pods go although their hosts have work or may have: compute.scaleIn.drainTimeout is over", in.Outcome.Forced)))
	}
	return events
}

func event(kind, reason, action, note string) Event {
	return Event{kind, reason, action, conditions.Note(note)}
}

// masterMoved goes by the status that is being replaced, which is written once: the pass that fails to write its own is
// repeated and tells it then. The first master is older than the compute set, which waits for it.
func masterMoved(in *Input) string {
	address, set := in.Plan.Address, in.Facts.ComputeSet
	if address == nil || in.Facts.Cluster.Status.Master.PodIP == address.IP {
		return ""
	}
	if set == nil || !set.CreationTimestamp.Before(&in.Plan.Master.CreationTimestamp) {
		return ""
	}
	return fmt.Sprintf("the master's address is now %s; running compute pods are told", address.IP)
}
