// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
)

// finding is what one check has to say: nothing ("" reason) when all is well.
type finding struct {
	reason, message string
}

func (f finding) bad() bool { return f.reason != "" }

// check looks at one thing.
type check func(*Input) finding

// stalledChecks need a person. The first one that finds something is the reason of Stalled and of Ready.
var stalledChecks = []check{
	// A spec that broke a rule was not looked at any further.
	invalidSpec,
	// Somebody else's object has a child's name.
	problems(apply.Conflict, v1alpha1.ReasonNameConflict),
	// An overlay does not merge; what runs keeps its last good template.
	invalidPodTemplate,
	// The node port is taken or out of range.
	problems(apply.NodePort, v1alpha1.ReasonNodePortUnavailable),
	// The master's claim is another cluster's.
	foreignDirectory,
	// The API server refused a child.
	problems(apply.Rejected, v1alpha1.ReasonRejected),
	// The network between compute nodes did not pass.
	networkFailed,
}

// readyChecks are the rest of Ready, most telling first.
var readyChecks = []check{
	problems(apply.Leaving, v1alpha1.ReasonWaitingForDeletion),
	// What a quota or a policy keeps from being written is why the rest waits.
	problems(apply.Forbidden, v1alpha1.ReasonForbidden),
	imageCheck,
	networkFirst,
	masterCheck,
	networkCheck,
	computeCheck,
	// Last, because what a failed write causes elsewhere says more than that it will be repeated.
	problems(apply.Transient, v1alpha1.ReasonRetrying),
	problems(apply.Unseen, v1alpha1.ReasonProgressing),
}

func conditionsOf(in *Input) []metav1.Condition {
	stalled := first(in, stalledChecks)
	notReady := stalled
	if !stalled.bad() {
		notReady = first(in, readyChecks)
	}
	master, compute, gui := masterCheck(in), computeCheck(in), guiCheck(in)

	set := conditions.New(in.Facts.Cluster.Status.Conditions, in.Facts.Cluster.Generation)
	positive(set, v1alpha1.ConditionReady, notReady, v1alpha1.ReasonReady, readyMessage(in))
	positive(set, v1alpha1.ConditionMasterReady, master, v1alpha1.ReasonReady, "EGO answers on the master")
	computeReason := v1alpha1.ReasonReady
	if in.Facts.Cluster.Spec.Suspend {
		computeReason = v1alpha1.ReasonSuspended
	}
	positive(set, v1alpha1.ConditionComputeReady, compute, computeReason, computeMessage(in))
	known, hosts := hostsReady(in)
	set.Add(v1alpha1.ConditionHostsReady, known, hosts.reason, hosts.message)
	positive(set, v1alpha1.ConditionGUIReady, gui, v1alpha1.ReasonReady, "the web console answers")
	persistent, state := statePersistent(in)
	set.Add(v1alpha1.ConditionStatePersistent, persistent, state.reason, state.message)
	if networkAsked(in) {
		status, network := networkState(in)
		set.Add(v1alpha1.ConditionNetworkReady, status, network.reason, network.message)
	}
	switch {
	case stalled.bad():
		set.Add(v1alpha1.ConditionStalled, metav1.ConditionTrue, stalled.reason, stalled.message)
	case notReady.bad():
		set.Add(v1alpha1.ConditionReconciling, metav1.ConditionTrue, notReady.reason, notReady.message)
	}
	return set.All
}

func first(in *Input, checks []check) finding {
	for _, look := range checks {
		if found := look(in); found.bad() {
			return found
		}
	}
	return finding{}
}

func invalidSpec(in *Input) finding {
	if in.InvalidSpec == "" {
		return finding{}
	}
	return finding{v1alpha1.ReasonInvalidSpec, in.InvalidSpec}
}

func invalidPodTemplate(in *Input) finding {
	if in.Children == nil || len(in.Children.Invalid) == 0 {
		return finding{}
	}
	return finding{v1alpha1.ReasonInvalidPodTemplate, in.Children.Invalid[0].Error()}
}

// problems makes a check of the writes that failed in one way.
func problems(kind apply.ProblemKind, reason string) check {
	return func(in *Input) finding {
		for _, problem := range in.Outcome.Problems {
			if problem.Kind == kind {
				return finding{reason, problem.Message}
			}
		}
		return finding{}
	}
}

func readyMessage(in *Input) string {
	if in.Facts.Cluster.Spec.Suspend {
		return "the master answers; compute is suspended"
	}
	return fmt.Sprintf("the master answers and %d of %d compute pods are ready", in.Plan.Compute.Replicas, in.Plan.Compute.Replicas)
}

func computeMessage(in *Input) string {
	if in.Facts.Cluster.Spec.Suspend {
		return "spec.suspend keeps compute at 0 pods"
	}
	return fmt.Sprintf("%d of %d compute pods are ready", in.Plan.Compute.Replicas, in.Plan.Compute.Replicas)
}

// positive adds a condition that is always there: True with the given words when there is no finding.
func positive(set *conditions.Set, kind string, found finding, reason, message string) {
	if found.bad() {
		set.Add(kind, metav1.ConditionFalse, found.reason, found.message)
		return
	}
	set.Add(kind, metav1.ConditionTrue, reason, message)
}
