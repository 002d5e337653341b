// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import networkingv1 "k8s.io/api/networking/v1"

// NetworkMode says whose pod network Symphony uses.
// +kubebuilder:validation:Enum=Existing;Weave
type NetworkMode string

const (
	// NetworkExisting is whatever pod network the Kubernetes cluster has.
	NetworkExisting NetworkMode = "Existing"
	// NetworkWeave is the Weave of the WeaveNetwork `default`.
	NetworkWeave NetworkMode = "Weave"
)

// NetworkSpec is what the pod network must be like before compute pods are created for the first time, and who may reach the
// pods.
type NetworkSpec struct {
	// mode is Existing (whatever pod network there is) or Weave: compute pods are first created when the WeaveNetwork
	// `default` is Ready. It installs no Weave: docs/networking.md says how. Default: Existing. A change affects no
	// running pod.
	// +optional
	Mode NetworkMode `json:"mode,omitempty"`

	// check true has the network measured before compute pods are first created, by a NetworkCheck named `NAME-network`
	// between the nodes that compute pods may run on, once some are wanted; when it fails, none are created. Delete the
	// NetworkCheck to have it measured again, or set this to false to go on without. Default: false. A change affects no
	// running pod, and true has no effect any more once compute pods were created.
	// +optional
	Check bool `json:"check,omitempty"`

	// policy limits, also when it is empty, who may open connections to the pods, by NetworkPolicies named `NAME-master` and
	// `NAME-compute`: pods of this cluster reach each other on every port; the web console (TCP 8443 of the master) is open to
	// everybody; the master's other ports are open to policy.clients. What the pods themselves may reach is not limited. A
	// pod network that enforces no NetworkPolicies ignores them. Default: no NetworkPolicies are made, so that a new version
	// of the operator cuts nobody off. A change restarts no pod; it counts for new connections to running pods within
	// seconds, and for existing ones as the pod network sees fit. Removing it deletes the NetworkPolicies.
	// +optional
	Policy *AccessPolicy `json:"policy,omitempty"`
}

// AccessPolicy is who may open connections to a cluster's pods.
type AccessPolicy struct {
	// clients are whom beside the cluster's own pods may reach every port of the master: the hosts and pods from which work is
	// submitted, for example, as which ports that takes depends on Symphony's own configuration. Each is as in a
	// NetworkPolicy: a podSelector (of this namespace), a namespaceSelector (all pods of such namespaces), both (such pods of
	// such namespaces), or an ipBlock alone. Compute pods are open to none of them. Default: none. A change restarts no pod.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(c, has(c.podSelector) || has(c.namespaceSelector) || has(c.ipBlock))",message="each of clients needs a podSelector, a namespaceSelector or an ipBlock"
	// +kubebuilder:validation:XValidation:rule="self.all(c, !has(c.ipBlock) || !has(c.podSelector) && !has(c.namespaceSelector))",message="a client with an ipBlock has neither podSelector nor namespaceSelector: make it a client of its own"
	Clients []networkingv1.NetworkPolicyPeer `json:"clients,omitempty"`
}
