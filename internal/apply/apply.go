// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apply is the only writer to the Kubernetes API besides the status. It applies whole intents by
// server-side apply under one field manager, sends nothing that would change nothing, and never touches an
// object that is not the cluster's: every write carries the UID of the object that it is meant for.
package apply

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// +kubebuilder:rbac:groups="",resources=configmaps;services,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=create;delete;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=create;patch
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=create;delete;patch
// +kubebuilder:rbac:groups=apps,resources=deployments;replicasets,verbs=create;patch

// Applier writes.
type Applier struct {
	// Client writes under the operator's field manager.
	Client client.Client
	// Live asks the API server about what a write met and the cache does not have.
	Live client.Reader
	// EGO is the command line in a master's pod.
	EGO func(master types.NamespacedName) ego.EGO
	// Hosts is told when hosts were changed.
	Hosts HostsChanged
	Clock clock.PassiveClock
	// InOrder has children that could be sent side by side sent one after the other: a test can say then which write comes next.
	InOrder bool

	compared compared
	written  written
}

// HostsChanged is told before and after hosts are closed, opened or removed; then, of what failed. It is also told that nothing failed when
// nothing is left to do of what did before.
type HostsChanged interface {
	HostsChanging(cluster *v1alpha1.SymphonyCluster)
	HostsChange(cluster *v1alpha1.SymphonyCluster, failed error)
}

// Outcome is what came of one pass's writes.
type Outcome struct {
	// Problems are the writes that failed or were not tried, in an order that is the same every time.
	Problems []Problem
	// Told counts running compute pods that were told the master's address in this pass.
	Told int
	// Done counts, by what was done, the compute pods that are to go, or no longer are, and the hosts that were removed.
	Done map[plan.Do]int
	// Forced counts the compute pods that were released with work on them, or that may have some.
	Forced int
	// Reclaimed counts the hosts whose work was taken back because it did not end in time.
	Reclaimed int
	// EGO is why a command of EGO's failed.
	EGO error
}

// Everything applies the children, what pods start from before the workloads: a child that fails does not keep the others from being
// applied, except that nothing is created from a pod template that could not be kept, nor pods before the policy
// that limits who reaches them; pods that run already go on.
func (a *Applier) Everything(
	ctx context.Context, facts *observe.Facts, decided *plan.Plan, children *build.Children,
) Outcome {
	var out Outcome
	out.note(takenNames(facts)...)
	out.note(a.imageChecks(ctx, facts, children)...)
	out.note(a.networkCheck(ctx, facts, children)...)
	kept, gui := a.beforeWorkloads(ctx, facts, children, &out)
	guarded := a.policies(ctx, facts, children, &out)
	if wanted := children.MasterDeployment; wanted != nil && kept && (guarded.master || facts.MasterDeployment != nil) {
		out.note(workload(ctx, a, facts, facts.MasterDeployment, appsv1ac.ExtractDeployment, wanted, children.MasterAsIs, wanted.Spec.Template)...)
	}
	out.note(a.computeBudget(ctx, facts, children)...)
	setTold := true
	if wanted := children.ComputeSet; wanted != nil && kept && (guarded.compute || facts.ComputeSet != nil) {
		setTold = out.note(workload(ctx, a, facts, facts.ComputeSet, appsv1ac.ExtractReplicaSet, wanted, children.ComputeAsIs, wanted.Spec.Template)...)
	}
	out.note(a.computeHosts(ctx, facts, children)...)
	out.note(gui()...)
	told, err := a.tell(ctx, decided.Compute.Tell, decided.Compute.MasterHosts)
	out.Told = told
	out.note(problem("telling compute pods the master's address", observe.ChildKey{}, err)...)
	a.drain(ctx, facts, decided, stepsWith(children.Steps, setTold), &out)
	if len(out.Problems) == 0 {
		out.note(a.prune(ctx, children.Obsolete)...)
	}
	return out
}

// beforeWorkloads applies what pods start from, and reports whether their templates are kept. None of it waits for another, so all is sent side by
// side: with an answer to wait for each, compute hosts came later.
//
// gui applies the console's Service, if that is not done yet, and tells what came of it: the API server gives node ports one at a time, which takes
// seconds when many clusters come at once. A pass that waited for one after it had made the master would not see the master's address come, so it is
// asked for before there is a master; once there is one, nothing waits for it.
func (a *Applier) beforeWorkloads(
	ctx context.Context, facts *observe.Facts, children *build.Children, out *Outcome,
) (kept bool, gui func() []Problem) {
	gui = sync.OnceValue(ifWanted(ctx, a, facts, facts.GUI, corev1ac.ExtractService, children.GUI))
	writes := []func() []Problem{
		func() []Problem { return a.revisions(ctx, facts, children) },
		ifWanted(ctx, a, facts, facts.MasterClaim, corev1ac.ExtractPersistentVolumeClaim, children.MasterClaim),
		ifWanted(ctx, a, facts, facts.MasterService, corev1ac.ExtractService, children.MasterService),
		ifWanted(ctx, a, facts, facts.Hosts, corev1ac.ExtractConfigMap, children.Hosts),
	}
	noted := len(writes)
	if facts.MasterDeployment == nil {
		writes = append(writes, gui)
	}
	problems := a.sideBySide(writes)
	for _, some := range problems[:noted] {
		out.note(some...)
	}
	return len(problems[0]) == 0, gui
}

// ifWanted applies a child that there may be no intent for.
func ifWanted[T any, C interface {
	*A
	configuration[C]
}, A any](
	ctx context.Context, a *Applier, facts *observe.Facts, live *T, extract func(*T, string) (C, error), wanted C,
) func() []Problem {
	return func() []Problem {
		if wanted == nil {
			return nil
		}
		return child(ctx, a, facts, live, extract, wanted)
	}
}

// sideBySide makes writes that do not wait for each other. Their problems are in the order of the writes.
func (a *Applier) sideBySide(writes []func() []Problem) [][]Problem {
	var group sync.WaitGroup
	problems := make([][]Problem, len(writes))
	for i, write := range writes {
		if a.InOrder {
			problems[i] = write()
			continue
		}
		group.Go(func() { problems[i] = write() })
	}
	group.Wait()
	return problems
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
	if taken.Kind == observe.ClaimKind {
		// It may hold somebody's data: nobody must be told to delete it.
		return Problem{Kind: Conflict, Child: taken.ChildKey, Message: fmt.Sprintf(
			"%s %q exists and was not made for this cluster: name it in spec.master.storage.existingClaim if it is to be used, or give the cluster another name",
			taken.Kind, taken.Name)}
	}
	return Problem{Kind: Conflict, Child: taken.ChildKey, Message: fmt.Sprintf(
		"%s %q exists and does not belong to this cluster: delete or rename it, or give the cluster another name", taken.Kind, taken.Name)}
}

const revisionKind = "ControllerRevision"
