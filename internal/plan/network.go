// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
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
	// MeasureLater means that the network is to be measured when compute pods are wanted, and none are.
	MeasureLater Network = "MeasureLater"
	// Measure means that there is no check yet: it is to be created.
	Measure Network = "Measure"
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
	case check == nil && wantedReplicas(facts) == 0:
		return MeasureLater
	case check == nil:
		return Measure
	case check.DeletionTimestamp != nil || !meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionComplete):
		return Measuring
	case !meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionReady):
		return NotPassed
	}
	return NetworkMet
}
