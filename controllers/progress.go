// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// DefaultProgressDelay is how long a pass waits for more of what only counts compute pods. Without it, a cluster of 500 was passed over 171
// times while it came up, and its status written 134 times.
const DefaultProgressDelay = time.Second

const (
	// podsADelay is for how many compute pods a pass waits one ProgressDelay: of twice as many each matters half as much, and a pass over them takes
	// longer.
	podsADelay = 50
	// mostDelays is how many ProgressDelays a pass waits at most. A pass over 30,000 pods takes 60 ms.
	mostDelays = 5
)

// paces knows how long what only counts compute pods waits for more of it, cluster by cluster. With a second for all, passes over the 30,000 pods of one
// were two fifths of what the operator computed while they came.
type paces struct {
	delay time.Duration

	mu sync.Mutex
	// counted are the compute pods that the last pass saw, of clusters of which it had nothing to do but to count them.
	counted map[types.NamespacedName]int
}

// of is how long the cluster of a request waits.
func (p *paces) of(request reconcile.Request) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay * time.Duration(min(max(p.counted[request.NamespacedName], podsADelay), podsADelay*mostDelays)) / podsADelay
}

// note is told what a pass saw. Where pods are to go, or are replaced, a step follows another, and a user waits for the last: no step waits
// for more than one ProgressDelay.
func (p *paces) note(cluster types.NamespacedName, pods int, steps bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if steps || pods <= podsADelay {
		delete(p.counted, cluster)
		return
	}
	if p.counted == nil {
		p.counted = map[types.NamespacedName]int{}
	}
	p.counted[cluster] = pods
}

// always is one delay for all clusters.
func always(delay time.Duration) func(reconcile.Request) time.Duration {
	return func(reconcile.Request) time.Duration { return delay }
}

// queue is what handlers put requests into.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// later has requests come after a delay. One that waits already does not wait any longer.
type later struct {
	handler.EventHandler

	delay func(reconcile.Request) time.Duration
}

// Create implements handler.EventHandler.
func (l *later) Create(ctx context.Context, e event.CreateEvent, to queue) {
	l.EventHandler.Create(ctx, e, l.delayed(to))
}

// Update implements handler.EventHandler.
func (l *later) Update(ctx context.Context, e event.UpdateEvent, to queue) {
	l.EventHandler.Update(ctx, e, l.delayed(to))
}

// Delete implements handler.EventHandler.
func (l *later) Delete(ctx context.Context, e event.DeleteEvent, to queue) {
	l.EventHandler.Delete(ctx, e, l.delayed(to))
}

// delayed is the queue, with the delay. Who lists many objects at the start gives them a low priority, if it is given a queue that has any.
func (l *later) delayed(to queue) queue {
	if prioritized, ok := to.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		return &delayedByPriority{prioritized, l.delay}
	}
	return &delayed{to, l.delay}
}

// delayed is a queue to which requests are added after a delay.
type delayed struct {
	queue

	delay func(reconcile.Request) time.Duration
}

// Add implements workqueue.TypedInterface.
func (d *delayed) Add(request reconcile.Request) { d.AddAfter(request, d.delay(request)) }

// delayedByPriority is delayed for a queue with priorities.
type delayedByPriority struct {
	priorityqueue.PriorityQueue[reconcile.Request]

	delay func(reconcile.Request) time.Duration
}

// Add implements workqueue.TypedInterface.
func (d *delayedByPriority) Add(request reconcile.Request) {
	d.AddWithOpts(priorityqueue.AddOpts{}, request)
}

// AddWithOpts implements priorityqueue.PriorityQueue.
func (d *delayedByPriority) AddWithOpts(options priorityqueue.AddOpts, requests ...reconcile.Request) {
	for _, request := range requests {
		its := options
		its.After = max(its.After, d.delay(request))
		d.PriorityQueue.AddWithOpts(its, request)
	}
}

// addressPriority is that of a master's address: its compute hosts can do nothing without it. Of a thousand clusters that come, or whose masters move, at
// once, the first would otherwise have no hosts before each of the others has had its first pass.
const addressPriority = 100

// addresses is a queue whose requests come before all others.
type addresses struct {
	priorityqueue.PriorityQueue[reconcile.Request]
}

