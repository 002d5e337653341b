// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/symphony-operator/symphony-operator/internal/apply"
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
		} else {
			g.Expect(w.body).NotTo(ContainSubstring("resourceVersion"), "there is none to change: %s", w.what)
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
