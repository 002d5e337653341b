// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/weave"
)

// The rights for all of this are in config/weave/rbac, by hand and not by markers: an installation without Weave has none
// of them.

// WeaveObjects are what is to be there of Weave; nil leaves a thing as it is.
type WeaveObjects struct {
	Agents      *appsv1ac.DaemonSetApplyConfiguration
	Bookkeeping *corev1.ConfigMap
	Routers     *appsv1ac.DaemonSetApplyConfiguration
}

// Weave does what the plan says. Nothing is installed before a deletion is sure to clean it up again, and no router starts
// before there is the bookkeeping that it enters itself into.
func (a *Applier) Weave(ctx context.Context, facts *observe.WeaveFacts, plan *weave.Plan, objects *WeaveObjects) []Problem {
	agents := observe.ChildKey{Kind: "DaemonSet", Name: names.WeaveAgents}
	routers := observe.ChildKey{Kind: "DaemonSet", Name: names.WeaveRouters}
	bookkeeping := observe.ChildKey{Kind: "ConfigMap", Name: names.WeaveRouters}
	steps := []struct {
		child observe.ChildKey
		doing string
		do    func() error
	}{
		{observe.ChildKey{Kind: "WeaveNetwork", Name: facts.Network.Name}, "keeping the WeaveNetwork until its nodes are clean", func() error { return a.finalizer(ctx, facts, plan) }},
		{agents, "applying the DaemonSet " + names.WeaveAgents, func() error {
			if objects.Agents == nil {
				return nil
			}
			return ensure(ctx, a, uidOf(facts.Agents), facts.Agents, appsv1ac.ExtractDaemonSet, objects.Agents)
		}},
		{bookkeeping, "creating the ConfigMap " + names.WeaveRouters, func() error { return a.bookkeeping(ctx, objects.Bookkeeping) }},
		{routers, "applying the DaemonSet " + names.WeaveRouters, func() error {
			if objects.Routers == nil {
				return nil
			}
			return ensure(ctx, a, uidOf(facts.Routers), facts.Routers, appsv1ac.ExtractDaemonSet, objects.Routers)
		}},
		{routers, "ending Weave", func() error { return a.removeWeave(ctx, facts, plan) }},
		{observe.ChildKey{Kind: "WeaveNode"}, "deleting the reports of nodes that are gone", func() error { return a.forget(ctx, plan) }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return problem(step.doing, step.child, err)
		}
	}
	return nil
}

func (a *Applier) finalizer(ctx context.Context, facts *observe.WeaveFacts, plan *weave.Plan) error {
	before := facts.Network
	if controllerutil.ContainsFinalizer(before, names.WeaveFinalizer) == plan.WantFinalizer {
		return nil
	}
	// A patch and not an apply: one that a restored backup has brought is nobody's, and would never come off.
	after := before.DeepCopy()
	if plan.WantFinalizer {
		controllerutil.AddFinalizer(after, names.WeaveFinalizer)
	} else {
		controllerutil.RemoveFinalizer(after, names.WeaveFinalizer)
	}
	err := a.Client.Patch(ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if plan.WantFinalizer {
		return err // Nothing is installed without it.
	}
	return gone(err)
}

func (a *Applier) bookkeeping(ctx context.Context, wanted *corev1.ConfigMap) error {
	if wanted == nil {
		return nil
	}
	err := a.Client.Create(ctx, wanted)
	if apierrors.IsAlreadyExists(err) {
		return nil // Weave's own programs make it too.
	}
	return err
}

func (a *Applier) removeWeave(ctx context.Context, facts *observe.WeaveFacts, plan *weave.Plan) error {
	if plan.RemoveRouters {
		if err := a.deleteExactly(ctx, facts.Routers); err != nil {
			return err
		}
	}
	if plan.RemoveBookkeeping && facts.Bookkeeping != nil {
		return a.deleteExactly(ctx, facts.Bookkeeping)
	}
	return nil
}

func (a *Applier) forget(ctx context.Context, plan *weave.Plan) error {
	for _, report := range plan.Forget {
		if err := a.deleteExactly(ctx, report); err != nil {
			return err
		}
	}
	return nil
}

// uidOf is the UID of an object that may not be there.
func uidOf[T any, P interface {
	*T
	GetUID() types.UID
}](object P) types.UID {
	if object == nil {
		return ""
	}
	return object.GetUID()
}
