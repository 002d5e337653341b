// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SymphonyClusterStatus is the Symphony cluster that was last seen.
type SymphonyClusterStatus struct {
	// observedGeneration is the metadata.generation that this status is about; -1 before the operator has
	// seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, MasterReady, ComputeReady, HostsReady, GUIReady and StatePersistent always; NetworkReady while spec.network asks for
	// something; Reconciling or Stalled while true.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// master is where the master is now. Empty while its address is not known.
	// +optional
	Master MasterStatus `json:"master,omitzero"`

	// compute counts the compute pods.
	// +optional
	Compute ComputeStatus `json:"compute,omitzero"`

	// gui is where the web console is reached.
	// +optional
	GUI GUIStatus `json:"gui,omitzero"`
}

// MasterStatus is where the master is, and what holds its state.
type MasterStatus struct {
	// podName is the name of the master pod.
	// +optional
	PodName string `json:"podName,omitempty"`
	// hostname is the master's EGO host name; it stays the same when the master moves.
	// +optional
	Hostname string `json:"hostname,omitempty"`
	// podIP is the address that compute hosts use for the host name.
	// +optional
	PodIP string `json:"podIP,omitempty"`
	// nodeName is the node that the master runs on.
	// +optional
	NodeName string `json:"nodeName,omitempty"`
	// hostIP is the address of that node.
	// +optional
	HostIP string `json:"hostIP,omitempty"`
	// instance names the container that EGO answered in last: its pod, and how often it was restarted. It is kept while there
	// is no master: another instance has what EGO knew only if both have the same claim.
	// +optional
	Instance string `json:"instance,omitempty"`
	// claim is the PersistentVolumeClaim that this instance keeps EGO's shared directory on, empty without one.
	// +optional
	Claim string `json:"claim,omitempty"`
}

// ComputeStatus counts the compute pods. While no condition turns, the counts of pods are some 10 seconds old at most: with each pod that becomes
// ready, a large cluster's status would be written anew. When a condition turns, they are as new as it is.
type ComputeStatus struct {
	// replicas is the number of compute pods there are.
	// +optional
	Replicas int32 `json:"replicas"`
	// readyReplicas is the number of compute pods that are ready.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`
	// updatedReplicas is the number of compute pods of the wanted revision.
	// +optional
	UpdatedReplicas int32 `json:"updatedReplicas"`
	// draining is the number of compute pods that are to go and still there: their hosts end their work.
	// +optional
	Draining int32 `json:"draining,omitempty"`
	// hosts are the compute pods as EGO sees them. Absent while EGO cannot be asked; the condition HostsReady says why.
	// +optional
	Hosts *HostCounts `json:"hosts,omitempty"`
	// revision names the wanted pod template: a hash of the user's part of it.
	// +optional
	Revision string `json:"revision,omitempty"`
	// selector is the label selector, as text, that matches exactly the compute pods. A
	// HorizontalPodAutoscaler reads it.
	// +optional
	Selector string `json:"selector,omitempty"`
}

// HostCounts are the hosts of compute pods in EGO's table.
type HostCounts struct {
	// joined is the number of compute pods whose hosts EGO knows.
	// +optional
	Joined int32 `json:"joined"`
	// ok is the number of those that take work.
	// +optional
	OK int32 `json:"ok"`
	// closed is the number of those that take no new work: closed by an administrator or by the operator, locked, too busy,
	// or unlicensed.
	// +optional
	Closed int32 `json:"closed"`
	// unavailable is the number of those that do not answer the master.
	// +optional
	Unavailable int32 `json:"unavailable"`
	// busy is the number of those that may have running tasks. Absent while that is not known: after a start of the master,
	// until every compute host is back and the session director answers. It changes with another of
	// these counts, else at most once a minute; the metric symphony_operator_hosts has the live value.
	// +optional
	Busy *int32 `json:"busy,omitempty"`
	// busyTime is when busy last changed.
	// +optional
	BusyTime *metav1.Time `json:"busyTime,omitempty"`
}

// GUIStatus is where the web console is reached.
type GUIStatus struct {
	// nodePort is the port on every node; absent when the Service has none.
	// +optional
	NodePort int32 `json:"nodePort,omitempty"`
	// url of the login page, by the address of the master's node; absent while that or the port is unknown.
	// +optional
	URL string `json:"url,omitempty"`
}
