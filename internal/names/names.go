// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package names gives everything that the operator creates its name, its labels and its selector. Nothing else in the
// project spells one out.
package names

import (
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// FieldManager is the one name under which the operator owns fields.
const FieldManager = "symphony-operator"

// Labels and annotations of children and pods.
const (
	// LabelManagedBy marks what the operator created; its caches hold nothing else.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelName is the application's name for dashboards.
	LabelName = "app.kubernetes.io/name"
	// LabelCluster is the name of the SymphonyCluster.
	LabelCluster = "symphony-operator.io/cluster"
	// LabelNetworkCheck is the name of the NetworkCheck, on its pods.
	LabelNetworkCheck = "symphony-operator.io/network-check"
	// LabelRole is Master, Compute, GUI, Image or Network; of a NetworkCheck's pods
	// CheckServer, CheckHostServer or CheckClient.
	LabelRole = "symphony-operator.io/role"
	// LabelRevision is the hash of the user's part of a pod's template.
	LabelRevision = "symphony-operator.io/revision"
	// LabelWeave is the label by which Weave's own manifests select their pods, and so the operator.
	LabelWeave = "name"
	// AnnotationMasterHosts is, on compute pods, the master's line of a hosts file: `10.32.0.1 prod-master`.
	AnnotationMasterHosts = "symphony-operator.io/master-hosts"
	// AnnotationDrain is, on a compute pod that is to go, how far that is: Draining or Released. The pod sees it as a file: once
	// it says Released, the pod is not ready and does not wait for its work before it ends.
	AnnotationDrain = "symphony-operator.io/drain"
	// AnnotationDrainSince is when the pod was chosen (RFC 3339). Its drain times out compute.scaleIn.drainTimeout later.
	AnnotationDrainSince = "symphony-operator.io/drain-since"
	// AnnotationHostClosed is when the operator closed the pod's host in EGO (RFC 3339). It is written before the host is
	// closed, and only if the host was ok: without it, the host is an administrator's to open again.
	AnnotationHostClosed = "symphony-operator.io/host-closed"
	// AnnotationHostReclaimed is when the operator had EGO take back what the host's consumers held (RFC 3339).
	AnnotationHostReclaimed = "symphony-operator.io/host-reclaimed"
	// AnnotationDrainSeconds is, on compute pods from their template, how many seconds of the pod's grace period its preStop hook
	// may wait for work. The pod sees it as a file.
	AnnotationDrainSeconds = "symphony-operator.io/drain-seconds"
	// AnnotationWritten is, on the ConfigMaps of compute hosts, when the operator wrote it (RFC 3339).
	AnnotationWritten = "symphony-operator.io/written"
	// LabelIdle is `true` on compute pods whose hosts are known to have no work: the disruption budget covers all others.
	LabelIdle = "symphony-operator.io/idle"
	// AnnotationApplied is, on children, the hash of what the operator applied last.
	AnnotationApplied = "symphony-operator.io/applied"
	// AnnotationTemplate is, on Weave's DaemonSet, the pod template as it was rendered for the revision in force.
	AnnotationTemplate = "symphony-operator.io/template"
)

// Roles: the values of LabelRole.
const (
	Master  = "master"
	Compute = "compute"
	GUI     = "gui"
	Image   = "image"
	Network = "network"

	CheckServer     = "server"
	CheckHostServer = "host-server"
	CheckClient     = "client"
)

// Values of AnnotationDrain.
const (
	// Draining pods' hosts get no new work, and end what they have.
	Draining = "Draining"
	// Released pods have nothing to lose any more, or have run out of time.
	Released = "Released"
)

// Idle is the value of LabelIdle.
const Idle = "true"

// Container is the name of the container that runs Symphony, in pods of both roles.
const Container = "symphony"

// HostsKey is the key of the hosts ConfigMaps.
const HostsKey = "hosts"

// ComputeHostsShards is how many ConfigMaps list the compute hosts at most. One holds 1 MiB, which is some 10,000 hosts.
const ComputeHostsShards = 4

// MasterName is the name of the master's Deployment and of its headless Service.
func MasterName(cluster string) string { return cluster + "-master" }

// MasterClaimName is the name of the claim that the operator makes for the master's shared directory.
func MasterClaimName(cluster string) string { return cluster + "-master" }

// SharedVolume is the volume with the master's shared directory, in its pod.
const SharedVolume = "shared"

// MasterHostname is the master's EGO host name: fixed, so that EGO_MASTER_LIST stays true when it moves.
func MasterHostname(cluster string) string { return cluster + "-master" }

// HostsName is the name of the ConfigMap that publishes the master's address.
func HostsName(cluster string) string { return cluster + "-hosts" }

// ComputeName is the name of the compute ReplicaSet.
func ComputeName(cluster string) string { return cluster + "-compute" }

// podSuffix is what the API server puts after a ReplicaSet's name: five characters that make no words.
var podSuffix = regexp.MustCompile(`^-[bcdfghjklmnpqrstvwxz2456789]{5}$`)

// IsComputeHost reports whether a host's short name is one that only a compute pod of this cluster has or had.
func IsComputeHost(cluster, host string) bool {
	suffix, ok := strings.CutPrefix(host, ComputeName(cluster))
	return ok && podSuffix.MatchString(suffix)
}

// ComputeBudgetName is the name of the PodDisruptionBudget of compute pods.
func ComputeBudgetName(cluster string) string { return cluster + "-compute" }

// MasterPolicyName is the name of the NetworkPolicy of the master's pods.
func MasterPolicyName(cluster string) string { return cluster + "-master" }

// ComputePolicyName is the name of the NetworkPolicy of compute pods.
func ComputePolicyName(cluster string) string { return cluster + "-compute" }

// ComputeHostsName is the name of a ConfigMap that lists compute hosts, from number 0.
func ComputeHostsName(cluster string, shard int) string {
	return cluster + "-compute-hosts-" + strconv.Itoa(shard)
}

// ComputeHostsFile is the file in the master's pod that shows it.
func ComputeHostsFile(shard int) string { return "hosts-" + strconv.Itoa(shard) }

// GUIName is the name of the web console's Service.
func GUIName(cluster string) string { return cluster + "-gui" }

// NetworkCheckName is the name of the NetworkCheck that measures before compute pods are first created.
func NetworkCheckName(cluster string) string { return cluster + "-network" }

// RevisionName is the name of the ControllerRevision that keeps a role's rendered pod template.
func RevisionName(cluster, role, revision string) string {
	return cluster + "-" + role + "-" + revision
}

// ImageCheckName is the name of the pod that finds out whether the images of a role's new revision can be pulled.
func ImageCheckName(cluster, role, revision string) string {
	return cluster + "-" + role + "-image-" + revision
}

// CheckServerName is the name of the pod that receives on the node of this number.
func CheckServerName(check string, node int) string {
	return check + "-server-" + strconv.Itoa(node)
}

// CheckHostServerName is the name of the pod that receives at the overlay address of the node of this number. No check's
// other pods can have it, whatever the check is called.
func CheckHostServerName(check string, node int) string {
	return check + "-host-" + strconv.Itoa(node)
}

// CheckClientName is the name of the pod that measures the pair of this number.
func CheckClientName(check string, pair int) string {
	return check + "-client-" + strconv.Itoa(pair)
}

// CheckLabels are the labels of a NetworkCheck's pods.
func CheckLabels(check, role string) map[string]string {
	return map[string]string{
		LabelManagedBy: FieldManager, LabelName: "symphony", LabelNetworkCheck: check, LabelRole: role,
	}
}

// Selector is the set of labels that select a role's pods, and nothing but them.
func Selector(cluster, role string) map[string]string {
	return map[string]string{LabelCluster: cluster, LabelRole: role}
}

// SelectorText is Selector as the scale subresource wants it.
func SelectorText(cluster, role string) string {
	return labels.SelectorFromSet(Selector(cluster, role)).String()
}

// Labels are the labels of a child of the given role.
func Labels(cluster, role string) map[string]string {
	set := Selector(cluster, role)
	set[LabelManagedBy] = FieldManager
	set[LabelName] = "symphony"
	return set
}

// Managed selects everything that the operator created, in all clusters: what its caches hold.
func Managed() labels.Selector {
	requirement, err := labels.NewRequirement(LabelManagedBy, selection.Equals, []string{FieldManager})
	if err != nil {
		panic(err) // Constants that do not make a selector are a bug that the first start shows.
	}
	return labels.NewSelector().Add(*requirement)
}
