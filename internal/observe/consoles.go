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
	// askAgainAfter is how old an answer must be before a pass has the console asked again. Passes come every second while pods do, and each
	// question is a new TLS connection; at rest there is a pass a minute.
	askAgainAfter = 30 * time.Second
	// silentAtFirst and silentInTheEnd are the times between two questions to a console that does not answer: a tenth of how long it has not.
	// One that starts is found soon, and one that never answers, because a policy drops the question, is hardly asked.
	silentAtFirst, silentInTheEnd = 5 * time.Second, time.Minute
	// forgetAfter is how long nobody must have wanted to know about a console before it is forgotten.
	forgetAfter = 10 * time.Minute
	// waitingChanges is how many changes may wait for the controller.
	waitingChanges = 1024
)

// Consoles knows which masters' web consoles answer. They are asked beside the passes: where a network policy drops the
// question, each takes a second, and a pass that waited for it would keep a worker from masters that move. One that does not answer is asked
// again without a pass: while 1,000 clusters started, every other pass did nothing but ask.
type Consoles struct {
	// Changed has the clusters whose answer is another one than the passes were told.
	Changed chan event.GenericEvent

	console Console
	clock   clock.WithDelayedExecution
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
	// silentSince is when it was asked first without an answer since it gave one; next is when it is asked again, nil unless it is silent.
	silentSince time.Time
	next        clock.Timer
}

// NewConsoles asks by a Console.
func NewConsoles(console Console, now clock.WithDelayedExecution) *Consoles {
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
		known.stop()
		maps.DeleteFunc(c.known, func(_ types.NamespacedName, a *answer) bool { return now.Sub(a.wanted) > forgetAfter })
		known = &answer{masterIP: masterIP, answers: answeredBefore(cluster, masterIP)}
		c.known[key] = known
	}
	known.wanted = now
	if known.next == nil && now.Sub(known.asked) >= askAgainAfter {
		// The question outlives the pass; the Console itself has a deadline.
		c.ask(context.WithoutCancel(ctx), key, known)
	}
	return known.answers
}

// Wait returns when no console is being asked.
func (c *Consoles) Wait() { c.asks.Wait() }

// Forget is for a master that is not ready: what its console answered before says nothing about later.
func (c *Consoles) Forget(cluster *v1alpha1.SymphonyCluster) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}
	c.known[key].stop()
	delete(c.known, key)
}

// stop ends the questions to a console that nobody wants to know about any more.
func (a *answer) stop() {
	if a != nil && a.next != nil {
		a.next.Stop()
	}
}

// ask starts a question unless one is under way. The lock is held.
func (c *Consoles) ask(ctx context.Context, key types.NamespacedName, known *answer) {
	if !known.asking {
		known.asking = true
		c.asks.Go(func() { c.answer(ctx, key, known) })
	}
}

func (c *Consoles) answer(ctx context.Context, key types.NamespacedName, known *answer) {
	c.slots <- struct{}{}
	answers := c.console.Answers(ctx, known.masterIP)
	<-c.slots

	c.mu.Lock()
	defer c.mu.Unlock()
	changed := known.answers != answers
	known.answers, known.asking, known.asked, known.next = answers, false, c.clock.Now(), nil
	if changed {
		askForPass(c.Changed, key)
	}
	switch {
	case answers:
		known.silentSince = time.Time{}
	case c.known[key] == known && known.asked.Sub(known.wanted) < forgetAfter:
		c.askLater(ctx, key, known)
	}
}

// askLater plans the next question to a console that does not answer. The lock is held.
func (c *Consoles) askLater(ctx context.Context, key types.NamespacedName, known *answer) {
	if known.silentSince.IsZero() {
		known.silentSince = known.asked
	}
	pause := min(max(known.asked.Sub(known.silentSince)/10, silentAtFirst), silentInTheEnd)
	known.next = c.clock.AfterFunc(pause, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.known[key] == known {
			c.ask(ctx, key, known)
		}
	})
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
