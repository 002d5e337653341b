// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

var _ = Describe("The lists of compute hosts", func() {
	It("follow the pods, and are not written more often than they have to", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		written := w.writtenLists(ctx, "prod")
		for _, n := range []int32{8, 2, 0, 1} {
			w.change(ctx, "prod", replicas(n))
			w.waitReady(ctx, "prod")
			w.waitListed(ctx)
			listed, _ := w.listedHosts(ctx, "prod")
			Expect(listed).To(HaveLen(int(n)))
		}
		Expect(w.maybe(ctx, names.ComputeHostsName("prod", 1), &corev1.ConfigMap{})).To(BeFalse(), "one list is enough")
		times := written()
		for i := 1; i < len(times); i++ {
			Expect(times[i].Sub(times[i-1])).To(BeNumerically(">=", 10*time.Second))
		}
	})

	It("are put right when somebody changes them, and keep what is theirs", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		w.waitListed(ctx)
		for what, change := range map[string]func(*corev1.ConfigMap){
			"the lines": func(list *corev1.ConfigMap) {
				list.Data = map[string]string{names.HostsKey: "10.0.0.1 somebody\n", "mine": "stays"}
			},
			"the label by which it is seen": func(list *corev1.ConfigMap) { delete(list.Labels, names.LabelManagedBy) },
			"its owner":                     func(list *corev1.ConfigMap) { list.OwnerReferences = nil },
		} {
			By("changing " + what)
			list := get[corev1.ConfigMap](ctx, w, "prod-compute-hosts-0")
			before := list.DeepCopy()
			change(list)
			Expect(api.Patch(ctx, list, client.MergeFrom(before))).To(Succeed())
			w.waitListed(ctx)
			Eventually(func(g Gomega) {
				again := get[corev1.ConfigMap](ctx, w, "prod-compute-hosts-0")
				g.Expect(again.Labels).To(Equal(names.Labels("prod", names.Compute)))
				g.Expect(metav1.IsControlledBy(again, w.cluster(ctx, "prod"))).To(BeTrue())
			}).Should(Succeed())
		}
		list := get[corev1.ConfigMap](ctx, w, "prod-compute-hosts-0")
		Expect(list.Data).To(HaveKeyWithValue("mine", "stays"))
	})
})

// writtenLists notes when the first list was written; what it returns gives the times.
func (w *world) writtenLists(ctx context.Context, cluster string) func() []time.Time {
	GinkgoHelper()
	watch, err := api.Watch(background(), &corev1.ConfigMapList{}, client.InNamespace(w.namespace))
	Expect(err).NotTo(HaveOccurred())
	var times []time.Time
	done := make(chan struct{})
	go func() {
		defer close(done)
		for change := range watch.ResultChan() {
			list, ok := change.Object.(*corev1.ConfigMap)
			if !ok || list.Name != names.ComputeHostsName(cluster, 0) {
				continue
			}
			at, err := time.Parse(time.RFC3339, list.Annotations[names.AnnotationWritten])
			if err == nil && (len(times) == 0 || at.After(times[len(times)-1])) {
				times = append(times, at)
			}
		}
	}()
	return func() []time.Time {
		watch.Stop()
		Eventually(ctx, done).Should(BeClosed())
		return times
	}
}

var _ = Describe("Compute pods", func() {
	It("are covered by a budget exactly while work is waited for", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx)
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate })
		Eventually(func() bool { return w.maybe(ctx, "prod-compute", &policyv1.PodDisruptionBudget{}) }).Should(BeFalse())
		w.waitReady(ctx, "prod")
		template := w.computeSet(ctx, "prod").Spec.Template
		Expect(template.Spec.TerminationGracePeriodSeconds).To(HaveValue(BeEquivalentTo(30)))
		Expect(template.Annotations).To(HaveKeyWithValue(names.AnnotationDrainSeconds, "0"))

		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.ScaleIn.Policy = v1alpha1.Drain })
		Eventually(func() bool { return w.maybe(ctx, "prod-compute", &policyv1.PodDisruptionBudget{}) }).Should(BeTrue())
		Expect(w.settle(ctx)["Pod "+w.pods(ctx, "prod", names.Compute)[0].Name]).
			To(Equal(before["Pod "+w.pods(ctx, "prod", names.Compute)[0].Name]), "no pod is touched")
	})

	It("get another grace period without being replaced", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		running := w.computeUIDs(ctx, "prod")
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Compute.ScaleIn.DrainTimeout = &metav1.Duration{Duration: time.Hour}
		})
		Eventually(func() *int64 { return w.computeSet(ctx, "prod").Spec.Template.Spec.TerminationGracePeriodSeconds }).
			Should(HaveValue(BeEquivalentTo(3660)))
		w.waitReady(ctx, "prod")
		w.settle(ctx)
		Expect(w.computeUIDs(ctx, "prod")).To(ConsistOf(running))
		w.change(ctx, "prod", replicas(3))
		w.waitReady(ctx, "prod")
		for _, pod := range w.pods(ctx, "prod", names.Compute) {
			if pod.Annotations[names.AnnotationDrainSeconds] == "630" {
				Expect(pod.Spec.TerminationGracePeriodSeconds).To(HaveValue(BeEquivalentTo(660)))
			} else {
				Expect(pod.Spec.TerminationGracePeriodSeconds).To(HaveValue(BeEquivalentTo(3660)))
				Expect(running).NotTo(ContainElement(string(pod.UID)))
			}
		}
	})
})
