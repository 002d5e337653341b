// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

const (
	// askedAtOnce bounds how many consoles are asked at a time.
	askedAtOnce = 32
	// askAgainAfter is how old an answer must be before the console is asked again.
	askAgainAfter = 2 * time.Second
	// forgetAfter is how long nobody must have wanted to know about a console before it is forgotten.
	forgetAfter = 10 * time.Minute
	// waitingChanges is how many changes may wait for the controller.
	waitingChanges = 1024
)

// Consoles knows which masters' web consoles answer. They are asked beside the passes: where a network policy drops the
// question, each takes a second, and a pass that waited for it would keep a worker from masters that move.
type Consoles struct {
	// Changed has the clusters whose answer is another one than the passes were told.
	Changed chan event.GenericEvent

	console Console
	clock   clock.PassiveClock
	slots   chan struct{}
	asks    sync.WaitGroup

	mu    sync.Mutex
	known map[types.NamespacedName]*answer
}

// answer is what is known of one console.
type answer struct {
	masterIP string
	answers  bool
	asking   bool
	// asked is when the last question was answered, wanted when somebody last wanted to know.
	asked, wanted time.Time
}

// NewConsoles asks by a Console.
func NewConsoles(console Console, now clock.PassiveClock) *Consoles {
	return &Consoles{
		Changed: make(chan event.GenericEvent, waitingChanges),
		console: console,
		clock:   now,
		slots:   make(chan struct{}, askedAtOnce),
		known:   map[types.NamespacedName]*answer{},
	}
}

// Answer returns the last answer of the console of the master at this address and has it asked again, if that is a while
// ago. Before the first answer it is what the cluster's status says of the same master: a restart of the operator is no
// reason to doubt it.
func (c *Consoles) Answer(ctx context.Context, cluster *v1alpha1.SymphonyCluster, masterIP string) bool {
	key, now := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}, c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[key]
	if known == nil || known.masterIP != masterIP {
		maps.DeleteFunc(c.known, func(_ types.NamespacedName, a *answer) bool { return now.Sub(a.wanted) > forgetAfter })
		known = &answer{masterIP: masterIP, answers: answeredBefore(cluster, masterIP)}
		c.known[key] = known
	}
	known.wanted = now
	if !known.asking && now.Sub(known.asked) >= askAgainAfter {
		known.asking = true
		// The question outlives the pass; the Console itself has a deadline.
		lasting := context.WithoutCancel(ctx)
		c.asks.Go(func() { c.ask(lasting, key, known) })
	}
	return known.answers
}

// Wait returns when no console is being asked.
func (c *Consoles) Wait() { c.asks.Wait() }

// Forget is for a master that is not ready: what its console answered before says nothing about later.
func (c *Consoles) Forget(cluster *v1alpha1.SymphonyCluster) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name})
}

func (c *Consoles) ask(ctx context.Context, key types.NamespacedName, known *answer) {
	c.slots <- struct{}{}
	answers := c.console.Answers(ctx, known.masterIP)
	<-c.slots

	c.mu.Lock()
	defer c.mu.Unlock()
	changed := known.answers != answers
	known.answers, known.asking, known.asked = answers, false, c.clock.Now()
	if changed {
		askForPass(c.Changed, key)
	}
}

// askForPass has the controller look at a cluster of which something new is known. It never waits for it.
func askForPass(changed chan<- event.GenericEvent, cluster types.NamespacedName) {
	select {
	case changed <- event.GenericEvent{Object: &v1alpha1.SymphonyCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster.Namespace, Name: cluster.Name},
	}}:
	default: // The cluster's next pass sees it all the same.
	}
}

func answeredBefore(cluster *v1alpha1.SymphonyCluster, masterIP string) bool {
	return cluster.Status.Master.PodIP == masterIP &&
		meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionGUIReady)
}
