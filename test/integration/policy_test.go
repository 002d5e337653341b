// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

func guarded(clients ...networkingv1.NetworkPolicyPeer) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Policy = &v1alpha1.AccessPolicy{Clients: clients} }
}

func fromAddress(cidr string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}}
}

// clients are whom the master's policy lets in beside the cluster's own pods.
func (w *world) clients(ctx context.Context, g Gomega) []networkingv1.NetworkPolicyPeer {
	policy := &networkingv1.NetworkPolicy{}
	g.Expect(api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: "prod-master"}, policy)).To(Succeed())
	g.Expect(policy.Spec.Ingress).To(HaveLen(2))
	g.Expect(policy.Spec.Ingress[0].From).NotTo(BeEmpty(), "everybody")
	return policy.Spec.Ingress[0].From[1:]
}

var _ = Describe("Who may reach a cluster's pods", func() {
	It("is limited as long as the spec asks for it, and no pod is touched for it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		Expect(w.maybe(ctx, "prod-master", &networkingv1.NetworkPolicy{})).To(BeFalse(), "nobody asked for it")
		untouched := w.settle(ctx).Without("SymphonyCluster").Without("NetworkPolicy")

		By("asking for it")
		w.change(ctx, "prod", guarded())
		Eventually(func(g Gomega) { g.Expect(w.clients(ctx, g)).To(BeEmpty()) }).Should(Succeed())
		cluster := w.cluster(ctx, "prod")
		master, compute := get[networkingv1.NetworkPolicy](ctx, w, "prod-master"), get[networkingv1.NetworkPolicy](ctx, w, "prod-compute")
		expectChild(cluster, master)
		expectChild(cluster, compute)
		Expect(master.Spec.PodSelector.MatchLabels).To(Equal(names.Selector("prod", names.Master)))
		Expect(compute.Spec.PodSelector.MatchLabels).To(Equal(names.Selector("prod", names.Compute)))

		By("naming clients, others, and none")
		for _, clients := range [][]networkingv1.NetworkPolicyPeer{
			{{PodSelector: &metav1.LabelSelector{}}, {PodSelector: &metav1.LabelSelector{}, NamespaceSelector: &metav1.LabelSelector{}}},
			{fromAddress("192.0.2.0/24")},
			nil,
		} {
			w.change(ctx, "prod", guarded(clients...))
			Eventually(func(g Gomega) { g.Expect(w.clients(ctx, g)).To(ConsistOf(asAny(clients)...)) }).Should(Succeed())
		}
		Expect(get[networkingv1.NetworkPolicy](ctx, w, "prod-master").UID).To(Equal(master.UID))

		By("not asking for it any more")
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Policy = nil })
		for _, name := range []string{"prod-master", "prod-compute"} {
			Eventually(func() bool { return w.maybe(ctx, name, &networkingv1.NetworkPolicy{}) }).Should(BeFalse())
		}
		w.waitReady(ctx, "prod")
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(untouched)).To(BeEmpty())
	})

	It("is put right when somebody deletes or changes it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(1), guarded(fromAddress("192.0.2.0/24")))
		for _, name := range []string{"prod-master", "prod-compute"} {
			policy := get[networkingv1.NetworkPolicy](ctx, w, name)
			before := policy.Spec
			Expect(api.Delete(ctx, policy)).To(Succeed())
			Eventually(func(g Gomega) {
				again := &networkingv1.NetworkPolicy{}
				g.Expect(api.Get(ctx, client.ObjectKeyFromObject(policy), again)).To(Succeed())
				g.Expect(again.UID).NotTo(Equal(policy.UID))
				g.Expect(again.Spec).To(Equal(before))
			}).Should(Succeed())

			By("opening it to everybody by hand")
			w.kubectl("patch", "networkpolicy/"+name, "--type=merge", "-p", `{"spec":{"ingress":[{}]}}`)
			Eventually(func() networkingv1.NetworkPolicySpec { return get[networkingv1.NetworkPolicy](ctx, w, name).Spec }).Should(Equal(before))
		}
	})

	It("leaves somebody else's policy of that name alone, and starts nothing without its own", func(ctx SpecContext) {
		w := newWorld(ctx)
		foreign := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "prod-master"}}
		Expect(api.Create(ctx, foreign)).To(Succeed())
		w.create(ctx, "prod", guarded())
		message := w.waitStalled(ctx, "prod", v1alpha1.ReasonNameConflict)
		Expect(message).To(ContainSubstring(`NetworkPolicy "prod-master" exists and does not belong to this cluster: delete or rename it`))
		Expect(w.settle(ctx)).NotTo(HaveKey("Deployment prod-master"), "nobody would keep strangers from it")
		again := get[networkingv1.NetworkPolicy](ctx, w, "prod-master")
		Expect(again.ResourceVersion).To(Equal(foreign.ResourceVersion))

		By("not caring about it when none is asked for")
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Policy = nil })
		w.waitReady(ctx, "prod")
		Expect(get[networkingv1.NetworkPolicy](ctx, w, "prod-master").UID).To(Equal(foreign.UID))

		By("going on as it runs when it is asked for again")
		running := w.settle(ctx).Without("SymphonyCluster").Without("NetworkPolicy")
		w.change(ctx, "prod", guarded())
		w.waitStalled(ctx, "prod", v1alpha1.ReasonNameConflict)
		Expect(w.settle(ctx).Without("SymphonyCluster").Without("NetworkPolicy").Touched(running)).To(BeEmpty())

		By("recovering when it is gone")
		Expect(api.Delete(ctx, again)).To(Succeed())
		w.change(ctx, "prod", replicas(2))
		w.waitReady(ctx, "prod")
		expectChild(w.cluster(ctx, "prod"), get[networkingv1.NetworkPolicy](ctx, w, "prod-master"))
	})

	It("stays as it was while the API server rejects the clients that are wanted", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2), guarded(fromAddress("192.0.2.0/24")))
		before := w.settle(ctx).Without("SymphonyCluster")
		w.change(ctx, "prod", guarded(fromAddress("192.0.2.0")))
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonRejected)).To(ContainSubstring(
			`the API server rejects NetworkPolicy "prod-master": spec.ingress[0].from[1].ipBlock.cidr`))
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())

		By("scaling all the same")
		w.change(ctx, "prod", replicas(3))
		Eventually(func() []string { return w.computeUIDs(ctx, "prod") }).Should(HaveLen(3))
		w.change(ctx, "prod", guarded(fromAddress("198.51.100.0/24")))
		w.waitReady(ctx, "prod")
		Eventually(func(g Gomega) { g.Expect(w.clients(ctx, g)).To(ConsistOf(fromAddress("198.51.100.0/24"))) }).Should(Succeed())
	})
})

func asAny[T any](all []T) []any {
	converted := make([]any, 0, len(all))
	for _, one := range all {
		converted = append(converted, one)
	}
	return converted
}
