// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkCheck measures TCP and UDP between pods on different nodes, with iperf3, over whatever pod network there
// is: EGO's hosts join by TCP and send their heartbeats by UDP, and some networks pass the one and not the other.
// It runs once, like a Job, and cannot be changed: delete it and create another one to measure again. Its pods are
// deleted when it has ended, its result stays until the object is deleted.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=networkchecks,shortName=netcheck,categories={symphony}
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Passed",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="True when every pair passed"
// +kubebuilder:printcolumn:name="Pairs",type=integer,JSONPath=`.status.pairs.total`,description="Pairs of nodes to measure"
// +kubebuilder:printcolumn:name="Done",type=integer,JSONPath=`.status.pairs.finished`,description="Pairs that were measured"
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.status.pairs.failed`,description="Pairs that did not pass"
// +kubebuilder:printcolumn:name="Min-TCP",type=string,JSONPath=`.status.summary.minTCP`,description="The slowest pair's TCP rate"
// +kubebuilder:printcolumn:name="Max-UDP-Loss",type=string,JSONPath=`.status.summary.maxUDPLoss`,description="The highest share of UDP packets that a pair lost"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Median-TCP",type=string,priority=1,JSONPath=`.status.summary.medianTCP`,description="The median of all pairs' TCP rates"
// +kubebuilder:printcolumn:name="Min-UDP",type=string,priority=1,JSONPath=`.status.summary.minUDP`,description="The slowest pair's UDP rate at the receiver"
// +kubebuilder:printcolumn:name="Max-Jitter",type=string,priority=1,JSONPath=`.status.summary.maxUDPJitter`,description="The highest jitter of UDP packets of a pair"
// +kubebuilder:printcolumn:name="Worst",type=string,priority=1,JSONPath=`.status.summary.worstPair`,description="The pair that failed or, if none did, was the slowest"
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 50 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be a DNS label of at most 50 characters that starts with a letter: the names of its pods are built from it"
// +kubebuilder:validation:XValidation:rule="has(self.spec) == has(oldSelf.spec) && (!has(self.spec) || self.spec == oldSelf.spec)",message="spec cannot be changed: a check runs once. Delete it and create another one",reason=FieldValueForbidden,fieldPath=".spec"
type NetworkCheck struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what is measured. It cannot be changed. Default: all nodes that take pods without tolerations.
	// +optional
	Spec NetworkCheckSpec `json:"spec,omitzero"`

	// status is what was measured. The operator writes it.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status NetworkCheckStatus `json:"status,omitzero"`
}

// NetworkCheckList is a list of NetworkChecks.
// +kubebuilder:object:root=true
type NetworkCheckList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []NetworkCheck `json:"items"`
}

// NetworkCheckSpec says what is measured.
type NetworkCheckSpec struct {
	// image has iperf3 as /usr/bin/iperf3; it needs nothing else, no shell either. Default: what the operator was
	// installed with (its flag --network-check-image).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`

	// imagePullPolicy is Always, IfNotPresent or Never. Default: what Kubernetes chooses.
	// +optional
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets are the Secrets of the same namespace that hold registry credentials. Default: those of the
	// namespace's default ServiceAccount.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []LocalSecretReference `json:"imagePullSecrets,omitempty"`

	// placement says which nodes are measured. Default: all that take pods without tolerations.
	// +optional
	Placement NetworkCheckPlacement `json:"placement,omitzero"`

	// pairs says which pairs of these nodes are measured: Ring (each node with the next one: every node sends and
	// receives once), All (every node with every other one, in both directions; at most 512 pairs, which is 23 nodes), or
	// Sample (sampleSize pairs, chosen at random). Default: All of up to 6 nodes, else Ring.
	// +optional
	// +kubebuilder:validation:Enum=Ring;All;Sample
	Pairs NetworkCheckPairs `json:"pairs,omitempty"`

	// sampleSize is how many pairs a Sample has. Default: 32.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=512
	SampleSize int32 `json:"sampleSize,omitempty"`

	// seconds is how long each pair sends by TCP, then by UDP, and then as `hosts` says. Two nodes may send to each other at
	// the same time. Default: 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	Seconds int32 `json:"seconds,omitempty"`

	// udpMegabitsPerSecond is how fast a pair sends by UDP, in 10^6 bits per second; TCP is as fast as it can be. Default: 10.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	UDPMegabitsPerSecond int32 `json:"udpMegabitsPerSecond,omitempty"`

	// hosts says whether TCP is also measured from pods to the other node itself, at its own address on the overlay, where
	// pods reach services on the machines: Overlay (for `seconds` more, to the nodes that have such an address of Weave's
	// when the check starts) or Skip. It must pass, at any rate: thresholds are not about it. What receives is a pod on the
	// host network that listens on TCP port 5202 of that address alone, so the check's namespace must allow that: Pod
	// Security level privileged. Default: Skip.
	// +optional
	// +kubebuilder:validation:Enum=Skip;Overlay
	Hosts NetworkCheckHosts `json:"hosts,omitempty"`

	// thresholds are what a pair must reach to pass.
	// +optional
	Thresholds NetworkCheckThresholds `json:"thresholds,omitzero"`

	// timeoutSeconds is how long the whole check may take; pairs that were not measured by then have failed. Default:
	// 1800. A single pair has one minute, and twice `seconds`; ten seconds and `seconds` more where `hosts` is measured.
	// +optional
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=86400
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}

// NetworkCheckPairs says which pairs of nodes are measured.
type NetworkCheckPairs string

const (
	// PairsRing is each node with the next one.
	PairsRing NetworkCheckPairs = "Ring"
	// PairsAll is every node with every other one.
	PairsAll NetworkCheckPairs = "All"
	// PairsSample is a number of pairs that are chosen at random.
	PairsSample NetworkCheckPairs = "Sample"
)

// NetworkCheckHosts says whether the way from pods to the machines is measured.
type NetworkCheckHosts string

const (
	// HostsSkip measures between pods only.
	HostsSkip NetworkCheckHosts = "Skip"
	// HostsOverlay also measures from pods to the nodes' own addresses on the overlay.
	HostsOverlay NetworkCheckHosts = "Overlay"
)

// NetworkCheckPlacement chooses nodes as a pod's spec does. Nodes that are not Ready, or that are cordoned, are left out.
type NetworkCheckPlacement struct {
	// nodeSelector are labels that a node must have. Default: none.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// nodeAffinity is what nodes must fulfil: its requirements; preferences are not looked at. Default: none.
	// +optional
	NodeAffinity *corev1.NodeAffinity `json:"nodeAffinity,omitempty"`

	// tolerations are for taints of nodes: those with others (NoSchedule, NoExecute) are left out. Default: none.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
}

// NetworkCheckThresholds are what a pair must reach to pass.
type NetworkCheckThresholds struct {
	// minTCPMegabitsPerSecond is the lowest rate of TCP, in 10^6 bits per second. Default: 0, any rate will do.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MinTCPMegabitsPerSecond int32 `json:"minTCPMegabitsPerSecond,omitempty"`

	// maxUDPLossPercent is the highest share of UDP packets that may get lost. Default: 5. 0 allows no loss.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxUDPLossPercent *int32 `json:"maxUDPLossPercent,omitempty"`
}
