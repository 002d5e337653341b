// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

// World is a namespace with an operator in it.
type World struct {
	Namespace string
	// API is how users reach the API server.
	API     client.WithWatch
	Kubelet *kubelet.Kubelet
	Grids   *egotest.Grids
	Clock   *Clock
	// Quiet is for how long nothing may have moved on the clock when the world is at rest; it can be changed.
	Quiet time.Duration

	t        *testing.T
	rig      *Rig
	history  *history
	guard    *guard
	operator *operator
	ended    bool
	// choose is how the writes of operators fail that follow one that crashed.
	choose func(*Write) Phase
	// onPass is told what the operator sees at the begin of every pass.
	onPass func(map[Key]client.Object)

	mu sync.Mutex
	// wrote are the versions that the operator's and the test's own writes led to: the world is not at rest before they are seen.
	wrote  map[types.UID]string
	writes []*Write
	events []string
	// frozen is what operators see, nil while that is what there is.
	frozen map[Key]client.Object
	last   time.Time
}

// NewWorld is a world in which nothing fails yet. It ends with the test at the latest.
func (r *Rig) NewWorld(t *testing.T) *World {
	t.Helper()
	w := &World{
		t: t, rig: r, history: newHistory(), wrote: map[types.UID]string{},
		Grids: &egotest.Grids{}, Clock: NewClock(), Quiet: Quiet,
	}
	w.last = w.Clock.Now()
	w.guard = newGuard(w)
	w.history.check = w.guard.version
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "rig-"}}
	w.must(r.api.Create(t.Context(), namespace))
	w.Namespace = namespace.Name
	r.mu.Lock()
	r.worlds[w.Namespace] = w
	r.mu.Unlock()
	w.API = &tracked{WithWatch: r.api, world: w}
	var err error
	w.Kubelet, err = kubelet.Start(r.api, w.Namespace, w.Grids)
	w.must(err)
	w.operator = w.newOperator()
	t.Cleanup(w.End)
	return w
}

// End ends the world before the test ends. What there is stays: nobody writes to it any more, so that it costs nothing, and to have it taken away by
// the garbage collector was a quarter of the API server's work. But for Services there are only 254 addresses.
func (w *World) End() {
	if w.ended {
		return
	}
	w.ended = true
	w.operator.stop()
	if err := w.rig.api.DeleteAllOf(context.Background(), &corev1.Service{}, client.InNamespace(w.Namespace)); err != nil {
		w.t.Errorf("clearing the world: %v", err)
	}
	if err := w.Kubelet.Stop(); err != nil {
		w.t.Error(err)
	}
	w.rig.mu.Lock()
	delete(w.rig.worlds, w.Namespace)
	w.rig.mu.Unlock()
	w.history.forget()
	for _, write := range w.writes {
		write.Body = ""
	}
}

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Context is the test's.
func (w *World) Context() context.Context { return w.t.Context() }

// Writes are those of all operators so far.
func (w *World) Writes() []*Write {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.writes)
}

// Versions are those of all objects so far.
func (w *World) Versions() []Version { return w.history.versions() }

// Objects are those that are there now.
func (w *World) Objects() map[Key]client.Object { return w.history.objects() }

// Events are those that the operators told, as "Warning Reason: note".
func (w *World) Events() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// ForgetWrites forgets those so far.
func (w *World) ForgetWrites() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = nil
}

// Inject has this operator's writes fail from now on; those that read the same are numbered from 1.
func (w *World) Inject(fault Fault) {
	w.operator.way.mu.Lock()
	defer w.operator.way.mu.Unlock()
	w.operator.way.fault, w.operator.way.count = fault, 0
}

// Choose has the writes of this operator, and of all that follow it, fail as it says; nil ends that.
func (w *World) Choose(choose func(*Write) Phase) {
	w.choose = choose
	w.operator.way.mu.Lock()
	defer w.operator.way.mu.Unlock()
	w.operator.way.fault = Fault{Choose: choose}
}

// OnPass has what the operator sees told at the begin of every pass.
func (w *World) OnPass(tell func(map[Key]client.Object)) { w.onPass = tell }

// Change edits a cluster as a user does, by a patch.
func (w *World) Change(name string, edits ...func(*v1alpha1.SymphonyCluster)) {
	w.t.Helper()
	cluster := &v1alpha1.SymphonyCluster{}
	w.must(w.API.Get(w.t.Context(), client.ObjectKey{Namespace: w.Namespace, Name: name}, cluster))
	before := cluster.DeepCopy()
	for _, edit := range edits {
		edit(cluster)
	}
	w.must(w.API.Patch(w.t.Context(), cluster, client.MergeFrom(before)))
}

// Create creates a cluster of this name with an image, and edits.
func (w *World) Create(name string, edits ...func(*v1alpha1.SymphonyCluster)) {
	w.t.Helper()
	cluster := &v1alpha1.SymphonyCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: name},
		Spec:       v1alpha1.SymphonyClusterSpec{Image: "sym712"},
	}
	for _, edit := range edits {
		edit(cluster)
	}
	w.must(w.API.Create(w.t.Context(), cluster))
}

// Pods are the live pods of a role, sorted by name.
func (w *World) Pods(cluster, role string) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, object := range w.Objects() {
		pod, ok := object.(*corev1.Pod)
		if ok && pod.DeletionTimestamp == nil && pod.Labels[names.LabelCluster] == cluster && pod.Labels[names.LabelRole] == role {
			pods = append(pods, pod)
		}
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return compareNames(a, b) })
	return pods
}

// tracked remembers what the test's own writes led to.
type tracked struct {
	client.WithWatch

	world *World
}

func (c *tracked) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	err := c.WithWatch.Create(ctx, object, options...)
	return c.track(object, err)
}

func (c *tracked) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	err := c.WithWatch.Update(ctx, object, options...)
	return c.track(object, err)
}

func (c *tracked) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	err := c.WithWatch.Patch(ctx, object, patch, options...)
	return c.track(object, err)
}

// Delete returns when the watch has shown that the object is on its way out.
func (c *tracked) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	if err := c.WithWatch.Delete(ctx, object, options...); err != nil {
		return err
	}
	uid := object.GetUID()
	return c.world.waitFor("a deletion is seen", func() bool {
		for _, now := range c.world.Objects() {
			if now.GetName() == object.GetName() && (uid == "" || now.GetUID() == uid) && sameKind(now, object) {
				return now.GetDeletionTimestamp() != nil
			}
		}
		return true
	})
}

func (c *tracked) track(object client.Object, err error) error {
	if err == nil && object.GetNamespace() == c.world.Namespace {
		c.world.expect(object.GetUID(), object.GetResourceVersion())
	}
	return err
}

func sameKind(a, b client.Object) bool { return fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b) }

// console is a web console that answers.
type console struct{}

// Answers implements observe.Console.
func (console) Answers(context.Context, string) bool { return true }
