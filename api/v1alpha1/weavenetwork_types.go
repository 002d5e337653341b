// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// WeaveNetwork is Weave Net, the pod network of the article, on every node of the Kubernetes cluster. A Kubernetes cluster
// has one pod network, so there is one WeaveNetwork, named default. By default it only reports on a Weave that is
// there; with managementPolicy Managed the operator installs it and keeps it. Weaveworks has closed and the project is
// kept up by a fork: docs/networking.md says when Weave is a sensible choice.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=weavenetworks,scope=Cluster,shortName=weave,categories={symphony}
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.managementPolicy`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Degraded",type=string,JSONPath=`.status.conditions[?(@.type=="Degraded")].status`,description="True when it works, and something is not as it should be"
// +kubebuilder:printcolumn:name="Nodes",type=integer,JSONPath=`.status.nodes.desired`,description="Nodes that Weave is to run on"
// +kubebuilder:printcolumn:name="Exposed",type=integer,JSONPath=`.status.nodes.exposed`,description="Nodes that have an address on the overlay"
// +kubebuilder:printcolumn:name="Pairs",type=integer,JSONPath=`.status.pairs.expected`,description="Pairs of nodes"
// +kubebuilder:printcolumn:name="Connected",type=integer,JSONPath=`.status.pairs.connected`,description="Pairs of nodes whose both ends are connected"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.frozen) || !has(oldSelf.status.frozen.initialPeerCount) || (has(self.spec.initialPeerCount) == has(oldSelf.spec.initialPeerCount) && (!has(self.spec.initialPeerCount) || self.spec.initialPeerCount == oldSelf.spec.initialPeerCount))",message="initialPeerCount cannot be changed any more: Weave used it once, when the first nodes agreed on who owns which addresses",reason=FieldValueForbidden,fieldPath=".spec.initialPeerCount"
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'default'",message="the only WeaveNetwork is named default: a Kubernetes cluster has one pod network"
type WeaveNetwork struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the network that is wanted.
	// +required
	Spec WeaveNetworkSpec `json:"spec"`

	// status is the network that was last seen. The operator writes it; observedGeneration is -1 until it has looked at
	// the object for the first time.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status WeaveNetworkStatus `json:"status,omitzero"`
}

// WeaveNetworkList is a list of WeaveNetworks.
// +kubebuilder:object:root=true
type WeaveNetworkList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []WeaveNetwork `json:"items"`
}

// WeaveNetworkSpec is the network that is wanted. What cannot be changed is what Weave itself keeps on each node: to change
// it, delete the WeaveNetwork with cleanupPolicy Clean and create another one.
//
// +kubebuilder:validation:XValidation:rule="(has(self.fastDatapath) ? self.fastDatapath : 'Auto') == (has(oldSelf.fastDatapath) ? oldSelf.fastDatapath : 'Auto')",message="fastDatapath cannot be changed: Weave does not start on a bridge of the other kind. Delete the WeaveNetwork with cleanupPolicy Clean and create another one",reason=FieldValueForbidden,fieldPath=".fastDatapath"
// +kubebuilder:validation:XValidation:rule="has(self.hostPaths) == has(oldSelf.hostPaths) && (!has(self.hostPaths) || self.hostPaths == oldSelf.hostPaths)",message="hostPaths cannot be changed: what is in the old directories would stay there. Delete the WeaveNetwork with cleanupPolicy Clean and create another one",reason=FieldValueForbidden,fieldPath=".hostPaths"
type WeaveNetworkSpec struct {
	// managementPolicy is Observe or Managed. Observe reports on a Weave that somebody else has installed and writes nothing
	// of it: the operator's own agent is all that it runs. Managed installs Weave and keeps it as this spec says, after a
	// preflight has found no other pod network. From Managed to Observe, what runs stays as it is. Default: Observe.
	// +optional
	// +kubebuilder:default=Observe
	ManagementPolicy WeaveManagementPolicy `json:"managementPolicy,omitempty"`

	// ipRange is the range of pods' and hosts' addresses on the overlay, in CIDR notation: IPv4, /8 to /29, such as
	// 10.32.0.0/12. It must overlap no route of any node. kube-proxy's --cluster-cidr, if set, must be the same. It cannot
	// be changed: Weave's nodes refuse others with another range.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=18
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self).ip().family() == 4 && cidr(self).prefixLength() >= 8 && cidr(self).prefixLength() <= 29 && cidr(self) == cidr(self).masked()",message="ipRange must be an IPv4 range from /8 to /29 that begins at its first address, such as 10.32.0.0/12"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="ipRange cannot be changed: Weave's nodes refuse others with another range. Delete the WeaveNetwork with cleanupPolicy Clean and create another one",reason=FieldValueForbidden
	IPRange string `json:"ipRange"`

	// image is weave-kube. Default: docker.io/rajchaudhuri/weave-kube:2.9.0, the fork's last release. A change replaces the
	// routers as update says; pods stay, their traffic to other nodes can pause for seconds.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`

	// npcImage is weave-npc, which enforces NetworkPolicies. Default: docker.io/rajchaudhuri/weave-npc:2.9.0. A change
	// replaces the routers as update says.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	NPCImage string `json:"npcImage,omitempty"`

	// imagePullPolicy is Always, IfNotPresent or Never. Default: IfNotPresent, because a node that cannot reach the registry
	// must get its network back all the same.
	// +optional
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets are the Secrets of kube-system that hold registry credentials. Default: none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []LocalSecretReference `json:"imagePullSecrets,omitempty"`

	// initialPeerCount is how many nodes must agree on who owns which addresses before the first one gets any: the number of
	// nodes that Weave starts on. More than half of them must see each other then. Default: the number of nodes, when it
	// has been the same for a minute. It is kept from then on (status.frozen), so that a new node replaces no router; it
	// cannot be changed once Weave is installed.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	InitialPeerCount int32 `json:"initialPeerCount,omitempty"`

	// password encrypts what nodes send to each other. Default: none. Adding, changing or removing it replaces all routers
	// at once: those with different passwords refuse each other.
	// +optional
	Password *WeavePassword `json:"password,omitempty"`

	// mtu of the overlay, in bytes; the machines' network must carry 87 more. Default: what Weave chooses (1376 with the
	// fast datapath). A change replaces the routers as update says; running pods keep theirs until they are recreated.
	// +optional
	// +kubebuilder:validation:Minimum=576
	// +kubebuilder:validation:Maximum=65535
	MTU int32 `json:"mtu,omitempty"`

	// fastDatapath is Auto or Disabled. Auto forwards in the kernel if every node's kernel has openvswitch at the first
	// install, else in Weave's own process (sleeve), which is slower. It cannot be changed, and what Auto found is
	// kept (status.frozen): Weave does not start on a bridge of the other kind. Default: Auto.
	// +optional
	// +kubebuilder:validation:Enum=Auto;Disabled
	FastDatapath WeaveFastDatapath `json:"fastDatapath,omitempty"`

	// hostPaths are directories of the nodes. It cannot be changed.
	// +optional
	HostPaths WeaveHostPaths `json:"hostPaths,omitzero"`

	// networkPolicy is Enabled or Disabled: whether Weave enforces NetworkPolicies. A change replaces the routers as update
	// says. Default: Enabled.
	// +optional
	// +kubebuilder:validation:Enum=Enabled;Disabled
	NetworkPolicy WeaveNetworkPolicy `json:"networkPolicy,omitempty"`

	// nodeSelector are labels of the nodes that Weave runs on, beside kubernetes.io/os: linux. Taints keep it from none: pods
	// of a node without a network cannot start. A change adds and removes routers and replaces the others as update says; a node
	// that is left is not cleaned. Default: all nodes.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// allowConflicts are the names of findings of the preflight that must not keep Weave from being installed, as the
	// condition Preflight names them, such as DaemonSet/kube-system/kindnet. A Weave of somebody else and a missing password
	// cannot be allowed. It is for those who know why a finding is harmless. Default: none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=320
	AllowConflicts []string `json:"allowConflicts,omitempty"`

	// update is how running routers follow a change of this spec. A new version of the operator replaces none.
	// +optional
	Update WeaveUpdate `json:"update,omitzero"`

	// cleanupPolicy is what happens when the WeaveNetwork is deleted while it is Managed. Retain leaves Weave as it runs.
	// Clean ends it and removes its links, rules and files from every node: pods on the pod network lose it, so drain the
	// nodes first. It can be changed while the deletion waits. Default: Retain.
	// +optional
	// +kubebuilder:validation:Enum=Retain;Clean
	CleanupPolicy WeaveCleanupPolicy `json:"cleanupPolicy,omitempty"`
}

