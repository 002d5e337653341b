// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// WeaveWorld is what the operator finds of Weave in pass after pass: what it has installed or somebody else has, nodes that
// come, go and are lost, agents that report anything.
type WeaveWorld struct {
	// Network is the object as it is now, with the status of the last pass.
	Network *v1alpha1.WeaveNetwork

	source          *Source
	now             time.Time
	routers, agents *appsv1.DaemonSet
	bookkeeping     *corev1.ConfigMap
	// nodes is how many there are most of the time; calm ones have nothing that speaks against Weave.
	nodes int
	calm  bool
}

// WeaveWorld begins with a new WeaveNetwork.
func (s *Source) WeaveWorld() *WeaveWorld {
	return &WeaveWorld{
		Network: s.WeaveNetwork(), source: s, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), nodes: s.random.Intn(4), calm: !s.one(4),
	}
}

// Facts are what the next pass sees.
func (w *WeaveWorld) Facts() *observe.WeaveFacts {
	s := w.source
	w.now = w.now.Add(oneOf(s, time.Second, time.Minute, time.Hour))
	facts := &observe.WeaveFacts{
		Network: w.Network, Now: w.now, Reports: map[string]*v1alpha1.WeaveNode{}, RouterPods: map[string]*corev1.Pod{},
		AgentPods: map[string]*corev1.Pod{}, NoServiceAccount: !w.calm && s.one(4), LookedElsewhere: w.calm || s.one(2), Bookkeeping: w.bookkeeping,
	}
	facts.Routers, facts.Agents = w.rolledOut(w.routers), w.rolledOut(w.agents)
	if facts.Routers == nil && !w.calm && s.one(4) {
		facts.Routers = &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: names.WeaveRouters, Namespace: names.WeaveNamespace, UID: "foreign"}}
	}
	if !w.calm && s.one(4) {
		facts.Elsewhere = []observe.Sign{{Kind: oneOf(s, observe.SignPods, "DaemonSet"), Name: "kube-system/kindnet"}}
	}
	for i := range oneOf(s, w.nodes, w.nodes, w.nodes, 0, 3) {
		w.node(facts, fmt.Sprintf("node%d", i+1), i+1)
	}
	if w.Network.DeletionTimestamp == nil && (w.routers != nil && s.one(3) || s.one(30)) {
		w.Network = w.Network.DeepCopy()
		w.Network.DeletionTimestamp = new(metav1.NewTime(w.now))
		facts.Network = w.Network
	}
	return facts
}

func (w *WeaveWorld) rolledOut(set *appsv1.DaemonSet) *appsv1.DaemonSet {
	if set == nil || w.source.one(12) {
		return nil
	}
	set = set.DeepCopy()
	set.Generation = 1
	set.Status = appsv1.DaemonSetStatus{
		ObservedGeneration: int64(w.source.random.Intn(2)), DesiredNumberScheduled: int32(w.source.random.Intn(4)),
		CurrentNumberScheduled: int32(w.source.random.Intn(4)), NumberReady: int32(w.source.random.Intn(4)),
	}
	return set
}

func (w *WeaveWorld) node(facts *observe.WeaveFacts, name string, number int) {
	s := w.source
	facts.Nodes = append(facts.Nodes, observe.WeaveHostNode{
		Name: name, Address: fmt.Sprintf("192.0.2.%d", number), Created: w.now.Add(-time.Hour), Wanted: !s.one(6), Lost: s.one(6),
		Network: oneOf(s, "", "WeaveIsUp"),
	})
	if !w.calm {
		facts.Nodes[len(facts.Nodes)-1].Network = "CalicoIsUp"
	}
	for _, pods := range []struct {
		of  map[string]*corev1.Pod
		set *appsv1.DaemonSet
	}{{facts.RouterPods, facts.Routers}, {facts.AgentPods, facts.Agents}} {
		if pods.set == nil || s.one(5) {
			continue
		}
		created := metav1.NewTime(w.now.Add(-oneOf(s, time.Second, time.Hour)))
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: pods.set.Name + "-" + name, CreationTimestamp: created, Labels: pods.set.Spec.Template.Labels}}
		s.state(pod, created)
		if w.calm && s.one(2) {
			pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
		}
		pods.of[name] = pod
	}
	if !s.one(4) {
		facts.Reports[name] = w.report(facts, name, number)
	}
}

