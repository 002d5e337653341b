// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apply is the only writer to the Kubernetes API besides the status. It applies whole intents by
// server-side apply under one field manager, sends nothing that would change nothing, and never touches an
// object that is not the cluster's: every write carries the UID of the object that it is meant for.
package apply

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// +kubebuilder:rbac:groups="",resources=configmaps;services,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=delete;patch
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments;replicasets,verbs=create;patch

// Applier writes.
type Applier struct {
	// Client writes under the operator's field manager.
	Client client.Client
}

// Outcome is what came of one pass's writes.
type Outcome struct {
	// Problems are the writes that failed or were not tried, in the order of the children.
	Problems []Problem
	// Told counts running compute pods that were told the master's address in this pass.
	Told int
	// Replaced counts compute pods of an older revision that were deleted in this pass.
	Replaced int
}

// Everything applies the children in their order: a child that fails does not keep the others from being
// applied, except that nothing is created from a pod template that could not be kept.
func (a *Applier) Everything(
	ctx context.Context, facts *observe.Facts, decided *plan.Plan, children *build.Children,
) Outcome {
	var out Outcome
	out.note(takenNames(facts)...)
	kept := out.note(a.revisions(ctx, children)...)
	if child := children.MasterService; child != nil {
		out.note(a.service(ctx, facts, facts.MasterService, child)...)
	}
	if child := children.MasterDeployment; child != nil && kept {
		out.note(a.deployment(ctx, facts, child)...)
	}
	if child := children.Hosts; child != nil {
		out.note(a.configMap(ctx, facts, child)...)
	}
	if child := children.ComputeSet; child != nil && kept {
		out.note(a.replicaSet(ctx, facts, child)...)
	}
	if child := children.GUI; child != nil {
		out.note(a.service(ctx, facts, facts.GUI, child)...)
	}
	told, err := a.tell(ctx, decided.Compute.Tell, decided.Compute.MasterHosts)
	out.Told = told
	out.note(problem("telling compute pods the master's address", observe.ChildKey{}, err)...)
	replaced, err := a.replace(ctx, decided.Compute.Replace)
	out.Replaced = replaced
	out.note(problem("replacing compute pods", observe.ChildKey{}, err)...)
	if len(out.Problems) == 0 {
		out.note(a.prune(ctx, facts.Cluster.Namespace, children.Obsolete)...)
	}
	return out
}

// note records problems and reports whether there were none.
func (o *Outcome) note(problems ...Problem) bool {
	o.Problems = append(o.Problems, problems...)
	return len(problems) == 0
}

func takenNames(facts *observe.Facts) []Problem {
	var problems []Problem
	for _, taken := range facts.Taken {
		found := Problem{Kind: Conflict, Child: taken.ChildKey, Message: fmt.Sprintf(
			"%s %q exists and does not belong to this cluster: delete or rename it, or give the cluster another name",
			taken.Kind, taken.Name)}
		if taken.Leaving {
			found.Kind = Leaving
			found.Message = fmt.Sprintf("waiting for the garbage collector to delete %s %q of an earlier cluster of this name",
				taken.Kind, taken.Name)
		}
		problems = append(problems, found)
	}
	return problems
}
