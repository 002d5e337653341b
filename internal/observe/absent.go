// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/recent"
)

// absentFor is for how long a name that was free counts as free while nothing is created under it: only who takes it meanwhile is told of later.
const absentFor = 30 * time.Second

// absences remembers which names were free. A master takes a dozen passes, or minutes of them, until it has an address, and each asked the
// API server for what only follows from the address: of 50 clusters that came at once this was one request in twenty. The zero value is ready for use.
type absences struct {
	recent.Things[absence, time.Time]
}

type absence struct {
	cluster types.UID
	child   ChildKey
}

// holds reports whether the name was found free just before.
func (a *absences) holds(of absence, now time.Time) bool {
	at, known := a.Recall(of)
	return known && now.Sub(at) < absentFor
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
	awaited := !slices.ContainsFunc(facts.MasterPods, func(pod *corev1.Pod) bool { return pod.Status.PodIP != "" })
	free := o.absent.holds(of, facts.Now)
	found, err := lookUp(ctx, o, facts, name, object, !awaited || !free)
	switch {
	case err != nil:
		return none, err
	case !awaited:
		// It will be there in a moment. A master that loses its address then must not make it absent while the cache is behind.
		o.absent.Forget(of)
	case any(found) == any(none) && facts.Unseen[of.child] == "" && !facts.IsTaken(of.child) && !free:
		o.absent.Remember(of, facts.Now)
	}
	return found, nil
}
