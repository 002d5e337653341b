// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !seeded

// Package seeded has bugs that the fault suite must find: a check that cannot fail is worth nothing. Without the build tag "seeded", which
// nothing but test/fault uses, they are constants that are false and functions that do nothing, and the compiler leaves them out. Each is
// a bug that other operators had.
package seeded

import (
	"time"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

const (
	// DeleteByName deletes whatever has an object's name by now.
	DeleteByName = false
	// ScaleInBlind lets pods go while there is no master to ask who works.
	ScaleInBlind = false
)

// Failure is what failed in a pass. The bug forgets it.
func Failure(err error) error { return err }

// Pause is how long the next pass is waited for. The bug does not wait.
func Pause(after time.Duration) time.Duration { return after }

// Status is what a pass tells. The bug goes on telling that a cluster is ready, for as long as its spec is the same.
func Status(_ *v1alpha1.SymphonyCluster, now v1alpha1.SymphonyClusterStatus) v1alpha1.SymphonyClusterStatus {
	return now
}
