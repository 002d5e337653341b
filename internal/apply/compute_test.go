// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

const hostsList = "prod-compute-hosts-0"

func TestABudgetThatIsNotWantedAnyMoreIsDeletedByItsUID(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.Cluster.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate
	facts.ComputeBudget = &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-compute", UID: "budget"}}
	written := &recorder{}
	g.Expect(everything(t, written.client(), facts, newPlan())).To(Equal(apply.Outcome{}))
	g.Expect(written.whats()).NotTo(ContainElement(budget))
	g.Expect(written.writes).To(ContainElement(write{what: "delete grid/prod-compute", uid: "budget"}))

	failing := &recorder{fail: "delete"}
	out := everything(t, failing.client(), facts, newPlan())
	g.Expect(out.Problems).To(HaveLen(1))
	g.Expect(out.Problems[0].Message).To(Equal("deleting the PodDisruptionBudget prod-compute: the API server could not be reached"))
}

// listing is a plan that has a list of hosts written.
func listing(text string) *plan.Plan {
	decided := newPlan()
	decided.ComputeHosts = []plan.HostsShard{{Number: 0, Text: text}}
	return decided
}

func TestAListOfComputeHostsIsWrittenForTheVersionThatWasSeen(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.Now = time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC)
	facts.ComputeHosts[0] = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: hostsList, UID: "list", ResourceVersion: "7"}}
	written := &recorder{}
	g.Expect(everything(t, written.client(), facts, listing("10.32.0.7 prod-compute-a\n"))).To(Equal(apply.Outcome{}))
	var found []write
	for _, w := range written.writes {
		if strings.HasSuffix(w.what, hostsList) {
			found = append(found, w)
		}
	}
	g.Expect(found).To(HaveLen(1))
	g.Expect(found[0].uid).To(BeEquivalentTo("list"))
	g.Expect(found[0].body).To(And(
		ContainSubstring(`"resourceVersion":"7"`), ContainSubstring(`10.32.0.7 prod-compute-a\n`),
		ContainSubstring(names.AnnotationApplied), ContainSubstring("2026-08-01T10:00:00.000000Z")))
}

// Nobody has to be told: the event that brings the cache up to date brings the next pass.
func TestAListThatIsNewerThanTheCacheIsNoTrouble(t *testing.T) {
	g := NewWithT(t)
	waits := HaveField("Problems", HaveExactElements(And(
		HaveField("Kind", apply.Outdated), HaveField("Child", observe.ChildKey{Kind: "ConfigMap", Name: hostsList}))))
	s, facts := settled(t)
	g.Expect(everything(t, s, facts, listing("one\n"))).To(Equal(apply.Outcome{}))
	before := found[corev1.ConfigMap](t, s, hostsList)
	facts.ComputeHosts[0] = before
	g.Expect(everything(t, s, facts, listing("two\n"))).To(Equal(apply.Outcome{}))
	after := found[corev1.ConfigMap](t, s, hostsList)
	g.Expect(after.Data).To(HaveKeyWithValue(names.HostsKey, "two\n"))
	g.Expect(after.ResourceVersion).NotTo(Equal(before.ResourceVersion))

	// The cache still shows the first one.
	g.Expect(everything(t, s, facts, listing("three\n"))).To(waits)
	g.Expect(found[corev1.ConfigMap](t, s, hostsList).Data).To(HaveKeyWithValue(names.HostsKey, "two\n"))

	// It shows none, and when the list was written is not known.
	key := observe.ChildKey{Kind: "ConfigMap", Name: hostsList}
	facts.ComputeHosts[0], facts.Unseen[key], facts.Lagging = nil, "list", map[observe.ChildKey]bool{key: true}
	g.Expect(everything(t, s, facts, listing("three\n"))).To(waits)
	g.Expect(found[corev1.ConfigMap](t, s, hostsList).Data).To(HaveKeyWithValue(names.HostsKey, "two\n"))

	// Without the operator's labels the cache never would show it: it gets them back.
	facts.Lagging[key] = false
	g.Expect(everything(t, s, facts, listing("three\n"))).To(Equal(apply.Outcome{}))
	g.Expect(found[corev1.ConfigMap](t, s, hostsList).Data).To(HaveKeyWithValue(names.HostsKey, "three\n"))
}

func TestAListThatFailsIsTriedAgain(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{fail: "apply ConfigMap " + hostsList}
	out := everything(t, written.client(), newFacts(), listing("one\n"))
	g.Expect(out.Problems).To(HaveExactElements(HaveField("Kind", apply.Transient)))
	g.Expect(written.whats()).To(ContainElement(guiService))
}
