// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

// checks are the image checks that exist.
func (w *world) checks(ctx SpecContext) []corev1.Pod {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(api.List(ctx, &pods, client.InNamespace(w.namespace), client.MatchingLabels{names.LabelRole: names.Image})).To(Succeed())
	return pods.Items
}

func specImage(image string) edit { return func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = image } }

func masterImage(image string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Image = image }
}

var _ = Describe("A new image", func() {
	DescribeTable("that cannot be pulled touches nothing that runs", func(ctx SpecContext, mistake, mend edit, where string, checks int) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(4))
		before := w.settle(ctx).Without("SymphonyCluster")
		w.kubelet.When(kubelet.Image("broken"), pullFailure)

		w.change(ctx, "prod", mistake)
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", "ImagePullBackOff")
		Expect(message).To(Equal(where + `: image "broken" cannot be pulled: manifest unknown; what runs stays as it is until it can be`))
		Expect(w.settle(ctx).Without("SymphonyCluster").Disturbed(before)).To(And(HaveLen(checks),
			HaveEach(MatchRegexp("^Pod prod-(master|compute)-image-.* is new$"))))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionMasterReady, "True", v1alpha1.ReasonReady)

		By("scaling meanwhile, from the last good template")
		w.kubectl("scale", "symc/prod", "--replicas=5")
		Eventually(func() int { return len(w.pods(ctx, "prod", names.Compute)) }).Should(Equal(5))
		Expect(w.withImage(ctx, "sym712")).To(Equal(5))
		w.kubectl("scale", "symc/prod", "--replicas=4")
		Eventually(func() int { return len(w.pods(ctx, "prod", names.Compute)) }).Should(Equal(4))

		By("going back as if nothing had been")
		pods := append(w.computeUIDs(ctx, "prod"), string(w.master(ctx, "prod").UID))
		w.change(ctx, "prod", mend)
		w.waitReady(ctx, "prod")
		Eventually(func() []corev1.Pod { return w.checks(ctx) }).Should(BeEmpty())
		Expect(append(w.computeUIDs(ctx, "prod"), string(w.master(ctx, "prod").UID))).To(ConsistOf(pods))
	},
		Entry("of both roles", specImage("broken"), specImage("sym712"), "spec.master", 2),
		Entry("of the master", masterImage("broken"), masterImage(""), "spec.master", 1),
		Entry("of compute hosts", computeImage("broken"), computeImage(""), "spec.compute", 1),
		Entry("of a side-car", computeOverlay(`{"spec":{"containers":[{"name":"logs","image":"broken"}]}}`),
			edit(func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.PodTemplate = nil }), "spec.compute", 1),
	)

	It("is pulled before anything is restarted, by a pod that needs no room and no Secrets", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.ImagePullSecrets = []v1alpha1.LocalSecretReference{{Name: "registry"}}
			c.Spec.Entitlement = &v1alpha1.Entitlement{SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "a", Key: "b"}}
		}, masterOverlay(`{"spec":{"nodeSelector":{"pool":"grid"},"tolerations":[{"key":"grid","operator":"Exists"}]}}`))
		old := w.master(ctx, "prod")
		w.kubelet.When(kubelet.Role(names.Image), kubelet.Creating)
		w.change(ctx, "prod", masterImage("new"))
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonUpdating)
		Expect(message).To(Equal("spec.master: the new image is pulled before anything is restarted"))

		Eventually(func() []corev1.Pod { return w.checks(ctx) }).Should(HaveLen(1))
		check := w.checks(ctx)[0].Spec
		Expect(check.Containers).To(HaveLen(1))
		Expect(check.Containers[0].Image).To(Equal("new"))
		Expect(check.Containers[0].Resources.Requests.Memory().Value()).To(BeNumerically("<", 64<<20))
		Expect(check.Volumes).To(BeEmpty())
		Expect(check.ImagePullSecrets).To(Equal([]corev1.LocalObjectReference{{Name: "registry"}}))
		Expect(check.NodeSelector).To(Equal(map[string]string{"pool": "grid"}))
		Expect(check.Tolerations).To(ContainElement(HaveField("Key", "grid")))
		Expect(w.master(ctx, "prod").UID).To(Equal(old.UID))

		By("going on when the image is there, also with another operator")
		w.operator.stop()
		w.kubelet.Normal()
		w.startOperator()
		w.waitReady(ctx, "prod")
		Expect(w.master(ctx, "prod").Spec.Containers[0].Image).To(Equal("new"))
		Eventually(func() []corev1.Pod { return w.checks(ctx) }).Should(BeEmpty())
	})

	It("whose check somebody deletes is checked again, and has proved nothing", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx).Without("SymphonyCluster").Without("Pod")
		w.kubelet.When(kubelet.Image("broken"), pullFailure)
		w.change(ctx, "prod", specImage("broken"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", "ImagePullBackOff")
		Eventually(func() []corev1.Pod { return w.checks(ctx) }).Should(HaveLen(2))
		deleted := w.checks(ctx)

		By("ending as the kubelet ends a pod that never ran: Failed, with containers that it knows nothing of")
		w.kubelet.Linger()
		w.kubelet.When(func(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil }, kubelet.State{Unknown: true})
		for i := range deleted {
			Expect(api.Delete(ctx, &deleted[i])).To(Succeed())
			Eventually(func() corev1.PodPhase { return get[corev1.Pod](ctx, w, deleted[i].Name).Status.Phase }).Should(Equal(corev1.PodFailed))
		}
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonUpdating)
		w.kubelet.Hurry()
		Eventually(func() []string { return uids(w.checks(ctx)) }).Should(And(HaveLen(2), Not(ContainElements(uids(deleted)))))
		Expect(w.settle(ctx).Without("SymphonyCluster").Without("Pod").Disturbed(before)).To(BeEmpty())
	})

	It("whose check a policy of the namespace refuses is told in the policy's words", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		policy := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "large"}}
		policy.Spec.Limits = []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Min: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		}}
		Expect(api.Create(ctx, policy)).To(Succeed())
		before := w.settle(ctx).Without("SymphonyCluster")
		w.change(ctx, "prod", masterImage("new"))
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonForbidden)
		Expect(message).To(And(HavePrefix("checking whether the new image of the master can be pulled is refused"),
			ContainSubstring("minimum memory usage per Container is 64Mi")))
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())
		Expect(api.Delete(ctx, policy)).To(Succeed())
		w.change(ctx, "prod", masterImage("newer"))
		w.waitReady(ctx, "prod")
	})

	It("is not checked for a cluster that does not run yet, nor when another field changes", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod")
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.RestartedAt = "now" })
		w.waitReady(ctx, "prod")
		Expect(w.operator.writes.Matching("POST", "/pods")).To(BeEmpty())
	})
})
