// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const (
	// sharedDir is where IBM's images have the shared directory, too.
	sharedDir = "/shared"
	// computeHostsDir has the names of compute hosts, a file a ConfigMap.
	computeHostsDir = "/symphony/compute-hosts"
	// sharedGroup is a supplemental group of the master's container, for volumes that belong to root. It is not root's own
	// group, which policies refuse.
	sharedGroup = 1000
)

// masterClaim is the claim of the master's volume, nil when none is to be made. It holds data: only with whenDeleted Delete does
// the cluster own it, and so takes it along. When storage is removed from the spec it stays as it is.
func masterClaim(facts *observe.Facts) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	cluster := facts.Cluster
	storage := cluster.Spec.Master.Storage
	if storage == nil || storage.ExistingClaim != "" {
		return nil
	}
	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(storage.Mode()).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceStorage: claimSize(facts)}))
	if class := storage.StorageClassName; class != nil {
		spec.WithStorageClassName(*class)
	}
	claim := corev1ac.PersistentVolumeClaim(names.MasterClaimName(cluster.Name), cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, names.Master)).
		WithSpec(spec)
	if storage.WhenDeleted == v1alpha1.DeleteClaim {
		claim.WithOwnerReferences(ownedBy(cluster))
	}
	return claim
}

// ClaimName is the claim that the master's volume is of, "" without storage.
func ClaimName(cluster *v1alpha1.SymphonyCluster) string {
	storage := cluster.Spec.Master.Storage
	switch {
	case storage == nil:
		return ""
	case storage.ExistingClaim != "":
		return storage.ExistingClaim
	default:
		return names.MasterClaimName(cluster.Name)
	}
}

func claimKey(cluster *v1alpha1.SymphonyCluster) observe.ChildKey {
	return observe.ChildKey{Kind: observe.ClaimKind, Name: names.MasterClaimName(cluster.Name)}
}

// claimSize is what the spec says or, of a claim that an earlier cluster of this name has left, what that has if it is more:
// volumes do not shrink.
func claimSize(facts *observe.Facts) resource.Quantity {
	wanted := v1alpha1.DefaultStorageSize()
	if size := facts.Cluster.Spec.Master.Storage.Size; size != nil {
		wanted = *size
	}
	if live := facts.MasterClaim; live != nil {
		if has := live.Spec.Resources.Requests[corev1.ResourceStorage]; has.Cmp(wanted) > 0 {
			return has
		}
	}
	return wanted
}

// addStorage gives the master its shared directory. The start script needs to know whose it may be, and which pod it is itself.
func addStorage(cluster *v1alpha1.SymphonyCluster, container *corev1ac.ContainerApplyConfiguration, pod *corev1ac.PodSpecApplyConfiguration) {
	claim := ClaimName(cluster)
	if claim == "" {
		return
	}
	container.
		WithEnv(
			variable("SYMPHONY_SHARED_DIR", sharedDir),
			variable("SYMPHONY_CLUSTER_ID", cluster.Namespace+"/"+cluster.Name),
			fieldVariable("SYMPHONY_POD_UID", "metadata.uid")).
		WithVolumeMounts(corev1ac.VolumeMount().WithName(names.SharedVolume).WithMountPath(sharedDir))
	pod.WithVolumes(corev1ac.Volume().WithName(names.SharedVolume).WithPersistentVolumeClaim(
		corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(claim)))
	pod.SecurityContext.
		WithFSGroup(sharedGroup).
		// Not every file at every start: a large directory takes minutes.
		WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch)
}

// computeHostsVolume shows the ConfigMaps with the names of compute hosts, which no DNS has. They are optional: the master comes first.
func computeHostsVolume(cluster *v1alpha1.SymphonyCluster) *corev1ac.VolumeApplyConfiguration {
	sources := corev1ac.ProjectedVolumeSource()
	for shard := range names.ComputeHostsShards {
		sources.WithSources(corev1ac.VolumeProjection().WithConfigMap(corev1ac.ConfigMapProjection().
			WithName(names.ComputeHostsName(cluster.Name, shard)).
			WithOptional(true).
			WithItems(corev1ac.KeyToPath().WithKey(names.HostsKey).WithPath(names.ComputeHostsFile(shard)))))
	}
	return corev1ac.Volume().WithName("compute-hosts").WithProjected(sources)
}
