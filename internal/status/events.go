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
	"github.com/symphony-operator/symphony-operator/internal/names"
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
	v1alpha1.ReasonScaling, v1alpha1.ReasonUpdating, v1alpha1.ReasonWaitingForDeletion, v1alpha1.ReasonRetrying,
}

// Events are the transitions between the status before and after a pass. They are sent only after the status
// was written: a pass that is repeated because the write failed would send them twice.
func Events(in *Input, after *v1alpha1.SymphonyClusterStatus) []Event {
	before := in.Facts.Cluster.Status.Conditions
	ready := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady)
	was := meta.FindStatusCondition(before, v1alpha1.ConditionReady)
	var events []Event
	if moved := masterMoved(in); moved != "" {
		events = append(events, Event{corev1.EventTypeNormal, v1alpha1.ReasonMasterMoved, "UpdateHosts", moved})
	}
	if was != nil && was.Status == ready.Status && was.Reason == ready.Reason {
		return events
	}
	switch {
	case ready.Status == metav1.ConditionTrue:
		events = append(events, Event{corev1.EventTypeNormal, ready.Reason, "Reconcile", ready.Message})
	case !slices.Contains(calm, ready.Reason):
		events = append(events, Event{corev1.EventTypeWarning, ready.Reason, "Reconcile", ready.Message})
	case was != nil && was.Status == metav1.ConditionTrue:
		events = append(events, Event{corev1.EventTypeNormal, ready.Reason, "Reconcile", ready.Message})
	}
	return events
}

// masterMoved compares with the published address, not with the status: the status is empty while the master
// is between two addresses.
func masterMoved(in *Input) string {
	if in.Plan.Address == nil || in.Facts.Hosts == nil {
		return ""
	}
	line := in.Plan.Address.HostsLine() + "\n"
	if published := in.Facts.Hosts.Data[names.HostsKey]; published == line || published == "" {
		return ""
	}
	return fmt.Sprintf("the master's address is now %s; %d running compute pods were told", in.Plan.Address.IP, in.Outcome.Told)
}
