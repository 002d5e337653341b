// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// symsim is the simulator's own command in the master pod.
func (g *grid) symsim(arguments ...string) string {
	GinkgoHelper()
	return strings.TrimSpace(g.kubectl(append([]string{"exec", "deployment/prod-master", "--", "symsim"}, arguments...)...))
}

// work starts a task on each of these hosts, which runs until it is finished.
func (g *grid) work(hosts ...string) {
	GinkgoHelper()
	for _, host := range hosts {
		g.symsim("task", "start", host)
	}
}

// interrupted are the transitions of tasks that no scale-in may cause.
func (g *grid) interrupted() []string {
	GinkgoHelper()
	var all []string
	for line := range strings.Lines(g.symsim("task", "log")) {
		if strings.Contains(line, "interrupted") || strings.Contains(line, "lost") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// names are the live compute pods', sorted.
func (g *grid) names(ctx context.Context) []string {
	GinkgoHelper()
	var all []string
	for _, pod := range g.pods(ctx, names.Compute) {
		all = append(all, pod.Name)
	}
	slices.Sort(all)
	return all
}

// hostList is what EGO says of each host that it knows.
func (g *grid) hostList() map[string]string {
	GinkgoHelper()
	printed, err := g.egosh("resource", "list", "-l")
	Expect(err).NotTo(HaveOccurred(), printed)
	return hostStates(printed)
}

// expectTidy waits until EGO knows the master and the compute pods and nobody else, all of them ok.
func (g *grid) expectTidy(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func(check Gomega) {
		wanted := map[string]string{"prod-master": "ok"}
		for _, name := range g.names(ctx) {
			wanted[name] = "ok"
		}
		check.Expect(g.hostList()).To(Equal(wanted))
	}).WithPolling(inPods).Should(Succeed())
}

// apart is a pod template whose pods run on different nodes.
var apart = object{"spec": object{"topologySpreadConstraints": []object{{
	"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
	"labelSelector": object{"matchLabels": names.Selector("prod", names.Compute)},
}}}}

var _ = Describe("A scale-in that drains", func() {
	It("removes exactly the idle hosts, waits for the work of the others, and loses no task", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, object{"compute": object{"replicas": 6}})
		g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "True", v1alpha1.ReasonReady)
		busy := slices.Clone(g.names(ctx)[1:4])
		g.work(busy...)

		By("taking the three idle ones")
		g.kubectl("scale", "symphonycluster/prod", "--replicas=3")
		g.waitReady()
		Expect(g.names(ctx)).To(Equal(busy))
		g.expectTidy(ctx)
		Expect(g.interrupted()).To(BeEmpty())

		By("waiting for work")
		g.kubectl("scale", "symphonycluster/prod", "--replicas=1")
		message := g.waitCondition(ctx, v1alpha1.ConditionReady, "False", v1alpha1.ReasonDraining)
		Expect(message).To(HavePrefix("2 compute pods are to go"))
		Eventually(ctx, g.closed).WithPolling(inPods).Should(HaveLen(2))
		closed := g.closed()
		Consistently(ctx, func() []string { return g.names(ctx) }).WithTimeout(20 * time.Second).Should(Equal(busy))

		By("letting one go when its task ends")
		g.symsim("task", "finish", closed[0])
		Eventually(ctx, func() []string { return g.names(ctx) }).Should(And(HaveLen(2), Not(ContainElement(closed[0]))))
		Consistently(ctx, func() []string { return g.names(ctx) }).WithTimeout(20 * time.Second).Should(ContainElement(closed[1]))
		Expect(g.interrupted()).To(BeEmpty())

		By("taking back what is left when the time is over, with a Warning")
		g.patch(object{"compute": object{"scaleIn": object{"drainTimeout": "1s"}}})
		g.waitReady()
		Expect(g.names(ctx)).To(HaveLen(1))
		Expect(g.names(ctx)).NotTo(ContainElement(closed[1]))
		Expect(g.interrupted()).To(ConsistOf(And(ContainSubstring(closed[1]), ContainSubstring("interrupted(reclaim)"))))
		Expect(g.kubectl("get", "events", "-o", `jsonpath={.items[?(@.type=="Warning")].reason}`)).To(ContainSubstring(v1alpha1.ReasonDrainTimedOut))
		g.expectTidy(ctx)
	})

	It("leaves alone what an administrator has closed", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, object{"compute": object{"replicas": 3}})
		g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "True", v1alpha1.ReasonReady)
		all := g.names(ctx)
		g.work(all...)
		g.kubectl("exec", "deployment/prod-master", "--", "bash", "-c",
			"egosh user logon -u Admin -x Admin && egosh resource close -c maintenance "+all[0])
		g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "False", v1alpha1.ReasonHostsClosed)

		By("closing two more, and opening them again")
		g.kubectl("scale", "symphonycluster/prod", "--replicas=0")
		Eventually(ctx, func() map[string]string { return g.hostList() }).WithPolling(inPods).Should(Equal(map[string]string{
			"prod-master": "ok", all[0]: "closed", all[1]: "closed", all[2]: "closed",
		}))
		g.kubectl("scale", "symphonycluster/prod", "--replicas=3")
		Eventually(ctx, func() map[string]string { return g.hostList() }).WithPolling(inPods).Should(Equal(map[string]string{
			"prod-master": "ok", all[0]: "closed", all[1]: "ok", all[2]: "ok",
		}))
		g.waitReady()
		Expect(g.names(ctx)).To(Equal(all))
		Expect(g.interrupted()).To(BeEmpty())
		g.symsim("task", "finish", "all")
	})

	It("waits for drainTimeout and says which right is missing, when EGO's commands are forbidden", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.kubectl("delete", "rolebinding", "symphony-operator-ego")
		g.start(ctx, object{"compute": object{"replicas": 2, "scaleIn": object{"drainTimeout": "20s"}}})
		missing := ContainSubstring("bind the ClusterRole symphony-operator-ego")
		Expect(g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "Unknown", v1alpha1.ReasonEGOForbidden)).To(missing)
		g.kubectl("scale", "symphonycluster/prod", "--replicas=1")
		Expect(g.waitCondition(ctx, v1alpha1.ConditionReady, "False", v1alpha1.ReasonDraining)).To(missing)
		Expect(g.names(ctx)).To(HaveLen(2))
		g.waitReady()
		Expect(g.names(ctx)).To(HaveLen(1))
		Expect(g.kubectl("get", "events", "-o", `jsonpath={.items[?(@.type=="Warning")].reason}`)).To(ContainSubstring(v1alpha1.ReasonDrainTimedOut))
	})
})

