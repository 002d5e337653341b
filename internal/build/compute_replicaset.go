// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// computeReplicaSet keeps the compute pods. A ReplicaSet and not a Deployment: a changed template must not
// restart running pods, or every move of the master would stop all work.
func computeReplicaSet(
	cluster *v1alpha1.SymphonyCluster, chosen *chosenTemplate, decided *plan.Compute,
) *appsv1ac.ReplicaSetApplyConfiguration {
	template := chosen.template.WithAnnotations(map[string]string{names.AnnotationMasterHosts: decided.MasterHosts})
	giveTime(template, &cluster.Spec.Compute.ScaleIn)
	return appsv1ac.ReplicaSet(names.ComputeName(cluster.Name), cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, names.Compute)).
		WithOwnerReferences(ownedBy(cluster)).
		WithSpec(appsv1ac.ReplicaSetSpec().
			WithReplicas(decided.SetReplicas).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(names.Selector(cluster.Name, names.Compute))).
			WithTemplate(template))
}
