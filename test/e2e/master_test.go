// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

var _ = Describe("A master that moves", func() {
	It("is found again by every host, and none is restarted", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, object{"compute": object{"replicas": 5}})
		compute, old := g.containers(ctx, names.Compute), g.master(ctx)

		Expect(api.Delete(ctx, old)).To(Succeed())
		master := g.nextMaster(ctx, old.UID)
		Eventually(ctx, func(check Gomega) {
			g.expectAddress(ctx, check, master)
			check.Expect(g.okHostsBy(master.Name)).To(ConsistOf(hostsOf(compute)))
		}).WithPolling(inPods).Should(Succeed())

		Expect(g.containers(ctx, names.Compute)).To(Equal(compute))
		g.waitReady()
		g.kubectl("wait", "--for=condition=GUIReady", "symphonycluster/prod", "--timeout="+promptly.String())
		Expect(get(g.cluster(ctx).Status.GUI.URL)).To(Equal(200))
		Expect(g.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")).To(ContainSubstring(v1alpha1.ReasonMasterMoved))
	})

	It("is waited for when EGO takes as long to start as the product does", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, nil)
		compute, old := g.containers(ctx, names.Compute), g.master(ctx)

		const slow = 90 * time.Second
		started := time.Now()
		g.patch(object{"master": object{"env": []object{{"name": "SYMSIM_START_DELAY", "value": slow.String()}}}})
		master := g.nextMaster(ctx, old.UID)

		By("saying so, and nothing worse, as long as it takes")
		g.waitCondition(ctx, v1alpha1.ConditionReady, "False", v1alpha1.ReasonMasterStarting)
		seen := len(monitor.Versions(g.namespace))
		g.kubectl("wait", "--for=condition=Ready", "symphonycluster/prod", "--timeout="+(slow+promptly).String())
		Expect(time.Since(started)).To(BeNumerically(">", slow), "it was slow indeed")
		for _, version := range monitor.Versions(g.namespace)[seen:] {
			Expect(summaryOf(version)).To(BeElementOf(
				"Ready False MasterStarting, MasterReady False MasterStarting, ComputeReady True Ready, GUIReady False GUIStarting, StatePersistent False NoStorage, Reconciling True MasterStarting",
				"Ready True Ready, MasterReady True Ready, ComputeReady True Ready, GUIReady False GUIStarting, StatePersistent False NoStorage",
				"Ready True Ready, MasterReady True Ready, ComputeReady True Ready, GUIReady True Ready, StatePersistent False NoStorage"))
			hosts := meta.FindStatusCondition(version.Status.Conditions, v1alpha1.ConditionHostsReady)
			Expect(string(hosts.Status)+" "+hosts.Reason).To(BeElementOf("Unknown MasterStarting", "Unknown EGOUnreachable",
				"False HostsMissing", "False HostsUnavailable", "True Ready"), hosts.Message)
		}

		By("finding every host as it was")
		Eventually(ctx, func(check Gomega) {
			g.expectAddress(ctx, check, master)
			check.Expect(g.okHostsBy(master.Name)).To(ConsistOf(hostsOf(compute)))
		}).WithPolling(inPods).Should(Succeed())
		Eventually(ctx, func() (int, error) { return get(g.cluster(ctx).Status.GUI.URL) }).Should(Equal(200))
		Expect(g.containers(ctx, names.Compute)).To(Equal(compute))
		Expect(g.containers(ctx, names.Master)).To(Equal(map[string]string{master.Name: string(master.UID) + " restarts: 0"}))
	})
})

// hostsOf are EGO's names of the master and of these compute pods.
func hostsOf(compute map[string]string) []string {
	return append(slices.Collect(maps.Keys(compute)), "prod-master")
}

// summaryOf is every condition in its order, in few words, but for HostsReady: hosts come back one after the other.
func summaryOf(cluster *v1alpha1.SymphonyCluster) string {
	var all []string
	for _, condition := range cluster.Status.Conditions {
		if condition.Type == v1alpha1.ConditionHostsReady {
			continue
		}
		all = append(all, condition.Type+" "+string(condition.Status)+" "+condition.Reason)
	}
	return strings.Join(all, ", ")
}

// nextMaster waits until another pod than the old one is the master and has an address.
func (g *grid) nextMaster(ctx context.Context, old types.UID) *corev1.Pod {
	GinkgoHelper()
	var next *corev1.Pod
	Eventually(ctx, func(check Gomega) {
		pods := g.pods(ctx, names.Master)
		check.Expect(pods).To(HaveLen(1))
		check.Expect(pods[0].UID).NotTo(Equal(old))
		check.Expect(pods[0].Status.PodIP).NotTo(BeEmpty())
		next = &pods[0]
	}).Should(Succeed())
	return next
}

// expectAddress looks at every place that names the master's address.
func (g *grid) expectAddress(ctx context.Context, check Gomega, master *corev1.Pod) {
	line := master.Status.PodIP + " prod-master"
	hosts, set := &corev1.ConfigMap{}, &appsv1.ReplicaSet{}
	check.Expect(api.Get(ctx, client.ObjectKey{Namespace: g.namespace, Name: "prod-hosts"}, hosts)).To(Succeed())
	check.Expect(hosts.Data).To(HaveKeyWithValue("hosts", line+"\n"))
	check.Expect(api.Get(ctx, client.ObjectKey{Namespace: g.namespace, Name: "prod-compute"}, set)).To(Succeed())
	check.Expect(set.Spec.Template.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
	for _, pod := range g.pods(ctx, names.Compute) {
		check.Expect(pod.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
	}
}
