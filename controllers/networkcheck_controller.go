// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/networkcheck"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// +kubebuilder:rbac:groups=symphony-operator.io,resources=networkchecks/status,verbs=patch

// NetworkCheckReconciler measures the network between nodes, once a NetworkCheck.
type NetworkCheckReconciler struct {
	// Client writes the status.
	Client   client.Client
	Observer *observe.CheckObserver
	Applier  *apply.Applier
	Events   events.EventRecorder
}

// NewNetworkCheckReconciler makes the reconciler. image has iperf3, for checks that name none.
func NewNetworkCheckReconciler(means *Means, image string) *NetworkCheckReconciler {
	return &NetworkCheckReconciler{
		Client:   means.Client,
		Observer: &observe.CheckObserver{Cache: means.Client, Live: means.Live, Clock: means.Clock, Image: image},
		Applier:  &apply.Applier{Client: means.Client, Clock: means.Clock},
		Events:   means.Events,
	}
}

// SetupWithManager registers the watches: the check itself and its pods.
func (r *NetworkCheckReconciler) SetupWithManager(manager ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(manager).
		For(&v1alpha1.NetworkCheck{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(checkOfPod), builder.WithPredicates(podChanged())).
		WithOptions(controller.Options{ReconciliationTimeout: passTimeout, EnableWarmup: new(true), RateLimiter: Retries()}).
		Complete(reconcile.AsReconciler(manager.GetClient(), r))
}

func checkOfPod(_ context.Context, pod client.Object) []reconcile.Request {
	check := pod.GetLabels()[names.LabelNetworkCheck]
	if check == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: check}}}
}

// Reconcile is one pass: get, observe, plan, apply, status. What was measured is in the check's pods until it has ended;
// they are deleted only after the results were written down.
func (r *NetworkCheckReconciler) Reconcile(ctx context.Context, check *v1alpha1.NetworkCheck) (ctrl.Result, error) {
	if check.DeletionTimestamp != nil {
		return ctrl.Result{}, nil // Its pods are its own: the garbage collector deletes them.
	}
	facts, err := r.Observer.Observe(ctx, check)
	if err != nil {
		return ctrl.Result{}, err
	}
	decided := networkcheck.Decide(facts)
	problem := ""
	failed := r.Applier.CheckPods(ctx, decided.Create, decided.Delete)
	if failed != nil {
		problem = apply.Explain("creating the pods that measure", failed)
	}
	after := networkcheck.Status(facts, &decided, problem)
	conditions.Stamp(after.Conditions, metav1.NewTime(facts.Now))
	err = writeStatus(ctx, r.Client, check, &check.Status, &after,
		applyv1alpha1.NetworkCheckStatus(), applyv1alpha1.NetworkCheck(check.Name, check.Namespace))
	if errors.Is(err, errStale) {
		return ctrl.Result{RequeueAfter: afterStale}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	r.tell(check, &after)
	if failed != nil {
		// Not by an error: the growing pause after it would outlast the check's time.
		log.FromContext(ctx).Info("Could not create or delete pods", "message", failed.Error())
		if !decided.Ended {
			return ctrl.Result{RequeueAfter: min(afterLeaving, decided.Next)}, nil
		}
	}
	return ctrl.Result{RequeueAfter: decided.Next}, failed
}

// tell sends an event when a check has ended.
func (r *NetworkCheckReconciler) tell(check *v1alpha1.NetworkCheck, after *v1alpha1.NetworkCheckStatus) {
	ready := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady)
	if meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionComplete) ||
		!meta.IsStatusConditionTrue(after.Conditions, v1alpha1.ConditionComplete) {
		return
	}
	kind := corev1.EventTypeWarning
	if ready.Status == metav1.ConditionTrue {
		kind = corev1.EventTypeNormal
	}
	r.Events.Eventf(check, nil, kind, ready.Reason, "Measure", "%s", conditions.Note(ready.Message))
}
