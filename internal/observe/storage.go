// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch

// ClaimKind is the kind of the master's claim.
const ClaimKind = "PersistentVolumeClaim"

// masterClaim reads the claim that the operator makes. One that exists is the pod's business: if it is missing, the scheduler
// says so.
func (o *Observer) masterClaim(ctx context.Context, facts *Facts) error {
	storage := facts.Cluster.Spec.Master.Storage
	if storage == nil || storage.ExistingClaim != "" {
		return nil
	}
	claim, err := child(ctx, o, facts, names.MasterClaimName(facts.Cluster.Name), &corev1.PersistentVolumeClaim{})
	facts.MasterClaim = claim
	return err
}

// isRetained reports whether the object is the master's claim without an owner, which is how one lives that is to outlive its
// cluster. Whether this cluster or an earlier one of its name made it, it is this one's now. Unlike other children that have
// no owner it gets none, so it does not matter whether the cluster is about to go; with whenDeleted Delete it does.
func (f *Facts) isRetained(key ChildKey, object metav1.Object) bool {
	storage := f.Cluster.Spec.Master.Storage
	return key.Kind == ClaimKind && storage != nil && storage.WhenDeleted != v1alpha1.DeleteClaim && f.isOrphan(key, object)
}

// SharedClaim is the claim that a master pod keeps EGO's shared directory on, "" without one.
func SharedClaim(pod *corev1.Pod) string {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.Name == names.SharedVolume && volume.PersistentVolumeClaim != nil {
			return volume.PersistentVolumeClaim.ClaimName
		}
	}
	return ""
}

// sharedVolume is what SharedClaim needs of a master pod's volumes. Compute pods are many, and have nothing to tell.
func sharedVolume(pod *corev1.Pod) []corev1.Volume {
	claim := SharedClaim(pod)
	if claim == "" || pod.Labels[names.LabelRole] != names.Master {
		return nil
	}
	return []corev1.Volume{{Name: names.SharedVolume, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
	}}}
}

// Restarts is how often the container that runs Symphony was started again in this pod. It is kept of masters.
func Restarts(pod *corev1.Pod) int32 {
	for i := range pod.Status.ContainerStatuses {
		if container := &pod.Status.ContainerStatuses[i]; container.Name == names.Container {
			return container.RestartCount
		}
	}
	return 0
}
