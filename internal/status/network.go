// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// networkAsked reports whether spec.network asks for something, and so whether there is a condition NetworkReady.
func networkAsked(in *Input) bool {
	spec := &in.Facts.Cluster.Spec.Network
	return spec.Mode == v1alpha1.NetworkWeave || spec.Check
}

// networkCheck: is what spec.network asks for met? What is not known counts only while compute waits for it.
func networkCheck(in *Input) finding {
	status, found := networkState(in)
	if status == metav1.ConditionFalse || status == metav1.ConditionUnknown && waitsForNetwork(in) {
		return found
	}
	return finding{}
}

// waitsForNetwork reports whether compute pods are wanted and not created for want of a network.
func waitsForNetwork(in *Input) bool {
	return in.Plan.Network != plan.NetworkMet && !in.Plan.Compute.Began && in.Plan.Compute.Replicas > 0
}

// networkFirst looks at the network while the master has no address: without Weave it gets none, so that says more than its
// being away.
func networkFirst(in *Input) finding {
	if in.Plan.Network != plan.NoWeave || in.Plan.Address != nil {
		return finding{}
	}
	return networkCheck(in)
}

// networkFailed: only a person can mend what was measured, or delete what was measured elsewhere.
func networkFailed(in *Input) finding {
	if in.Plan.Network != plan.NotPassed && in.Plan.Network != plan.OtherPlacement {
		return finding{}
	}
	return networkCheck(in)
}

// networkState is the condition NetworkReady, if there is one.
func networkState(in *Input) (metav1.ConditionStatus, finding) {
	name := names.NetworkCheckName(in.Facts.Cluster.Name)
	switch in.Plan.Network {
	case plan.NoWeave:
		return weaveState(in.Facts.Weave)
	case plan.MeasureLater:
		found := finding{v1alpha1.ReasonNotMeasured, "the network is measured when compute pods are wanted for the first time, and none are"}
		if in.Facts.NetworkCheck != nil {
			found.message = "no compute pods are wanted; what NetworkCheck " + name + " says counts when some are"
		}
		return metav1.ConditionUnknown, found
	case plan.Measure:
		found := finding{v1alpha1.ReasonNetworkCheckRunning, "NetworkCheck " + name + " is not created yet"}
		for _, problem := range in.Outcome.Problems {
			if problem.Child.Kind == observe.CheckKind {
				found.message += ": " + problem.Message
				break
			}
		}
		return metav1.ConditionFalse, found
	case plan.Measuring:
		return metav1.ConditionFalse, finding{v1alpha1.ReasonNetworkCheckRunning, "NetworkCheck " + name + ": " + progressOf(in.Facts.NetworkCheck)}
	case plan.OtherPlacement:
		return metav1.ConditionFalse, finding{v1alpha1.ReasonNetworkCheckOutdated, fmt.Sprintf(
			"no compute pods are created: the network was measured for another placement: delete NetworkCheck %s to have it "+
				"measured for the present one, or set spec.network.check to false", name)}
	case plan.NotPassed:
		// What to do comes first: the check's own words may be long, and are what is cut then.
		return metav1.ConditionFalse, finding{v1alpha1.ReasonNetworkCheckFailed, fmt.Sprintf(
			"no compute pods are created: mend the network and delete NetworkCheck %s to measure again, or set spec.network.check to false: %s",
			name, saidBy(in.Facts.NetworkCheck))}
	default:
		return metav1.ConditionTrue, finding{v1alpha1.ReasonReady, networkMessage(in)}
	}
}

// weaveState is about a Weave that is not Ready.
func weaveState(weave *observe.WeaveRead) (metav1.ConditionStatus, finding) {
	const kind = "the WeaveNetwork " + names.WeaveNetwork
	notReady := func(why string) (metav1.ConditionStatus, finding) {
		return metav1.ConditionFalse, finding{v1alpha1.ReasonWeaveNotReady, kind + " " + why}
	}
	switch {
	case apierrors.IsForbidden(weave.Err):
		return metav1.ConditionFalse, finding{
			v1alpha1.ReasonForbidden, "the operator may not read WeaveNetworks: the ClusterRoleBinding symphony-operator-weave-reader " +
				"of config/weave must be there and have the operator's ServiceAccount as its subject (docs/networking.md)",
		}
	case weave.Err != nil:
		return metav1.ConditionUnknown, finding{v1alpha1.ReasonRetrying, fmt.Sprintf(
			"%s cannot be read (%s): the operator's log has the error", kind, cmp.Or(string(apierrors.ReasonForError(weave.Err)), "no answer"))}
	case weave.Network == nil:
		return metav1.ConditionFalse, finding{
			v1alpha1.ReasonWeaveNotInstalled, "there is no WeaveNetwork: install config/weave and create the WeaveNetwork " +
				names.WeaveNetwork + " (docs/networking.md), or set spec.network.mode to Existing",
		}
	case weave.Network.DeletionTimestamp != nil:
		return notReady("is being deleted")
	}
	ready := weave.ReadyCondition()
	if ready == nil {
		return notReady("is not looked at yet: the operator of config/weave does that")
	}
	return notReady("is not Ready: " + ready.Reason + ": " + ready.Message)
}

func progressOf(check *v1alpha1.NetworkCheck) string {
	if check.DeletionTimestamp != nil {
		return "it is being deleted; another one is created when it is gone"
	}
	return cmp.Or(saidBy(check), "it has not begun yet")
}

// saidBy is what a check says of itself.
func saidBy(check *v1alpha1.NetworkCheck) string {
	if ready := meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Message
	}
	return ""
}

// networkMessage says in what way the network is as spec.network asks.
func networkMessage(in *Input) string {
	var all []string
	if in.Facts.Weave != nil {
		all = append(all, "the WeaveNetwork "+names.WeaveNetwork+" is Ready")
	}
	check := in.Facts.NetworkCheck
	switch {
	case !in.Facts.Cluster.Spec.Network.Check:
	case check != nil && meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionReady):
		all = append(all, "NetworkCheck "+check.Name+": "+saidBy(check))
	default:
		all = append(all, "compute pods were created before, so nothing is measured any more")
	}
	return strings.Join(all, "; ")
}
