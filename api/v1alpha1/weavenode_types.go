// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WeaveNode is what the agent of one node sees of Weave there; it has the node's name. Nobody writes it but the agents, and
// they only when something has changed. The address is what `weave expose` printed in the article.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=weavenodes,scope=Cluster,categories={symphony}
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Router",type=string,JSONPath=`.status.router`,description="Running or Absent"
// +kubebuilder:printcolumn:name="Peer",type=string,JSONPath=`.status.peerName`,description="Weave's name of the node"
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.status.overlay.address`,description="The node's address on the overlay: pods reach the machine at it"
// +kubebuilder:printcolumn:name="Connected",type=string,JSONPath=`.status.connected`,description="Connections that are established, of those that there are"
// +kubebuilder:printcolumn:name="IPAM",type=string,JSONPath=`.status.ipam.state`,description="Whether Weave has addresses to give"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Version",type=string,priority=1,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Claim",type=string,priority=1,JSONPath=`.status.overlay.claim`,description="The address that Weave means the node to have"
type WeaveNode struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// status is what the agent saw.
	// +optional
	Status WeaveNodeStatus `json:"status,omitzero"`
}

// WeaveNodeList is a list of WeaveNodes.
// +kubebuilder:object:root=true
type WeaveNodeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []WeaveNode `json:"items"`
}
