// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=create;delete;patch

// computeBudget applies the disruption budget, or deletes the one that is not wanted any more.
func (a *Applier) computeBudget(ctx context.Context, facts *observe.Facts, children *build.Children) []Problem {
	if old := children.ObsoleteBudget; old != nil {
		key := observe.ChildKey{Kind: "PodDisruptionBudget", Name: old.Name}
		return problem("deleting the PodDisruptionBudget "+old.Name, key, a.deleteExactly(ctx, old))
	}
	if wanted := children.ComputeBudget; wanted != nil {
		return child(ctx, a, facts, facts.ComputeBudget, policyv1ac.ExtractPodDisruptionBudget, wanted)
	}
	return nil
}

// computeHosts writes the lists of compute hosts. That they change was found out already, by less than comparing megabytes, and so none is given as live. One
// that is lagging waits: when it was written stands in it.
func (a *Applier) computeHosts(ctx context.Context, facts *observe.Facts, children *build.Children) []Problem {
	problems := make([]Problem, 0, len(children.ComputeHosts))
	var none *corev1.ConfigMap
	for _, wanted := range children.ComputeHosts {
		problems = append(problems, child(ctx, a, facts, none, corev1ac.ExtractConfigMap, wanted)...)
	}
	return problems
}
