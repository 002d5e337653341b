// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// computeBudget keeps `kubectl drain` and autoscalers from evicting compute pods, except those whose hosts are known to have no
// work: what is not known counts as busy, so pods without the label are covered. The same goes for pods that are not ready: by
// the default policy for them they may go only while the budget is met, which it never is then, as it wants all of them.
func computeBudget(cluster *v1alpha1.SymphonyCluster) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(names.ComputeBudgetName(cluster.Name), cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, names.Compute)).
		WithOwnerReferences(ownedBy(cluster)).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(0)).
			WithSelector(metav1ac.LabelSelector().
				WithMatchLabels(names.Selector(cluster.Name, names.Compute)).
				WithMatchExpressions(metav1ac.LabelSelectorRequirement().
					WithKey(names.LabelIdle).
					WithOperator(metav1.LabelSelectorOpNotIn).
					WithValues(names.Idle))))
}

// budget is there as long as work is waited for. Like the policies it is deleted while its cluster lives.
func (c *Children) budget(facts *observe.Facts, verdict plan.Verdict) {
	if facts.Cluster.Spec.Compute.ScaleIn.PolicyOrDefault() == v1alpha1.Drain {
		if verdict != plan.Wait {
			c.ComputeBudget = computeBudget(facts.Cluster)
		}
		return
	}
	if there := facts.ComputeBudget; there != nil && there.DeletionTimestamp == nil {
		c.ObsoleteBudget = there
	}
}
