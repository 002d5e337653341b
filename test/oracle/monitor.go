// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Monitor sees every version of the SymphonyClusters of one namespace, or of all, and remembers what broke an
// invariant. Without a watch of its own, a test sees the states at which it happens to look.
type Monitor struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	last   map[types.UID]*v1alpha1.SymphonyCluster
	seen   map[string][]*v1alpha1.SymphonyCluster
	broken []string
}

// Watch starts a monitor. An empty namespace means all.
func Watch(ctx context.Context, cluster client.WithWatch, namespace string) (*Monitor, error) {
	ctx, cancel := context.WithCancel(ctx)
	events, err := cluster.Watch(ctx, &v1alpha1.SymphonyClusterList{}, client.InNamespace(namespace))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watching SymphonyClusters: %w", err)
	}
	m := &Monitor{
		cancel: cancel,
		done:   make(chan struct{}),
		last:   map[types.UID]*v1alpha1.SymphonyCluster{},
		seen:   map[string][]*v1alpha1.SymphonyCluster{},
	}
	go m.run(ctx, events)
	return m, nil
}

func (m *Monitor) run(ctx context.Context, events watch.Interface) {
	defer close(m.done)
	for event := range events.ResultChan() {
		if cluster, ok := event.Object.(*v1alpha1.SymphonyCluster); ok {
			m.note(cluster)
		}
	}
	if ctx.Err() == nil {
		// An unseen event is an unchecked one: a monitor that lost its watch must not look content.
		m.mu.Lock()
		defer m.mu.Unlock()
		m.broken = append(m.broken, "the monitor lost its watch")
	}
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
	m.seen[cluster.Name] = append(m.seen[cluster.Name], cluster)
}

// Stop ends the watch and returns every broken invariant that was seen.
func (m *Monitor) Stop() []string {
	m.cancel()
	<-m.done
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.broken)
}

// Seen returns how many versions of clusters of this name were seen.
func (m *Monitor) Seen(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.seen[name])
}

// Generations returns, for each generation of the clusters of this name, the statuses of Ready in the order in
// which they were seen, without repetitions. A status of an older observedGeneration counts as "stale".
func (m *Monitor) Generations(name string) map[int64][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[int64][]string{}
	for _, cluster := range m.seen[name] {
		state := "stale"
		ready := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionReady)
		if ready != nil && ready.ObservedGeneration == cluster.Generation {
			state = string(ready.Status)
		}
		states := all[cluster.Generation]
		if len(states) == 0 || states[len(states)-1] != state {
			all[cluster.Generation] = append(states, state)
		}
	}
	return all
}
