// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WeaveNodeStatus is what a node's agent saw.
type WeaveNodeStatus struct {
	// agent is what the agent of this report was started for: Report, Leave or Clean.
	// +optional
	Agent WeaveAgentTask `json:"agent,omitempty"`

	// agentRevision is the revision of the agent that reports: what is said about an earlier spec counts no more.
	// +optional
	AgentRevision string `json:"agentRevision,omitempty"`

	// router is Running when Weave's local API answers, Absent when nothing does.
	// +optional
	Router WeaveRouter `json:"router,omitempty"`

	// peerName is Weave's name of the node, such as 02:00:00:00:00:01.
	// +optional
	PeerName string `json:"peerName,omitempty"`

	// version of the router.
	// +optional
	Version string `json:"version,omitempty"`

	// encrypted is true when the router has a password.
	// +optional
	Encrypted bool `json:"encrypted,omitempty"`

	// overlay is the node's own address on the overlay.
	// +optional
	Overlay WeaveOverlay `json:"overlay,omitzero"`

	// ipam is who owns which addresses, as this node sees it.
	// +optional
	IPAM WeaveIPAM `json:"ipam,omitzero"`

	// connected is `2/3`: the connections that are established, of those that there are.
	// +optional
	Connected string `json:"connected,omitempty"`

	// connections are the node's ends of its connections to other nodes.
	// +optional
	// +listType=map
	// +listMapKey=address
	Connections []WeaveConnection `json:"connections,omitempty"`

	// host is what Weave would meet, or meets, on the node.
	// +optional
	Host WeaveHost `json:"host,omitzero"`

	// cleanup is how far the removal of Weave from the node has come; absent unless it was asked for.
	// +optional
	Cleanup *WeaveCleanup `json:"cleanup,omitempty"`
}

// WeaveAgentTask is what an agent was started for.
type WeaveAgentTask string

const (
	// AgentReport reports.
	AgentReport WeaveAgentTask = "Report"
	// AgentLeave has the router hand its addresses over to the others, and reports.
	AgentLeave WeaveAgentTask = "Leave"
	// AgentClean removes what the router left on the node, and reports.
	AgentClean WeaveAgentTask = "Clean"
)

// WeaveRouter says whether a router runs on the node.
type WeaveRouter string

const (
	// RouterRunning has its local API answer.
	RouterRunning WeaveRouter = "Running"
	// RouterAbsent has nothing answer.
	RouterAbsent WeaveRouter = "Absent"
)

// WeaveOverlay is a node's own address on the overlay.
type WeaveOverlay struct {
	// address is what the link `weave` has, in CIDR notation.
	// +optional
	Address string `json:"address,omitempty"`
	// claim is what Weave means the node to have; the two can differ.
	// +optional
	Claim string `json:"claim,omitempty"`
	// since is when one of them last changed.
	// +optional
	Since metav1.Time `json:"since,omitzero"`
}

// WeaveIPAM is who owns which addresses, as one node sees it.
type WeaveIPAM struct {
	// state is Idle (nothing was asked for yet), AwaitingConsensus (too few nodes see each other) or Ready.
	// +optional
	State WeaveIPAMState `json:"state,omitempty"`
	// range is the router's range of addresses, in CIDR notation.
	// +optional
	Range string `json:"range,omitempty"`
	// quorum is how many nodes must see each other, while they are too few.
	// +optional
	Quorum int32 `json:"quorum,omitempty"`
	// knownNodes is how many do.
	// +optional
	KnownNodes int32 `json:"knownNodes,omitempty"`
	// owners are the names of the peers that own addresses, sorted.
	// +optional
	// +listType=atomic
	Owners []string `json:"owners,omitempty"`
	// unreachable are those of them that the node cannot reach.
	// +optional
	// +listType=atomic
	Unreachable []string `json:"unreachable,omitempty"`
	// pending is 1 while requests for an address wait, else 0: their number changes at every look.
	// +optional
	Pending int32 `json:"pending,omitempty"`
	// since is when state, range or owners last changed.
	// +optional
	Since metav1.Time `json:"since,omitzero"`
}

