// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The defaults that the fields of ComputeScaleIn document. They are here and not in the CRD: a default there would be written
// into every object, and could not change with a new version.
const (
	defaultDrainTimeout = 10 * time.Minute
	defaultReclaimGrace = 120 * time.Second
	defaultSettle       = 10 * time.Minute
)

// PolicyOrDefault is policy, or what its absence means.
func (s *ComputeScaleIn) PolicyOrDefault() ScaleInPolicy {
	if s.Policy == "" {
		return Drain
	}
	return s.Policy
}

// DrainTimeoutOrDefault is drainTimeout, or what its absence means.
func (s *ComputeScaleIn) DrainTimeoutOrDefault() time.Duration {
	return durationOr(s.DrainTimeout, defaultDrainTimeout)
}

// ReclaimGraceOrDefault is reclaimGrace, or what its absence means.
func (s *ComputeScaleIn) ReclaimGraceOrDefault() time.Duration {
	return durationOr(s.ReclaimGrace, defaultReclaimGrace)
}

// SettleOrDefault is settle, or what its absence means.
func (s *ComputeScaleIn) SettleOrDefault() time.Duration {
	return durationOr(s.Settle, defaultSettle)
}

// durationOr takes a given zero for zero: it says "at once", and not "the default".
func durationOr(given *metav1.Duration, standard time.Duration) time.Duration {
	if given == nil {
		return standard
	}
	return given.Duration
}
