// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build seeded

package seeded

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// The bugs; a test switches one on.
var (
	DeleteByName     bool
	ScaleInBlind     bool
	StatusFromMemory bool
	// ForgetRequeue forgets that a write failed.
	ForgetRequeue bool
	// HotLoop looks again at once at what only a person can mend.
	HotLoop bool
)

// Next is when the next pass is, or what failed.
func Next(after time.Duration, failed error) (time.Duration, error) {
	switch {
	case failed != nil && !ForgetRequeue:
		return 0, failed
	case HotLoop:
		return 50 * time.Millisecond, nil
	}
	return after, nil
}

// memory has the status of each cluster and generation when it was ready.
var memory sync.Map

// Remembered is the status that is told.
func Remembered(cluster *v1alpha1.SymphonyCluster, now *v1alpha1.SymphonyClusterStatus) *v1alpha1.SymphonyClusterStatus {
	key := fmt.Sprint(cluster.UID, cluster.Generation)
	if meta.IsStatusConditionTrue(now.Conditions, v1alpha1.ConditionReady) {
		memory.Store(key, now.DeepCopy())
	} else if before, ok := memory.Load(key); ok {
		return before.(*v1alpha1.SymphonyClusterStatus).DeepCopy()
	}
	return now
}
