// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

var (
	now     = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	longAgo = metav1.NewTime(now.Add(-time.Hour))
	justNow = metav1.NewTime(now.Add(-5 * time.Second))
)

var installation = Settings{AgentImage: "symphony-operator:dev"}

// world is a cluster of nodes whose agents have reported, before Weave is there.
func world(nodes int) *observe.WeaveFacts {
	facts := &observe.WeaveFacts{
		Now: now,
		Network: &v1alpha1.WeaveNetwork{
			ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork, UID: "11111111-2222-3333-4444-555555555555", Generation: 1},
			Spec:       v1alpha1.WeaveNetworkSpec{ManagementPolicy: v1alpha1.WeaveManaged, IPRange: "10.32.0.0/12"},
		},
		LookedElsewhere: true,

		Reports:    map[string]*v1alpha1.WeaveNode{},
		RouterPods: map[string]*corev1.Pod{},
		AgentPods:  map[string]*corev1.Pod{},
	}
	for i := 1; i <= nodes; i++ {
		addNode(facts, i)
	}
	facts.Network.Status.Counted = &v1alpha1.WeaveNodesCounted{Nodes: int32(nodes), Since: longAgo}
	return facts
}

func addNode(facts *observe.WeaveFacts, i int) {
	name := fmt.Sprintf("node%d", i)
	facts.Nodes = append(facts.Nodes, observe.WeaveHostNode{
		Name: name, Address: fmt.Sprintf("192.0.2.%d", i), Created: longAgo.Time, Wanted: true,
	})
	facts.Reports[name] = &v1alpha1.WeaveNode{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: longAgo},
		Status: v1alpha1.WeaveNodeStatus{
			Agent: v1alpha1.AgentReport, AgentRevision: agentRevision(facts.Network, v1alpha1.AgentReport),
			Router: v1alpha1.RouterAbsent,
			Host:   v1alpha1.WeaveHost{Machine: fmt.Sprintf("machine%d", i)},
		},
	}
	facts.AgentPods[name] = readyPod(name)
}

func readyPod(node string) *corev1.Pod {
	return &corev1.Pod{
		Spec: corev1.PodSpec{NodeName: node},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

// installed is the same cluster with Weave on all of its nodes, and everything in order.
func installed(nodes int) *observe.WeaveFacts {
	facts := world(nodes)
	plan := Make(facts)
	facts.Routers = live(facts, &plan)
	facts.Bookkeeping = bookkeeping()
	var owners []string
	for i := 1; i <= nodes; i++ {
		owners = append(owners, fmt.Sprintf("02:00:00:00:00:%02d", i))
	}
	for i := 1; i <= nodes; i++ {
		name := fmt.Sprintf("node%d", i)
		report := &facts.Reports[name].Status
		report.Router, report.PeerName, report.Version = v1alpha1.RouterRunning, owners[i-1], "2.9.0"
		address := fmt.Sprintf("10.%d.0.1/12", 31+i)
		report.Overlay = v1alpha1.WeaveOverlay{Address: address, Claim: address, Since: longAgo}
		report.IPAM = v1alpha1.WeaveIPAM{State: v1alpha1.IPAMReady, Range: "10.32.0.0/12", Owners: owners, Since: longAgo}
		report.Host.Links, report.Host.Ports = []string{"weave"}, []string{"tcp/6783"}
		for j := 1; j <= nodes; j++ {
			if j != i {
				report.Connections = append(report.Connections, v1alpha1.WeaveConnection{
					Address: fmt.Sprintf("192.0.2.%d", j), Node: fmt.Sprintf("node%d", j), PeerName: owners[j-1],
					State: established, Datapath: "sleeve", Since: longAgo,
				})
			}
		}
		facts.RouterPods[name] = readyPod(name)
		facts.RouterPods[name].Labels = facts.Routers.Spec.Template.Labels
	}
	return facts
}

// live is what the API server and the controller manager make of the routers' DaemonSet.
func live(facts *observe.WeaveFacts, plan *Plan) *appsv1.DaemonSet {
	wanted, err := Routers(facts, plan, installation)
	if err != nil || wanted == nil {
		panic(fmt.Sprintf("no routers: %v", err))
	}
	data, err := json.Marshal(wanted)
	if err != nil {
		panic(err)
	}
	set := &appsv1.DaemonSet{}
	if err := json.Unmarshal(data, set); err != nil {
		panic(err)
	}
	count := int32(len(facts.Nodes))
	set.UID, set.Generation = "routers", 1
	set.Status = appsv1.DaemonSetStatus{
		ObservedGeneration: 1, DesiredNumberScheduled: count, CurrentNumberScheduled: count,
		UpdatedNumberScheduled: count, NumberReady: count, NumberAvailable: count,
	}
	return set
}

func bookkeeping(more ...peer) *corev1.ConfigMap {
	data, err := json.Marshal(map[string]any{"Peers": more})
	if err != nil {
		panic(err)
	}
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: names.WeaveRouters, Namespace: names.WeaveNamespace, Annotations: map[string]string{annotationPeers: string(data)},
	}}
}

// between gives access to what a node says of its connection to another.
func between(facts *observe.WeaveFacts, from, to string) *v1alpha1.WeaveConnection {
	connections := facts.Reports[from].Status.Connections
	for i := range connections {
		if connections[i].Node == to {
			return &connections[i]
		}
	}
	panic(from + " says nothing of " + to)
}

// sayBefore has the WeaveNetwork carry the status that it had when everything was in order.
func sayBefore(facts *observe.WeaveFacts) {
	good := installed(len(facts.Nodes))
	plan := Make(good)
	facts.Network.Status, _ = Status(good, &plan, nil)
	for i := range facts.Network.Status.Conditions {
		facts.Network.Status.Conditions[i].LastTransitionTime = longAgo
	}
}

func condition(status *v1alpha1.WeaveNetworkStatus, kind string) metav1.Condition {
	if found := meta.FindStatusCondition(status.Conditions, kind); found != nil {
		return *found
	}
	return metav1.Condition{Type: kind, Reason: "absent"}
}