// WeaveManagementPolicy says whether the operator installs Weave.
// +kubebuilder:validation:Enum=Observe;Managed
type WeaveManagementPolicy string

const (
	// WeaveObserve reports on a Weave that is there.
	WeaveObserve WeaveManagementPolicy = "Observe"
	// WeaveManaged installs Weave and keeps it as the spec says.
	WeaveManaged WeaveManagementPolicy = "Managed"
)

// WeaveFastDatapath says how packets are forwarded; the spec has Auto or Disabled, the status Enabled or Disabled.
type WeaveFastDatapath string

const (
	// FastDatapathAuto is Enabled where every node's kernel can.
	FastDatapathAuto WeaveFastDatapath = "Auto"
	// FastDatapathEnabled forwards in the kernel, by openvswitch.
	FastDatapathEnabled WeaveFastDatapath = "Enabled"
	// FastDatapathDisabled forwards in Weave's process.
	FastDatapathDisabled WeaveFastDatapath = "Disabled"
)

// WeaveNetworkPolicy says whether Weave enforces NetworkPolicies.
type WeaveNetworkPolicy string

const (
	// NetworkPolicyEnabled runs weave-npc beside each router.
	NetworkPolicyEnabled WeaveNetworkPolicy = "Enabled"
	// NetworkPolicyDisabled has no NetworkPolicy enforced.
	NetworkPolicyDisabled WeaveNetworkPolicy = "Disabled"
)

