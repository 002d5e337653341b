// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/recent"
)

// absentFor is for how long a name that was free counts as free. Who takes it meanwhile is told of later, and keeps what is there: what is created
// must not be there yet (package apply).
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
// every pass whether it is there. With the address it is created at once, if its name was free just before: compute hosts came an answer later
// otherwise. From then on it is asked for.
func followingChild[T client.Object](ctx context.Context, o *Observer, facts *Facts, name string, object T) (T, error) {
	gvk, err := kindOf(object)
	if err != nil {
		var none T
		return none, err
	}
	of := absence{facts.Cluster.UID, ChildKey{Kind: gvk.Kind, Name: name}}
	free := o.absent.holds(of, facts.Now)
	addressed := slices.ContainsFunc(facts.MasterPods, func(pod *corev1.Pod) bool { return pod.Status.PodIP != "" })
	if addressed {
		// It will be there in a moment: to the next pass, whose cache may be behind, its name is not free.
		o.absent.Forget(of)
	}
	switch {
	case free:
		return lookUp(ctx, o, facts, name, object, nil)
	case addressed:
		return child(ctx, o, facts, name, object)
	}
	return lookUp(ctx, o, facts, name, object, func() { o.absent.Remember(of, facts.Now) })
}

// question is to the API server: who has a name that the cache knows nothing of.
type question struct {
	key ChildKey
	gvk schema.GroupVersionKind
	// free is called if nobody has it.
	free func()
}

// whoHas asks the API server for all names of a pass that the cache knows nothing of, side by side: what a master's address brings would
// otherwise wait for each answer by itself, and of a thousand clusters that come at once each takes a quarter of a second.
func (o *Observer) whoHas(ctx context.Context, facts *Facts) error {
	found := make([]*metav1.PartialObjectMetadata, len(facts.unanswered))
	failed := make([]error, len(facts.unanswered))
	var group sync.WaitGroup
	for i, asked := range facts.unanswered {
		group.Go(func() {
			found[i] = &metav1.PartialObjectMetadata{}
			found[i].SetGroupVersionKind(asked.gvk)
			failed[i] = o.Live.Get(ctx, client.ObjectKey{Namespace: facts.Cluster.Namespace, Name: asked.key.Name}, found[i])
		})
	}
	group.Wait()
	for i, asked := range facts.unanswered {
		if apierrors.IsNotFound(failed[i]) {
			asked.free()
			continue
		}
		if failed[i] != nil {
			return fmt.Errorf("reading %s %s: %w", asked.key.Kind, asked.key.Name, failed[i])
		}
		claimed, err := o.claims(ctx, facts, asked.key, found[i])
		if err != nil {
			return err
		}
		if claimed {
			facts.Unseen[asked.key] = found[i].UID
			facts.Lagging[asked.key] = names.Managed().Matches(labels.Set(found[i].Labels))
		}
	}
	facts.unanswered = nil
	return nil
}
