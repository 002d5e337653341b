// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// Network is the first thing that spec.network asks for and that is not met.
type Network string

const (
	// NetworkMet means that nothing is missing, or nothing is asked for.
	NetworkMet Network = ""
	// NoWeave means that Weave is asked for and is not known to be Ready.
	NoWeave Network = "NoWeave"
	// MeasureLater means that the network counts, or is to be measured, when compute pods are wanted, and none are.
	MeasureLater Network = "MeasureLater"
	// Measure means that there is no check yet: it is to be created.
	Measure Network = "Measure"
	// OtherPlacement means that the check is of other nodes than those that compute pods may run on.
	OtherPlacement Network = "OtherPlacement"
	// Measuring means that the check has not ended, or that it is being deleted, to be created again.
	Measuring Network = "Measuring"
	// NotPassed means that the check has failed.
	NotPassed Network = "NotPassed"
)

// network asks for Weave first: without it there is nothing to measure.
func network(facts *observe.Facts) Network {
	check := facts.NetworkCheck
	switch {
	case facts.Weave != nil && !facts.Weave.Ready():
		return NoWeave
	case !facts.Cluster.Spec.Network.Check || facts.ComputeBegan():
		// A check is about compute's first pods. Later it is a record, which decides nothing.
		return NetworkMet
	case facts.ComputeWanted() == 0:
		// Nothing waits for a check, whatever it says. One that has passed does not make compute begin either: the pods
		// may be wanted elsewhere by then.
		return MeasureLater
	case check == nil:
		return Measure
	case check.DeletionTimestamp != nil:
		return Measuring
	case facts.Placement != nil && !samePlacement(&check.Spec.Placement, facts.Placement):
		// Also before it has ended: what it finds out will not count.
		return OtherPlacement
	case !meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionComplete):
		return Measuring
	case !meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionReady):
		return NotPassed
	}
	return NetworkMet
}

// samePlacement reports whether two placements allow the same nodes by the same words.
func samePlacement(one, other *v1alpha1.NetworkCheckPlacement) bool {
	return equality.Semantic.DeepEqual(deciding(one), deciding(other))
}

// deciding is the part of a placement that a check goes by: preferences keep no pod off a node.
func deciding(placement *v1alpha1.NetworkCheckPlacement) v1alpha1.NetworkCheckPlacement {
	part := *placement
	part.NodeAffinity = &corev1.NodeAffinity{}
	if affinity := placement.NodeAffinity; affinity != nil {
		part.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = affinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return part
}