// WeaveCleanupPolicy says what a deletion leaves on nodes.
type WeaveCleanupPolicy string

const (
	// CleanupRetain leaves Weave as it runs.
	CleanupRetain WeaveCleanupPolicy = "Retain"
	// CleanupClean removes it from every node.
	CleanupClean WeaveCleanupPolicy = "Clean"
)

// WeavePassword is the password that nodes' keys are made from.
type WeavePassword struct {
	// secretKeyRef names a key of a Secret in kube-system. Only Weave's pods read it; the operator learns from the nodes'
	// agents whether it is there, and changes nothing while it is not.
	// +required
	SecretKeyRef SecretKeyReference `json:"secretKeyRef"`

	// revision announces a changed password: after changing the Secret, put any other text here, and all routers are
	// replaced at once. (The operator cannot read Secrets, and a router reads its password when it starts.)
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Revision string `json:"revision,omitempty"`
}

// WeaveHostPaths are directories of the nodes.
type WeaveHostPaths struct {
	// cniBin is where the container runtime looks for CNI plugins. Default: /opt/cni/bin.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9_./-]+$`
	CNIBin string `json:"cniBin,omitempty"`

	// cniConfig is where the container runtime looks for networks. Default: /etc/cni/net.d.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9_./-]+$`
	CNIConfig string `json:"cniConfig,omitempty"`

	// data is where Weave keeps who owns which addresses. Default: /var/lib/weave.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9_./-]+$`
	Data string `json:"data,omitempty"`
}

// WeaveUpdate is how running routers follow a change of the spec.
type WeaveUpdate struct {
	// type is RollingUpdate (a few nodes at a time) or OnDelete (a router is replaced when somebody deletes its pod).
	// Default: RollingUpdate.
	// +optional
	// +kubebuilder:validation:Enum=RollingUpdate;OnDelete
	Type WeaveUpdateType `json:"type,omitempty"`

	// maxUnavailable is how many nodes may be without a router during a rolling update: a number from 1 to 1000000, or a
	// percentage. Default: 1. A changed password takes all at once.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=4
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 1000000 : self.matches('^([1-9][0-9]?|100)%$')",message="maxUnavailable must be a number from 1 to 1000000 or a percentage from 1% to 100%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// WeaveUpdateType says who replaces routers whose template changed.
type WeaveUpdateType string

const (
	// WeaveRollingUpdate has Kubernetes replace them a few at a time.
	WeaveRollingUpdate WeaveUpdateType = "RollingUpdate"
	// WeaveOnDelete leaves them until somebody deletes them.
	WeaveOnDelete WeaveUpdateType = "OnDelete"
)
