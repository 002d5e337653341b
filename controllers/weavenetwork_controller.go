// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/weave"
)

// WeaveNetworkReconciler keeps the one WeaveNetwork. Its rights are in config/weave/rbac.
type WeaveNetworkReconciler struct {
	// Client writes the status.
	Client   client.Client
	Observer *observe.WeaveObserver
	Applier  *apply.Applier
	Events   events.EventRecorder
	Settings weave.Settings
}

// Reconcile is one pass: get, observe, plan, build, apply, status. It keeps nothing in memory.
func (r *WeaveNetworkReconciler) Reconcile(ctx context.Context, network *v1alpha1.WeaveNetwork) (ctrl.Result, error) {
	facts, err := r.Observer.Observe(ctx, network)
	if err != nil {
		return ctrl.Result{}, err
	}
	if facts.Behind {
		log.FromContext(ctx).Info("Waiting until the newest version of Weave's DaemonSets is seen")
		return ctrl.Result{RequeueAfter: afterOutdated}, nil
	}
	plan := weave.Make(facts)
	objects, err := r.objects(facts, &plan)
	if err != nil {
		return ctrl.Result{}, err
	}
	problems := r.Applier.Weave(ctx, facts, &plan, objects)

	after, next := weave.Status(facts, &plan, failure(problems))
	conditions.Stamp(after.Conditions, metav1.NewTime(facts.Now))
	err = writeStatus(ctx, r.Client, network, &network.Status, &after,
		applyv1alpha1.WeaveNetworkStatus(), applyv1alpha1.WeaveNetwork(network.Name))
	if errors.Is(err, errStale) {
		return ctrl.Result{RequeueAfter: afterStale}, nil
	} else if err != nil {
		return ctrl.Result{}, err
	}
	r.tell(network, &after)
	return r.nextPass(ctx, problems, next)
}

// objects are what is to be there. One that is on its way out and holds nothing up any more gets nothing made.
func (r *WeaveNetworkReconciler) objects(facts *observe.WeaveFacts, plan *weave.Plan) (*apply.WeaveObjects, error) {
	objects := &apply.WeaveObjects{}
	if plan.Invalid != "" || facts.Network.DeletionTimestamp != nil && !plan.WantFinalizer {
		return objects, nil
	}
	var err error
	objects.Agents = weave.Agents(facts, plan, r.Settings)
	objects.Bookkeeping = weave.Bookkeeping(facts, plan)
	objects.Routers, err = weave.Routers(facts, plan, r.Settings)
	return objects, err
}

// failure is the first problem for the status.
func failure(problems []apply.Problem) *weave.Failure {
	if len(problems) == 0 {
		return nil
	}
	failed := &weave.Failure{Reason: v1alpha1.ReasonRetrying, Message: problems[0].Message}
	switch problems[0].Kind {
	case apply.Forbidden:
		failed.Reason = v1alpha1.ReasonForbidden
	case apply.Rejected:
		failed.Reason, failed.Stalled = v1alpha1.ReasonRejected, true
	default:
	}
	return failed
}

// nextPass says when to look again if no event comes first.
func (r *WeaveNetworkReconciler) nextPass(ctx context.Context, problems []apply.Problem, next time.Duration) (ctrl.Result, error) {
	for i := range problems {
		log.FromContext(ctx).Info("Could not do a step", "reason", problems[i].Kind, "message", problems[i].Message)
		if problems[i].Err != nil && problems[i].Kind == apply.Transient {
			return ctrl.Result{}, problems[i].Err
		}
		if next == 0 || next > afterStalled {
			next = afterStalled
		}
	}
	return ctrl.Result{RequeueAfter: next}, nil
}

// tell sends an event when Ready or Degraded changes, or Ready is False for another reason.
func (r *WeaveNetworkReconciler) tell(network *v1alpha1.WeaveNetwork, after *v1alpha1.WeaveNetworkStatus) {
	for kind, good := range map[string]metav1.ConditionStatus{
		v1alpha1.ConditionReady: metav1.ConditionTrue, v1alpha1.ConditionDegraded: metav1.ConditionFalse,
	} {
		before, now := meta.FindStatusCondition(network.Status.Conditions, kind), meta.FindStatusCondition(after.Conditions, kind)
		if now == nil || before == nil && now.Status == good && kind == v1alpha1.ConditionDegraded {
			continue
		}
		if before != nil && before.Status == now.Status && before.Reason == now.Reason {
			continue
		}
		level := corev1.EventTypeWarning
		if now.Status == good || now.Reason == v1alpha1.ReasonProgressing || now.Reason == v1alpha1.ReasonWaitingForReports {
			level = corev1.EventTypeNormal
		}
		r.Events.Eventf(network, nil, level, now.Reason, kind, "%s", conditions.Note(now.Message))
	}
}
