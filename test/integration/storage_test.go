// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

func storage(storage v1alpha1.MasterStorage) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = &storage }
}

var _ = Describe("The master's storage", func() {
	claim := func(ctx SpecContext, w *world) *corev1.PersistentVolumeClaim {
		GinkgoHelper()
		return get[corev1.PersistentVolumeClaim](ctx, w, "prod-master")
	}
	owners := func(ctx SpecContext, w *world) func() []types.UID {
		return func() []types.UID {
			var all []types.UID
			for _, owner := range claim(ctx, w).OwnerReferences {
				all = append(all, owner.UID)
			}
			return all
		}
	}

	It("outlives its cluster, and one of the same name takes it up", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(1), storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("2Gi"))}))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionStatePersistent, "True", v1alpha1.ReasonSharedDirectory)
		first := claim(ctx, w)
		Expect(first.OwnerReferences).To(BeEmpty())
		Expect(first.Spec.AccessModes).To(HaveExactElements(corev1.ReadWriteOncePod))
		w.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		Eventually(func() []string { return w.childNames(ctx) }).Should(HaveExactElements("PersistentVolumeClaim prod-master"))

		w.ready(ctx, "prod", replicas(1), storage(v1alpha1.MasterStorage{}))
		Expect(claim(ctx, w).UID).To(Equal(first.UID))
		Expect(claim(ctx, w).Spec.Resources.Requests.Storage().String()).To(Equal("2Gi"), "it cannot shrink")
		Expect(observe.SharedClaim(w.master(ctx, "prod"))).To(Equal("prod-master"))
		settled := w.settle(ctx)
		w.restartOperator()
		Expect(w.settle(ctx).Touched(settled)).To(BeEmpty())
	})

	It("goes with its cluster if it is to, and that can be changed", func(ctx SpecContext) {
		w := newWorld(ctx)
		cluster := w.ready(ctx, "prod", storage(v1alpha1.MasterStorage{WhenDeleted: v1alpha1.DeleteClaim}))
		Expect(owners(ctx, w)()).To(HaveExactElements(cluster.UID))
		master := w.master(ctx, "prod").UID
		w.change(ctx, "prod", storage(v1alpha1.MasterStorage{}))
		Eventually(owners(ctx, w)).Should(BeEmpty())
		w.change(ctx, "prod", storage(v1alpha1.MasterStorage{WhenDeleted: v1alpha1.DeleteClaim}))
		Eventually(owners(ctx, w)).Should(HaveExactElements(cluster.UID))
		Expect(w.master(ctx, "prod").UID).To(Equal(master), "it is not about the pod")
		w.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		// Nobody runs here who would let go of it.
		Eventually(func() *metav1.Time { return claim(ctx, w).DeletionTimestamp }).ShouldNot(BeNil())
		w.kubectl("patch", "pvc/prod-master", "--type=json", "-p", `[{"op":"remove","path":"/metadata/finalizers"}]`)
		Eventually(func() []string { return w.childNames(ctx) }).Should(BeEmpty())
	})

	It("is repaired, and made again when it is gone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", storage(v1alpha1.MasterStorage{}))
		was := claim(ctx, w)
		w.kubectl("label", "pvc/prod-master", names.LabelManagedBy+"-", names.LabelCluster+"=other", "--overwrite")
		w.waitStalled(ctx, "prod", v1alpha1.ReasonNameConflict)
		w.kubectl("label", "pvc/prod-master", names.LabelManagedBy+"="+names.FieldManager, names.LabelCluster+"=prod", "--overwrite")
		w.waitReady(ctx, "prod")
		w.kubectl("patch", "pvc/prod-master", "--type=json", "-p", `[{"op":"remove","path":"/metadata/finalizers"}]`)
		w.kubectl("delete", "pvc/prod-master", "--timeout=60s")
		Eventually(func() (types.UID, error) {
			var now corev1.PersistentVolumeClaim
			err := api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: "prod-master"}, &now)
			if apierrors.IsNotFound(err) {
				return was.UID, nil
			}
			return now.UID, err
		}).ShouldNot(Equal(was.UID))
	})

	It("is not somebody else's claim, and no master starts on one", func(ctx SpecContext) {
		w := newWorld(ctx)
		foreign := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "prod-master"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}
		Expect(api.Create(ctx, foreign)).To(Succeed())
		w.create(ctx, "prod", storage(v1alpha1.MasterStorage{}))
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonNameConflict)).To(ContainSubstring("spec.master.storage.existingClaim"))
		w.settle(ctx)
		Expect(w.childNames(ctx)).NotTo(ContainElement("Deployment prod-master"))
		Expect(claim(ctx, w).ResourceVersion).To(Equal(foreign.ResourceVersion))

		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = nil })
		w.waitReady(ctx, "prod")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionStatePersistent, "False", v1alpha1.ReasonNoStorage)
		w.change(ctx, "prod", storage(v1alpha1.MasterStorage{ExistingClaim: "prod-master"}))
		w.waitReady(ctx, "prod")
		Eventually(func() string { return observe.SharedClaim(w.master(ctx, "prod")) }).Should(Equal("prod-master"))
		Expect(claim(ctx, w).ResourceVersion).To(Equal(foreign.ResourceVersion), "the operator changes nothing about it")
	})

	It("stalls the cluster when it is another's", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.Master), kubelet.State{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 1, Reason: "Error", Message: scripts.ForeignDirectory + "it holds the EGO cluster x of the SymphonyCluster grid/x.",
		}})
		w.create(ctx, "prod", storage(v1alpha1.MasterStorage{ExistingClaim: "mine"}))
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonForeignDirectory)).To(Equal(
			"the claim mine has the shared directory of another cluster: it holds the EGO cluster x of the SymphonyCluster grid/x."))
	})

	It("is missed when there is none: each loss of state is told", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod")
		lost := func() int {
			var events corev1.EventList
			Expect(api.List(ctx, &events, client.InNamespace(w.namespace))).To(Succeed())
			count := 0
			for i := range events.Items {
				if events.Items[i].Reason == v1alpha1.ReasonStateLost {
					count++
				}
			}
			return count
		}
		Expect(lost()).To(BeZero())
		w.kubectl("delete", "pod", "-l", "symphony-operator.io/cluster=prod,symphony-operator.io/role=master")
		Eventually(lost).Should(Equal(1))
		w.restartOperator()
		w.waitReady(ctx, "prod")
		Consistently(lost, "2s").Should(Equal(1))
	})
})
