// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles the API's kinds, one controller a kind.
package controllers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/seeded"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// +kubebuilder:rbac:groups=symphony-operator.io,resources=symphonyclusters,verbs=get;list;watch
// +kubebuilder:rbac:groups=symphony-operator.io,resources=symphonyclusters/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SymphonyClusterReconciler makes the world match a SymphonyCluster.
type SymphonyClusterReconciler struct {
	// Client writes the status.
	Client   client.Client
	Observer *observe.Observer
	Applier  *apply.Applier
	Events   events.EventRecorder
	Clock    clock.PassiveClock

	// Consoles and Hosts know what web consoles and EGO answered last, and tell of which clusters that is news.
	Consoles *observe.Consoles
	Hosts    *observe.EGOReads

	// ConcurrentPasses is how many passes are made at a time; 0 is DefaultConcurrentPasses.
	ConcurrentPasses int
	// ProgressDelay is how long a pass waits for more of what is in no hurry, of more than 50 compute pods up to five times as long, and a tenth of how
	// long a status does; 0 is DefaultProgressDelay.
	ProgressDelay time.Duration

	written writtenStatuses
	paces   paces
}

// Handle is Reconcile for a request. A cluster that is gone leaves nothing behind but what this process knows of it.
func (r *SymphonyClusterReconciler) Handle(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	cluster := &v1alpha1.SymphonyCluster{}
	err := r.Client.Get(ctx, request.NamespacedName, cluster)
	if apierrors.IsNotFound(err) {
		cluster.Namespace, cluster.Name = request.Namespace, request.Name
		r.Observer.Consoles.Forget(cluster)
		r.Observer.EGO.Forget(cluster)
		r.written.forget(request.NamespacedName)
		r.paces.note(request.NamespacedName, 0, false)
		forgetHosts(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	return r.Reconcile(ctx, cluster)
}

// Reconcile is one pass: get, observe, plan, build, apply, status. Nothing that it does hangs on what an earlier pass left in memory: any may be
// the first one after a restart of the operator.
func (r *SymphonyClusterReconciler) Reconcile(ctx context.Context, cluster *v1alpha1.SymphonyCluster) (ctrl.Result, error) {
	if cluster.DeletionTimestamp != nil {
		// The children have owner references: the garbage collector deletes them, and nothing else is needed.
		return ctrl.Result{}, nil
	}

	facts, err := r.Observer.Observe(ctx, cluster)
	if err != nil {
		return ctrl.Result{}, err
	}
	// What a check has measured counts for the nodes that compute pods may run on now, which only their template tells.
	facts.Placement = build.Placement(facts)
	decided := plan.Make(facts)
	r.paces.note(client.ObjectKeyFromObject(cluster), len(facts.ComputePods), decided.Compute.Draining.Pods > 0 || len(decided.Compute.Steps) > 0)
	pass := &status.Input{Facts: facts, Plan: &decided}

	if invalid := cluster.Validate().ToAggregate(); invalid != nil {
		// Admission refuses such a spec; one that got past it changes nothing that runs.
		pass.InvalidSpec = invalid.Error()
	} else {
		pass.Children, err = build.All(facts, &decided)
		if err != nil {
			return ctrl.Result{}, err
		}
		pass.Outcome = r.Applier.Everything(ctx, facts, &decided, pass.Children)
		r.tell(cluster, status.Deeds(pass))
	}

	if slices.ContainsFunc(pass.Outcome.Problems, func(p apply.Problem) bool { return p.Kind == apply.Outdated }) {
		// What follows from what is no longer so must not be told.
		return ctrl.Result{RequeueAfter: afterOutdated}, nil
	}
	logDeeds(ctx, pass)
	showHosts(pass)
	after := seeded.Status(cluster, status.Of(pass))
	conditions.Stamp(after.Conditions, metav1.NewTime(r.Clock.Now()))
	urgent := len(failures(pass)) > 0 || status.Urgent(&cluster.Status, &after)
	wait, err := r.writeStatus(ctx, cluster, &after, urgent)
	if err != nil {
		return ctrl.Result{}, err
	}
	if wait > 0 {
		return r.nextPass(pass, wait)
	}
	r.tell(cluster, status.Events(pass, &after))
	logNews(ctx, pass, &after)
	return r.nextPass(pass, 0)
}

// writeStatus writes a cluster's status if it has changed, and returns after how long to try again if it was not written: because the pass has not
// seen the newest version, or because it is not urgent and the last one was written a moment ago.
func (r *SymphonyClusterReconciler) writeStatus(
	ctx context.Context, cluster *v1alpha1.SymphonyCluster, after *v1alpha1.SymphonyClusterStatus, urgent bool,
) (time.Duration, error) {
	now, last := r.Clock.Now(), r.written.of(cluster)
	if last.isUnseen(cluster, now) {
		return afterStale, nil
	}
	if equality.Semantic.DeepEqual(&cluster.Status, after) {
		return 0, nil
	}
	if !urgent {
		pause := statusPauses * cmp.Or(r.ProgressDelay, DefaultProgressDelay)
		if since := now.Sub(last.at); since < pause {
			return pause - since, nil
		}
	}
	wanted := applyv1alpha1.SymphonyCluster(cluster.Name, cluster.Namespace)
	err := applyStatus(ctx, r.Client, cluster, after, applyv1alpha1.SymphonyClusterStatus(), wanted)
	if errors.Is(err, errStale) {
		return afterStale, nil
	}
	if err == nil && wanted.ResourceVersion != nil && *wanted.ResourceVersion != cluster.ResourceVersion {
		r.written.note(cluster, now)
	}
	return 0, err
}

func (r *SymphonyClusterReconciler) tell(cluster *v1alpha1.SymphonyCluster, all []status.Event) {
	for _, event := range all {
		r.Events.Eventf(cluster, nil, event.Type, event.Reason, event.Action, "%s", event.Note)
	}
}

const (
	// afterStale is when the cache will have caught up with what was written a moment ago.
	afterStale = 50 * time.Millisecond
	// afterOutdated is when to look again at what the cache was behind on, if the event that tells it does not come before.
	afterOutdated = time.Second
	// afterLeaving is when to look again whether the garbage collector has deleted an object.
	afterLeaving = 5 * time.Second
	// afterStalled is when to look again at what only a person can change and no event will tell.
	afterStalled = time.Minute
	// whileNothingHappens is when to look again at what no event tells of, such as a web console that has ceased to answer.
	whileNothingHappens = time.Minute
	// whileNoWeave is how often Weave is asked for while compute waits until it is Ready: it is not watched. Later it holds
	// nothing up, and a Weave in trouble must not have all clusters passed over every few seconds.
	whileNoWeave = 5 * time.Second
	// ordinaryPriority is that of what nobody says anything else of.
	ordinaryPriority = 0
	// statusPauses is how many ProgressDelays pass at least between a status and one that is not urgent.
	statusPauses = 10
)

// nextPass says when to look again if no event comes first. Only a failure that can pass by itself is an error,
// which backs off; one that needs a person is not retried in a storm.
// statusDue is when a status is written that was put off, 0 if none was.
func (r *SymphonyClusterReconciler) nextPass(pass *status.Input, statusDue time.Duration) (ctrl.Result, error) {
	next := whileNothingHappens
	if pass.Plan.Network == plan.NoWeave && !pass.Plan.Compute.Began && pass.Plan.Compute.Replicas > 0 {
		next = min(next, whileNoWeave)
	}
	for _, due := range []time.Duration{pass.Plan.NextPass, statusDue} {
		if due > 0 {
			next = min(next, due)
		}
	}
	for _, problem := range pass.Outcome.Problems {
		if again := whenAgain(problem.Kind); again > 0 {
			next = min(next, again)
		}
	}
	if err := seeded.Failure(errors.Join(failures(pass)...)); err != nil {
		return ctrl.Result{}, err
	}
	// What made this pass urgent is done: it must not put the next ones, which come by the clock, before what users change.
	return ctrl.Result{RequeueAfter: seeded.Pause(next), Priority: new(ordinaryPriority)}, nil
}

// failures are those that can pass by themselves.
func failures(pass *status.Input) []error {
	var failed []error
	for _, problem := range pass.Outcome.Problems {
		if problem.Soon || problem.Kind == apply.Transient {
			failed = append(failed, problem.Err)
		}
	}
	return failed
}

// whenAgain is when to look again at what kept a child from being applied, 0 if the pass says so otherwise.
func whenAgain(kind apply.ProblemKind) time.Duration {
	switch kind {
	case apply.Unseen:
		return afterStale
	case apply.Leaving:
		return afterLeaving
	case apply.Conflict, apply.Rejected, apply.NodePort, apply.Forbidden:
		return afterStalled
	case apply.Transient, apply.Outdated:
		// One is an error; with the other, the pass has ended before it came here.
	}
	return 0
}

// logDeeds tells the operator's own operators what this pass did to pods, and could not do; quiet passes log nothing.
func logDeeds(ctx context.Context, pass *status.Input) {
	logger := log.FromContext(ctx)
	if pass.Outcome.Told > 0 {
		logger.Info("Told compute pods the master's address", "pods", pass.Outcome.Told)
	}
	if len(pass.Outcome.Done) > 0 {
		logger.Info("Went on with compute pods that are to go, or no longer are", "did", pass.Outcome.Done, "forced", pass.Outcome.Forced)
	}
	if err := pass.Outcome.EGO; err != nil {
		logger.Info("Could not change hosts", "message", err.Error())
	}
	for _, problem := range pass.Outcome.Problems {
		logger.Info("Could not apply a child", "reason", problem.Kind, "child", problem.Child, "message", problem.Message)
	}
}

// logNews tells the causes of what a status says that was written.
func logNews(ctx context.Context, pass *status.Input, after *v1alpha1.SymphonyClusterStatus) {
	logger, before := log.FromContext(ctx), pass.Facts.Cluster.Status.Conditions
	if weave := pass.Facts.Weave; weave != nil && weave.Err != nil && news(before, after.Conditions, v1alpha1.ConditionNetworkReady) {
		logger.Info("Could not read the WeaveNetwork", "message", weave.Err.Error())
	}
	if read := pass.Facts.EGO; read != nil && read.Err != nil && news(before, after.Conditions, v1alpha1.ConditionHostsReady) {
		logger.Info("Could not ask EGO", "message", read.Err.Error())
	}
}

// news reports whether a condition says something else than before. What it goes on saying would fill the log, a line a pass.
func news(before, after []metav1.Condition, kind string) bool {
	was, is := meta.FindStatusCondition(before, kind), meta.FindStatusCondition(after, kind)
	return is != nil && (was == nil || was.Reason != is.Reason || was.Message != is.Message)
}
