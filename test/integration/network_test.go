// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

// network is spec.network.
func network(asked v1alpha1.NetworkSpec) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Network = asked }
}

var (
	overWeave = network(v1alpha1.NetworkSpec{Mode: v1alpha1.NetworkWeave})
	measured  = network(v1alpha1.NetworkSpec{Check: true})
	unasked   = network(v1alpha1.NetworkSpec{})
)

// passing and failing are what the pods of a check that send have measured.
var (
	passing = kubelet.State{Printed: []string{kubelet.TCPReport, kubelet.UDPReport}}
	failing = kubelet.State{Printed: []string{kubelet.TCPReport, blockedUDP}}
)

// newWeave creates the WeaveNetwork, of which a Kubernetes cluster has one: specs that do so are Serial. Its operator does
// not run here; what it would say, the specs say.
func newWeave(ctx context.Context) {
	GinkgoHelper()
	weave := &v1alpha1.WeaveNetwork{
		ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork}, Spec: v1alpha1.WeaveNetworkSpec{IPRange: "10.32.0.0/12"},
	}
	Expect(api.Create(ctx, weave)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(api.Delete(ctx, weave))).To(Succeed()) })
}

func weaveNetwork(ctx context.Context) *v1alpha1.WeaveNetwork {
	GinkgoHelper()
	weave := &v1alpha1.WeaveNetwork{}
	Expect(api.Get(ctx, client.ObjectKey{Name: names.WeaveNetwork}, weave)).To(Succeed())
	return weave
}

func weaveIs(ctx context.Context, ready metav1.ConditionStatus, reason, message string) {
	GinkgoHelper()
	Expect(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		weave := weaveNetwork(ctx)
		weave.Status.ObservedGeneration = weave.Generation
		meta.SetStatusCondition(&weave.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionReady, Status: ready, Reason: reason, Message: message, ObservedGeneration: weave.Generation,
		})
		return api.Status().Update(ctx, weave)
	})).To(Succeed())
}

func (w *world) waitNetwork(ctx context.Context, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	return w.waitCondition(ctx, "prod", v1alpha1.ConditionNetworkReady, status, reason)
}

// hasNo reports that an object is not there, and for a while.
func (w *world) hasNo(ctx context.Context, name string, object client.Object) {
	GinkgoHelper()
	Consistently(func() bool { return w.maybe(ctx, name, object) }).Should(BeFalse())
}

func (w *world) networkCheck(ctx context.Context) *v1alpha1.NetworkCheck {
	GinkgoHelper()
	var check *v1alpha1.NetworkCheck
	Eventually(func() bool {
		check = &v1alpha1.NetworkCheck{}
		return w.maybe(ctx, "prod-network", check)
	}).Should(BeTrue())
	return check
}

