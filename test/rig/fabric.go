// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/weave"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// Fabric is the WeaveNetwork with the process that keeps it, as a World is a namespace with an operator: there is one on an API server at a
// time. Between two passes the agents look at their nodes, and DaemonSets are rolled out (fabric_nodes.go).
type Fabric struct {
	// API is how users reach the API server.
	API   client.Client
	Clock *Clock

	t        *testing.T
	rig      *Rig
	manager  *weaveManager
	writes   []*Write
	events   []string
	breaches []Breach
	// known are the identities of all objects that were ever seen, by kind and name.
	known map[Key]map[types.UID]bool
	// nodes are those that there are; shown is what the manager sees (all of it has Weave's label), unless it is held at an earlier state, in frozen.
	nodes, shown, frozen map[Key]client.Object
	// onPass is told what the manager sees at the begin of every pass.
	onPass func(map[Key]client.Object)
	// played are the versions after everybody had done what there was to do.
	played map[Key]string
	// began is since when everything on the nodes is as it is.
	began metav1.Time
	ended bool
}

// weaveManager is one process.
type weaveManager struct {
	way     *way
	network *controllers.WeaveNetworkReconciler
	retries workqueue.TypedRateLimiter[ctrl.Request]
	// seen are the versions that its last pass began with; nil has it make one at once.
	seen map[Key]string
	due  time.Time
	pace
}

// NewFabric waits until there is no other. It ends with the test at the latest.
func (r *Rig) NewFabric(t *testing.T) *Fabric {
	t.Helper()
	r.fabric.Lock()
	f := &Fabric{t: t, rig: r, API: r.api, Clock: NewClock(), known: map[Key]map[types.UID]bool{}}
	f.began = metav1.NewTime(f.Clock.Now().Add(-time.Hour))
	t.Cleanup(f.End)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}}
	f.must(client.IgnoreAlreadyExists(r.api.Create(t.Context(), account)))
	var nodes corev1.NodeList
	f.must(r.api.List(t.Context(), &nodes))
	f.nodes = map[Key]client.Object{}
	for i := range nodes.Items {
		f.nodes[Key{"Node", nodes.Items[i].Name}] = &nodes.Items[i]
	}
	f.Restart()
	return f
}

// Restart has a new manager go on.
func (f *Fabric) Restart() { f.manager = f.newManager() }

func (f *Fabric) newManager() *weaveManager {
	m := &weaveManager{retries: controllers.Retries()}
	m.way = &way{next: f.rig.transport, sent: f.sent, answered: f.answered}
	api, err := f.rig.operatorClient(m.way, &reader{f.rig.scheme, f.rig.weaveKinds, f.cachedObjects})
	f.must(err)
	live, err := f.rig.operatorClient(m.way, nil)
	f.must(err)
	m.network = &controllers.WeaveNetworkReconciler{
		Client:   api,
		Observer: &observe.WeaveObserver{Cache: api, Live: live, Groups: noGroups{}, Clock: f.Clock},
		Applier:  &apply.Applier{Client: api, Live: live, Clock: f.Clock},
		Events:   recorder(func(told string) { f.events = append(f.events, told) }),
		Settings: weave.Settings{AgentImage: "symphony-operator:1"},
	}
	return m
}

// noGroups are the groups of an API server on which no other pod network is installed.
type noGroups struct{}

// ServerGroups implements observe.APIGroups.
func (noGroups) ServerGroups() (*metav1.APIGroupList, error) { return &metav1.APIGroupList{}, nil }

// End ends it before the test ends, and deletes what there is.
func (f *Fabric) End() {
	if f.ended {
		return
	}
	f.ended = true
	defer f.rig.fabric.Unlock()
	ctx := context.Background()
	network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork}}
	free := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	left := []error{f.API.Patch(ctx, network, free)}
	for _, object := range f.objects(ctx) {
		left = append(left, f.API.Delete(ctx, object, client.GracePeriodSeconds(0)))
	}
	for _, err := range left {
		if client.IgnoreNotFound(err) != nil {
			f.t.Errorf("clearing the fabric: %v", err)
		}
	}
	if err := waitFor(nil, "nothing is left of Weave", func() bool { return len(f.objects(ctx)) == 0 }); err != nil {
		f.t.Errorf("what a test left of Weave does not go: %v", slices.Collect(maps.Keys(f.objects(ctx))))
	}
}

