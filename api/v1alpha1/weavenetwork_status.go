// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WeaveNetworkStatus is the network that was last seen.
type WeaveNetworkStatus struct {
	// observedGeneration is the metadata.generation that this status is about; -1 before the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, Preflight, RoutersReady, IPAMReady, PeersConnected, HostsExposed and Degraded always; Reconciling
	// and Stalled while True. What was good must be bad for a minute before its condition says so.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// frozen is what was decided once, at the first install.
	// +optional
	Frozen WeaveFrozen `json:"frozen,omitzero"`

	// counted is how many nodes there are to run on, and since when, until Weave is installed.
	// +optional
	Counted *WeaveNodesCounted `json:"counted,omitempty"`

	// nodes counts nodes.
	// +optional
	Nodes WeaveNodeCounts `json:"nodes,omitzero"`

	// pairs counts pairs of nodes.
	// +optional
	Pairs WeavePairCounts `json:"pairs,omitzero"`

	// stalePeers are peers that Weave's bookkeeping has and that no node has any more.
	// +optional
	// +listType=map
	// +listMapKey=peerName
	StalePeers []WeaveStalePeer `json:"stalePeers,omitempty"`

	// problems are the nodes that something is wrong with, the worst first, at most 20: `kubectl get weavenodes` has them all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Problems []WeaveProblem `json:"problems,omitempty"`
}

// WeaveFrozen is what was decided once, at the first install.
type WeaveFrozen struct {
	// initialPeerCount is how many nodes had to agree.
	// +optional
	InitialPeerCount int32 `json:"initialPeerCount,omitempty"`
	// fastDatapath is Enabled or Disabled.
	// +optional
	FastDatapath WeaveFastDatapath `json:"fastDatapath,omitempty"`
}

// WeaveNodesCounted is how many nodes there are to run on, and since when.
type WeaveNodesCounted struct {
	// nodes is their number.
	// +optional
	Nodes int32 `json:"nodes"`
	// since is when it last changed.
	// +optional
	Since metav1.Time `json:"since,omitzero"`
}

// WeaveNodeCounts counts nodes.
type WeaveNodeCounts struct {
	// desired is how many nodes a router is to run on.
	// +optional
	Desired int32 `json:"desired"`
	// ready is how many routers are ready.
	// +optional
	Ready int32 `json:"ready"`
	// updated is how many routers have the wanted template.
	// +optional
	Updated int32 `json:"updated"`
	// reporting is how many nodes' agents run and have reported.
	// +optional
	Reporting int32 `json:"reporting"`
	// exposed is how many nodes have the overlay address that Weave means them to have.
	// +optional
	Exposed int32 `json:"exposed"`
}

// WeavePairCounts counts pairs of nodes.
type WeavePairCounts struct {
	// expected is how many pairs the reporting nodes make.
	// +optional
	Expected int32 `json:"expected"`
	// connected is how many pairs' both ends are connected.
	// +optional
	Connected int32 `json:"connected"`
	// sleeve is how many of these are not on the fast datapath.
	// +optional
	Sleeve int32 `json:"sleeve"`
}

// WeaveStalePeer is a peer without a node.
type WeaveStalePeer struct {
	// peerName is Weave's name of the peer, such as 02:00:00:00:00:01.
	// +required
	PeerName string `json:"peerName"`
	// nodeName is the node that it was.
	// +optional
	NodeName string `json:"nodeName,omitempty"`
	// since is when it was first seen without its node.
	// +optional
	Since metav1.Time `json:"since,omitzero"`
}

// WeaveProblem is what is wrong with a node.
type WeaveProblem struct {
	// node is its name.
	// +required
	Node string `json:"node"`
	// reason is what is wrong, in one word.
	// +required
	Reason string `json:"reason"`
	// message says more.
	// +optional
	Message string `json:"message,omitempty"`
}
