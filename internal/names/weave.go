// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package names

// Names of what belongs to Weave. Those of Weave's own are fixed: its programs and CNI plugins look for them.
const (
	// WeaveNetwork is the name of the only WeaveNetwork.
	WeaveNetwork = "default"
	// WeaveNamespace is where Weave, its Secret and the agents are.
	WeaveNamespace = "kube-system"
	// WeaveRouters is the name of Weave's DaemonSet, ServiceAccount and ConfigMap, and its LabelWeave.
	WeaveRouters = "weave-net"
	// WeaveAgents is the name of the agents' DaemonSet and its LabelWeave.
	WeaveAgents = "symphony-weave-agent"
	// WeaveFinalizer keeps a WeaveNetwork until its nodes are clean.
	WeaveFinalizer = "symphony-operator.io/clean-nodes"

	// RouterContainer, PolicyContainer and RouterInit are the containers of Weave's pods.
	RouterContainer = "weave"
	PolicyContainer = "weave-npc"
	RouterInit      = "weave-init"
	// AgentContainer is the agents'.
	AgentContainer = "agent"
)

// WeaveLabels are the labels of one of Weave's DaemonSets and its pods.
func WeaveLabels(name string) map[string]string {
	return map[string]string{LabelManagedBy: FieldManager, LabelName: "weave", LabelWeave: name}
}