var _ = Describe("kubectl drain of a node", Serial, func() {
	It("waits for the work on it, and gives up when it is told how long", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, object{"compute": object{"replicas": 2, "podTemplate": apart}})
		g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "True", v1alpha1.ReasonReady)
		busy := g.pods(ctx, names.Compute)[0]
		g.work(busy.Name)
		Eventually(ctx, func() string {
			return g.kubectl("get", "pod", busy.Name, "-o", `jsonpath={.metadata.labels.symphony-operator\.io/idle}`)
		}).Should(BeEmpty())
		DeferCleanup(func() { g.kubectl("uncordon", busy.Spec.NodeName) })
		drain := func(timeout string) (string, error) {
			return g.try("", "drain", busy.Spec.NodeName, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout="+timeout,
				"--pod-selector="+names.SelectorText("prod", names.Compute))
		}
		output, err := drain("15s")
		Expect(err).To(HaveOccurred(), output)
		Expect(output).To(ContainSubstring("would violate the pod's disruption budget"))
		still := &corev1.Pod{}
		Expect(api.Get(ctx, client.ObjectKeyFromObject(&busy), still)).To(Succeed())
		Expect(still.UID).To(Equal(busy.UID))
		Expect(still.DeletionTimestamp).To(BeNil())

		By("ending the work while it is tried again")
		drained := make(chan error, 1)
		go func() {
			defer GinkgoRecover()
			_, err := drain("120s")
			drained <- err
		}()
		Consistently(ctx, drained).WithTimeout(10 * time.Second).ShouldNot(Receive())
		g.symsim("task", "finish", "all")
		Eventually(ctx, drained).Should(Receive(BeNil()))
		Expect(g.interrupted()).To(BeEmpty())
	})
})
