// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const (
	masterGuard  = "apply NetworkPolicy prod-master"
	computeGuard = "apply NetworkPolicy prod-compute"
)

// guardedFacts are of a new cluster that limits who reaches its pods.
func guardedFacts() *observe.Facts {
	facts := newFacts()
	facts.Cluster.Spec.Network.Policy = &v1alpha1.AccessPolicy{}
	return facts
}

func guard(name string) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: name, UID: "there"}}
}

func TestPoliciesAreThereBeforeThePods(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{}
	g.Expect(everything(t, written.client(), guardedFacts(), newPlan())).To(Equal(apply.Outcome{}))
	g.Expect(withoutRevisions(written.whats())).To(HaveExactElements(
		masterService, hostsMap, guiService, masterGuard, computeGuard, masterDeploy, budget, computeSet))
}

func TestPoliciesThatNobodyAsksForAreDeletedByTheirUID(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.MasterPolicy, facts.ComputePolicy = guard("prod-master"), guard("prod-compute")
	written := &recorder{}
	g.Expect(everything(t, written.client(), facts, newPlan())).To(Equal(apply.Outcome{}))
	g.Expect(written.writes).To(ContainElements(write{what: "delete grid/prod-master", uid: "there"}, write{what: "delete grid/prod-compute", uid: "there"}))

	out := everything(t, (&recorder{fail: "delete"}).client(), facts, newPlan())
	g.Expect(out.Problems).To(HaveExactElements(
		HaveField("Message", "deleting the NetworkPolicy prod-master: the API server could not be reached"),
		HaveField("Message", "deleting the NetworkPolicy prod-compute: the API server could not be reached")))
}

// Pods that are to be guarded and are not must not start; those that run go on, whatever becomes of the policy.
func TestNoPodStartsWithoutTheGuardThatIsWanted(t *testing.T) {
	wanted, err := build.All(guardedFacts(), newPlan())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	set, deployment := &appsv1.ReplicaSet{}, &appsv1.Deployment{}
	set.Name, set.UID, set.Spec.Template = "prod-compute", "set", running(wanted.ComputeRevision)
	deployment.Name, deployment.UID, deployment.Spec.Template = "prod-master", "deployment", running(wanted.MasterRevision)
	key := observe.ChildKey{Kind: "NetworkPolicy", Name: "prod-master"}
	rejects := func(body string) bool { return strings.Contains(body, `"NetworkPolicy"`) }
	for name, c := range map[string]struct {
		facts           func(*observe.Facts)
		written         *recorder
		master, compute bool
	}{
		"it cannot be applied":            {func(*observe.Facts) {}, &recorder{fail: masterGuard}, false, true},
		"it is rejected":                  {func(*observe.Facts) {}, &recorder{rejects: rejects}, false, false},
		"its name is somebody else's":     {func(f *observe.Facts) { f.Taken = []observe.TakenName{{ChildKey: key}} }, &recorder{}, false, true},
		"its change is rejected":          {func(f *observe.Facts) { f.MasterPolicy, f.ComputePolicy = guard("prod-master"), guard("prod-compute") }, &recorder{rejects: rejects}, true, true},
		"its change is rejected, unseen":  {func(f *observe.Facts) { f.Unseen[key] = "unseen" }, &recorder{rejects: rejects}, true, false},
		"it is rejected, while pods run":  {func(f *observe.Facts) { f.MasterDeployment, f.ComputeSet = deployment, set }, &recorder{rejects: rejects}, true, true},
		"it is rejected; the master runs": {func(f *observe.Facts) { f.MasterDeployment = deployment }, &recorder{rejects: rejects}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := guardedFacts()
			c.facts(facts)
			out := everything(t, c.written.client(), facts, newPlan())
			g.Expect(out.Problems).NotTo(BeEmpty())
			contains := func(what string) bool {
				found, _ := ContainElement(what).Match(c.written.whats())
				return found
			}
			g.Expect(contains(masterDeploy)).To(Equal(c.master))
			g.Expect(contains(computeSet)).To(Equal(c.compute))
			g.Expect(c.written.whats()).To(ContainElements(masterService, hostsMap, guiService))
		})
	}
}