// Add implements workqueue.TypedInterface.
func (a *addresses) Add(request reconcile.Request) { a.AddWithOpts(priorityqueue.AddOpts{}, request) }

// AddWithOpts implements priorityqueue.PriorityQueue.
func (a *addresses) AddWithOpts(options priorityqueue.AddOpts, requests ...reconcile.Request) {
	options.Priority = new(addressPriority)
	a.PriorityQueue.AddWithOpts(options, requests...)
}

// first is the queue, its requests before all others if it has priorities.
func first(to queue) queue {
	if prioritized, ok := to.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		return &addresses{prioritized}
	}
	return to
}

// progress gathers what nothing is decided from in a hurry: what comes of compute pods by the thousand, the numbers in a child's status, and
// the echo of what the operator itself has written, of which a new cluster has a dozen. Of everything else, such as a master's address
// or a child that somebody has changed or deleted, the pass comes at once.
type progress struct {
	handler.EventHandler

	later later
}

func newProgress(to handler.EventHandler, delay func(reconcile.Request) time.Duration) *progress {
	return &progress{to, later{to, delay}}
}

// Create implements handler.EventHandler.
func (p *progress) Create(ctx context.Context, e event.CreateEvent, to queue) {
	if !e.IsInInitialList && masterAddress(e.Object) != "" {
		to = first(to)
	}
	p.of(!isPod(e.Object) || ofCompute(e.Object)).Create(ctx, e, to)
}

// Update implements handler.EventHandler.
func (p *progress) Update(ctx context.Context, e event.UpdateEvent, to queue) {
	// A ConfigMap has no generation that would tell its contents from a status.
	gathers := e.ObjectNew.GetGeneration() > 0 && onlyStatus(e) || isOwn(e)
	if isPod(e.ObjectNew) {
		gathers = ofCompute(e.ObjectNew)
	}
	if masterAddress(e.ObjectNew) != masterAddress(e.ObjectOld) {
		to = first(to)
	}
	p.of(gathers).Update(ctx, e, to)
}

// Delete implements handler.EventHandler.
func (p *progress) Delete(ctx context.Context, e event.DeleteEvent, to queue) {
	p.of(isPod(e.Object) && ofCompute(e.Object)).Delete(ctx, e, to)
}

func (p *progress) of(gathers bool) handler.EventHandler {
	if gathers {
		return &p.later
	}
	return p.EventHandler
}

func ofCompute(object client.Object) bool {
	return object.GetLabels()[names.LabelRole] == names.Compute
}

// masterAddress is "" of everything but a master's pod that has one.
func masterAddress(object client.Object) string {
	pod, is := object.(*corev1.Pod)
	if !is || pod.Labels[names.LabelRole] != names.Master {
		return ""
	}
	return pod.Status.PodIP
}

func isPod(object client.Object) bool {
	_, is := object.(*corev1.Pod)
	return is
}

// isOwn reports whether an update is the operator's: nobody else changes the annotation in which it notes what it has applied.
func isOwn(e event.UpdateEvent) bool {
	return e.ObjectOld.GetAnnotations()[names.AnnotationApplied] != e.ObjectNew.GetAnnotations()[names.AnnotationApplied]
}

// moreThanStatus drops updates of nothing but the status: a cluster's is the operator's own, and a budget's counts pods, each of which has an event
// of its own.
func moreThanStatus() predicate.Funcs {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return !onlyStatus(e) }}
}

// onlyStatus reports whether an update leaves everything but the status as it was.
func onlyStatus(e event.UpdateEvent) bool {
	before, after := e.ObjectOld, e.ObjectNew
	return before.GetGeneration() == after.GetGeneration() &&
		before.GetDeletionTimestamp().Equal(after.GetDeletionTimestamp()) &&
		equality.Semantic.DeepEqual(before.GetLabels(), after.GetLabels()) &&
		equality.Semantic.DeepEqual(before.GetAnnotations(), after.GetAnnotations()) &&
		equality.Semantic.DeepEqual(before.GetFinalizers(), after.GetFinalizers()) &&
		equality.Semantic.DeepEqual(before.GetOwnerReferences(), after.GetOwnerReferences())
}
