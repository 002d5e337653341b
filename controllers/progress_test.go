// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// waits is a queue that knows how long its last request was to wait; nil before the first.
type waits struct {
	queue

	last *time.Duration
}

func (w *waits) Add(reconcile.Request)                         { w.last = new(time.Duration(0)) }
func (w *waits) AddAfter(_ reconcile.Request, d time.Duration) { w.last = &d }

// A pass over 30,000 pods for each that changes takes more than it tells; a few pods are few to look at, and a drain goes from step to step.
func TestTheMorePodsAreCountedTheLongerAPassWaitsForMore(t *testing.T) {
	prod := types.NamespacedName{Namespace: "grid", Name: "prod"}
	for name, c := range map[string]struct {
		pods  int
		steps bool
		wait  time.Duration
	}{
		"a cluster that no pass has seen": {0, false, time.Second},
		"few":                             {50, false, time.Second},
		"twice as many":                   {100, false, 2 * time.Second},
		"all that there may be":           {30_000, false, 5 * time.Second},
		"many, of which some are to go":   {30_000, true, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			seen := &paces{delay: time.Second}
			seen.note(prod, 200, false)
			seen.note(prod, c.pods, c.steps)
			g.Expect(seen.of(reconcile.Request{NamespacedName: prod})).To(Equal(c.wait))
			g.Expect(seen.of(reconcile.Request{})).To(Equal(time.Second), "another cluster")
			seen.note(prod, 0, false)
			g.Expect(seen.counted).To(BeEmpty(), "one that is gone is forgotten")
		})
	}
}

func TestWhatNothingIsDecidedFromInAHurryWaitsForMoreOfIt(t *testing.T) {
	compute := metav1.ObjectMeta{Name: "one", Generation: 1, Labels: names.Labels("prod", names.Compute)}
	master := metav1.ObjectMeta{Name: "one", Generation: 1, Labels: names.Labels("prod", names.Master)}
	changed := func(before metav1.ObjectMeta, change func(*metav1.ObjectMeta)) metav1.ObjectMeta {
		after := *before.DeepCopy()
		change(&after)
		return after
	}
	const soon, later = time.Duration(0), time.Minute
	for name, c := range map[string]struct {
		before, after client.Object
		wait          time.Duration
	}{
		"a compute pod":               {&corev1.Pod{ObjectMeta: compute}, &corev1.Pod{ObjectMeta: compute, Status: corev1.PodStatus{PodIP: "10.32.0.2"}}, later},
		"a compute pod that comes":    {nil, &corev1.Pod{ObjectMeta: compute}, later},
		"a compute pod that goes":     {&corev1.Pod{ObjectMeta: compute}, nil, later},
		"a master":                    {&corev1.Pod{ObjectMeta: master}, &corev1.Pod{ObjectMeta: master, Status: corev1.PodStatus{PodIP: "10.32.0.1"}}, soon},
		"a master that comes":         {nil, &corev1.Pod{ObjectMeta: master}, soon},
		"a master that goes":          {&corev1.Pod{ObjectMeta: master}, nil, soon},
		"the numbers of a ReplicaSet": {&appsv1.ReplicaSet{ObjectMeta: compute}, &appsv1.ReplicaSet{ObjectMeta: compute, Status: appsv1.ReplicaSetStatus{Replicas: 5}}, later},
		"the spec of a ReplicaSet":    {&appsv1.ReplicaSet{ObjectMeta: compute}, &appsv1.ReplicaSet{ObjectMeta: changed(compute, func(m *metav1.ObjectMeta) { m.Generation = 2 })}, soon},
		"a label of a ReplicaSet":     {&appsv1.ReplicaSet{ObjectMeta: compute}, &appsv1.ReplicaSet{ObjectMeta: changed(compute, func(m *metav1.ObjectMeta) { m.Labels["a"] = "b" })}, soon},
		"the owner of a ReplicaSet":   {&appsv1.ReplicaSet{ObjectMeta: changed(compute, func(m *metav1.ObjectMeta) { m.OwnerReferences = []metav1.OwnerReference{{Name: "prod"}} })}, &appsv1.ReplicaSet{ObjectMeta: compute}, soon},
		"a ReplicaSet that comes":     {nil, &appsv1.ReplicaSet{ObjectMeta: compute}, later},
		"a ReplicaSet that goes":      {&appsv1.ReplicaSet{ObjectMeta: compute}, nil, soon},
		"a Deployment that comes":     {nil, &appsv1.Deployment{ObjectMeta: master}, later},
		"a Deployment's status":       {&appsv1.Deployment{ObjectMeta: master}, &appsv1.Deployment{ObjectMeta: master, Status: appsv1.DeploymentStatus{Replicas: 1}}, later},
		"a Deployment's spec":         {&appsv1.Deployment{ObjectMeta: master}, &appsv1.Deployment{ObjectMeta: changed(master, func(m *metav1.ObjectMeta) { m.Generation = 2 })}, soon},
		"what was applied": {&appsv1.Deployment{ObjectMeta: master}, &appsv1.Deployment{ObjectMeta: changed(master, func(m *metav1.ObjectMeta) {
			m.Generation, m.Annotations = 2, map[string]string{names.AnnotationApplied: "a"}
		})}, later},
		"a ConfigMap's contents": {&corev1.ConfigMap{}, &corev1.ConfigMap{Data: map[string]string{"hosts": ""}}, soon},
		"a Deployment that goes": {&appsv1.Deployment{ObjectMeta: master}, nil, soon},
	} {
		t.Run(name, func(t *testing.T) {
			queued := &waits{}
			tried := newProgress(&handler.EnqueueRequestForObject{}, always(later))
			switch {
			case c.before == nil:
				tried.Create(t.Context(), event.CreateEvent{Object: c.after}, queued)
			case c.after == nil:
				tried.Delete(t.Context(), event.DeleteEvent{Object: c.before}, queued)
			default:
				tried.Update(t.Context(), event.UpdateEvent{ObjectOld: c.before, ObjectNew: c.after}, queued)
			}
			NewWithT(t).Expect(queued.last).To(HaveValue(Equal(c.wait)))
		})
	}
}

