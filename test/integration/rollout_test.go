// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

var pullFailure = kubelet.State{Waiting: &corev1.ContainerStateWaiting{
	Reason: "ImagePullBackOff", Message: `Back-off pulling image "broken": ErrImagePull: manifest unknown`,
}}

func computeImage(image string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Image = image }
}

func maxUnavailable(value intstr.IntOrString) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Update.MaxUnavailable = &value }
}

var _ = Describe("A rolling update of compute", func() {
	It("never has more hosts away than maxUnavailable, and replaces them all", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(8), maxUnavailable(intstr.FromInt32(2)))
		old := w.computeUIDs(ctx, "prod")
		watched := w.watchReady(ctx)

		By("waiting for the first two")
		w.kubelet.When(kubelet.Image("new"), kubelet.Starting)
		w.change(ctx, "prod", computeImage("new"))
		Eventually(func() int { return w.withImage(ctx, "new") }).Should(Equal(2))
		Consistently(func() int { return w.withImage(ctx, "sym712") }).Should(Equal(6))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonUpdating)

		By("going on when they are ready")
		w.kubelet.Normal()
		w.waitReady(ctx, "prod")
		Expect(w.withImage(ctx, "new")).To(Equal(8))
		Expect(w.computeUIDs(ctx, "prod")).NotTo(ContainElements(old))
		Expect(watched.lowest()).To(BeNumerically(">=", 6))
	})

	It("takes 25% by default", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(8))
		watched := w.watchReady(ctx)
		w.change(ctx, "prod", computeImage("new"))
		w.waitReady(ctx, "prod")
		Expect(watched.lowest()).To(BeNumerically(">=", 6))
	})

	It("stops after the first batch of a broken image, and going back heals it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(8))
		w.kubelet.When(func(pod *corev1.Pod) bool { return kubelet.Role(names.Compute)(pod) && kubelet.Image("broken")(pod) }, kubelet.State{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "no Symphony in this image"},
		})
		w.change(ctx, "prod", computeImage("broken"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonComputeFailed)
		Eventually(func() int { return w.withImage(ctx, "broken") }).Should(Equal(2))
		Consistently(func() int { return w.withImage(ctx, "sym712") }).Should(Equal(6))
		survivors := map[types.UID]bool{}
		for _, pod := range w.pods(ctx, "prod", names.Compute) {
			survivors[pod.UID] = pod.Spec.Containers[0].Image == "sym712"
		}

		w.change(ctx, "prod", computeImage(""))
		w.waitReady(ctx, "prod")
		kept := 0
		for _, pod := range w.pods(ctx, "prod", names.Compute) {
			Expect(pod.Spec.Containers[0].Image).To(Equal("sym712"))
			if survivors[pod.UID] {
				kept++
			}
		}
		Expect(kept).To(Equal(6), "the hosts that were never broken must not be replaced")
	})

	It("goes forward from a broken image to a good one", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(4))
		w.kubelet.When(kubelet.Image("broken"), pullFailure)
		w.change(ctx, "prod", computeImage("broken"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", "ImagePullBackOff")
		w.change(ctx, "prod", computeImage("fixed"))
		w.waitReady(ctx, "prod")
		Expect(w.withImage(ctx, "fixed")).To(Equal(4))
	})

	It("is left to people with OnDelete", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3), func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Update.Type = v1alpha1.OnDelete })
		before := w.computeUIDs(ctx, "prod")
		w.change(ctx, "prod", computeImage("new"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, "False", v1alpha1.ReasonUpdating)
		Consistently(func() []string { return w.computeUIDs(ctx, "prod") }).Should(ConsistOf(before))
		for i := range before {
			pods := w.pods(ctx, "prod", names.Compute)
			for j := range pods {
				if pods[j].Spec.Containers[0].Image == "sym712" {
					Expect(api.Delete(ctx, &pods[j])).To(Succeed())
					break
				}
			}
			Eventually(func() int { return w.withImage(ctx, "new") }).Should(Equal(i + 1))
		}
		w.waitReady(ctx, "prod")
	})
})

func (w *world) withImage(ctx context.Context, image string) int {
	GinkgoHelper()
	count := 0
	for _, pod := range w.pods(ctx, "prod", names.Compute) {
		if pod.Spec.Containers[0].Image == image {
			count++
		}
	}
	return count
}

// readiness counts ready compute pods at every event.
type readiness struct {
	mu   sync.Mutex
	pods map[types.UID]bool
	low  int
}

func (w *world) watchReady(ctx context.Context) *readiness {
	GinkgoHelper()
	selector := client.MatchingLabels(names.Selector("prod", names.Compute))
	var list corev1.PodList
	Expect(api.List(ctx, &list, client.InNamespace(w.namespace), selector)).To(Succeed())
	r := &readiness{pods: map[types.UID]bool{}}
	for i := range list.Items {
		r.pods[list.Items[i].UID] = observe.PodReady(&list.Items[i])
	}
	r.low = r.count()
	events, err := api.Watch(background(), &corev1.PodList{}, client.InNamespace(w.namespace), selector,
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(events.Stop)
	go func() {
		for event := range events.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				r.note(pod, event.Type == watch.Deleted)
			}
		}
	}()
	return r
}

func (r *readiness) note(pod *corev1.Pod, deleted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pods[pod.UID] = !deleted && observe.PodReady(pod)
	r.low = min(r.low, r.count())
}

func (r *readiness) count() int {
	count := 0
	for _, ready := range r.pods {
		if ready {
			count++
		}
	}
	return count
}

func (r *readiness) lowest() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.low
}
