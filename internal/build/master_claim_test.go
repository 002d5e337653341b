// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func withStorage(storage v1alpha1.MasterStorage) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = &storage }
}

func claimOf(t *testing.T, children *build.Children) *corev1.PersistentVolumeClaim {
	t.Helper()
	NewWithT(t).Expect(children.MasterClaim).NotTo(BeNil())
	return decoded[corev1.PersistentVolumeClaim](t, children.MasterClaim)
}

func TestWhoseTheClaimIs(t *testing.T) {
	g := NewWithT(t)
	g.Expect(buildFirst(t).MasterClaim).To(BeNil())
	g.Expect(buildFirst(t, withStorage(v1alpha1.MasterStorage{ExistingClaim: "mine"})).MasterClaim).To(BeNil(), "it is somebody else's")

	kept := claimOf(t, buildFirst(t, withStorage(v1alpha1.MasterStorage{})))
	g.Expect(kept.OwnerReferences).To(BeEmpty(), "the garbage collector would take it along")
	g.Expect(kept.Spec.AccessModes).To(HaveExactElements(corev1.ReadWriteOncePod))
	g.Expect(kept.Spec.StorageClassName).To(BeNil())
	g.Expect(kept.Spec.Resources.Requests.Storage().String()).To(Equal("1Gi"))

	dropped := claimOf(t, buildFirst(t, withStorage(v1alpha1.MasterStorage{WhenDeleted: v1alpha1.DeleteClaim})))
	g.Expect(dropped.OwnerReferences).To(HaveLen(1))
	none := claimOf(t, buildFirst(t, withStorage(v1alpha1.MasterStorage{StorageClassName: new("")})))
	g.Expect(none.Spec.StorageClassName).To(HaveValue(BeEmpty()), "no class is not the default class")
}

// A cluster that is created anew finds a claim that has grown, and need not know.
func TestAClaimIsNeverAskedToShrink(t *testing.T) {
	g := NewWithT(t)
	live := &corev1.PersistentVolumeClaim{}
	live.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("5Gi")}
	size := func(wanted string) string {
		storage := v1alpha1.MasterStorage{}
		if wanted != "" {
			storage.Size = new(resource.MustParse(wanted))
		}
		facts := &observe.Facts{Cluster: newCluster(withStorage(storage)), MasterClaim: live}
		return claimOf(t, buildAll(t, facts, follow(1))).Spec.Resources.Requests.Storage().String()
	}
	g.Expect(size("")).To(Equal("5Gi"))
	g.Expect(size("2Gi")).To(Equal("5Gi"))
	g.Expect(size("8Gi")).To(Equal("8Gi"))
}

func TestTheMasterMountsTheExistingClaim(t *testing.T) {
	g := NewWithT(t)
	pod := masterPod(t, buildFirst(t, withStorage(v1alpha1.MasterStorage{ExistingClaim: "mine"})))
	g.Expect(observe.SharedClaim(&corev1.Pod{Spec: pod.Spec})).To(Equal("mine"))
	g.Expect(pod.Spec.SecurityContext.FSGroup).To(HaveValue(BeEquivalentTo(1000)))
	compute := computePod(t, buildFirst(t, withStorage(v1alpha1.MasterStorage{ExistingClaim: "mine"})))
	g.Expect(observe.SharedClaim(&corev1.Pod{Spec: compute.Spec})).To(BeEmpty())
	g.Expect(compute.Spec.SecurityContext.FSGroup).To(BeNil())
}

// A master on a stranger's claim could use what is not its own.
func TestNoMasterIsStartedOnAClaimThatIsTaken(t *testing.T) {
	g := NewWithT(t)
	taken := []observe.TakenName{{ChildKey: observe.ChildKey{Kind: "PersistentVolumeClaim", Name: "prod-master"}}}
	without := buildFirst(t)
	first := buildAll(t, &observe.Facts{Cluster: newCluster(withStorage(v1alpha1.MasterStorage{})), Taken: taken}, follow(1))
	g.Expect(first.MasterDeployment).To(BeNil())
	g.Expect(first.GUI).NotTo(BeNil(), "the rest is there")

	live := &appsv1.Deployment{}
	live.Spec.Template.Labels = map[string]string{names.LabelRevision: without.MasterRevision}
	later := buildAll(t, &observe.Facts{
		Cluster: newCluster(withStorage(v1alpha1.MasterStorage{})), Taken: taken, Revisions: storedRevisions(t, without), MasterDeployment: live,
	}, follow(1))
	g.Expect(masterPod(t, later).Labels).To(HaveKeyWithValue(names.LabelRevision, without.MasterRevision), "what runs goes on")
	elsewhere := buildAll(t, &observe.Facts{Cluster: newCluster(withStorage(v1alpha1.MasterStorage{ExistingClaim: "mine"})), Taken: taken}, follow(1))
	g.Expect(elsewhere.MasterDeployment).NotTo(BeNil())
}