// report is what an agent says of its node: mostly for the task that is asked for, which is its revision.
func (w *WeaveWorld) report(facts *observe.WeaveFacts, name string, number int) *v1alpha1.WeaveNode {
	s := w.source
	since := metav1.NewTime(w.now.Add(-oneOf(s, time.Second, time.Hour, -time.Hour)))
	address := func(i int) string { return fmt.Sprintf("10.%d.0.1/12", 32+i) }
	peer := func(i int) string { return fmt.Sprintf("02:00:00:00:00:%02d", i) }
	node := &v1alpha1.WeaveNode{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-of-" + name), CreationTimestamp: metav1.NewTime(w.now.Add(-time.Minute))}}
	status := &node.Status
	status.Agent = oneOf(s, v1alpha1.AgentReport, v1alpha1.AgentLeave, v1alpha1.AgentClean)
	status.AgentRevision = oneOf(s, w.agentRevision(facts), "older")
	status.Router = oneOf(s, v1alpha1.RouterRunning, v1alpha1.RouterAbsent, "")
	status.PeerName = oneOf(s, "", peer(number), peer(number), peer(1))
	status.Overlay = v1alpha1.WeaveOverlay{Address: oneOf(s, "", address(number), address(1), "x"), Claim: oneOf(s, "", address(number)), Since: since}
	status.IPAM = v1alpha1.WeaveIPAM{
		State: oneOf(s, v1alpha1.IPAMIdle, v1alpha1.IPAMAwaitingConsensus, v1alpha1.IPAMReady), Since: since,
		Range: oneOf(s, "", w.Network.Spec.IPRange, "10.0.0.0/8"), Owners: oneOf(s, nil, []string{peer(1), peer(2), peer(3)}, []string{peer(number)}),
		Unreachable: oneOf(s, nil, []string{peer(9)}), Quorum: 2, KnownNodes: int32(s.random.Intn(4)),
	}
	for i := 1; i <= 3; i++ {
		if i != number && !s.one(4) {
			status.Connections = append(status.Connections, v1alpha1.WeaveConnection{
				Address: fmt.Sprintf("192.0.2.%d", i), Node: oneOf(s, "", fmt.Sprintf("node%d", i)), PeerName: oneOf(s, "", peer(i)), Since: since,
				State: oneOf(s, "established", "established", "pending", "failed", "x"), Datapath: oneOf(s, "", "sleeve", "fastdp"),
				Message: oneOf(s, "", "Incompatible IP allocation ranges", "peer names collision", s.noise()),
			})
		}
	}
	status.Host = v1alpha1.WeaveHost{
		Machine: oneOf(s, "", "m1", name), CNIFiles: oneOf(s, nil, []string{"10-other.conflist"}), OpenVSwitch: s.one(2), Missing: oneOf(s, nil, []string{"br_netfilter"}),
		Routes: oneOf(s, nil, []string{"10.33.0.0/16"}), Ports: oneOf(s, nil, []string{"tcp/6783"}), Links: oneOf(s, nil, []string{"weave"}),
		Password: oneOf(s, "", v1alpha1.SecretMissing),
	}
	if w.calm {
		status.Host = v1alpha1.WeaveHost{Machine: name, OpenVSwitch: s.one(2)}
		status.AgentRevision = w.agentRevision(facts)
	}
	if s.one(2) {
		status.Cleanup = &v1alpha1.WeaveCleanup{State: oneOf(s, v1alpha1.CleanupLeft, v1alpha1.CleanupCleaned, "Failed"), Message: s.noise()}
	}
	return node
}

// agentRevision is the one that the agents that run were given.
func (w *WeaveWorld) agentRevision(facts *observe.WeaveFacts) string {
	const flag = "--revision="
	if facts.Agents == nil || len(facts.Agents.Spec.Template.Spec.Containers) == 0 {
		return "none"
	}
	for _, argument := range facts.Agents.Spec.Template.Spec.Containers[0].Args {
		if len(argument) > len(flag) && argument[:len(flag)] == flag {
			return argument[len(flag):]
		}
	}
	return "none"
}

// Keep has the API server keep what a pass has built, and its status.
func (w *WeaveWorld) Keep(
	agents *appsv1ac.DaemonSetApplyConfiguration, bookkeeping *corev1.ConfigMap, routers *appsv1ac.DaemonSetApplyConfiguration,
	finalizer bool, after *v1alpha1.WeaveNetworkStatus,
) {
	w.Network = w.Network.DeepCopy()
	w.Network.Status = *after
	w.Network.Finalizers = nil
	if finalizer {
		w.Network.Finalizers = []string{names.WeaveFinalizer}
	}
	keep(&w.agents, agents)
	keep(&w.routers, routers)
	if bookkeeping != nil {
		w.bookkeeping = bookkeeping.DeepCopy()
		w.bookkeeping.Annotations = map[string]string{"kube-peers.weave.works/peers": oneOf(w.source,
			`{"Peers":[{"PeerName":"02:00:00:00:00:01","NodeName":"node1"},{"PeerName":"02:00:00:00:00:07","NodeName":"gone"}]}`, "x")}
	}
}

// Edit has the user replace the spec, or leave it.
func (w *WeaveWorld) Edit() {
	if !w.source.one(3) {
		return
	}
	w.Network = w.Network.DeepCopy()
	w.Network.Generation++
	w.source.filler.Fill(&w.Network.Spec)
}
