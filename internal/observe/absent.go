// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// absentFor is for how long a name that was free counts as free while nothing is created under it: only who takes it meanwhile is told of later.
	absentFor = 30 * time.Second
	// absentNames is far above what clusters that are starting up at a time have; what was not used for longest is asked for again.
	absentNames = 4096
)

// absences remembers which names were free. A master takes a dozen passes, or minutes of them, until it has an address, and each asked the
// API server for what only follows from the address: of 50 clusters that came at once this was a tenth of all requests. The zero value is ready for use.
type absences struct {
	once  sync.Once
	known *lru.Cache
}

type absence struct {
	cluster types.UID
	child   ChildKey
}

func (a *absences) memory() *lru.Cache {
	a.once.Do(func() { a.known = lru.New(absentNames) })
	return a.known
}

// holds reports whether the name was found free just before.
func (a *absences) holds(of absence, now time.Time) bool {
	at, ok := a.memory().Get(of)
	if !ok {
		return false
	}
	found, ok := at.(time.Time)
	return ok && now.Sub(found) < absentFor
}

// followingChild is child for one that is created only when the master's address is known: before that, the API server is not asked in
// every pass whether it is there. What is created is always asked for.
func followingChild[T client.Object](ctx context.Context, o *Observer, facts *Facts, name string, object T) (T, error) {
	var none T
	gvk, err := kindOf(object)
	if err != nil {
		return none, err
	}
	of := absence{facts.Cluster.UID, ChildKey{Kind: gvk.Kind, Name: name}}
	awaited := !hasAddress(facts.MasterPods)
	found, err := lookUp(ctx, o, facts, name, object, !awaited || !o.absent.holds(of, facts.Now))
	switch {
	case err != nil:
		return none, err
	case !awaited:
		// It will be there in a moment. A master that loses its address then must not make it absent while the cache is behind.
		o.absent.memory().Remove(of)
	case any(found) == any(none) && facts.Unseen[of.child] == "" && !facts.IsTaken(of.child) && !o.absent.holds(of, facts.Now):
		o.absent.memory().Add(of, facts.Now)
	}
	return found, nil
}

func hasAddress(pods []*corev1.Pod) bool {
	for _, pod := range pods {
		if pod.Status.PodIP != "" {
			return true
		}
	}
	return false
}
