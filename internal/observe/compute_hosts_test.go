// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func hostsList(shard int, text string) *corev1.ConfigMap {
	list := owned(&corev1.ConfigMap{}, names.ComputeHostsName("prod", shard), names.Compute, "SymphonyCluster", "prod", "now")
	list.Data = map[string]string{names.HostsKey: text}
	return list
}

// computeHost is the compute set and a pod of it that has an address.
func computeHost() []client.Object {
	pod := owned(&corev1.Pod{}, "prod-compute-a", names.Compute, "ReplicaSet", "prod-compute", "uid-prod-compute")
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.32.0.7"}
	return []client.Object{owned(&appsv1.ReplicaSet{}, "prod-compute", names.Compute, "SymphonyCluster", "prod", "now"), pod}
}

func TestTheListsOfComputeHostsAreSeenByNumber(t *testing.T) {
	g := NewWithT(t)
	facts := see(t, []client.Object{hostsList(0, "a"), hostsList(2, "c")}, nil)
	g.Expect(facts.ComputeHosts[0].Name).To(Equal("prod-compute-hosts-0"))
	g.Expect(facts.ComputeHosts[1]).To(BeNil())
	g.Expect(facts.ComputeHosts[2].Name).To(Equal("prod-compute-hosts-2"))
	g.Expect(facts.UID(observe.ChildKey{Kind: "ConfigMap", Name: "prod-compute-hosts-2"})).To(BeEquivalentTo("uid-prod-compute-hosts-2"))
}

func TestAListThatIsNeededIsFoundTakenOrUnseen(t *testing.T) {
	g := NewWithT(t)
	key := observe.ChildKey{Kind: "ConfigMap", Name: "prod-compute-hosts-0"}
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: key.Name}}
	g.Expect(see(t, computeHost(), []client.Object{foreign}).Taken).To(HaveExactElements(observe.TakenName{ChildKey: key}))
	g.Expect(see(t, computeHost(), []client.Object{hostsList(0, "")}).UID(key)).NotTo(BeEmpty())
	g.Expect(see(t, nil, []client.Object{foreign}).Taken).To(BeEmpty(), "without hosts no list is needed")

	earlier := hostsList(0, "")
	earlier.OwnerReferences[0].UID = "earlier"
	g.Expect(see(t, append(computeHost(), earlier), nil).Taken).To(HaveExactElements(observe.TakenName{ChildKey: key, Leaving: true}), "once")
}

// All of a cluster's hosts come within seconds, each with a pass.
func TestTheAPIServerIsNotAskedAboutTheFirstListWhileItWaits(t *testing.T) {
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-compute-hosts-0"}}
	for name, c := range map[string]struct {
		age   time.Duration
		lists []client.Object
		asked bool
	}{
		"a new ReplicaSet":            {0, nil, false},
		"almost due":                  {9 * time.Second, nil, false},
		"due":                         {10 * time.Second, nil, true},
		"of a clock that is ahead":    {-time.Second, nil, true},
		"there is another list, also": {0, []client.Object{hostsList(1, "10.32.0.8 prod-compute-b\n")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			cached := append(computeHost(), c.lists...)
			cached[0].SetCreationTimestamp(metav1.NewTime(noon.Add(-c.age)))
			cluster := prod()
			cluster.Spec.Compute.Replicas = new(int32(2)) // One of them has an address.
			g.Expect(seeOf(t, cluster, cached, []client.Object{foreign}).Taken).To(HaveLen(map[bool]int{true: 1}[c.asked]))
		})
	}
}

// In every pass of every cluster it would be load for nothing.
func TestTheAPIServerIsNotAskedAboutListsThatAreNotNeeded(t *testing.T) {
	g := NewWithT(t)
	all := append(computeHost(), hostsList(0, "10.32.0.7 prod-compute-a\n"))
	for _, child := range childKinds {
		if child.key.Kind != "ReplicaSet" {
			all = append(all, owned(child.make(), child.key.Name, names.Master, "SymphonyCluster", "prod", "now"))
		}
	}
	observer := &observe.Observer{
		Cache:    fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(all...).Build(),
		Live:     refusing(func(client.Object) bool { return true }),
		Clock:    clocktesting.NewFakePassiveClock(noon),
		Consoles: silent{}, EGO: silent{},
	}
	_, err := observer.Observe(t.Context(), prod())
	g.Expect(err).NotTo(HaveOccurred())
}

// Without it people would be told to delete what stands in nobody's way.
func TestAChildThatIsNotWantedIsSeenOnlyIfItIsOurs(t *testing.T) {
	cluster := prod()
	cluster.Spec.Compute.ScaleIn.Policy, cluster.Spec.Network.Policy = v1alpha1.Immediate, nil
	look := func(t *testing.T, cached, live client.Object) *observe.Facts {
		t.Helper()
		return seeOf(t, cluster, []client.Object{cached}, []client.Object{live})
	}
	other := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "any"}}
	for name, c := range map[string]struct {
		own, foreign client.Object
		called       string
		seen         func(*observe.Facts) bool
	}{
		"budget": {
			&policyv1.PodDisruptionBudget{}, &policyv1.PodDisruptionBudget{}, "prod-compute", func(f *observe.Facts) bool { return f.ComputeBudget != nil },
		},
		"master's policy": {
			&networkingv1.NetworkPolicy{}, &networkingv1.NetworkPolicy{}, "prod-master", func(f *observe.Facts) bool { return f.MasterPolicy != nil },
		},
		"policy of compute pods": {
			&networkingv1.NetworkPolicy{}, &networkingv1.NetworkPolicy{}, "prod-compute", func(f *observe.Facts) bool { return f.ComputePolicy != nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			own := owned(c.own, c.called, names.Compute, "SymphonyCluster", "prod", "now")
			g.Expect(c.seen(look(t, own, other))).To(BeTrue())
			c.foreign.SetNamespace("grid")
			c.foreign.SetName(c.called)
			facts := look(t, other, c.foreign)
			g.Expect(c.seen(facts)).To(BeFalse())
			g.Expect(facts.Taken).To(BeEmpty())
		})
	}
}

// A number that goes up and down by a few hosts must not move thousands of lines.
func TestTheNumberOfListsFollowsTheHosts(t *testing.T) {
	for _, c := range []struct {
		hosts, lists int
		want         int
	}{
		{0, 0, 0},
		{1, 0, 1},
		{10000, 0, 1},
		{10001, 0, 2},
		{10001, 1, 2},
		{9999, 2, 2},
		{8001, 2, 2},
		{8000, 2, 1},
		{0, 2, 1},
		{30000, 0, 3},
		{30001, 3, 4},
		{90000, 4, 4},
		{25000, 4, 4},
		{24000, 4, 3},
		{1, 4, 1},
	} {
		facts := &observe.Facts{}
		for i := range c.lists {
			facts.ComputeHosts[i] = hostsList(i, "text")
		}
		if c.lists < names.ComputeHostsShards {
			facts.ComputeHosts[c.lists] = hostsList(c.lists, "") // One that was emptied counts for nothing.
		}
		for range c.hosts {
			facts.ComputePods = append(facts.ComputePods, &corev1.Pod{Status: corev1.PodStatus{PodIP: "10.0.0.1"}})
		}
		facts.ComputePods = append(facts.ComputePods, &corev1.Pod{}, &corev1.Pod{Status: corev1.PodStatus{PodIP: "10.0.0.1", Phase: corev1.PodFailed}})
		NewWithT(t).Expect(facts.ComputeHostsShards()).To(Equal(c.want), "%d hosts in %d lists", c.hosts, c.lists)
	}
}
