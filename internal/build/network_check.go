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
	placement, err := placementOf(template)
	if err != nil {
		return nil, err
	}
	return &v1alpha1.NetworkCheck{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       cluster.Namespace,
			Name:            names.NetworkCheckName(cluster.Name),
			Labels:          names.Labels(cluster.Name, names.Network),
			OwnerReferences: controlledBy(cluster),
		},
		Spec: v1alpha1.NetworkCheckSpec{
			ImagePullSecrets: cluster.Spec.ImagePullSecrets,
			Placement:        *placement,
		},
	}, nil
}

// Placement is where the first compute pods may run, nil if no check is there to be compared with it. It is nil as well while
// their template cannot be built: then there will be none, and what is wrong is told when All builds it.
func Placement(facts *observe.Facts) *v1alpha1.NetworkCheckPlacement {
	if facts.NetworkCheck == nil || !facts.AwaitsCheck() {
		return nil
	}
	// Before compute began no template is kept, so this is the one that All would choose.
	template, err := merge(computeTemplate(facts.Cluster), facts.Cluster.Spec.Compute.PodTemplate)
	if err != nil {
		return nil
	}
	placement, err := placementOf(template)
	if err != nil {
		return nil
	}
	return placement
}

// placementOf is where pods of a template may run.
func placementOf(template []byte) (*v1alpha1.NetworkCheckPlacement, error) {
	var wanted corev1.PodTemplateSpec
	if err := json.Unmarshal(template, &wanted); err != nil {
		return nil, fmt.Errorf("decoding the compute pod template: %w", err)
	}
	placement := &v1alpha1.NetworkCheckPlacement{NodeSelector: wanted.Spec.NodeSelector, Tolerations: wanted.Spec.Tolerations}
	if wanted.Spec.Affinity != nil {
		placement.NodeAffinity = wanted.Spec.Affinity.NodeAffinity
	}
	return placement, nil
}

// adoptedCheck gives a check its owner back, so that it goes with the cluster.
func adoptedCheck(facts *observe.Facts) *applyv1alpha1.NetworkCheckApplyConfiguration {
	check := facts.NetworkCheck
	if check == nil || len(check.OwnerReferences) > 0 {
		return nil
	}
	return applyv1alpha1.NetworkCheck(check.Name, check.Namespace).WithUID(check.UID).WithOwnerReferences(ownedBy(facts.Cluster))
}
