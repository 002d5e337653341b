// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

var _ = Describe("A master that moves", func() {
	It("is followed by every compute host, and none is replaced", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(5))
		set, compute := w.computeSet(ctx, "prod"), w.computeUIDs(ctx, "prod")
		old := w.master(ctx, "prod")
		Expect(api.Delete(ctx, old)).To(Succeed())
		Eventually(func() types.UID { return w.anyMaster(ctx) }).ShouldNot(Equal(old.UID))
		w.waitSound(ctx, "prod", 5)
		Expect(w.master(ctx, "prod").Status.PodIP).NotTo(Equal(old.Status.PodIP))
		Expect(w.computeUIDs(ctx, "prod")).To(ConsistOf(compute))
		Expect(w.computeSet(ctx, "prod").UID).To(Equal(set.UID))
		Expect(w.cluster(ctx, "prod").Status.Master.PodIP).To(Equal(w.master(ctx, "prod").Status.PodIP))
		Expect(w.cluster(ctx, "prod").Status.Compute.UpdatedReplicas).To(BeEquivalentTo(5), "a move is no new revision")
	})

	It("is not taken away by an edit while its earlier pod is bound to a lost node", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		lost := w.master(ctx, "prod")
		w.kubelet.Linger()
		Expect(api.Delete(ctx, lost)).To(Succeed())
		Eventually(func() types.UID { return w.anyMaster(ctx) }).ShouldNot(Equal(lost.UID))
		w.waitSound(ctx, "prod", 2)
		master, before := w.master(ctx, "prod"), w.deployment(ctx, "prod").Generation

		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Master.Env = []corev1.EnvVar{{Name: "GRID", Value: "risk"}}
		})
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonUpdating)
		Expect(message).To(Equal("the master gets its new template when its earlier pod on node " + lost.Spec.NodeName +
			" is gone; if that node is lost, delete the node or, by force, the pod"))
		w.settle(ctx)
		Expect(w.master(ctx, "prod").UID).To(Equal(master.UID))
		Expect(w.deployment(ctx, "prod").Generation).To(Equal(before))

		By("getting the new template when the earlier pod is gone")
		w.kubelet.Hurry()
		w.waitReady(ctx, "prod")
		Expect(w.master(ctx, "prod").Spec.Containers[0].Env).To(ContainElement(corev1.EnvVar{Name: "GRID", Value: "risk"}))
	})

	It("holds compute while its address is unknown", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		before, compute := w.computeSet(ctx, "prod"), w.computeUIDs(ctx, "prod")
		w.loseMaster(ctx)

		By("changing nothing on its own, nor by an edit of the template")
		w.change(ctx, "prod", computeImage("new"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonMasterPending)
		Consistently(func(g Gomega) {
			g.Expect(w.computeSet(ctx, "prod").Generation).To(Equal(before.Generation))
			g.Expect(w.computeUIDs(ctx, "prod")).To(ConsistOf(compute))
		}).Should(Succeed())

		By("scaling, because somebody asks for it")
		w.kubectl("scale", "symc/prod", "--replicas=5")
		Eventually(func() int { return len(w.pods(ctx, "prod", names.Compute)) }).Should(Equal(5))
		Expect(w.computeSet(ctx, "prod").Spec.Template).To(Equal(before.Spec.Template))
		Expect(w.computeUIDs(ctx, "prod")).To(ContainElements(compute))

		By("going on when the master is back")
		w.kubelet.Normal()
		w.waitSound(ctx, "prod", 5)
		Expect(w.withImage(ctx, "new")).To(Equal(5))
	})

	It("can be suspended meanwhile", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		set := w.computeSet(ctx, "prod")
		w.loseMaster(ctx)
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = true })
		Eventually(func() []corev1.Pod { return w.pods(ctx, "prod", names.Compute) }).Should(BeEmpty())
		Expect(w.computeSet(ctx, "prod").UID).To(Equal(set.UID))
		Expect(w.computeSet(ctx, "prod").Spec.Template).To(Equal(set.Spec.Template))
		w.kubelet.Normal()
		w.waitReady(ctx, "prod")
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = false })
		w.waitReady(ctx, "prod")
		w.waitSound(ctx, "prod", 3)
	})

	It("is followed although the operator was restarted in between", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		compute := w.computeUIDs(ctx, "prod")
		w.operator.stop()
		old := w.master(ctx, "prod")
		Expect(api.Delete(ctx, old)).To(Succeed())
		Eventually(func() types.UID { return w.anyMaster(ctx) }).ShouldNot(Or(Equal(old.UID), BeEmpty()))
		w.startOperator()
		w.waitSound(ctx, "prod", 3)
		Expect(w.computeUIDs(ctx, "prod")).To(ConsistOf(compute))
	})

	It("does not count while it is on its way out", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		w.kubelet.Linger()
		old := w.master(ctx, "prod")
		// The ReplicaSet makes the next one at once; it must not be ready before anybody has looked.
		w.kubelet.When(func(pod *corev1.Pod) bool { return kubelet.Role(names.Master)(pod) && pod.UID != old.UID }, kubelet.Creating)
		Expect(api.Delete(ctx, old)).To(Succeed())
		w.waitCondition(ctx, "prod", v1alpha1.ConditionMasterReady, "False", "")
		Eventually(func() v1alpha1.MasterStatus { return w.cluster(ctx, "prod").Status.Master }).ShouldNot(
			HaveField("PodIP", Not(BeEmpty())), "the address of a pod that ends is of no use")
		w.kubelet.Normal()
		w.waitSound(ctx, "prod", 2)
	})
})

// anyMaster is the UID of a live master pod with an address, "" while there is none.
func (w *world) anyMaster(ctx context.Context) types.UID {
	GinkgoHelper()
	for _, pod := range w.pods(ctx, "prod", names.Master) {
		if pod.Status.PodIP != "" {
			return pod.UID
		}
	}
	return ""
}

// loseMaster deletes the master pod; its successor gets no address until kubelet.normal.
func (w *world) loseMaster(ctx context.Context) {
	GinkgoHelper()
	w.kubelet.When(kubelet.Role(names.Master), kubelet.Creating)
	Expect(api.Delete(ctx, w.master(ctx, "prod"))).To(Succeed())
	w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonMasterPending)
}
