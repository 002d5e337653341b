// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// An earlier number of replicas, applied to the ReplicaSet of now, would take hosts away.
func TestAChildIsChangedInTheVersionThatWasSeen(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.MasterService = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "prod-master", UID: "service", ResourceVersion: "7"}}
	written := &recorder{}
	g.Expect(everything(t, written.client(), facts, newPlan()).Problems).To(BeEmpty())
	for _, w := range written.writes {
		if w.what == "apply Service prod-master" {
			g.Expect(w.body).To(ContainSubstring(`"resourceVersion":"7"`))
		} else if strings.HasPrefix(w.what, "apply ") {
			g.Expect(w.body).To(ContainSubstring(`"resourceVersion":"1"`), "there is none to change, and no object has that version: %s", w.what)
		}
	}

	written = &recorder{refuses: func(what string) error {
		if !strings.HasPrefix(what, "apply Service prod-master") {
			return nil
		}
		return apierrors.NewConflict(schema.GroupResource{Resource: "services"}, "prod-master", errors.New("it has been modified"))
	}}
	g.Expect(everything(t, written.client(), facts, newPlan()).Problems).To(HaveExactElements(And(
		HaveField("Kind", apply.Outdated), HaveField("Child", observe.ChildKey{Kind: "Service", Name: "prod-master"}))))
}

// What is there and not seen yet is waited for: nobody knows how many replicas it has.
func TestAChildThatTheCacheWillShowIsNotChangedBlindly(t *testing.T) {
	g := NewWithT(t)
	facts, key := newFacts(), observe.ChildKey{Kind: "ReplicaSet", Name: "prod-compute"}
	facts.Unseen[key], facts.Lagging = "set", map[observe.ChildKey]bool{key: true}
	written := &recorder{}
	g.Expect(everything(t, written.client(), facts, newPlan()).Problems).To(HaveExactElements(HaveField("Kind", apply.Outdated)))
	g.Expect(written.whats()).NotTo(ContainElement("apply ReplicaSet prod-compute"))

	facts.Lagging[key] = false
	g.Expect(everything(t, written.client(), facts, newPlan()).Problems).To(BeEmpty())
	for _, w := range written.writes {
		if w.what == "apply ReplicaSet prod-compute" {
			g.Expect(w.uid).To(BeEquivalentTo("set"))
			return
		}
	}
	t.Error("one that lost its labels must get them back")
}

// passes are those of one operator, which remembers what it has written; after each, written has its writes alone.
func passes(t *testing.T, written *recorder, facts *observe.Facts, now clock.PassiveClock) func() []apply.Problem {
	t.Helper()
	applier := &apply.Applier{Client: written.client(), Clock: now}
	return func() []apply.Problem {
		children, err := build.All(facts, newPlan())
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		children.Revisions = nil // Their templates are kept already.
		written.writes = nil
		return applier.Everything(t.Context(), facts, newPlan(), children).Problems
	}
}

// expectSentOrOutdated expects that a child was sent, or that it was waited for.
func expectSentOrOutdated(g Gomega, sent bool, problems []apply.Problem, written *recorder, key observe.ChildKey, what string) {
	if sent {
		g.Expect(problems).To(BeEmpty())
		g.Expect(written.whats()).To(ContainElement(what))
		return
	}
	g.Expect(problems).To(HaveExactElements(And(HaveField("Kind", apply.Outdated), HaveField("Child", key))))
	g.Expect(written.whats()).NotTo(ContainElement(what))
}

// A pass right after another sees the child from before it: the API server need not be asked to refuse it. It is asked again when the cache has not
// seen the write for long: after a restore from a backup its versions are lower, and never would be seen.
func TestAChildIsNotWrittenBeforeTheLastWriteIsSeen(t *testing.T) {
	key := observe.ChildKey{Kind: "Service", Name: "prod-master"}
	for name, c := range map[string]struct {
		seen  string
		later time.Duration
		sent  bool
	}{
		"the version from before it":           {seen: "7"},
		"an even older one":                    {seen: "6"},
		"its own version":                      {seen: "10", sent: true},
		"a newer one":                          {seen: "11", sent: true},
		"the version from before it, for long": {seen: "7", later: 11 * time.Second, sent: true},
		"no number":                            {seen: "x", sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts, now := newFacts(), clocktesting.NewFakePassiveClock(noon)
			facts.MasterService = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: key.Name, UID: "service", ResourceVersion: "7"}}
			written := &recorder{answers: "10"}
			pass := passes(t, written, facts, now)
			g.Expect(pass()).To(BeEmpty())
			g.Expect(written.whats()).To(ContainElement(masterService))

			facts.MasterService.ResourceVersion = c.seen
			now.SetTime(noon.Add(c.later))
			expectSentOrOutdated(g, c.sent, pass(), written, key, masterService)
		})
	}
}

// Its controller is about to write the first status of a new ReplicaSet, and so a version that nobody has seen yet.
func TestAReplicaSetIsNotWrittenWhileItsFirstStatusIsDue(t *testing.T) {
	key := observe.ChildKey{Kind: "ReplicaSet", Name: "prod-compute"}
	for name, c := range map[string]struct {
		own      bool
		observed int64
		later    time.Duration
		sent     bool
	}{
		"it is due":                           {own: true},
		"it is there":                         {own: true, observed: 2, sent: true},
		"there is one, and the next is due":   {own: true, observed: 1, sent: true},
		"another operator created it":         {sent: true},
		"it is due for long, and so for ever": {own: true, later: 11 * time.Second, sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts, now := inForce(t), clocktesting.NewFakePassiveClock(noon)
			written := &recorder{answers: "10"}
			pass := passes(t, written, facts, now)
			facts.ComputeSet.ResourceVersion, facts.ComputeSet.Generation, facts.ComputeSet.Status.ObservedGeneration = "10", 2, 2
			if c.own {
				g.Expect(pass()).To(BeEmpty())
				g.Expect(written.whats()).To(ContainElement(computeSet))
			}

			facts.ComputeSet.Status.ObservedGeneration = c.observed
			now.SetTime(noon.Add(c.later))
			expectSentOrOutdated(g, c.sent, pass(), written, key, computeSet)
		})
	}
}
