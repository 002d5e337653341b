// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

func drainTimeout(after time.Duration) edit {
	return func(c *v1alpha1.SymphonyCluster) {
		c.Spec.Compute.ScaleIn.DrainTimeout = &metav1.Duration{Duration: after}
	}
}

func reclaimGrace(after time.Duration) edit {
	return func(c *v1alpha1.SymphonyCluster) {
		c.Spec.Compute.ScaleIn.ReclaimGrace = &metav1.Duration{Duration: after}
	}
}

// computeNames are the live compute pods', sorted.
func (w *world) computeNames(ctx context.Context, cluster string) []string {
	GinkgoHelper()
	var all []string
	for _, pod := range w.pods(ctx, cluster, names.Compute) {
		all = append(all, pod.Name)
	}
	slices.Sort(all)
	return all
}

// work allocates a slot of each of these hosts, one more of each than of the one before.
func (w *world) work(cluster string, hosts ...string) {
	GinkgoHelper()
	for i, host := range hosts {
		Expect(w.grids.Of(cluster).Allocate(host, i+1)).NotTo(BeEmpty())
	}
}

// tidy is when EGO knows exactly the master and the compute pods, and all of them take work.
func (w *world) tidy(ctx context.Context, cluster string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		hosts, err := w.grids.Of(cluster).Hosts(ctx)
		g.Expect(err).NotTo(HaveOccurred())
		known := map[string]ego.State{}
		for i := range hosts {
			known[hosts[i].Name] = hosts[i].State
		}
		wanted := map[string]ego.State{names.MasterHostname(cluster): ego.StateOK}
		for _, name := range w.computeNames(ctx, cluster) {
			wanted[name] = ego.StateOK
		}
		g.Expect(known).To(Equal(wanted))
	}).WithContext(ctx).Should(Succeed())
	for _, pod := range w.pods(ctx, cluster, names.Compute) {
		for annotation := range pod.Annotations {
			// The seconds of the grace period are the template's.
			Expect(annotation).NotTo(Or(Equal(names.AnnotationDrain), Equal(names.AnnotationDrainSince),
				HavePrefix("symphony-operator.io/host-"), Equal(corev1.PodDeletionCost)))
		}
	}
}

