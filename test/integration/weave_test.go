// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

func password(revision string) weaveEdit {
	return func(n *v1alpha1.WeaveNetwork) {
		n.Spec.Password = &v1alpha1.WeavePassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "weave", Key: "password"}, Revision: revision}
	}
}

func cleanup(policy v1alpha1.WeaveCleanupPolicy) weaveEdit {
	return func(n *v1alpha1.WeaveNetwork) { n.Spec.CleanupPolicy = policy }
}

var _ = Describe("The API server and WeaveNetworks", func() {
	DescribeTable("refuses", func(ctx SpecContext, edit weaveEdit, message string) {
		f := &fabric{}
		err := api.Create(ctx, f.build(edit), client.DryRunAll)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring(message)))
	},
		Entry("a second one", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Name = "other" }), "the only WeaveNetwork is named default"),
		Entry("no range", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Spec.IPRange = "" }), "spec.ipRange"),
		Entry("a range of hosts", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Spec.IPRange = "10.32.0.1/12" }), "begins at its first address"),
		Entry("a range that is too small", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Spec.IPRange = "10.32.0.0/30" }), "from /8 to /29"),
		Entry("a range of IPv6", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Spec.IPRange = "fd00::/64" }), "IPv4"),
		Entry("what is no range", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Spec.IPRange = "here" }), "ipRange must be an IPv4 range"),
		Entry("an MTU that is too small", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Spec.MTU = 68 }), "spec.mtu"),
		Entry("a relative path", weaveEdit(func(n *v1alpha1.WeaveNetwork) { n.Spec.HostPaths.Data = "weave" }), "spec.hostPaths.data"),
	)

	It("refuses changes of what Weave keeps on the nodes", Serial, func(ctx SpecContext) {
		f := newFabric(ctx)
		f.create(ctx)
		Expect(f.change(ctx, func(n *v1alpha1.WeaveNetwork) { n.Spec.InitialPeerCount = 2 })).To(Succeed(), "not installed yet")
		Expect(f.change(ctx, func(n *v1alpha1.WeaveNetwork) { n.Spec.ManagementPolicy = v1alpha1.WeaveManaged })).To(Succeed())
		f.report(ctx)
		Eventually(func() int32 { return f.network(ctx).Status.Frozen.InitialPeerCount }).WithContext(ctx).Should(BeEquivalentTo(2))
		for message, edit := range map[string]weaveEdit{
			"ipRange cannot be changed":          func(n *v1alpha1.WeaveNetwork) { n.Spec.IPRange = "10.48.0.0/12" },
			"fastDatapath cannot be changed":     func(n *v1alpha1.WeaveNetwork) { n.Spec.FastDatapath = v1alpha1.FastDatapathDisabled },
			"initialPeerCount cannot be changed": func(n *v1alpha1.WeaveNetwork) { n.Spec.InitialPeerCount = 3 },
			"hostPaths cannot be changed":        func(n *v1alpha1.WeaveNetwork) { n.Spec.HostPaths.Data = "/data" },
		} {
			Expect(f.change(ctx, edit)).To(MatchError(ContainSubstring(message)))
		}
		Expect(f.change(ctx, func(n *v1alpha1.WeaveNetwork) { n.Spec.FastDatapath = v1alpha1.FastDatapathAuto })).To(Succeed(), "the default")
	})
})