var _ = Describe("A cluster over Weave", Serial, func() {
	It("gets compute hosts when Weave is Ready, and is never held up by it again", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, "prod", replicas(2), overWeave)
		Expect(w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotInstalled)).To(
			ContainSubstring("install config/weave and create the WeaveNetwork default (docs/networking.md)"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionMasterReady, metav1.ConditionTrue, "")
		for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionComputeReady} {
			w.waitCondition(ctx, "prod", kind, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotInstalled)
		}
		Expect(w.computed(ctx, "prod")).To(Equal("InProgress"), "it can heal by itself")
		w.hasNo(ctx, "prod-compute", &appsv1.ReplicaSet{})

		By("installing it")
		newWeave(ctx)
		Expect(w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotReady)).To(ContainSubstring("is not looked at yet"))
		weaveIs(ctx, metav1.ConditionFalse, "WaitingForNodes", "2 of 3 nodes are there")
		Eventually(func() string { return w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotReady) }).
			Should(Equal("the WeaveNetwork default is not Ready: WaitingForNodes: 2 of 3 nodes are there"))
		w.hasNo(ctx, "prod-compute", &appsv1.ReplicaSet{})
		weaveIs(ctx, metav1.ConditionTrue, "AllGood", "all is well")
		w.waitReady(ctx, "prod")
		w.waitNetwork(ctx, metav1.ConditionTrue, v1alpha1.ReasonReady)

		By("losing it, and having it all the same scaled, repaired and looked after by another operator")
		before, weave := w.settle(ctx).Without("SymphonyCluster"), weaveNetwork(ctx)
		weaveIs(ctx, metav1.ConditionFalse, "PeersFailed", "1 of 3 pairs is not connected")
		w.restartOperator()
		w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotReady)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotReady)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, metav1.ConditionTrue, "")
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())
		hosts := w.computeUIDs(ctx, "prod")
		w.kubectl("scale", "symphonycluster/prod", "--replicas=4")
		Eventually(func() []string { return w.computeUIDs(ctx, "prod") }).Should(And(HaveLen(4), ContainElements(hosts)))
		Expect(api.Delete(ctx, w.computeSet(ctx, "prod"))).To(Succeed())
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, metav1.ConditionTrue, "")
		Eventually(func(g Gomega) {
			again := w.computeUIDs(ctx, "prod")
			g.Expect(again).To(HaveLen(4))
			g.Expect(again).NotTo(ContainElements(hosts))
		}).Should(Succeed())

		By("having it back")
		weaveIs(ctx, metav1.ConditionTrue, "AllGood", "all is well")
		// Nothing waits for it any more, so it is looked at once a minute: another operator does not wait for that.
		w.restartOperator()
		w.waitReady(ctx, "prod")
		w.waitSound(ctx, "prod", 4)

		By("deleting the cluster")
		w.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		Eventually(func() []string { return w.childNames(ctx) }).Should(BeEmpty())
		Expect(weaveNetwork(ctx).UID).To(Equal(weave.UID))
		Expect(weaveNetwork(ctx).DeletionTimestamp).To(BeNil())
		for _, entry := range weaveNetwork(ctx).ManagedFields {
			Expect(entry.Manager).NotTo(Equal(names.FieldManager), "nothing of it is the operator's")
		}
	})

	It("is measured when Weave is Ready, not before", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.create(ctx, "prod", network(v1alpha1.NetworkSpec{Mode: v1alpha1.NetworkWeave, Check: true}))
		w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotInstalled)
		w.hasNo(ctx, "prod-network", &v1alpha1.NetworkCheck{})
		newWeave(ctx)
		weaveIs(ctx, metav1.ConditionTrue, "AllGood", "all is well")
		w.waitReady(ctx, "prod")
		Expect(w.waitNetwork(ctx, metav1.ConditionTrue, "")).To(HavePrefix("the WeaveNetwork default is Ready; NetworkCheck prod-network: 2 of 2 pairs passed"))
	})
})

