// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// tracker sees the pods, ReplicaSets and ConfigMaps of a namespace, and when.
type tracker struct {
	told  io.Writer
	stop  context.CancelFunc
	ended func()
	moved chan struct{}

	mu sync.Mutex
	// pods are those there are; the value is whether the pod is ready.
	pods map[string]bool
	// ready counts them.
	ready int
	// readyOf counts them by cluster.
	readyOf map[string]int
	// addressed is when a cluster's master first had an address, computed when there was a ReplicaSet for its compute pods.
	addressed, computed map[string]time.Time
	// masters has each cluster's living master, and knows which address each of its other objects has.
	masters map[string]master
	knows   map[string]map[string]address
}

// track begins to look, and returns when all that there is has been seen.
func (m *machine) track(ctx context.Context, namespace string) (*tracker, error) {
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactoryWithOptions(m.kube, 0, informers.WithNamespace(namespace), informers.WithTransform(trim))
	t := newTracker(m.told)
	t.stop, t.ended = cancel, factory.Shutdown
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: t.seen, UpdateFunc: func(_, object any) { t.seen(object) }, DeleteFunc: t.gone,
	}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().Pods().Informer(), factory.Apps().V1().ReplicaSets().Informer(), factory.Core().V1().ConfigMaps().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			cancel()
			return nil, fmt.Errorf("watching: %w", err)
		}
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			cancel()
			return nil, fmt.Errorf("%s objects are not listed", kind)
		}
	}
	return t, nil
}

func newTracker(told io.Writer) *tracker {
	return &tracker{
		told: told, moved: make(chan struct{}, 1),
		pods: map[string]bool{}, readyOf: map[string]int{}, addressed: map[string]time.Time{}, computed: map[string]time.Time{},
		masters: map[string]master{}, knows: map[string]map[string]address{},
	}
}

// end stops looking.
func (t *tracker) end() {
	t.stop()
	t.ended()
}

// trim keeps of pods what is looked at: of 30,000 whole ones this process would need more memory than the API server.
func trim(object any) (any, error) {
	switch typed := object.(type) {
	case *corev1.Pod:
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: typed.Name, Namespace: typed.Namespace, UID: typed.UID, ResourceVersion: typed.ResourceVersion,
				Labels: typed.Labels, Annotations: typed.Annotations, DeletionTimestamp: typed.DeletionTimestamp,
			},
			Status: corev1.PodStatus{Phase: typed.Status.Phase, PodIP: typed.Status.PodIP, Conditions: typed.Status.Conditions},
		}, nil
	case *appsv1.ReplicaSet:
		typed.ManagedFields, typed.Spec.Template.Spec = nil, corev1.PodSpec{}
	}
	return object, nil
}

func (t *tracker) seen(object any) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch typed := object.(type) {
	case *corev1.Pod:
		t.set(typed, observe.PodReady(typed))
		t.seenPod(typed, now)
	case *appsv1.ReplicaSet:
		if cluster := typed.Labels[names.LabelCluster]; typed.Labels[names.LabelRole] == names.Compute {
			first(t.computed, cluster, now)
			t.learned(cluster, "ReplicaSet", typed.Spec.Template.Annotations[names.AnnotationMasterHosts], now)
		}
	case *corev1.ConfigMap:
		if cluster := typed.Labels[names.LabelCluster]; typed.Name == names.HostsName(cluster) {
			t.learned(cluster, "ConfigMap", typed.Data[names.HostsKey], now)
		}
	}
	t.tell()
}

// address is a master's, and since when it is known.
type address struct {
	ip    string
	since time.Time
}

// master is a pod with its address. Of 300 that are replaced at once, some get the address that they had.
type master struct {
	address

	pod types.UID
}

func (t *tracker) seenPod(pod *corev1.Pod, now time.Time) {
	cluster := pod.Labels[names.LabelCluster]
	switch {
	case pod.DeletionTimestamp != nil || pod.Status.PodIP == "":
	case pod.Labels[names.LabelRole] == names.Master:
		first(t.addressed, cluster, now)
		if known := t.masters[cluster]; known.pod != pod.UID || known.ip != pod.Status.PodIP {
			t.masters[cluster] = master{address{pod.Status.PodIP, now}, pod.UID}
		}
	case pod.Labels[names.LabelRole] == names.Compute:
		t.learned(cluster, pod.Name, pod.Annotations[names.AnnotationMasterHosts], now)
	}
}

// learned notes when an object of a cluster got an address: the first word of a line of a hosts file.
func (t *tracker) learned(cluster, object, hosts string, now time.Time) {
	ip, _, _ := strings.Cut(strings.TrimSpace(hosts), " ")
	if t.knows[cluster] == nil {
		t.knows[cluster] = map[string]address{}
	}
	if t.knows[cluster][object].ip != ip {
		t.knows[cluster][object] = address{ip, now}
	}
}

func first(times map[string]time.Time, key string, now time.Time) {
	if _, known := times[key]; !known {
		times[key] = now
	}
}

func (t *tracker) set(pod *corev1.Pod, ready bool) {
	change := 0
	if t.pods[pod.Name] {
		change--
	}
	if ready {
		change++
	}
	t.pods[pod.Name] = ready
	t.ready += change
	t.readyOf[pod.Labels[names.LabelCluster]] += change
}

func (t *tracker) gone(object any) {
	if last, missed := object.(cache.DeletedFinalStateUnknown); missed {
		object = last.Obj
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(pod, false)
	delete(t.pods, pod.Name)
	delete(t.knows[pod.Labels[names.LabelCluster]], pod.Name)
	t.tell()
}

func (t *tracker) tell() {
	select {
	case t.moved <- struct{}{}:
	default:
	}
}

// waitForPods until there are so many, all ready.
func (t *tracker) waitForPods(ctx context.Context, wanted int) error {
	return t.wait(ctx, fmt.Sprintf("%d pods", wanted), func() bool { return len(t.pods) == wanted && t.ready == wanted })
}

// waitForCluster until so many of a cluster's pods are ready.
func (t *tracker) waitForCluster(ctx context.Context, cluster string, wanted int) error {
	return t.wait(ctx, fmt.Sprintf("%d pods of %s", wanted, cluster), func() bool { return t.readyOf[cluster] == wanted })
}

// wait looks after every change whether all is done, and says how far the pods are now and then.
func (t *tracker) wait(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	for {
		t.mu.Lock()
		is, pods, ready := done(), len(t.pods), t.ready
		t.mu.Unlock()
		if is {
			return nil
		}
		select {
		case <-t.moved:
		case <-tick.C:
			fmt.Fprintf(t.told, "  … waiting for %s: %d are there, %d ready\n", what, pods, ready)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s, %d are there and %d ready: %w", what, pods, ready, ctx.Err())
		}
	}
}

// patience is how long a step may take: 30,000 pods took 13 minutes on two cores.
const patience = 40 * time.Minute

// latencies are the times between a master's address and its compute pods' ReplicaSet.
func (t *tracker) latencies() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []time.Duration
	for cluster, at := range t.computed {
		if addressed, known := t.addressed[cluster]; known {
			all = append(all, max(0, at.Sub(addressed)))
		}
	}
	return all
}
