// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// measure is the plan before the network was measured, while the master's address is known.
func measure() *plan.Plan {
	decided := follow(2)
	decided.Network, decided.Compute.Verdict = plan.Measure, plan.Wait
	return decided
}

const placed = `{"spec":{"nodeSelector":{"pool":"grid"},"tolerations":[{"key":"grid","operator":"Exists","effect":"NoSchedule"}],
	"affinity":{"podAntiAffinity":{},"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
		{"matchExpressions":[{"key":"zone","operator":"In","values":["a"]}]}]}}}}}`

func TestTheCheckMeasuresWhereComputePodsMayRun(t *testing.T) {
	g := NewWithT(t)
	children := buildAll(t, &observe.Facts{Cluster: newCluster(computeOverlay(placed), masterOverlay(`{"spec":{"nodeSelector":{"pool":"masters"}}}`),
		func(c *v1alpha1.SymphonyCluster) {
			c.Spec.ImagePullSecrets = []v1alpha1.LocalSecretReference{{Name: "registry"}}
			c.Spec.ImagePullPolicy = corev1.PullNever
		})}, measure())
	g.Expect(children.ComputeSet).To(BeNil())
	g.Expect(children.NetworkCheck).To(Equal(&v1alpha1.NetworkCheck{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "grid", Name: "prod-network",
			Labels: map[string]string{
				names.LabelManagedBy: names.FieldManager, names.LabelName: "symphony",
				names.LabelCluster: "prod", names.LabelRole: names.Network,
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "symphony-operator.io/v1alpha1", Kind: "SymphonyCluster", Name: "prod", UID: "cluster-uid", Controller: new(true),
			}},
		},
		Spec: v1alpha1.NetworkCheckSpec{
			ImagePullSecrets: []v1alpha1.LocalSecretReference{{Name: "registry"}},
			Placement: v1alpha1.NetworkCheckPlacement{
				NodeSelector: map[string]string{"pool": "grid"},
				NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
					NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
						Key: "zone", Operator: corev1.NodeSelectorOpIn, Values: []string{"a"},
					}}}},
				}},
				Tolerations: []corev1.Toleration{{Key: "grid", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}},
			},
		},
	}))
}

func TestACheckIsMadeOnlyWhenOneIsMissing(t *testing.T) {
	for _, missing := range []plan.Network{
		plan.NetworkMet, plan.NoWeave, plan.MeasureLater, plan.Measure, plan.OtherPlacement, plan.Measuring, plan.NotPassed,
	} {
		t.Run(string(missing), func(t *testing.T) {
			decided := measure()
			decided.Network = missing
			children := buildAll(t, &observe.Facts{Cluster: newCluster()}, decided)
			NewWithT(t).Expect(children.NetworkCheck != nil).To(Equal(missing == plan.Measure))
		})
	}
}

// Where compute pods would run is not known: the overlay is mended first.
func TestNoCheckIsMadeForATemplateThatCannotBeBuilt(t *testing.T) {
	g := NewWithT(t)
	children := buildAll(t, &observe.Facts{Cluster: newCluster(computeOverlay(`{"typo":1}`))}, measure())
	g.Expect(children.NetworkCheck).To(BeNil())
	g.Expect(children.Invalid).To(HaveLen(1))
	g.Expect(children.MasterDeployment).NotTo(BeNil(), "the master does not wait")
}

// A kept compute template says that compute began: it must not be there before compute may be created, and must stay while
// a ReplicaSet that was deleted by hand waits for the master.
func TestComputesTemplateIsKeptFromItsBeginningOn(t *testing.T) {
	roles := func(children *build.Children) []string {
		var all []string
		for _, revision := range children.Revisions {
			all = append(all, revision.Labels[names.LabelRole])
		}
		return all
	}
	began := &plan.Plan{Compute: plan.Compute{Verdict: plan.Wait, Began: true}}
	facts := func() *observe.Facts { return &observe.Facts{Cluster: newCluster()} }
	g := NewWithT(t)
	g.Expect(roles(buildAll(t, facts(), measure()))).To(HaveExactElements(names.Master))
	g.Expect(roles(buildAll(t, facts(), &plan.Plan{Compute: plan.Compute{Verdict: plan.Wait}}))).To(HaveExactElements(names.Master))
	g.Expect(roles(buildAll(t, facts(), follow(2)))).To(HaveExactElements(names.Master, names.Compute))
	g.Expect(roles(buildAll(t, facts(), began))).To(HaveExactElements(names.Master, names.Compute))

	changed := keptBy(t, newCluster(setImage("b")), setImage("a"))
	children := buildAll(t, changed, began)
	g.Expect(roles(children)).To(ContainElement(names.Compute), "what replaces the last kept one")
}

func TestACheckThatLostItsOwnerGetsItBack(t *testing.T) {
	g := NewWithT(t)
	check := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-network", UID: "check-uid"}}
	facts := &observe.Facts{Cluster: newCluster(), NetworkCheck: check}
	g.Expect(decoded[v1alpha1.NetworkCheck](t, buildAll(t, facts, follow(2)).AdoptedCheck).ObjectMeta).To(Equal(metav1.ObjectMeta{
		Namespace: "grid", Name: "prod-network", UID: "check-uid", OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "symphony-operator.io/v1alpha1", Kind: "SymphonyCluster", Name: "prod", UID: "cluster-uid", Controller: new(true),
		}},
	}))
	check.OwnerReferences = []metav1.OwnerReference{{UID: "cluster-uid", Controller: new(true)}}
	g.Expect(buildAll(t, facts, follow(2)).AdoptedCheck).To(BeNil())
}

func TestWhatACheckIsComparedWith(t *testing.T) {
	facts := func(edits ...edit) *observe.Facts {
		cluster := newCluster(append([]edit{func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Check = true }}, edits...)...)
		return &observe.Facts{Cluster: cluster, NetworkCheck: &v1alpha1.NetworkCheck{}}
	}
	g := NewWithT(t)
	for _, overlay := range []string{placed, `{}`, `{"spec":{"tolerations":[],"affinity":{"nodeAffinity":{}}}}`} {
		found := facts(computeOverlay(overlay))
		created := buildAll(t, found, measure()).NetworkCheck
		g.Expect(build.Placement(found)).To(Equal(&created.Spec.Placement), overlay)

		// As the API server keeps it: what was asked for and what would be asked for now are the same.
		data, err := json.Marshal(created)
		g.Expect(err).NotTo(HaveOccurred())
		kept := &v1alpha1.NetworkCheck{}
		g.Expect(json.Unmarshal(data, kept)).To(Succeed())
		found.NetworkCheck, found.Placement = kept, build.Placement(found)
		g.Expect(plan.Make(found).Network).To(Equal(plan.Measuring), overlay)
	}

	g.Expect(build.Placement(facts(computeOverlay(`{"typo":1}`)))).To(BeNil())
	g.Expect(build.Placement(facts(func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = true }))).To(BeNil())
	none := facts()
	none.NetworkCheck = nil
	g.Expect(build.Placement(none)).To(BeNil())
	g.Expect(build.Placement(keptBy(t, facts().Cluster, setImage("a")))).To(BeNil(), "after compute began")
}
