// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const (
	// DefaultConcurrentPasses is how many clusters are reconciled at a time: a pass mostly waits for the API server's answers. With 8, the
	// compute pods of 20 clusters that came at once waited 2.2 s for a pass after their masters were up; with 32, 0.5 s.
	DefaultConcurrentPasses = 32
	// passTimeout bounds one pass; it is far above what 30,000 pods need to be told an address.
	passTimeout = 5 * time.Minute
)

// NewSymphonyClusterReconciler makes the reconciler.
func NewSymphonyClusterReconciler(means *Means, settings *Settings) *SymphonyClusterReconciler {
	consoles := observe.NewConsoles(settings.Console, means.Clock)
	hosts := observe.NewEGOReads(settings.EGO, means.Clock, settings.EGOPollInterval)
	return &SymphonyClusterReconciler{
		Client:   means.Client,
		Observer: &observe.Observer{Cache: means.Cached, Live: means.Live, Clock: means.Clock, Consoles: consoles, EGO: hosts},
		Applier:  &apply.Applier{Client: means.Client, Live: means.Live, EGO: settings.EGO, Hosts: hosts, Clock: means.Clock},
		Events:   means.Events,
		Clock:    means.Clock,
		Consoles: consoles,
		Hosts:    hosts,

		ConcurrentPasses: settings.ConcurrentPasses,
		ProgressDelay:    settings.ProgressDelay,
	}
}

// SetupWithManager registers the watches: the cluster itself, every kind of child, so that one that is changed
// or deleted by hand is repaired, and the pods. The cluster's own status is watched too: a pass that follows
// another closely may read the status from before it, take its own for no change, and leave a wrong one standing;
// the pass that comes after the written status sees the difference. It comes later, or one that counts pods would write the next
// status, and so bring the next pass, for as long as there is something to count.
func (r *SymphonyClusterReconciler) SetupWithManager(manager ctrl.Manager) error {
	r.paces.delay = cmp.Or(r.ProgressDelay, DefaultProgressDelay)
	ofOwner := handler.EnqueueRequestForOwner(manager.GetScheme(), manager.GetRESTMapper(), &v1alpha1.SymphonyCluster{}, handler.OnlyControllerOwner())
	ofLabel := handler.EnqueueRequestsFromMapFunc(clusterOfLabel)
	return ctrl.NewControllerManagedBy(manager).
		For(&v1alpha1.SymphonyCluster{}, builder.WithPredicates(moreThanStatus())).
		Watches(&v1alpha1.SymphonyCluster{}, &later{&handler.EnqueueRequestForObject{}, always(r.paces.delay)}, builder.WithPredicates(predicate.Funcs{
			CreateFunc: func(event.CreateEvent) bool { return false },
			UpdateFunc: onlyStatus,
			DeleteFunc: func(event.DeleteEvent) bool { return false },
		})).
		Owns(&v1alpha1.NetworkCheck{}).
		Watches(&appsv1.ControllerRevision{}, newProgress(ofOwner, r.paces.of)).
		Watches(&appsv1.Deployment{}, newProgress(ofOwner, r.paces.of)).
		Watches(&corev1.ConfigMap{}, newProgress(ofOwner, r.paces.of)).
		Watches(&corev1.Service{}, newProgress(ofOwner, r.paces.of)).
		Watches(&networkingv1.NetworkPolicy{}, newProgress(ofOwner, r.paces.of)).
		Watches(&policyv1.PodDisruptionBudget{}, newProgress(ofOwner, r.paces.of), builder.WithPredicates(moreThanStatus())).
		Watches(&appsv1.ReplicaSet{}, newProgress(ofOwner, r.paces.of)).
		Watches(&corev1.Pod{}, newProgress(ofLabel, r.paces.of), builder.WithPredicates(podChanged())).
		Watches(&corev1.PersistentVolumeClaim{}, newProgress(ofLabel, r.paces.of)).
		WatchesRawSource(source.Channel(r.Consoles.Changed, &handler.EnqueueRequestForObject{})).
		WatchesRawSource(source.Channel(r.Hosts.Changed, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: cmp.Or(r.ConcurrentPasses, DefaultConcurrentPasses),
			ReconciliationTimeout:   passTimeout,
			// A new leader must not first list 30,000 pods.
			EnableWarmup: new(true),
			RateLimiter:  Retries(),
		}).
		Complete(reconcile.Func(r.Handle))
}

// clusterOfLabel goes by label: a pod's owner is a ReplicaSet, not the cluster, and a claim that outlives its cluster has none.
// Whether the object really belongs to the cluster is found out when the pass observes it.
func clusterOfLabel(_ context.Context, object client.Object) []reconcile.Request {
	cluster := object.GetLabels()[names.LabelCluster]
	if cluster == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: cluster}}}
}

// podChanged drops updates of fields that the cache does not keep, such as every probe's time stamps.
func podChanged() predicate.Funcs {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, ok := update.ObjectOld.(*corev1.Pod)
		if !ok {
			return true
		}
		after, ok := update.ObjectNew.(*corev1.Pod)
		if !ok {
			return true
		}
		return !equality.Semantic.DeepEqual(before.Status, after.Status) ||
			!equality.Semantic.DeepEqual(before.Labels, after.Labels) ||
			!equality.Semantic.DeepEqual(before.Annotations, after.Annotations) ||
			!before.DeletionTimestamp.Equal(after.DeletionTimestamp)
	}}
}
