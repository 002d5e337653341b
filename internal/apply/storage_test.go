// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const masterClaim = "apply PersistentVolumeClaim prod-master"

func newFactsWithStorage() *observe.Facts {
	facts := newFacts()
	facts.Cluster.Spec.Master.Storage = &v1alpha1.MasterStorage{}
	return facts
}

func TestTheClaimComesBeforeItsPod(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{}
	g.Expect(everything(t, written.client(), newFactsWithStorage(), newPlan())).To(Equal(apply.Outcome{}))
	g.Expect(withoutRevisions(written.whats())).To(HaveExactElements(masterClaim, masterService, hostsMap, guiService, masterDeploy, budget, computeSet))
}

func TestAClaimOfSomebodyElseIsNotWritten(t *testing.T) {
	g := NewWithT(t)
	facts := newFactsWithStorage()
	facts.Taken = []observe.TakenName{{ChildKey: observe.ChildKey{Kind: "PersistentVolumeClaim", Name: "prod-master"}}}
	written := &recorder{}
	out := everything(t, written.client(), facts, newPlan())
	g.Expect(written.whats()).NotTo(ContainElements(masterClaim))
	g.Expect(written.whats()).NotTo(ContainElements(masterDeploy))
	g.Expect(out.Problems).To(HaveExactElements(HaveField("Kind", apply.Conflict)))
	g.Expect(out.Problems[0].Message).To(ContainSubstring("spec.master.storage.existingClaim"))
	g.Expect(out.Problems[0].Message).NotTo(ContainSubstring("delete"), "it may hold data")
}

// What the API server says of a claim that it rejects does not say what to do.
func TestARejectedClaimIsExplained(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{rejects: func(body string) bool { return strings.Contains(body, `"kind":"PersistentVolumeClaim"`) }}
	out := everything(t, written.client(), newFactsWithStorage(), newPlan())
	g.Expect(out.Problems).To(HaveExactElements(HaveField("Kind", apply.Rejected)))
	g.Expect(out.Problems[0].Message).To(ContainSubstring("a claim keeps its class and access mode and does not shrink"))
}

// An apply at rest would be a write a pass; the API server spells amounts its own way.
func TestAClaimAtRestIsNotWritten(t *testing.T) {
	g := NewWithT(t)
	s, facts := newServer(), newFactsWithStorage()
	facts.Cluster.Spec.Master.Storage.Size = new(resource.MustParse("1024Mi"))
	g.Expect(everything(t, s, facts, newPlan())).To(Equal(apply.Outcome{}))
	again := func() []string {
		s.applied = nil
		s.look(t, facts)
		facts.MasterClaim = found[corev1.PersistentVolumeClaim](t, s, "prod-master")
		g.Expect(everything(t, s, facts, newPlan())).To(Equal(apply.Outcome{}))
		return s.applied
	}
	g.Expect(again()).To(BeEmpty())

	facts.Cluster.Spec.Master.Storage.WhenDeleted = v1alpha1.DeleteClaim
	g.Expect(again()).To(HaveExactElements("prod-master"))
	g.Expect(found[corev1.PersistentVolumeClaim](t, s, "prod-master").OwnerReferences).To(HaveExactElements(HaveField("UID", types.UID("cluster-uid"))))
	g.Expect(again()).To(BeEmpty())

	facts.Cluster.Spec.Master.Storage.WhenDeleted = v1alpha1.RetainClaim
	g.Expect(again()).To(HaveExactElements("prod-master"))
	g.Expect(found[corev1.PersistentVolumeClaim](t, s, "prod-master").OwnerReferences).To(BeEmpty())
	g.Expect(again()).To(BeEmpty())
}