func (f *Fabric) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// ForgetWrites forgets those so far.
func (f *Fabric) ForgetWrites() { f.writes = nil }

// Inject has this manager's writes fail from now on; those that read the same are numbered from 1.
func (f *Fabric) Inject(fault Fault) { f.manager.way.fault, f.manager.way.count = fault, 0 }

// FreezeAt has managers see an earlier state, whatever comes, until Thaw: their watches are held.
func (f *Fabric) FreezeAt(objects map[Key]client.Object) { f.frozen = objects }

// Thaw has managers see what there is.
func (f *Fabric) Thaw() { f.frozen = nil }

// OnPass has what the manager sees told at the begin of every pass.
func (f *Fabric) OnPass(tell func(map[Key]client.Object)) { f.onPass = tell }

func (f *Fabric) cachedObjects() map[Key]client.Object {
	if f.frozen != nil {
		return f.frozen
	}
	return f.shown
}

// Writes are those of all managers so far.
func (f *Fabric) Writes() []*Write { return slices.Clone(f.writes) }

// Breaches are what oracles have against what happened so far.
func (f *Fabric) Breaches() []Breach { return slices.Clone(f.breaches) }

// Events are those that the managers told, as "Warning Reason: note".
func (f *Fabric) Events() []string { return slices.Clone(f.events) }

// Change edits the WeaveNetwork as a user does, by a patch.
func (f *Fabric) Change(edits ...func(*v1alpha1.WeaveNetwork)) {
	f.t.Helper()
	network := &v1alpha1.WeaveNetwork{}
	f.must(f.API.Get(f.t.Context(), client.ObjectKey{Name: names.WeaveNetwork}, network))
	before := network.DeepCopy()
	for _, edit := range edits {
		edit(network)
	}
	f.must(f.API.Patch(f.t.Context(), network, client.MergeFrom(before)))
}

// Converge makes passes until nothing moves any more, and returns how long that took on the clock. A manager that crashes is followed by
// a new one.
func (f *Fabric) Converge() time.Duration {
	f.t.Helper()
	began := f.Clock.Now()
	last := began
	objects := f.settle()
	for {
		now := f.Clock.Now()
		switch m := f.manager; {
		case m.seen == nil, !maps.Equal(m.seen, versions(objects)), !m.due.IsZero() && !now.Before(m.due):
			m.seen = versions(objects)
			wrote, changed := f.pass(objects)
			if wrote {
				last = now
			}
			if changed {
				objects = f.settle()
			}
			if f.endless() {
				return last.Sub(began)
			}
		case m.due.IsZero(), m.due.Sub(last) > Quiet:
			return last.Sub(began)
		default:
			f.Clock.Step(m.due.Sub(now))
		}
	}
}

// settle has everybody but the manager do what there is to do, and returns what there is then.
func (f *Fabric) settle() map[Key]client.Object {
	f.t.Helper()
	ctx := f.t.Context()
	objects := f.objects(ctx)
	// What is about to go writes no report any more.
	f.must(waitFor(nil, "what has no owner is collected", func() bool {
		if f.collecting(objects) {
			objects = f.objects(ctx)
		}
		return !f.collecting(objects)
	}))
	if !maps.Equal(f.played, versions(objects)) {
		f.play(objects)
		objects = f.objects(ctx)
		f.played = versions(objects)
	}
	f.look(objects)
	return objects
}

func versions(objects map[Key]client.Object) map[Key]string {
	all := map[Key]string{}
	for key, object := range objects {
		all[key] = object.GetResourceVersion()
	}
	return all
}

// pass makes one by a manager that sees these objects. It reports whether there are new writes, and whether anything may have changed, by those
// or by a late one.
func (f *Fabric) pass(objects map[Key]client.Object) (wrote, changed bool) {
	f.shown = maps.Clone(f.nodes)
	maps.Copy(f.shown, objects)
	if f.onPass != nil {
		f.onPass(f.shown)
	}
	m := f.manager
	request := ctrl.Request{NamespacedName: types.NamespacedName{Name: names.WeaveNetwork}}
	before, late := len(f.writes), m.way.takeLate()
	result, err := f.reconcile(log.IntoContext(f.t.Context(), logr.Discard()), m)
	for _, do := range late {
		do()
	}
	wrote = len(f.writes) > before
	if m.way.isDead() {
		f.Restart()
	} else {
		m.due = dueAfter(m.retries, request, f.Clock.Now(), result, err)
	}
	return wrote, wrote || len(late) > 0
}

