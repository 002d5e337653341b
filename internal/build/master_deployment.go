// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// masterDeployment keeps one master alive. A Deployment, because a StatefulSet would wait for ever for the
// pod of a dead node; Recreate, because two masters of one cluster must not run side by side.
func masterDeployment(
	cluster *v1alpha1.SymphonyCluster, chosen *chosenTemplate,
) *appsv1ac.DeploymentApplyConfiguration {
	return appsv1ac.Deployment(names.MasterName(cluster.Name), cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, names.Master)).
		WithOwnerReferences(ownedBy(cluster)).
		WithSpec(appsv1ac.DeploymentSpec().
			WithReplicas(1).
			WithRevisionHistoryLimit(1).
			WithStrategy(appsv1ac.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(names.Selector(cluster.Name, names.Master))).
			WithTemplate(chosen.template))
}
