// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/weave"
)

// weaveLeaderElectionID is the lease of the network's managers; the operator's own manager has another.
const weaveLeaderElectionID = "weave.symphony-operator.io"

// NewWeaveManager is the part of the operator that cares for the pod network: a process of its own, on the host network,
// because nothing on the pod network runs before there is one, and so that the other part needs none of its rights.
func NewWeaveManager(config *rest.Config, settings weave.Settings, options ctrl.Options) (ctrl.Manager, error) {
	options.LeaderElectionID = weaveLeaderElectionID
	manager, err := newManager(config, observe.WeaveCacheOptions(), names.FieldManager, options)
	if err != nil {
		return nil, err
	}
	groups, err := discovery.NewDiscoveryClientForConfigAndClient(manager.GetConfig(), manager.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("creating the client that lists API groups: %w", err)
	}
	reconciler := &WeaveNetworkReconciler{
		Client: manager.GetClient(),
		Observer: &observe.WeaveObserver{
			Cache: manager.GetClient(), Live: manager.GetAPIReader(), Groups: groups, Clock: clock.RealClock{},
		},
		Applier:  &apply.Applier{Client: manager.GetClient(), Live: manager.GetAPIReader(), Clock: clock.RealClock{}},
		Events:   manager.GetEventRecorder(names.FieldManager),
		Settings: settings,
	}
	if err := reconciler.SetupWithManager(manager); err != nil {
		return nil, fmt.Errorf("starting the WeaveNetwork controller: %w", err)
	}
	return manager, nil
}

// SetupWithManager registers the watches. All of them are about the one WeaveNetwork.
func (r *WeaveNetworkReconciler) SetupWithManager(manager ctrl.Manager) error {
	toNetwork := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: names.WeaveNetwork}}}
	})
	return ctrl.NewControllerManagedBy(manager).
		For(&v1alpha1.WeaveNetwork{}).
		Watches(&v1alpha1.WeaveNode{}, toNetwork).
		Watches(&appsv1.DaemonSet{}, toNetwork).
		Watches(&corev1.ConfigMap{}, toNetwork).
		Watches(&corev1.Pod{}, toNetwork, builder.WithPredicates(podChanged())).
		Watches(&corev1.Node{}, toNetwork, builder.WithPredicates(nodeChanged())).
		WithOptions(controller.Options{ReconciliationTimeout: passTimeout, EnableWarmup: new(true), RateLimiter: Retries()}).
		Complete(reconcile.AsReconciler(manager.GetClient(), r))
}

// nodeChanged drops the kubelets' heartbeats: the cache keeps none of what they change.
func nodeChanged() predicate.Funcs {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, ok := update.ObjectOld.(*corev1.Node)
		if !ok {
			return true
		}
		after, ok := update.ObjectNew.(*corev1.Node)
		if !ok {
			return true
		}
		return !equality.Semantic.DeepEqual(before.Status, after.Status) || !equality.Semantic.DeepEqual(before.Labels, after.Labels)
	}}
}