func (f *Fabric) reconcile(ctx context.Context, m *weaveManager) (ctrl.Result, error) {
	network := &v1alpha1.WeaveNetwork{}
	err := m.network.Client.Get(ctx, client.ObjectKey{Name: names.WeaveNetwork}, network)
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	return m.network.Reconcile(ctx, network)
}

// endless notes that there are too many passes.
func (f *Fabric) endless() bool {
	if !f.manager.isTooFast(f.Clock.Now()) {
		return false
	}
	f.broken(Retries, "more than %d passes over the WeaveNetwork in a minute, the last writes %s", passesAMinute, tail(f.writes, 3))
	return true
}

// Again has everything passed over by a new manager, twice, and returns what that wrote: nothing, if the one before was done.
func (f *Fabric) Again() []*Write {
	f.Restart()
	before := len(f.writes)
	f.Pass(2)
	return f.writes[before:]
}

// Pass makes n passes, whether there is a reason or not.
func (f *Fabric) Pass(n int) {
	f.t.Helper()
	for range n {
		f.pass(f.settle())
	}
}

// State is what there is, without what is another in every run.
func (f *Fabric) State() map[string]string {
	state, err := described(f.objects(f.t.Context()), maskedAlways)
	f.must(err)
	return state
}

// Counts are how many objects were created and deleted.
func (f *Fabric) Counts() map[string]string {
	now, counts := f.objects(f.t.Context()), map[string]string{}
	for key, uids := range f.known {
		gone := len(uids)
		if now[key] != nil {
			gone--
		}
		counts[key.Kind+" "+key.Name] = fmt.Sprintf("%d created, %d deleted", len(uids), gone)
	}
	return counts
}

// objects are all that Weave consists of.
func (f *Fabric) objects(ctx context.Context) map[Key]client.Object {
	f.t.Helper()
	found := map[Key]client.Object{}
	inWeave := []client.ListOption{client.InNamespace(names.WeaveNamespace), client.HasLabels{names.LabelWeave}}
	var networks v1alpha1.WeaveNetworkList
	var nodes v1alpha1.WeaveNodeList
	var sets appsv1.DaemonSetList
	var pods corev1.PodList
	bookkeeping := &corev1.ConfigMap{}
	noBookkeeping := f.API.Get(ctx, client.ObjectKey{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}, bookkeeping)
	f.must(errors.Join(f.API.List(ctx, &networks), f.API.List(ctx, &nodes), f.API.List(ctx, &sets, inWeave...), f.API.List(ctx, &pods, inWeave...),
		client.IgnoreNotFound(noBookkeeping)))
	for i := range networks.Items {
		found[Key{"WeaveNetwork", networks.Items[i].Name}] = &networks.Items[i]
	}
	for i := range nodes.Items {
		found[Key{"WeaveNode", nodes.Items[i].Name}] = &nodes.Items[i]
	}
	for i := range sets.Items {
		found[Key{"DaemonSet", sets.Items[i].Name}] = &sets.Items[i]
	}
	for i := range pods.Items {
		found[Key{"Pod", pods.Items[i].Name}] = &pods.Items[i]
	}
	if noBookkeeping == nil {
		found[Key{"ConfigMap", bookkeeping.Name}] = bookkeeping
	}
	return found
}

// look remembers what there is, and holds the status against the rules of kstatus.
func (f *Fabric) look(objects map[Key]client.Object) {
	for key, object := range objects {
		if f.known[key] == nil {
			f.known[key] = map[types.UID]bool{}
		}
		f.known[key][object.GetUID()] = true
		if network, ok := object.(*v1alpha1.WeaveNetwork); ok {
			for _, problem := range oracle.CheckWeaveNetwork(network) {
				f.broken(Statuses, "version %s: %s", network.ResourceVersion, problem)
			}
		}
	}
}

func (f *Fabric) broken(which Oracle, format string, arguments ...any) {
	f.breaches = append(f.breaches, Breach{which, fmt.Sprintf(format, arguments...)})
}
