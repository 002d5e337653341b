// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Monitor sees every version of the SymphonyClusters of one namespace, or of all, and remembers what broke an
// invariant. Without a watch of its own, a test sees the states at which it happens to look.
type Monitor struct {
	cluster   client.WithWatch
	namespace string
	cancel    context.CancelFunc
	done      chan struct{}

	mu         sync.Mutex
	last       map[types.UID]*v1alpha1.SymphonyCluster
	seen       map[string][]*v1alpha1.SymphonyCluster
	broken     []string
	gapAllowed bool
}

// Watch starts a monitor. An empty namespace means all.
func Watch(ctx context.Context, cluster client.WithWatch, namespace string) (*Monitor, error) {
	ctx, cancel := context.WithCancel(ctx)
	m := &Monitor{
		cluster:   cluster,
		namespace: namespace,
		cancel:    cancel,
		done:      make(chan struct{}),
		last:      map[types.UID]*v1alpha1.SymphonyCluster{},
		seen:      map[string][]*v1alpha1.SymphonyCluster{},
	}
	events, err := m.begin(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	go m.run(ctx, events)
	return m, nil
}

// begin notes what there is and watches what follows.
func (m *Monitor) begin(ctx context.Context) (watch.Interface, error) {
	var present v1alpha1.SymphonyClusterList
	if err := m.cluster.List(ctx, &present, client.InNamespace(m.namespace)); err != nil {
		return nil, fmt.Errorf("listing SymphonyClusters: %w", err)
	}
	// The API server ends every watch after half an hour or more: this one goes on where it ended.
	events, err := watchtools.NewRetryWatcherWithContext(ctx, present.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return m.cluster.Watch(ctx, &v1alpha1.SymphonyClusterList{}, &client.ListOptions{Namespace: m.namespace, Raw: &options})
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watching SymphonyClusters: %w", err)
	}
	for i := range present.Items {
		m.note(&present.Items[i])
	}
	return events, nil
}

// AllowGap is for a test that takes the API server away: one that was started anew cannot tell what came before. Until the
// returned function is called, a watch that is lost is taken up again with what there is then.
func (m *Monitor) AllowGap() (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gapAllowed = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.gapAllowed = false
	}
}

func (m *Monitor) run(ctx context.Context, events watch.Interface) {
	defer close(m.done)
	for {
		for event := range events.ResultChan() {
			if cluster, ok := event.Object.(*v1alpha1.SymphonyCluster); ok {
				m.note(cluster)
			}
		}
		if ctx.Err() != nil || !m.mayGoOn() {
			return
		}
		err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
			var err error
			events, err = m.begin(ctx)
			return err == nil, nil // The API server may be away for longer.
		})
		if err != nil {
			return
		}
	}
}

// mayGoOn forgets what there was before a gap, which says nothing of what comes after it.
func (m *Monitor) mayGoOn() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.gapAllowed {
		// An unseen event is an unchecked one: a monitor that lost its watch must not look content.
		m.broken = append(m.broken, "the monitor lost its watch")
	}
	clear(m.last)
	return m.gapAllowed
}

func (m *Monitor) note(cluster *v1alpha1.SymphonyCluster) {
	m.mu.Lock()
	defer m.mu.Unlock()
	problems := append(CheckStatus(cluster), CheckStep(m.last[cluster.UID], cluster)...)
	for _, problem := range problems {
		m.broken = append(m.broken, fmt.Sprintf("%s/%s at resourceVersion %s: %s",
			cluster.Namespace, cluster.Name, cluster.ResourceVersion, problem))
	}
	m.last[cluster.UID] = cluster
	m.seen[cluster.Namespace] = append(m.seen[cluster.Namespace], cluster)
}

// Stop ends the watch and returns every broken invariant that was seen.
func (m *Monitor) Stop() []string {
	m.cancel()
	<-m.done
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.broken)
}

// Versions returns the versions of the clusters of a namespace that were seen so far, in their order.
func (m *Monitor) Versions(namespace string) []*v1alpha1.SymphonyCluster {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.seen[namespace])
}
