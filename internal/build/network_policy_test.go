// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

func guarded(clients ...networkingv1.NetworkPolicyPeer) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Policy = &v1alpha1.AccessPolicy{Clients: clients} }
}

// visitor is a pod of the namespace `grid` that opens a connection.
type visitor struct {
	labels   labels.Set
	protocol corev1.Protocol
	port     int
}

// admits reports whether a policy's rules let a pod of its own namespace in, as a pod network reads them.
func admits(t *testing.T, policy *networkingv1.NetworkPolicy, v visitor) bool {
	t.Helper()
	for _, rule := range policy.Spec.Ingress {
		byPort, byPeer := len(rule.Ports) == 0, len(rule.From) == 0
		for _, port := range rule.Ports {
			byPort = byPort || *port.Protocol == v.protocol && *port.Port == intstr.FromInt(v.port)
		}
		for _, peer := range rule.From {
			if peer.PodSelector == nil || peer.NamespaceSelector != nil {
				continue // another namespace, or an address
			}
			selector, err := metav1.LabelSelectorAsSelector(peer.PodSelector)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			byPeer = byPeer || selector.Matches(v.labels)
		}
		if byPort && byPeer {
			return true
		}
	}
	return false
}

func TestWhoReachesThePods(t *testing.T) {
	submitter := labels.Set{"app": "submit"}
	clients := []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: submitter}}}
	compute, master := labels.Set(names.Labels("prod", names.Compute)), labels.Set(names.Labels("prod", names.Master))
	other := labels.Set(names.Labels("test", names.Compute))
	image := labels.Set(names.Labels("prod", names.Image))
	tcp, udp := corev1.ProtocolTCP, corev1.ProtocolUDP
	for name, c := range map[string]struct {
		visitor         visitor
		master, compute bool
	}{
		"a compute pod, by LIM's heartbeats":      {visitor{compute, udp, 17869}, true, true},
		"a compute pod, by a port of a task":      {visitor{compute, tcp, 43211}, true, true},
		"the master, by LIM":                      {visitor{master, tcp, 17869}, true, true},
		"a client, by the session director":       {visitor{submitter, tcp, 17874}, true, false},
		"a client, by UDP":                        {visitor{submitter, udp, 17869}, true, false},
		"a browser":                               {visitor{nil, tcp, 8443}, true, false},
		"a browser, by UDP":                       {visitor{nil, udp, 8443}, false, false},
		"a stranger, by EGO's kernel":             {visitor{labels.Set{"app": "other"}, tcp, 17870}, false, false},
		"a host of another cluster":               {visitor{other, tcp, 17869}, false, false},
		"a pod that pulls images of this cluster": {visitor{image, tcp, 17869}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, guarded(clients...))
			g.Expect(admits(t, decoded[networkingv1.NetworkPolicy](t, children.MasterPolicy), c.visitor)).To(Equal(c.master), "to the master")
			g.Expect(admits(t, decoded[networkingv1.NetworkPolicy](t, children.ComputePolicy), c.visitor)).To(Equal(c.compute), "to compute pods")
		})
	}
}

// To Kubernetes a rule without peers and ports means everybody: without clients there must be no such rule.
func TestAPolicyWithoutClientsOpensNothing(t *testing.T) {
	g := NewWithT(t)
	children := buildFirst(t, guarded())
	stranger := visitor{labels.Set{"app": "other"}, corev1.ProtocolTCP, 17870}
	for _, built := range []any{children.MasterPolicy, children.ComputePolicy} {
		policy := decoded[networkingv1.NetworkPolicy](t, built)
		g.Expect(admits(t, policy, stranger)).To(BeFalse())
		g.Expect(policy.Spec.PolicyTypes).To(HaveExactElements(networkingv1.PolicyTypeIngress), "egress is nobody's business")
	}
}

func TestThePoliciesCoverTheClustersPodsAndNoOthers(t *testing.T) {
	g := NewWithT(t)
	children := buildFirst(t, guarded())
	for role, built := range map[string]any{names.Master: children.MasterPolicy, names.Compute: children.ComputePolicy} {
		policy := decoded[networkingv1.NetworkPolicy](t, built)
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		g.Expect(err).NotTo(HaveOccurred())
		for _, cluster := range []string{"prod", "test"} {
			for _, of := range []string{names.Master, names.Compute, names.Image} {
				g.Expect(selector.Matches(labels.Set(names.Labels(cluster, of)))).To(Equal(cluster == "prod" && of == role), "%s of %s", of, cluster)
			}
		}
	}
	for role, template := range map[string]map[string]string{
		names.Master: masterPod(t, children).Labels, names.Compute: computePod(t, children).Labels,
	} {
		g.Expect(template).To(HaveKeyWithValue(names.LabelRole, role), "what the policies select by is on the pods")
	}
}

func TestPoliciesAreThereWhileTheyAreAskedFor(t *testing.T) {
	there := func(name string) *networkingv1.NetworkPolicy {
		return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "there"}}
	}
	going := there("prod-master")
	going.DeletionTimestamp = new(metav1.Now())
	wait := &plan.Plan{Compute: plan.Compute{Verdict: plan.Wait}}
	for name, c := range map[string]struct {
		edits           []edit
		decided         *plan.Plan
		master, compute *networkingv1.NetworkPolicy
		wanted          bool
		obsolete        []string
	}{
		"asked for":                          {[]edit{guarded()}, follow(1), nil, nil, true, nil},
		"asked for, before there is a pod":   {[]edit{guarded()}, wait, nil, nil, true, nil},
		"asked for, while the master is out": {[]edit{guarded()}, hold(1), there("prod-master"), there("prod-compute"), true, nil},
		"not asked for":                      {nil, follow(1), nil, nil, false, nil},
		"not any more":                       {nil, follow(1), there("prod-master"), there("prod-compute"), false, []string{"prod-master", "prod-compute"}},
		"not any more, and one is going":     {nil, follow(1), going, there("prod-compute"), false, []string{"prod-compute"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildAll(t, &observe.Facts{Cluster: newCluster(c.edits...), MasterPolicy: c.master, ComputePolicy: c.compute}, c.decided)
			g.Expect(children.MasterPolicy != nil).To(Equal(c.wanted))
			g.Expect(children.ComputePolicy != nil).To(Equal(c.wanted))
			var obsolete []string
			for _, policy := range children.ObsoletePolicies {
				obsolete = append(obsolete, policy.Name)
			}
			g.Expect(obsolete).To(Equal(c.obsolete))
		})
	}
}

// It is about the network: no pod may be replaced for it.
func TestAPolicyIsNoPartOfARevision(t *testing.T) {
	g := NewWithT(t)
	before, after := buildFirst(t), buildFirst(t, guarded(networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24"}}))
	g.Expect(after.MasterRevision).To(Equal(before.MasterRevision))
	g.Expect(after.ComputeRevision).To(Equal(before.ComputeRevision))
}
