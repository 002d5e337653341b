// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkCheckStatus is what was measured.
type NetworkCheckStatus struct {
	// observedGeneration is the metadata.generation that this status is about; -1 before the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready (True when every pair has passed) and Complete (True when the check has ended, passed or
	// not) always; Reconciling while it runs, Stalled when it has failed.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// startTime is when the nodes were chosen.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// completionTime is when the last pair was measured, or the time was up.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// nodes are those that are measured: chosen once, at the start.
	// +optional
	// +listType=atomic
	Nodes []string `json:"nodes,omitempty"`

	// overlay are those of them with an address of their own on the overlay, if spec.hosts asks for it: read once, at the start.
	// +optional
	// +listType=map
	// +listMapKey=node
	Overlay []NetworkCheckOverlay `json:"overlay,omitempty"`

	// pairs counts the pairs.
	// +optional
	Pairs NetworkCheckCounts `json:"pairs,omitzero"`

	// summary is about all pairs; set at the end.
	// +optional
	Summary NetworkCheckSummary `json:"summary,omitzero"`

	// results are the pairs, the worst first, at most 64 of them; set at the end.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Results []PairResult `json:"results,omitempty"`
}

// NetworkCheckOverlay is a node's own address on the overlay.
type NetworkCheckOverlay struct {
	// node is its name.
	// +required
	Node string `json:"node"`
	// address is what its WeaveNode said, without the length of the prefix.
	// +required
	Address string `json:"address"`
}

// NetworkCheckCounts counts pairs.
type NetworkCheckCounts struct {
	// total is how many pairs there are to measure.
	// +optional
	Total int32 `json:"total"`
	// finished is how many were measured.
	// +optional
	Finished int32 `json:"finished"`
	// failed is how many of those did not pass.
	// +optional
	Failed int32 `json:"failed"`
}

// NetworkCheckSummary is about all pairs, as texts with their units.
type NetworkCheckSummary struct {
	// minTCP is the slowest pair's TCP rate at the receiver, such as `941 Mbit/s`.
	// +optional
	MinTCP string `json:"minTCP,omitempty"`
	// medianTCP is the median of all pairs' TCP rates.
	// +optional
	MedianTCP string `json:"medianTCP,omitempty"`
	// minUDP is the slowest pair's UDP rate at the receiver.
	// +optional
	MinUDP string `json:"minUDP,omitempty"`
	// maxUDPLoss is the highest share of packets that a pair lost, such as `0.12%`.
	// +optional
	MaxUDPLoss string `json:"maxUDPLoss,omitempty"`
	// maxUDPJitter is the highest jitter of a pair, such as `0.673 ms`.
	// +optional
	MaxUDPJitter string `json:"maxUDPJitter,omitempty"`
	// worstPair is the first of results, such as `node1 → node2`.
	// +optional
	WorstPair string `json:"worstPair,omitempty"`
}

// PairResult is what one pair of nodes measured.
type PairResult struct {
	// from is the node that sent.
	// +required
	From string `json:"from"`
	// to is the node that received.
	// +required
	To string `json:"to"`
	// tcp is absent when nothing went through.
	// +optional
	TCP *TCPResult `json:"tcp,omitempty"`
	// udp is absent when nothing went through.
	// +optional
	UDP *UDPResult `json:"udp,omitempty"`
	// host is TCP to the receiving node's own address on the overlay; absent when nothing went through or spec.hosts does not
	// ask for it, or the node has no such address.
	// +optional
	Host *TCPResult `json:"host,omitempty"`
	// reason is Passed, or why the pair did not pass, in one word: TCPBlocked, UDPBlocked, HostBlocked, TCPTooSlow, UDPLoss,
	// NotMeasured.
	// +optional
	Reason string `json:"reason,omitempty"`
	// message says more about a pair that did not pass.
	// +optional
	Message string `json:"message,omitempty"`
}

// TCPResult is a TCP stream as its receiver saw it.
type TCPResult struct {
	// megabitsPerSecond is the rate in 10^6 bits per second.
	// +optional
	MegabitsPerSecond int64 `json:"megabitsPerSecond"`
	// retransmits counts segments that were sent again.
	// +optional
	Retransmits int64 `json:"retransmits"`
}

// UDPResult is a UDP stream as its receiver saw it.
type UDPResult struct {
	// kilobitsPerSecond is the rate in 10^3 bits per second.
	// +optional
	KilobitsPerSecond int64 `json:"kilobitsPerSecond"`
	// packets counts those that were sent.
	// +optional
	Packets int64 `json:"packets"`
	// lost counts those that did not arrive.
	// +optional
	Lost int64 `json:"lost"`
	// jitterMicroseconds is how much the packets' travel times differed (RFC 1889), in 10^-6 seconds.
	// +optional
	JitterMicroseconds int64 `json:"jitterMicroseconds"`
}
