// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// RolledOut is the status of a DaemonSet of this generation with a pod on each node, all of them ready.
func RolledOut(generation int64) appsv1.DaemonSetStatus {
	count := int32(len(Nodes))
	return appsv1.DaemonSetStatus{
		ObservedGeneration: generation, DesiredNumberScheduled: count, CurrentNumberScheduled: count,
		UpdatedNumberScheduled: count, NumberReady: count, NumberAvailable: count,
	}
}

// AgentPod is the pod of Weave's agents on a node.
func AgentPod(node string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: names.WeaveNamespace, Name: names.WeaveAgents + "-" + node, Labels: map[string]string{names.LabelWeave: names.WeaveAgents},
		},
		Spec: corev1.PodSpec{NodeName: node, HostNetwork: true, Containers: []corev1.Container{{Name: names.AgentContainer, Image: "agent"}}},
	}
}

// AgentRuns is the status of an agent's pod that is ready.
func AgentRuns() corev1.PodStatus {
	return corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
}

// AgentArguments are what the agents of a DaemonSet are started with.
func AgentArguments(agents *appsv1.DaemonSet) map[string]string {
	arguments := map[string]string{}
	for _, argument := range agents.Spec.Template.Spec.Containers[0].Args {
		name, value, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
		arguments[name] = value
	}
	return arguments
}

// Connect has a node's router run, connected with the others since then, and the node have an address.
func Connect(node string, status *v1alpha1.WeaveNodeStatus, since metav1.Time) {
	peers := map[string]string{"node-1": "02:00:00:00:00:01", "node-2": "02:00:00:00:00:02"}
	addresses := map[string]string{"node-1": "10.32.0.1/12", "node-2": "10.40.0.0/12"}
	status.Router, status.PeerName = v1alpha1.RouterRunning, peers[node]
	status.Host.Links, status.Host.Ports = []string{"weave"}, []string{"tcp/6783", "tcp/6784", "udp/6783"}
	status.Overlay = v1alpha1.WeaveOverlay{Address: addresses[node], Claim: addresses[node], Since: since}
	status.IPAM = v1alpha1.WeaveIPAM{State: v1alpha1.IPAMReady, Range: "10.32.0.0/12", Owners: slices.Sorted(maps.Values(peers)), Since: since}
	for other, address := range Nodes {
		if other != node {
			status.Connections = append(status.Connections, v1alpha1.WeaveConnection{
				Address: address, Node: other, PeerName: peers[other], State: "established", Datapath: "sleeve", Since: since,
			})
		}
	}
}