var _ = Describe("A scale-in that drains", func() {
	It("takes the idle hosts, then waits for the busy ones", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(6))
		busy := w.computeNames(ctx, "prod")[2:5]
		w.work("prod", busy...)
		grid := w.grids.Of("prod")

		w.kubectl("scale", "symphonycluster/prod", "--replicas=3")
		w.waitReady(ctx, "prod")
		Expect(w.computeNames(ctx, "prod")).To(Equal(busy))
		w.tidy(ctx, "prod")

		By("closing the two with less to do, and waiting")
		w.kubectl("scale", "symphonycluster/prod", "--replicas=1")
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDraining)
		Expect(message).To(MatchRegexp(`^2 compute pods are to go, 2 of which have work; what is left of it at \S+ is taken back, 1 are wanted$`))
		for _, host := range busy[:2] {
			Eventually(func() ego.State { return grid.State(host) }).Should(Equal(ego.StateClosed))
			Expect(grid.Comment(host)).To(ContainSubstring("symphony-operator"))
		}
		Consistently(func() []string { return w.computeNames(ctx, "prod") }).Should(Equal(busy))
		Expect(w.cluster(ctx, "prod").Status.Compute.Draining).To(BeEquivalentTo(2))
		Expect(grid.State(busy[2])).To(Equal(ego.StateOK))

		By("letting one go when its work has ended")
		grid.Free(busy[1])
		Eventually(func() []string { return w.computeNames(ctx, "prod") }).Should(Equal([]string{busy[0], busy[2]}))
		Consistently(func() []string { return w.computeNames(ctx, "prod") }).Should(HaveLen(2))
		Expect(grid.Changes()).NotTo(ContainElement(HaveField("Reclaim", true)))

		By("taking back what is left in the end")
		w.change(ctx, "prod", drainTimeout(0), reclaimGrace(0))
		w.waitReady(ctx, "prod")
		// With no time at all the pod may be deleted by name before it is seen not to be ready; then its successor goes, too.
		Eventually(func() []string { return w.computeNames(ctx, "prod") }).Should(Equal(busy[2:]))
		Expect(grid.Changes()).To(ContainElement(HaveField("String()", "close -reclaim "+busy[0])))
		Eventually(func() string {
			return w.kubectl("get", "events", "-o", "jsonpath={.items[?(@.type==\"Warning\")].reason}")
		}).
			Should(ContainSubstring(v1alpha1.ReasonDrainTimedOut))
		w.tidy(ctx, "prod")
	})

	It("opens again what it had closed when hosts are wanted after all, and nothing else", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(4))
		all := w.computeNames(ctx, "prod")
		w.work("prod", all...)
		grid := w.grids.Of("prod")
		grid.CloseAsAdministrator(all[0], "maintenance")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionHostsReady, metav1.ConditionFalse, v1alpha1.ReasonHostsClosed)
		w.change(ctx, "prod", replicas(1))
		for _, host := range all[:3] {
			Eventually(func() ego.State { return grid.State(host) }).Should(Equal(ego.StateClosed))
		}
		w.change(ctx, "prod", replicas(4))
		w.waitReady(ctx, "prod")
		for _, host := range all[1:] {
			Eventually(func() ego.State { return grid.State(host) }).Should(Equal(ego.StateOK))
		}
		w.settle(ctx)
		Expect(grid.State(all[0])).To(Equal(ego.StateClosed))
		Expect(grid.Comment(all[0])).To(Equal("maintenance"))
		Expect(w.computeNames(ctx, "prod")).To(Equal(all))
		Expect(grid.Changes()).NotTo(ContainElement(And(HaveField("Verb", egotest.VerbOpen), HaveField("Names", ContainElement(all[0])))))
	})

	It("says which right is missing, and goes on late", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		w.grids.Of("prod").Before = egotest.Always(fmt.Errorf("%w: by the test", ego.ErrForbidden))
		w.startOperator()
		w.ready(ctx, "prod", replicas(3), drainTimeout(4*time.Second))
		Expect(w.waitCondition(ctx, "prod", v1alpha1.ConditionHostsReady, metav1.ConditionUnknown, v1alpha1.ReasonEGOForbidden)).
			To(ContainSubstring("bind the ClusterRole symphony-operator-ego"))
		w.change(ctx, "prod", replicas(1))
		Expect(w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDraining)).
			To(And(ContainSubstring("2 of which may have work"), ContainSubstring("bind the ClusterRole symphony-operator-ego")))
		Expect(w.computeNames(ctx, "prod")).To(HaveLen(3))
		w.waitReady(ctx, "prod")
		Expect(w.computeNames(ctx, "prod")).To(HaveLen(1))
		Eventually(func() string {
			return w.kubectl("get", "events", "-o", "jsonpath={.items[?(@.type==\"Warning\")].reason}")
		}).
			Should(ContainSubstring(v1alpha1.ReasonDrainTimedOut))
	})

	It("waits for nothing with policy Immediate", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		w.work("prod", w.computeNames(ctx, "prod")...)
		w.change(ctx, "prod", replicas(1), func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate })
		w.waitReady(ctx, "prod")
		Expect(w.computeNames(ctx, "prod")).To(HaveLen(1))
		w.tidy(ctx, "prod")
	})

	It("waits for work before it suspends", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		all := w.computeNames(ctx, "prod")
		w.work("prod", all[0])
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = true })
		Eventually(func() []string { return w.computeNames(ctx, "prod") }).Should(Equal(all[:1]))
		Consistently(func() []string { return w.computeNames(ctx, "prod") }).Should(Equal(all[:1]))
		w.grids.Of("prod").Free(all[0])
		w.waitReady(ctx, "prod")
		Expect(w.computeNames(ctx, "prod")).To(BeEmpty())
		w.tidy(ctx, "prod")
	})

	It("closes the host of a pod that somebody deletes, and removes it when the pod is gone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		w.kubelet.Linger()
		pods := w.pods(ctx, "prod", names.Compute)
		w.work("prod", pods[0].Name)
		Expect(api.Delete(ctx, &pods[0])).To(Succeed())
		grid := w.grids.Of("prod")
		Eventually(func() ego.State { return grid.State(pods[0].Name) }).Should(Equal(ego.StateClosed))
		w.kubelet.Hurry()
		Eventually(func() ego.State { return grid.State(pods[0].Name) }).Should(BeEmpty())
		w.waitReady(ctx, "prod")
		w.tidy(ctx, "prod")
	})
})

// A scale-in of five hosts to two: two are idle, one has less to do than the others and ends its work when it is closed.
func (w *world) scaleInToTwo(ctx context.Context) (kept []string) {
	GinkgoHelper()
	all := w.computeNames(ctx, "prod")
	w.work("prod", all[1:4]...)
	grid := w.grids.Of("prod")
	w.change(ctx, "prod", replicas(2))
	// No operator runs now, so nobody calls.
	grid.After = func(_ context.Context, call egotest.Call) error {
		if call.Verb == egotest.VerbClose && slices.Contains(call.Names, all[1]) {
			grid.Free(all[1])
		}
		return nil
	}
	return all[2:4]
}
