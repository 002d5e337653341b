// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
)

// errStale says that the pass looked at an older version of the cluster than there is.
var errStale = errors.New("the cluster has changed since it was read")

// writeStatus stamps new transitions and writes the status, if it differs from what is there.
func (r *SymphonyClusterReconciler) writeStatus(
	ctx context.Context, cluster *v1alpha1.SymphonyCluster, after *v1alpha1.SymphonyClusterStatus,
) error {
	for i := range after.Conditions {
		if after.Conditions[i].LastTransitionTime.IsZero() {
			after.Conditions[i].LastTransitionTime = metav1.NewTime(r.Clock.Now())
		}
	}
	if equality.Semantic.DeepEqual(cluster.Status, *after) {
		return nil
	}
	data, err := json.Marshal(after)
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	wanted := applyv1alpha1.SymphonyClusterStatus()
	if err := json.Unmarshal(data, wanted); err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	// The UID keeps the status of a deleted cluster off a new one of the same name. The resourceVersion keeps a
	// pass that has not yet seen its predecessor's status from stamping the same transitions, and telling them in
	// events, a second time.
	configuration := applyv1alpha1.SymphonyCluster(cluster.Name, cluster.Namespace).
		WithUID(cluster.UID).WithResourceVersion(cluster.ResourceVersion).WithStatus(wanted)
	err = r.Client.Status().Apply(ctx, configuration, client.ForceOwnership)
	switch {
	case apierrors.IsConflict(err):
		return errStale
	case client.IgnoreNotFound(err) != nil:
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}