var _ = Describe("A WeaveNetwork", Serial, func() {
	It("is installed when nothing speaks against it, and ready when the nodes say so", func(ctx SpecContext) {
		f := newFabric(ctx)
		f.create(ctx, managed)
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonWaitingForReports)
		Expect(f.writesOfWeave()).To(BeEmpty(), "nothing before the nodes were looked at")

		f.report(ctx)
		routers := f.daemonSet(ctx, names.WeaveRouters)
		bookkeeping := &corev1.ConfigMap{}
		Expect(api.Get(ctx, client.ObjectKeyFromObject(routers), bookkeeping)).To(Succeed())
		Expect(routers.OwnerReferences).To(BeEmpty())
		Expect(bookkeeping.CreationTimestamp.Time).NotTo(BeTemporally(">", routers.CreationTimestamp.Time))

		f.wait(ctx, v1alpha1.ConditionPreflight, metav1.ConditionTrue, v1alpha1.ReasonInstalled)
		f.report(ctx, connected)
		f.rolledOut(ctx, names.WeaveRouters)
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
		Expect(f.network(ctx).Status.Frozen).To(Equal(v1alpha1.WeaveFrozen{InitialPeerCount: 2, FastDatapath: v1alpha1.FastDatapathDisabled}))
		Expect(oracle.Computed(f.network(ctx))).To(Equal("Current"))

		By("looking at everything again after a restart, with nothing to write")
		f.restart()
		Eventually(f.manager.elected).Should(BeClosed())
		Consistently(f.manager.writes.Writes).WithTimeout(2 * time.Second).Should(BeEmpty())
	})

	It("counts the nodes only when none has come for a minute", func(ctx SpecContext) {
		f := newFabric(ctx)
		late := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-late", Labels: map[string]string{"late": "yes", corev1.LabelOSStable: "linux"}}}
		Expect(api.Create(ctx, late)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(api.Delete(ctx, late))).To(Succeed()) })
		f.create(ctx, managed, func(n *v1alpha1.WeaveNetwork) {
			n.Spec.InitialPeerCount = 0
			n.Spec.NodeSelector = map[string]string{"late": "yes"}
		})
		arguments := kubelet.AgentArguments(f.daemonSet(ctx, names.WeaveAgents))
		f.runAgent(ctx, late.Name)
		report := &v1alpha1.WeaveNode{ObjectMeta: metav1.ObjectMeta{Name: late.Name}}
		Expect(api.Create(ctx, report)).To(Succeed())
		report.Status = v1alpha1.WeaveNodeStatus{Agent: v1alpha1.AgentReport, AgentRevision: arguments["revision"]}
		Expect(api.Status().Update(ctx, report)).To(Succeed())
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes)
		Expect(f.writesOfWeave()).To(BeEmpty())
		By("forgetting it with its node")
		Expect(api.Delete(ctx, late)).To(Succeed())
		Eventually(func() bool { return apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(report), report)) }).WithContext(ctx).Should(BeTrue())
	})

	DescribeTable("refuses where there is another pod network, and writes nothing", func(ctx SpecContext, name string, says string) {
		f := newFabric(ctx)
		other := &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: name},
			Spec: appsv1.DaemonSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"name": name}},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"name": name}},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "cni", Image: "cni"}}},
				},
			},
		}
		other.Labels = other.Spec.Selector.MatchLabels
		Expect(api.Create(ctx, other)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(api.Delete(ctx, other))).To(Succeed()) })
		f.create(ctx, managed)
		f.report(ctx)
		message := f.wait(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue, "")
		Expect(message).To(ContainSubstring("kube-system/" + name))
		Expect(message).To(ContainSubstring(says))
		Expect(oracle.Computed(f.network(ctx))).To(Equal("Failed"))
		Consistently(f.writesOfWeave).Should(BeEmpty())
	},
		Entry("flannel", "kube-flannel-ds", `spec.allowConflicts: ["DaemonSet/kube-system/kube-flannel-ds"]`),
		Entry("calico", "calico-node", `spec.allowConflicts: ["DaemonSet/kube-system/calico-node"]`),
		Entry("cilium", "cilium", `spec.allowConflicts: ["DaemonSet/kube-system/cilium"]`),
		Entry("kindnet", "kindnet", `spec.allowConflicts: ["DaemonSet/kube-system/kindnet"]`),
		Entry("somebody else's Weave", "weave-net", "managementPolicy to Observe"),
	)

	It("refuses somebody else's Weave without its usual label, which the cache does not see", func(ctx SpecContext) {
		f := newFabric(ctx)
		other := &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "weave-net"},
			Spec: appsv1.DaemonSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "weave"}},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "weave"}},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "weave", Image: "weave"}}},
				},
			},
		}
		Expect(api.Create(ctx, other)).To(Succeed())
		f.create(ctx, managed, cleanup(v1alpha1.CleanupClean))
		f.report(ctx)
		f.wait(ctx, v1alpha1.ConditionPreflight, metav1.ConditionFalse, v1alpha1.ReasonForeignWeave)
		Consistently(f.writesOfWeave).Should(BeEmpty())
		Expect(api.Delete(ctx, f.network(ctx))).To(Succeed())
		Eventually(func() bool {
			return apierrors.IsNotFound(api.Get(ctx, client.ObjectKey{Name: names.WeaveNetwork}, &v1alpha1.WeaveNetwork{}))
		}).WithContext(ctx).Should(BeTrue(), "nothing holds what installed nothing")
		Expect(api.Get(ctx, client.ObjectKeyFromObject(other), other)).To(Succeed())
	})

	It("refuses without Weave's own ServiceAccount", func(ctx SpecContext) {
		f := newFabric(ctx)
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}}
		Expect(api.Delete(ctx, account)).To(Succeed())
		f.create(ctx, managed)
		f.report(ctx)
		message := f.wait(ctx, v1alpha1.ConditionPreflight, metav1.ConditionFalse, v1alpha1.ReasonServiceAccountMissing)
		Expect(message).To(ContainSubstring("kubectl apply -k config/weave/weave-net"))
		Consistently(f.writesOfWeave).Should(BeEmpty())
	})

	It("refuses where pods have addresses outside the range, unless that is allowed by its name", func(ctx SpecContext) {
		f := newFabric(ctx)
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "elsewhere"},
			Spec:       corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "c", Image: "c"}}},
		}
		Expect(api.Create(ctx, pod)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, pod, client.GracePeriodSeconds(0))).To(Succeed()) })
		pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.244.1.7", PodIPs: []corev1.PodIP{{IP: "10.244.1.7"}}}
		Expect(api.Status().Update(ctx, pod)).To(Succeed())
		f.create(ctx, managed)
		f.report(ctx)
		message := f.wait(ctx, v1alpha1.ConditionPreflight, metav1.ConditionFalse, v1alpha1.ReasonPodsOutsideRange)
		Expect(message).To(ContainSubstring("default"))
		Consistently(f.writesOfWeave).Should(BeEmpty())
		Expect(f.change(ctx, func(n *v1alpha1.WeaveNetwork) { n.Spec.AllowConflicts = []string{"PodsOutsideRange"} })).To(Succeed())
		f.daemonSet(ctx, names.WeaveRouters)
	})

	It("refuses without the Secret of its password, and goes on when it comes", func(ctx SpecContext) {
		f := newFabric(ctx)
		f.create(ctx, managed, password(""))
		missing := func(_ string, s *v1alpha1.WeaveNodeStatus) { s.Host.Password = v1alpha1.SecretMissing }
		f.report(ctx, missing)
		message := f.wait(ctx, v1alpha1.ConditionPreflight, metav1.ConditionFalse, v1alpha1.ReasonPasswordMissing)
		Expect(message).NotTo(ContainSubstring("allowConflicts"))
		Consistently(f.writesOfWeave).Should(BeEmpty())
		f.report(ctx, func(_ string, s *v1alpha1.WeaveNodeStatus) { s.Host.Password = v1alpha1.SecretPresent })
		f.daemonSet(ctx, names.WeaveRouters)
	})

	It("observes a Weave that is somebody else's, and writes nothing of it", func(ctx SpecContext) {
		f := newFabric(ctx)
		routers := &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "weave-net", Labels: map[string]string{"name": "weave-net"}},
			Spec: appsv1.DaemonSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"name": "weave-net"}},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"name": "weave-net"}},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "weave", Image: "weave"}}},
				},
			},
		}
		f.create(ctx)
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNoWeave)
		Expect(api.Create(ctx, routers)).To(Succeed())
		f.report(ctx, connected)
		f.rolledOut(ctx, names.WeaveRouters)
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		f.wait(ctx, v1alpha1.ConditionPreflight, metav1.ConditionTrue, v1alpha1.ReasonObserved)
		f.report(ctx, connected, func(node string, s *v1alpha1.WeaveNodeStatus) {
			if node == "node-1" {
				s.Connections[0].State = "pending"
			}
		})
		f.wait(ctx, v1alpha1.ConditionPeersConnected, metav1.ConditionFalse, v1alpha1.ReasonUDPBlocked)
		Expect(f.writesOfWeave()).To(BeEmpty())
	})

	It("replaces no router for a new version of the operator, another node, or nothing", func(ctx SpecContext) {
		f := newFabric(ctx)
		before := f.running(ctx)
		agents := f.daemonSet(ctx, names.WeaveAgents)
		f.manager.stop()
		f.image = "symphony-operator:2"
		f.start()
		Eventually(func() string {
			return f.daemonSet(ctx, names.WeaveAgents).Spec.Template.Spec.Containers[0].Image
		}).WithContext(ctx).Should(Equal("symphony-operator:2"), "the agents follow")
		Expect(agents.Spec.Template.Spec.Containers[0].Image).To(Equal("symphony-operator:1"))

		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-3", Labels: map[string]string{corev1.LabelOSStable: "linux"}}}
		Expect(api.Create(ctx, node)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, node)).To(Succeed()) })
		Consistently(func() int64 { return f.daemonSet(ctx, names.WeaveRouters).Generation }).WithContext(ctx).Should(Equal(before.Generation))
		Expect(f.writesOfWeave()).To(BeEmpty())
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "") // A node that has just come is no news for a minute.
	})

	It("repairs what is changed or deleted by hand, and leaves Weave's bookkeeping to Weave", func(ctx SpecContext) {
		f := newFabric(ctx)
		before := f.running(ctx)
		bookkeeping := &corev1.ConfigMap{}
		Expect(api.Get(ctx, client.ObjectKeyFromObject(before), bookkeeping)).To(Succeed())
		bookkeeping.Annotations = map[string]string{"kube-peers.weave.works/peers": `{"Peers":[]}`}
		Expect(api.Update(ctx, bookkeeping)).To(Succeed())

		changed := before.DeepCopy()
		changed.Spec.Template.Spec.Containers[0].Image = "other"
		changed.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.IntVal = 7
		Expect(api.Patch(ctx, changed, client.MergeFrom(before))).To(Succeed())
		Eventually(func() appsv1.DaemonSetSpec { return f.daemonSet(ctx, names.WeaveRouters).Spec }).WithContext(ctx).Should(Equal(before.Spec))

		Expect(api.Delete(ctx, changed)).To(Succeed())
		Eventually(func(g Gomega) {
			again := f.daemonSet(ctx, names.WeaveRouters)
			g.Expect(again.UID).NotTo(Equal(before.UID))
			g.Expect(again.Spec.Template).To(Equal(before.Spec.Template), "with what was decided once")
		}).WithContext(ctx).Should(Succeed())
		Expect(api.Get(ctx, client.ObjectKeyFromObject(before), bookkeeping)).To(Succeed())
		Expect(bookkeeping.Annotations).To(HaveKey("kube-peers.weave.works/peers"))
	})

	It("replaces all routers at once for another password, as soon as it is there", func(ctx SpecContext) {
		f := newFabric(ctx)
		before := f.running(ctx)
		Expect(f.change(ctx, password("1"))).To(Succeed())
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonWaitingForReports)
		f.report(ctx, connected, func(_ string, s *v1alpha1.WeaveNodeStatus) { s.Host.Password = v1alpha1.SecretMissing })
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPasswordMissing)
		Expect(f.daemonSet(ctx, names.WeaveRouters).Generation).To(Equal(before.Generation))

		present := func(_ string, s *v1alpha1.WeaveNodeStatus) { s.Host.Password = v1alpha1.SecretPresent }
		f.report(ctx, connected, present)
		unavailable := func() string {
			return f.daemonSet(ctx, names.WeaveRouters).Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.String()
		}
		Eventually(unavailable).WithContext(ctx).Should(Equal("100%"))
		Expect(f.daemonSet(ctx, names.WeaveRouters).Generation).To(Equal(before.Generation+1), "in one write")
		f.rolledOut(ctx, names.WeaveRouters)
		Eventually(unavailable).WithContext(ctx).Should(Equal("1"))
		f.rolledOut(ctx, names.WeaveRouters)
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")

		By("announcing that the Secret has other contents")
		Expect(f.change(ctx, password("2"))).To(Succeed())
		Eventually(unavailable).WithContext(ctx).Should(Equal("100%"))
	})

	It("leaves Weave running when it is deleted", func(ctx SpecContext) {
		f := newFabric(ctx)
		before := f.running(ctx)
		Expect(f.network(ctx).Finalizers).To(BeEmpty())
		Expect(api.Delete(ctx, f.network(ctx))).To(Succeed())
		Eventually(func() bool {
			return apierrors.IsNotFound(api.Get(ctx, client.ObjectKey{Namespace: names.WeaveNamespace, Name: names.WeaveAgents}, &appsv1.DaemonSet{}))
		}).WithContext(ctx).Should(BeTrue(), "its agents go with it")
		Expect(f.daemonSet(ctx, names.WeaveRouters).Generation).To(Equal(before.Generation))

		By("creating it otherwise, which touches nothing")
		f.create(ctx, managed, func(n *v1alpha1.WeaveNetwork) { n.Spec.HostPaths.Data = "/data/weave" })
		f.wait(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonIncompatible)
		Expect(f.daemonSet(ctx, names.WeaveRouters).Generation).To(Equal(before.Generation))
		Expect(api.Delete(ctx, f.network(ctx))).To(Succeed())

		By("creating it again, which takes over what runs")
		f.create(ctx, managed)
		f.report(ctx, connected)
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		Expect(f.daemonSet(ctx, names.WeaveRouters).Generation).To(Equal(before.Generation))
	})

	It("cleans the nodes step by step when it is to be clean", func(ctx SpecContext) {
		f := newFabric(ctx)
		f.running(ctx)
		Expect(f.change(ctx, cleanup(v1alpha1.CleanupClean))).To(Succeed())
		Eventually(func() []string { return f.network(ctx).Finalizers }).WithContext(ctx).Should(ConsistOf(names.WeaveFinalizer))
		Expect(api.Delete(ctx, f.network(ctx))).To(Succeed())
		phase := func(phase v1alpha1.WeaveCleanupState) func(string, *v1alpha1.WeaveNodeStatus) {
			return func(_ string, s *v1alpha1.WeaveNodeStatus) { s.Cleanup = &v1alpha1.WeaveCleanup{State: phase} }
		}
		task := func() string { return kubelet.AgentArguments(f.daemonSet(ctx, names.WeaveAgents))["task"] }
		Eventually(task).WithContext(ctx).Should(Equal("Leave"))
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonLeaving)
		f.daemonSet(ctx, names.WeaveRouters)
		f.report(ctx, connected, phase(v1alpha1.CleanupLeft))
		Eventually(task).WithContext(ctx).Should(Equal("Clean"))
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKey{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}, &appsv1.DaemonSet{}))).To(BeTrue())
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCleaning)
		f.report(ctx, phase(v1alpha1.CleanupCleaned))
		Eventually(func() bool {
			return apierrors.IsNotFound(api.Get(ctx, client.ObjectKey{Name: names.WeaveNetwork}, &v1alpha1.WeaveNetwork{}))
		}).WithContext(ctx).Should(BeTrue())
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKey{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}, &corev1.ConfigMap{}))).To(BeTrue())
	})
})
