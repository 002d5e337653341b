// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apply is the only writer to the Kubernetes API besides the status. It applies whole intents by
// server-side apply under one field manager, sends nothing that would change nothing, and never touches an
// object that is not the cluster's: every write carries the UID of the object that it is meant for.
package apply

import (
	"context"
	"fmt"

	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// +kubebuilder:rbac:groups="",resources=configmaps;services,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=create;delete;patch
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=create;delete;patch
// +kubebuilder:rbac:groups=apps,resources=deployments;replicasets,verbs=create;patch

// Applier writes.
type Applier struct {
	// Client writes under the operator's field manager.
	Client client.Client
	// Live asks the API server about what a write met and the cache does not have.
	Live client.Reader
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
	out.note(a.imageChecks(ctx, facts, children)...)
	out.note(a.networkCheck(ctx, facts, children)...)
	kept := out.note(a.revisions(ctx, facts, children)...)
	if wanted := children.MasterService; wanted != nil {
		out.note(child(ctx, a, facts, facts.MasterService, corev1ac.ExtractService, wanted)...)
	}
	if wanted := children.MasterDeployment; wanted != nil && kept {
		out.note(workload(ctx, a, facts, facts.MasterDeployment, appsv1ac.ExtractDeployment, wanted, children.MasterAsIs)...)
	}
	if wanted := children.Hosts; wanted != nil {
		out.note(child(ctx, a, facts, facts.Hosts, corev1ac.ExtractConfigMap, wanted)...)
	}
	if wanted := children.ComputeSet; wanted != nil && kept {
		out.note(workload(ctx, a, facts, facts.ComputeSet, appsv1ac.ExtractReplicaSet, wanted, children.ComputeAsIs)...)
	}
	if wanted := children.GUI; wanted != nil {
		out.note(child(ctx, a, facts, facts.GUI, corev1ac.ExtractService, wanted)...)
	}
	told, err := a.tell(ctx, decided.Compute.Tell, decided.Compute.MasterHosts)
	out.Told = told
	out.note(problem("telling compute pods the master's address", observe.ChildKey{}, err)...)
	replaced, err := a.replace(ctx, children.Replace)
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
	problems := make([]Problem, 0, len(facts.Taken))
	for i := range facts.Taken {
		// A kept template's name matters only if one is to be kept under it, and is told then.
		if facts.Taken[i].Kind != revisionKind {
			problems = append(problems, takenProblem(&facts.Taken[i]))
		}
	}
	return problems
}

func takenProblem(taken *observe.TakenName) Problem {
	if taken.Leaving {
		return Problem{Kind: Leaving, Child: taken.ChildKey, Message: fmt.Sprintf(
			"waiting for the garbage collector to delete %s %q of an earlier cluster of this name", taken.Kind, taken.Name)}
	}
	return Problem{Kind: Conflict, Child: taken.ChildKey, Message: fmt.Sprintf(
		"%s %q exists and does not belong to this cluster: delete or rename it, or give the cluster another name", taken.Kind, taken.Name)}
}

const revisionKind = "ControllerRevision"
