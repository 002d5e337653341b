// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// pollInterval is how often an operator looks at EGO's hosts: with every step of the clock, whatever jitter there is.
const pollInterval = 3 * time.Second

// operator is one process.
type operator struct {
	world    *World
	way      *way
	clusters *controllers.SymphonyClusterReconciler
	checks   *controllers.NetworkCheckReconciler
	// retries is the limit of a manager's queue. One for both controllers: their objects have other names.
	retries workqueue.TypedRateLimiter[ctrl.Request]
	actors  map[Key]*actor
}

// actor is an object that is reconciled.
type actor struct {
	key Key
	// seen are the versions of what it is about that its last pass began with; nil has it passed over at once.
	seen map[Key]string
	due  time.Time
	pace
}

func (w *World) newOperator() *operator {
	o := &operator{world: w, actors: map[Key]*actor{}, retries: controllers.Retries()}
	o.way = &way{fault: Fault{Choose: w.choose}, next: w.rig.transport, sent: w.guard.sent, answered: w.answered}
	writer, err := w.rig.operatorClient(o.way, w.cache())
	w.must(err)
	live, err := w.rig.operatorClient(o.way, nil)
	w.must(err)
	means := &controllers.Means{Client: writer, Cached: writer, Live: live, Events: recorder(w.told), Clock: w.Clock}
	settings := &controllers.Settings{
		Console: console{}, EGOPollInterval: pollInterval, NetworkCheckImage: "iperf3",
		EGO: func(master types.NamespacedName) ego.EGO { return &faultyEGO{EGO: w.Grids.Connect(master), way: o.way} },
	}
	o.clusters = controllers.NewSymphonyClusterReconciler(means, settings)
	o.clusters.Hosts.Random = func() float64 { return 0.5 }
	o.clusters.Applier.InOrder = true
	o.checks = controllers.NewNetworkCheckReconciler(means, settings.NetworkCheckImage)
	return o
}

// operatorClient is an operator's way to the API server; it reads from there, too, if cached is nil.
func (r *Rig) operatorClient(through *way, cached client.Reader) (client.Client, error) {
	config := rest.CopyConfig(r.config)
	// Answers are read on their way.
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	options := client.Options{Scheme: r.scheme, Mapper: r.mapper, HTTPClient: r.httpClient(through), FieldOwner: names.FieldManager, FieldValidation: "Strict"}
	if cached != nil {
		options.Cache = &client.CacheOptions{Reader: cached}
	}
	made, err := client.New(config, options)
	if err != nil {
		return nil, fmt.Errorf("making an operator's client: %w", err)
	}
	return made, nil
}

// stop ends what it does beside its passes.
func (o *operator) stop() {
	o.way.mu.Lock()
	o.way.dead = true
	o.way.mu.Unlock()
	o.wait()
	for key := range o.actors {
		if key.Kind == "SymphonyCluster" {
			cluster := &v1alpha1.SymphonyCluster{}
			cluster.Namespace, cluster.Name = o.world.Namespace, key.Name
			o.clusters.Hosts.Forget(cluster)
			o.clusters.Consoles.Forget(cluster)
		}
	}
}

// wait waits for what it asks beside its passes, which is answered at once, and notes what is news.
func (o *operator) wait() {
	o.clusters.Consoles.Wait()
	o.clusters.Hosts.Wait()
	for {
		var news event.GenericEvent
		select {
		case news = <-o.clusters.Consoles.Changed:
		case news = <-o.clusters.Hosts.Changed:
		default:
			return
		}
		if known := o.actors[Key{"SymphonyCluster", news.Object.GetName()}]; known != nil {
			known.seen = nil
		}
	}
}

// pass makes one pass over an object and says when the next is due.
func (o *operator) pass(ctx context.Context, a *actor) error {
	a.seen = o.world.about(a.key)
	request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: o.world.Namespace, Name: a.key.Name}}
	result, err := o.reconcile(log.IntoContext(ctx, logr.Discard()), a.key.Kind, request)
	if o.way.isDead() {
		return ErrCrashed
	}
	o.wait()
	a.due = dueAfter(o.retries, request, o.world.Clock.Now(), result, err)
	return nil
}

// dueAfter is when a manager's queue has the next pass after one with this end, zero if only an event brings one.
func dueAfter(retries workqueue.TypedRateLimiter[ctrl.Request], request ctrl.Request, now time.Time, result ctrl.Result, err error) time.Time {
	if err != nil {
		return now.Add(retries.When(request))
	}
	retries.Forget(request)
	if result.RequeueAfter > 0 {
		return now.Add(result.RequeueAfter)
	}
	return time.Time{}
}

func (o *operator) reconcile(ctx context.Context, kind string, request ctrl.Request) (result ctrl.Result, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			o.world.t.Errorf("a pass over %s %s panicked: %v", kind, request.Name, recovered)
			err = errors.New("it panicked")
		}
	}()
	if kind == "SymphonyCluster" {
		return o.clusters.Handle(ctx, request)
	}
	check := &v1alpha1.NetworkCheck{}
	if err := o.world.cache().Get(ctx, request.NamespacedName, check); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	return o.checks.Reconcile(ctx, check)
}

func (w *way) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// about are the versions of the objects whose events lead to a pass over this one: it has its own, and those of what wears its
// label (controllers.SymphonyClusterReconciler.SetupWithManager).
func (w *World) about(key Key) map[Key]string {
	label := names.LabelCluster
	if key.Kind == "NetworkCheck" {
		label = names.LabelNetworkCheck
	}
	versions := map[Key]string{}
	for other, object := range w.cachedObjects() {
		if other == key || object.GetLabels()[label] == key.Name {
			versions[other] = object.GetResourceVersion()
		}
	}
	return versions
}

// dueActors are those with a pass to make now, in a fixed order; the second is when the next one is, zero if none is.
func (o *operator) dueActors() ([]*actor, time.Time) {
	var due []*actor
	var next time.Time
	for _, key := range o.world.reconciled(o.actors) {
		known := o.actors[key]
		if known == nil {
			known = &actor{key: key}
			o.actors[key] = known
		}
		switch {
		case known.seen == nil, !known.due.IsZero() && !o.world.Clock.Now().Before(known.due), !maps.Equal(known.seen, o.world.about(key)):
			due = append(due, known)
		case !known.due.IsZero() && (next.IsZero() || known.due.Before(next)):
			next = known.due
		}
	}
	return due, next
}

// answered notes a write with its answer.
func (w *World) answered(write *Write) {
	w.mu.Lock()
	if !slices.Contains(w.writes, write) { // One that is late is answered twice.
		write.At = w.Clock.Now()
		w.writes = append(w.writes, write)
	}
	w.mu.Unlock()
	w.guard.answered(write)
	switch {
	case !write.committed():
	case write.Method == http.MethodDelete:
		w.expect(write.meantFor(), deleted)
	default:
		w.expect(write.Answer.UID, write.Answer.ResourceVersion)
	}
}

// told notes an event.
func (w *World) told(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, text)
}

// recorder is told of events as "Warning Reason: note".
type recorder func(string)

var _ events.EventRecorder = recorder(nil)

// Eventf implements events.EventRecorder.
func (r recorder) Eventf(_, _ runtime.Object, kind, reason, _, note string, arguments ...any) {
	r(kind + " " + reason + ": " + fmt.Sprintf(note, arguments...))
}
