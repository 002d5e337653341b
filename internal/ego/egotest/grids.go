// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package egotest

import (
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// Grids are the EGOs of one namespace's clusters, by the clusters' names. What they know outlives a master's pod. The zero value
// is ready for use.
type Grids struct {
	mu  sync.Mutex
	all map[string]*Fake
}

// Of is the EGO of a cluster.
func (g *Grids) Of(cluster string) *Fake {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = map[string]*Fake{}
	}
	if g.all[cluster] == nil {
		g.all[cluster] = New(names.MasterHostname(cluster))
	}
	return g.all[cluster]
}

// Connect is the command line in a master's pod.
func (g *Grids) Connect(master types.NamespacedName) ego.EGO {
	cluster, _, _ := strings.Cut(master.Name, "-master-")
	return g.Of(cluster)
}

// Tell lets a compute pod's LIM start or stop; other pods have none.
func (g *Grids) Tell(pod *corev1.Pod, runs bool) {
	if pod.Labels[names.LabelRole] != names.Compute {
		return
	}
	if at := g.Of(pod.Labels[names.LabelCluster]); runs {
		at.Join(pod.Name)
	} else {
		at.Silence(pod.Name)
	}
}