// WeaveIPAMState says whether a node has addresses to give.
type WeaveIPAMState string

const (
	// IPAMIdle has nobody asked yet.
	IPAMIdle WeaveIPAMState = "Idle"
	// IPAMAwaitingConsensus has too few nodes see each other to agree.
	IPAMAwaitingConsensus WeaveIPAMState = "AwaitingConsensus"
	// IPAMReady has addresses shared out.
	IPAMReady WeaveIPAMState = "Ready"
)

// WeaveConnection is a node's end of a connection to another node.
type WeaveConnection struct {
	// address is the other node's, without a port.
	// +required
	Address string `json:"address"`
	// node is the other node's name; empty while the two have not spoken.
	// +optional
	Node string `json:"node,omitempty"`
	// peerName is Weave's name of the other node.
	// +optional
	PeerName string `json:"peerName,omitempty"`
	// state is Weave's: established, pending (the other end's UDP has not come through), connecting or failed (also while it is
	// tried again).
	// +optional
	State string `json:"state,omitempty"`
	// datapath is fastdp or sleeve; empty while there is none.
	// +optional
	Datapath string `json:"datapath,omitempty"`
	// message is Weave's own, when it is failed or connecting.
	// +optional
	Message string `json:"message,omitempty"`
	// since is when it was established, or ceased to be.
	// +optional
	Since metav1.Time `json:"since,omitzero"`
}

// WeaveHost is what Weave would meet, or meets, on a node.
type WeaveHost struct {
	// machine is a digest of /etc/machine-id: two nodes with the same one get the same name from Weave.
	// +optional
	Machine string `json:"machine,omitempty"`
	// cniFiles are the networks of other kinds that are configured for the container runtime.
	// +optional
	// +listType=atomic
	CNIFiles []string `json:"cniFiles,omitempty"`
	// openVSwitch is true when the kernel has what the fast datapath needs.
	// +optional
	OpenVSwitch bool `json:"openVSwitch,omitempty"`
	// missing is what Weave needs and the node does not have, such as `kernel: dummy` or `file: /opt/cni/bin/portmap`, and what
	// the agent could not look into, such as `unreadable: /etc/cni/net.d`.
	// +optional
	// +listType=atomic
	Missing []string `json:"missing,omitempty"`
	// routes are the node's own that overlap the range, such as `10.0.0.0/8 dev eth0`.
	// +optional
	// +listType=atomic
	Routes []string `json:"routes,omitempty"`
	// ports are those of Weave's that something listens on, such as `tcp/6783`. A running router has them itself.
	// +optional
	// +listType=atomic
	Ports []string `json:"ports,omitempty"`
	// links are those of Weave's that are there: weave, datapath.
	// +optional
	// +listType=atomic
	Links []string `json:"links,omitempty"`
	// password is Present or Missing when the spec has a password, for the Secret's key as the node gets it.
	// +optional
	Password WeaveSecretPresence `json:"password,omitempty"`
}

// WeaveSecretPresence says whether a Secret's key is there.
type WeaveSecretPresence string

const (
	// SecretPresent has the key.
	SecretPresent WeaveSecretPresence = "Present"
	// SecretMissing lacks the Secret or the key.
	SecretMissing WeaveSecretPresence = "Missing"
)

// WeaveCleanup is how far the removal of Weave from a node has come.
type WeaveCleanup struct {
	// state is Left (the router gave its addresses away, or there is none), Cleaned or Failed.
	// +required
	State WeaveCleanupState `json:"state"`
	// message is what failed.
	// +optional
	Message string `json:"message,omitempty"`
}

// WeaveCleanupState is how far a removal has come.
type WeaveCleanupState string

const (
	// CleanupLeft has the router's addresses given away.
	CleanupLeft WeaveCleanupState = "Left"
	// CleanupCleaned has nothing of Weave left on the node.
	CleanupCleaned WeaveCleanupState = "Cleaned"
	// CleanupFailed has something left, and is tried again.
	CleanupFailed WeaveCleanupState = "Failed"
)
