// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

var claimKey = observe.ChildKey{Kind: "PersistentVolumeClaim", Name: "prod-master"}

// seeClaim observes a cluster with storage.
func seeClaim(t *testing.T, storage *v1alpha1.MasterStorage, cached, live []client.Object) *observe.Facts {
	t.Helper()
	observer := &observe.Observer{
		Cache:    holding(t, cached).Build(),
		Live:     holding(t, live).Build(),
		Clock:    clocktesting.NewFakePassiveClock(noon),
		Consoles: silent{}, EGO: silent{},
	}
	cluster := prod()
	cluster.Spec.Master.Storage = storage
	facts, err := observer.Observe(t.Context(), cluster)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return facts
}

// retained is a claim as it is after the operator made it.
func retained(edits ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	claim := owned(&corev1.PersistentVolumeClaim{}, "prod-master", names.Master, "SymphonyCluster", "prod", "now")
	claim.OwnerReferences = nil
	claim.Annotations = map[string]string{names.AnnotationApplied: "hash"}
	for _, edit := range edits {
		edit(claim)
	}
	return claim
}

func ownedClaim(uid string) *corev1.PersistentVolumeClaim {
	return retained(func(c *corev1.PersistentVolumeClaim) {
		c.OwnerReferences = owned(&corev1.ConfigMap{}, "x", "", "SymphonyCluster", "prod", "x").OwnerReferences
		c.OwnerReferences[0].UID = prod().UID
		if uid != "" {
			c.OwnerReferences[0].UID = "earlier"
		}
	})
}

func TestWhoseTheMastersClaimIs(t *testing.T) {
	own, drop := &v1alpha1.MasterStorage{}, &v1alpha1.MasterStorage{WhenDeleted: v1alpha1.DeleteClaim}
	for name, c := range map[string]struct {
		storage      *v1alpha1.MasterStorage
		cached, live []client.Object
		seen         bool
		taken        []observe.TakenName
	}{
		"there is none":                        {storage: own},
		"it outlives its cluster":              {storage: own, cached: []client.Object{retained()}, seen: true},
		"it is this cluster's":                 {storage: drop, cached: []client.Object{ownedClaim("")}, seen: true},
		"it is this cluster's, and is to stay": {storage: own, cached: []client.Object{ownedClaim("")}, seen: true},
		"it is to go with its cluster from now on": {
			storage: drop, cached: []client.Object{retained()}, live: []client.Object{prod()}, seen: true,
		},
		"it is to go with a cluster that is gone": {
			storage: drop, cached: []client.Object{retained()}, taken: []observe.TakenName{{ChildKey: claimKey, Leaving: true}},
		},
		"it goes with an earlier cluster": {
			storage: own, cached: []client.Object{ownedClaim("earlier")}, taken: []observe.TakenName{{ChildKey: claimKey, Leaving: true}},
		},
		"somebody made it": {
			storage: own, live: []client.Object{&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-master"}}},
			taken: []observe.TakenName{{ChildKey: claimKey}},
		},
		"it wears the labels and was never applied": {
			storage: own, cached: []client.Object{retained(func(c *corev1.PersistentVolumeClaim) { c.Annotations = nil })},
			taken: []observe.TakenName{{ChildKey: claimKey}},
		},
		"it is another cluster's": {
			storage: own, cached: []client.Object{retained(func(c *corev1.PersistentVolumeClaim) { c.Labels[names.LabelCluster] = "test" })},
			taken: []observe.TakenName{{ChildKey: claimKey}},
		},
		"another one is used":  {storage: &v1alpha1.MasterStorage{ExistingClaim: "mine"}, cached: []client.Object{retained()}},
		"no storage is wanted": {cached: []client.Object{retained()}},
	} {
		t.Run(name, func(t *testing.T) {
			g, facts := NewWithT(t), seeClaim(t, c.storage, c.cached, c.live)
			g.Expect(facts.MasterClaim != nil).To(Equal(c.seen))
			g.Expect(facts.UID(claimKey) != "").To(Equal(c.seen))
			g.Expect(facts.Taken).To(Equal(c.taken))
		})
	}
}

func TestAClaimThatTheCacheDoesNotShowYetIsFound(t *testing.T) {
	facts := seeClaim(t, &v1alpha1.MasterStorage{}, nil, []client.Object{retained()})
	NewWithT(t).Expect(facts.UID(claimKey)).To(BeEquivalentTo("uid-prod-master"))
}

// A claim without an owner is the usual case: it must not cost a read of the API server in every pass.
func TestTheAPIServerIsNotAskedAboutARetainedClaim(t *testing.T) {
	g := NewWithT(t)
	all := []client.Object{retained()}
	for _, child := range childKinds {
		all = append(all, owned(child.make(), child.key.Name, names.Master, "SymphonyCluster", "prod", "now"))
	}
	cluster := prod()
	cluster.Spec.Master.Storage = &v1alpha1.MasterStorage{}
	observer := &observe.Observer{
		Cache:    fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(all...).Build(),
		Live:     refusing(func(client.Object) bool { return true }),
		Clock:    clocktesting.NewFakePassiveClock(noon),
		Consoles: silent{}, EGO: silent{},
	}
	facts, err := observer.Observe(t.Context(), cluster)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(facts.MasterClaim).NotTo(BeNil())
}

// How often a container was restarted, and what it has mounted, is kept of masters alone: compute pods are many.
func TestOfAMasterMoreIsKept(t *testing.T) {
	for role, want := range map[string]struct {
		claim    string
		restarts int32
	}{names.Master: {"prod-master", 3}, names.Compute: {"", 0}} {
		t.Run(role, func(t *testing.T) {
			g, pod := NewWithT(t), whole()
			pod.Labels[names.LabelRole] = role
			pod.Status.ContainerStatuses[0].RestartCount = 3
			pod.Spec.Volumes = []corev1.Volume{{Name: "run"}, {Name: names.SharedVolume, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "prod-master"},
			}}}
			_, err := observe.TrimPod(pod)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(observe.SharedClaim(pod)).To(Equal(want.claim))
			g.Expect(observe.Restarts(pod)).To(Equal(want.restarts))
			g.Expect(len(pod.Spec.Volumes)).To(BeNumerically("<=", 1))
		})
	}
}
