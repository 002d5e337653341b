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
	ForgetRequeue    bool
	HotLoop          bool
	StatusFromMemory bool
)

// Failure is what failed in a pass.
func Failure(err error) error {
	if ForgetRequeue {
		return nil
	}
	return err
}

// Pause is how long the next pass is waited for.
func Pause(after time.Duration) time.Duration {
	if HotLoop {
		return 50 * time.Millisecond
	}
	return after
}

// memory has the status of each cluster and generation when it was ready.
var memory sync.Map

// Status is what a pass tells.
func Status(cluster *v1alpha1.SymphonyCluster, now v1alpha1.SymphonyClusterStatus) v1alpha1.SymphonyClusterStatus {
	if !StatusFromMemory {
		return now
	}
	key := fmt.Sprint(cluster.UID, cluster.Generation)
	if meta.IsStatusConditionTrue(now.Conditions, v1alpha1.ConditionReady) {
		memory.Store(key, now.DeepCopy())
	} else if before, ok := memory.Load(key); ok {
		return *before.(*v1alpha1.SymphonyClusterStatus).DeepCopy()
	}
	return now
}