var _ = Describe("A cluster whose network is measured first", func() {
	It("gets compute hosts when the check has passed, and keeps it as a record", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.Starting)
		w.kubelet.When(kubelet.Role(names.Master), kubelet.Creating)
		cluster := w.create(ctx, "prod", replicas(2), measured, computeOverlay(`{"spec":{"tolerations":[{"key":"grid","operator":"Exists"}],
			"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
				{"matchFields":[{"key":"metadata.name","operator":"In","values":["node-1"]}]},
				{"matchFields":[{"key":"metadata.name","operator":"In","values":["node-2"]}]}]}}}}}`),
			func(c *v1alpha1.SymphonyCluster) {
				c.Spec.ImagePullSecrets = []v1alpha1.LocalSecretReference{{Name: "registry"}}
			})

		By("measuring where compute pods may run, while the master starts")
		check := w.networkCheck(ctx)
		Expect(check.OwnerReferences).To(Equal([]metav1.OwnerReference{{
			APIVersion: "symphony-operator.io/v1alpha1", Kind: "SymphonyCluster", Name: "prod", UID: cluster.UID, Controller: new(true),
		}}))
		Expect(check.Labels).To(Equal(names.Labels("prod", names.Network)))
		only := func(node string) corev1.NodeSelectorTerm {
			return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{{
				Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{node},
			}}}
		}
		Expect(check.Spec).To(Equal(v1alpha1.NetworkCheckSpec{
			ImagePullSecrets: []v1alpha1.LocalSecretReference{{Name: "registry"}},
			Placement: v1alpha1.NetworkCheckPlacement{
				Tolerations: []corev1.Toleration{{Key: "grid", Operator: corev1.TolerationOpExists}},
				NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
					NodeSelectorTerms: []corev1.NodeSelectorTerm{only("node-1"), only("node-2")},
				}},
			},
		}))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonMasterPending)
		Eventually(func() string { return w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonNetworkCheckRunning) }).
			Should(Equal("NetworkCheck prod-network: 0 of 2 pairs are measured"))
		w.kubelet.When(kubelet.Role(names.Master), kubelet.Running)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNetworkCheckRunning)
		w.hasNo(ctx, "prod-compute", &appsv1.ReplicaSet{})

		By("passing")
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.waitReady(ctx, "prod")
		w.waitSound(ctx, "prod", 2)
		Expect(w.waitNetwork(ctx, metav1.ConditionTrue, "")).To(HavePrefix("NetworkCheck prod-network: 2 of 2 pairs passed: TCP at least 941 Mbit/s"))

		By("writing nothing at rest, nor after a restart")
		before := w.settle(ctx)
		asked := w.console.asked()
		w.restartOperator()
		Eventually(w.console.asked).Should(BeNumerically(">", asked), "a pass asks the console")
		Consistently(w.operator.writes.Writes).Should(BeEmpty())
		Expect(w.settle(ctx).Touched(before)).To(BeEmpty())

		By("deleting the record, which changes nothing but a message")
		w.kubectl("delete", "networkcheck/prod-network")
		Eventually(func() string { return w.waitNetwork(ctx, metav1.ConditionTrue, "") }).
			Should(Equal("compute pods were created before, so nothing is measured any more"))
		w.hasNo(ctx, "prod-network", &v1alpha1.NetworkCheck{})
		w.waitReady(ctx, "prod")
	})

	It("gets none when it failed, until it is measured again", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), failing)
		w.create(ctx, "prod", measured)
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckFailed)).To(And(
			ContainSubstring("mend the network and delete NetworkCheck prod-network to measure again, or set spec.network.check to false"),
			ContainSubstring("2 of 2 pairs failed; node-1 → node-2: UDP does not pass")))
		w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonNetworkCheckFailed)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionMasterReady, metav1.ConditionTrue, "")
		w.hasNo(ctx, "prod-compute", &appsv1.ReplicaSet{})
		first := w.networkCheck(ctx).UID

		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.kubectl("delete", "networkcheck/prod-network")
		w.waitReady(ctx, "prod")
		Expect(w.networkCheck(ctx).UID).NotTo(Equal(first))
		w.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		Eventually(func() bool { return w.maybe(ctx, "prod-network", &v1alpha1.NetworkCheck{}) }).Should(BeFalse())
	})

	It("gets none on other nodes than those that were measured", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.kubelet.When(kubelet.Role(names.Master), kubelet.Creating)
		w.create(ctx, "prod", measured)
		w.waitNetwork(ctx, metav1.ConditionTrue, v1alpha1.ReasonReady)
		first := w.networkCheck(ctx)

		By("wanting them elsewhere before the master runs")
		w.change(ctx, "prod", computeOverlay(`{"spec":{"tolerations":[{"key":"grid","operator":"Exists"}]}}`))
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckOutdated)).To(ContainSubstring(
			"measured for another placement: delete NetworkCheck prod-network to have it measured for the present one"))
		w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonNetworkCheckOutdated)
		w.kubelet.When(kubelet.Role(names.Master), kubelet.Running)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionMasterReady, metav1.ConditionTrue, "")
		w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckOutdated)
		w.hasNo(ctx, "prod-compute", &appsv1.ReplicaSet{})
		Expect(w.networkCheck(ctx).ResourceVersion).To(Equal(first.ResourceVersion))

		By("measuring there")
		w.kubectl("delete", "networkcheck/prod-network")
		w.waitReady(ctx, "prod")
		second := w.networkCheck(ctx)
		Expect(second.UID).NotTo(Equal(first.UID))
		Expect(second.Spec.Placement.Tolerations).To(HaveLen(1))
	})

	It("is not held up for good by a check of a mistyped placement", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.create(ctx, "prod", measured, computeOverlay(`{"spec":{"nodeSelector":{"pool":"gird"}}}`))
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckFailed)).To(ContainSubstring("spec.placement allows no node"))
		w.change(ctx, "prod", computeOverlay(`{"spec":{"nodeSelector":{},"affinity":{"nodeAffinity":{}}}}`))
		w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckOutdated)
		w.kubectl("delete", "networkcheck/prod-network")
		w.waitReady(ctx, "prod")
		w.waitSound(ctx, "prod", 1)
	})

	It("is not stalled by a check that failed while no compute hosts are wanted", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), failing)
		w.create(ctx, "prod", measured)
		w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckFailed)
		check := w.networkCheck(ctx)
		suspend := func(is bool) edit { return func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = is } }
		w.change(ctx, "prod", suspend(true))
		w.waitReady(ctx, "prod")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionStalled, "Absent", "")
		Expect(w.waitNetwork(ctx, metav1.ConditionUnknown, v1alpha1.ReasonNotMeasured)).To(ContainSubstring("what NetworkCheck prod-network says counts when some are"))

		w.change(ctx, "prod", suspend(false))
		w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckFailed)
		w.hasNo(ctx, "prod-compute", &appsv1.ReplicaSet{})
		Expect(w.networkCheck(ctx).UID).To(Equal(check.UID))
	})

	It("goes on without when nobody asks for it any more", func(ctx SpecContext) {
		w := newWorld(ctx)
		// No node has this label, so there is nothing to measure on.
		w.create(ctx, "prod", measured, computeOverlay(`{"spec":{"nodeSelector":{"pool":"grid"}}}`))
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonNetworkCheckFailed)).To(ContainSubstring("spec.placement allows no node"))
		check := w.networkCheck(ctx)
		Expect(check.Spec.Placement.NodeSelector).To(Equal(map[string]string{"pool": "grid"}))
		w.change(ctx, "prod", unasked)
		w.waitReady(ctx, "prod")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionNetworkReady, "Absent", "")

		By("asking again, too late for a check that failed to do harm")
		w.change(ctx, "prod", measured)
		w.waitReady(ctx, "prod")
		w.waitNetwork(ctx, metav1.ConditionTrue, v1alpha1.ReasonReady)
		Expect(w.networkCheck(ctx).UID).To(Equal(check.UID))
	})

	It("is measured when compute hosts are wanted for the first time", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.create(ctx, "prod", replicas(0), measured)
		w.waitReady(ctx, "prod")
		w.waitNetwork(ctx, metav1.ConditionUnknown, v1alpha1.ReasonNotMeasured)
		w.hasNo(ctx, "prod-network", &v1alpha1.NetworkCheck{})
		w.kubectl("scale", "symphonycluster/prod", "--replicas=2")
		w.waitNetwork(ctx, metav1.ConditionTrue, v1alpha1.ReasonReady)
		w.waitReady(ctx, "prod")
		w.waitSound(ctx, "prod", 2)
		w.networkCheck(ctx)
	})

	It("leaves somebody else's check of the name alone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.newCheck(ctx, "prod-network", v1alpha1.NetworkCheckSpec{})
		Eventually(func() bool {
			return meta.IsStatusConditionTrue(w.networkCheck(ctx).Status.Conditions, v1alpha1.ConditionComplete)
		}).Should(BeTrue())
		foreign := w.networkCheck(ctx)

		By("not being in its way before compute hosts are wanted")
		w.create(ctx, "prod", replicas(0), measured)
		w.waitReady(ctx, "prod")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionStalled, "Absent", "")
		w.waitNetwork(ctx, metav1.ConditionUnknown, v1alpha1.ReasonNotMeasured)

		By("being in its way then")
		w.change(ctx, "prod", replicas(1))
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonNameConflict)).To(ContainSubstring(`NetworkCheck "prod-network" exists and does not belong to this cluster`))
		w.hasNo(ctx, "prod-compute", &appsv1.ReplicaSet{})
		Expect(w.networkCheck(ctx).ResourceVersion).To(Equal(foreign.ResourceVersion))

		w.kubectl("delete", "networkcheck/prod-network")
		// No event tells; an edit has it looked at before the minute is over.
		w.change(ctx, "prod", replicas(2))
		w.waitReady(ctx, "prod")
		Expect(w.networkCheck(ctx).UID).NotTo(Equal(foreign.UID))
	})

	It("goes on with the check of a cluster that was deleted with --cascade=orphan", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.Starting)
		w.create(ctx, "prod", measured)
		Eventually(func() string { return w.waitNetwork(ctx, metav1.ConditionFalse, v1alpha1.ReasonNetworkCheckRunning) }).
			Should(ContainSubstring("0 of 2 pairs are measured"))
		check := w.networkCheck(ctx)
		w.kubectl("delete", "symphonycluster/prod", "--cascade=orphan", "--timeout=60s")
		Eventually(func() []metav1.OwnerReference { return w.networkCheck(ctx).OwnerReferences }).Should(BeEmpty())

		second := w.create(ctx, "prod", measured)
		Eventually(func() bool { return metav1.IsControlledBy(w.networkCheck(ctx), second) }).Should(BeTrue())
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.waitReady(ctx, "prod")
		Expect(w.networkCheck(ctx).UID).To(Equal(check.UID))
	})
})
