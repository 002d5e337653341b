// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// pollInterval is how often the operators of this suite look at EGO's hosts.
const pollInterval = 100 * time.Millisecond

// grids are the EGOs of a world's clusters, by the clusters' names. What they know outlives a master's pod.
type grids struct {
	mu  sync.Mutex
	all map[string]*egotest.Fake
}

// of is the EGO of a cluster.
func (g *grids) of(cluster string) *egotest.Fake {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = map[string]*egotest.Fake{}
	}
	if g.all[cluster] == nil {
		g.all[cluster] = egotest.New(names.MasterHostname(cluster))
	}
	return g.all[cluster]
}

// toEGO is the command line in a master's pod.
func (g *grids) toEGO(master types.NamespacedName) ego.EGO {
	cluster, _, _ := strings.Cut(master.Name, "-master-")
	return g.of(cluster)
}

func (g *grids) toAPI(next http.RoundTripper) http.RoundTripper { return next }

// tell lets a compute pod's LIM start or stop.
func (g *grids) tell(pod *corev1.Pod, runs bool) {
	if pod.Labels[names.LabelRole] != names.Compute {
		return
	}
	if at := g.of(pod.Labels[names.LabelCluster]); runs {
		at.Join(pod.Name)
	} else {
		at.Silence(pod.Name)
	}
}