// A spec, a deletion, an annotation: what a user does is acted on at once. What the operator itself has written is not.
func TestAStatusAloneIsNoNews(t *testing.T) {
	before := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Generation: 1}}
	for name, c := range map[string]struct {
		change func(*v1alpha1.SymphonyCluster)
		only   bool
	}{
		"its status": {func(c *v1alpha1.SymphonyCluster) {
			c.ResourceVersion, c.Status.Compute.ReadyReplicas = "2", 5
			c.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: names.FieldManager}}
		}, true},
		"its spec":      {func(c *v1alpha1.SymphonyCluster) { c.Generation = 2 }, false},
		"its deletion":  {func(c *v1alpha1.SymphonyCluster) { c.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }, false},
		"an annotation": {func(c *v1alpha1.SymphonyCluster) { c.Annotations = map[string]string{"a": "b"} }, false},
		"a finalizer":   {func(c *v1alpha1.SymphonyCluster) { c.Finalizers = []string{"a/b"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			after := before.DeepCopy()
			c.change(after)
			NewWithT(t).Expect(onlyStatus(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(Equal(c.only))
		})
	}
}

// prioritized is a queue that knows with what its last request was added.
type prioritized struct {
	priorityqueue.PriorityQueue[reconcile.Request]

	last priorityqueue.AddOpts
}

func (p *prioritized) Add(reconcile.Request) { p.last = priorityqueue.AddOpts{} }

func (p *prioritized) AddAfter(_ reconcile.Request, after time.Duration) {
	p.last = priorityqueue.AddOpts{After: after}
}

func (p *prioritized) AddWithOpts(options priorityqueue.AddOpts, _ ...reconcile.Request) {
	p.last = options
}

// After a restart, what a user changes must not wait for a thousand clusters that have not changed.
func TestWhatIsListedAtTheStartKeepsItsLowPriority(t *testing.T) {
	g := NewWithT(t)
	queued := &prioritized{}
	tried := newProgress(handler.WithLowPriorityWhenUnchanged(&handler.EnqueueRequestForObject{}), always(time.Minute))
	tried.Create(t.Context(), event.CreateEvent{Object: &appsv1.Deployment{}, IsInInitialList: true}, queued)
	g.Expect(queued.last.After).To(Equal(time.Minute))
	g.Expect(queued.last.Priority).To(HaveValue(Equal(handler.LowPriority)))
}

// Compute hosts can do nothing without their master's address: it is told before anything else is done for other clusters.
func TestAMastersAddressComesFirst(t *testing.T) {
	pod := func(role, address string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "one", Labels: names.Labels("prod", role)}, Status: corev1.PodStatus{PodIP: address}}
	}
	ready := pod(names.Master, "10.32.0.1")
	ready.Status.Phase = corev1.PodRunning
	for name, c := range map[string]struct {
		before, after client.Object
		listed, first bool
	}{
		"a master that has an address":        {pod(names.Master, ""), pod(names.Master, "10.32.0.1"), false, true},
		"a master that has another one":       {pod(names.Master, "10.32.0.1"), pod(names.Master, "10.32.0.2"), false, true},
		"a master seen first with an address": {nil, pod(names.Master, "10.32.0.1"), false, true},
		"a master listed at the start":        {nil, pod(names.Master, "10.32.0.1"), true, false},
		"a master that comes":                 {nil, pod(names.Master, ""), false, false},
		"a master whose address stays":        {pod(names.Master, "10.32.0.1"), ready, false, false},
		"a compute pod":                       {pod(names.Compute, ""), pod(names.Compute, "10.32.0.3"), false, false},
		"a Service":                           {nil, &corev1.Service{}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			queued := &prioritized{}
			tried := newProgress(handler.EnqueueRequestsFromMapFunc(clusterOfLabel), always(time.Minute))
			if c.before == nil {
				tried.Create(t.Context(), event.CreateEvent{Object: c.after, IsInInitialList: c.listed}, queued)
			} else {
				tried.Update(t.Context(), event.UpdateEvent{ObjectOld: c.before, ObjectNew: c.after}, queued)
			}
			NewWithT(t).Expect(queued.last.Priority != nil && *queued.last.Priority == addressPriority).To(Equal(c.first))
		})
	}
}
