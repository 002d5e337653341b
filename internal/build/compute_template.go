// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// computeTemplate is the compute pod as the operator builds it, before the user's overlay. The master's
// address is not in it: computeReplicaSet adds it as an annotation, which the pod sees as a file. It is no
// hostAlias, because /etc/hosts is fixed when a pod starts and a stale line there beats correct DNS. The grace
// period is not in it either, unless the overlay has one: it follows spec.compute.scaleIn.
func computeTemplate(cluster *v1alpha1.SymphonyCluster) *corev1ac.PodTemplateSpecApplyConfiguration {
	spec := &cluster.Spec
	container := symphonyContainer(cluster, imageOf(spec, spec.Compute.Image), scripts.Compute()).
		WithResources(resourcesOr(spec.Compute.Resources, computeResources())).
		WithEnv(variable("SYMPHONY_EGO_CONF", egoConf(computeEgoConf(), spec.EgoConf))).
		WithEnv(userEnv(spec.Compute.Env)...).
		WithLifecycle(corev1ac.Lifecycle().WithPreStop(corev1ac.LifecycleHandler().
			WithExec(corev1ac.ExecAction().WithCommand(preStopProgram)))).
		WithVolumeMounts(corev1ac.VolumeMount().WithName("pod").WithMountPath("/symphony/pod").WithReadOnly(true))

	pod := symphonyPod(spec, container).
		WithVolumes(corev1ac.Volume().WithName("pod").WithDownwardAPI(corev1ac.DownwardAPIVolumeSource().
			WithItems(
				annotationFile("master-hosts", names.AnnotationMasterHosts),
				annotationFile("drain", names.AnnotationDrain),
				annotationFile("drain-seconds", names.AnnotationDrainSeconds))))
	return corev1ac.PodTemplateSpec().WithLabels(names.Labels(cluster.Name, names.Compute)).WithSpec(pod)
}

// annotationFile shows an annotation of the pod as a file below /symphony/pod, empty while there is none.
func annotationFile(file, annotation string) *corev1ac.DownwardAPIVolumeFileApplyConfiguration {
	return corev1ac.DownwardAPIVolumeFile().WithPath(file).
		WithFieldRef(corev1ac.ObjectFieldSelector().WithFieldPath("metadata.annotations['" + annotation + "']"))
}

// computeResources are the article's.
func computeResources() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2048M")},
	}
}
