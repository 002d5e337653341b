// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// masterPolicy opens the master to its cluster's pods and to the clients that the user names, and its web console to everybody.
// The ports of clients are not counted up: where the session director and its managers listen is the product's configuration,
// which users change.
func masterPolicy(cluster *v1alpha1.SymphonyCluster) *networkingv1ac.NetworkPolicyApplyConfiguration {
	friends := networkingv1ac.NetworkPolicyIngressRule().WithFrom(ownPods(cluster))
	for i := range cluster.Spec.Network.Policy.Clients {
		friends.WithFrom(asApply[networkingv1ac.NetworkPolicyPeerApplyConfiguration](cluster.Spec.Network.Policy.Clients[i]))
	}
	return policy(cluster, names.MasterPolicyName(cluster.Name), names.Master, friends,
		networkingv1ac.NetworkPolicyIngressRule().WithPorts(networkingv1ac.NetworkPolicyPort().
			WithProtocol(corev1.ProtocolTCP).WithPort(intstr.FromInt32(guiPort))))
}

// computePolicy opens compute pods to their cluster's pods alone.
func computePolicy(cluster *v1alpha1.SymphonyCluster) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return policy(cluster, names.ComputePolicyName(cluster.Name), names.Compute,
		networkingv1ac.NetworkPolicyIngressRule().WithFrom(ownPods(cluster)))
}

// policy limits who may open connections to a role's pods. What the pods reach is not limited: work reads its data from where
// only its users know. Each rule must have peers or ports: to Kubernetes, none of either means everything.
func policy(
	cluster *v1alpha1.SymphonyCluster, name, role string, ingress ...*networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration,
) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkingv1ac.NetworkPolicy(name, cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, role)).
		WithOwnerReferences(ownedBy(cluster)).
		WithSpec(networkingv1ac.NetworkPolicySpec().
			WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(names.Selector(cluster.Name, role))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress).
			WithIngress(ingress...))
}

// ownPods are the master and the compute pods of this cluster, on every port: EGO's hosts talk to each other in both directions,
// by TCP and UDP, and tasks to their session manager on ports that are chosen at run time. Pods that pull images or measure
// the network talk to neither.
func ownPods(cluster *v1alpha1.SymphonyCluster) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	return networkingv1ac.NetworkPolicyPeer().WithPodSelector(metav1ac.LabelSelector().
		WithMatchLabels(map[string]string{names.LabelCluster: cluster.Name}).
		WithMatchExpressions(metav1ac.LabelSelectorRequirement().
			WithKey(names.LabelRole).WithOperator(metav1.LabelSelectorOpIn).WithValues(names.Compute, names.Master)))
}

// policies are there while the spec asks for one, whatever the plan is: a pod must not run before what protects it.
func (c *Children) policies(facts *observe.Facts) {
	if facts.Cluster.Spec.Network.Policy != nil {
		c.MasterPolicy, c.ComputePolicy = masterPolicy(facts.Cluster), computePolicy(facts.Cluster)
		return
	}
	for _, there := range []*networkingv1.NetworkPolicy{facts.MasterPolicy, facts.ComputePolicy} {
		if there != nil && there.DeletionTimestamp == nil {
			c.ObsoletePolicies = append(c.ObsoletePolicies, there)
		}
	}
}
