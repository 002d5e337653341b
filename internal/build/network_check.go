// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// networkCheck measures between the nodes that compute pods of this template may run on. It cannot be changed once it is
// there, so it is only ever created.
func networkCheck(cluster *v1alpha1.SymphonyCluster, template []byte) (*v1alpha1.NetworkCheck, error) {
	var wanted corev1.PodTemplateSpec
	if err := json.Unmarshal(template, &wanted); err != nil {
		return nil, fmt.Errorf("decoding the compute pod template: %w", err)
	}
	check := &v1alpha1.NetworkCheck{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       cluster.Namespace,
			Name:            names.NetworkCheckName(cluster.Name),
			Labels:          names.Labels(cluster.Name, names.Network),
			OwnerReferences: controlledBy(cluster),
		},
		Spec: v1alpha1.NetworkCheckSpec{
			ImagePullSecrets: cluster.Spec.ImagePullSecrets,
			Placement: v1alpha1.NetworkCheckPlacement{
				NodeSelector: wanted.Spec.NodeSelector,
				Tolerations:  wanted.Spec.Tolerations,
			},
		},
	}
	if wanted.Spec.Affinity != nil {
		check.Spec.Placement.NodeAffinity = wanted.Spec.Affinity.NodeAffinity
	}
	return check, nil
}

// adoptedCheck gives a check its owner back, so that it goes with the cluster.
func adoptedCheck(facts *observe.Facts) *applyv1alpha1.NetworkCheckApplyConfiguration {
	check := facts.NetworkCheck
	if check == nil || len(check.OwnerReferences) > 0 {
		return nil
	}
	return applyv1alpha1.NetworkCheck(check.Name, check.Namespace).WithUID(check.UID).WithOwnerReferences(ownedBy(facts.Cluster))
}
