// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// What masters and compute hosts have in common.

const (
	// egoadminUID and egoadminGID are the product's cluster administrator in IBM's images.
	egoadminUID = 1000
	egoadminGID = 0

	runDir = "/symphony/run"
	// searchPath puts the script's egosh, which brings the product's profile along, before the image's
	// programs, so that `kubectl exec … -- egosh` works.
	searchPath = runDir + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

	probePeriodSeconds  = 5
	probeTimeoutSeconds = 10
)

// symphonyContainer is the container that runs Symphony. The script is constant and passed inline: a
// ConfigMap would hand a newer operator's script to pods of an older one.
func symphonyContainer(cluster *v1alpha1.SymphonyCluster, image, script string) *corev1ac.ContainerApplyConfiguration {
	container := corev1ac.Container().
		WithName(names.Container).
		WithImage(image).
		WithCommand("/bin/bash", "-c").
		WithArgs(script).
		WithEnv(
			variable("PATH", searchPath),
			variable("SYMPHONY_MASTER_HOST", names.MasterHostname(cluster.Name)),
			variable("SYMPHONY_CLUSTER_NAME", cluster.Spec.ClusterName),
			variable("SYMPHONY_INSTALL_DIR", cluster.Spec.InstallDir),
			variable("LICENSE", cluster.Spec.License)).
		WithVolumeMounts(corev1ac.VolumeMount().WithName("run").WithMountPath(runDir)).
		WithReadinessProbe(corev1ac.Probe().
			WithExec(corev1ac.ExecAction().WithCommand(runDir + "/bin/ready")).
			WithPeriodSeconds(probePeriodSeconds).
			WithTimeoutSeconds(probeTimeoutSeconds)).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")))
	if policy := cluster.Spec.ImagePullPolicy; policy != "" {
		container.WithImagePullPolicy(policy)
	}
	return container
}

// symphonyPod is the pod around it: unprivileged, and without a token for the API server, because it runs
// users' code.
func symphonyPod(
	spec *v1alpha1.SymphonyClusterSpec, container *corev1ac.ContainerApplyConfiguration,
) *corev1ac.PodSpecApplyConfiguration {
	pod := corev1ac.PodSpec().
		WithContainers(container).
		WithAutomountServiceAccountToken(false).
		// Service links are environment variables: hundreds a pod in a busy namespace, and EGO reads its own.
		WithEnableServiceLinks(false).
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).
			WithRunAsUser(egoadminUID).
			WithRunAsGroup(egoadminGID).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithVolumes(corev1ac.Volume().WithName("run").WithEmptyDir(corev1ac.EmptyDirVolumeSource()))
	for _, secret := range spec.ImagePullSecrets {
		pod.WithImagePullSecrets(corev1ac.LocalObjectReference().WithName(secret.Name))
	}
	return pod
}

func variable(name, value string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValue(value)
}

// fieldVariable has a field of the pod itself.
func fieldVariable(name, path string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithFieldRef(corev1ac.ObjectFieldSelector().WithFieldPath(path)))
}

// userEnv copies the user's variables through JSON: their sources are too many to name here.
func userEnv(env []corev1.EnvVar) []*corev1ac.EnvVarApplyConfiguration {
	all := make([]*corev1ac.EnvVarApplyConfiguration, 0, len(env))
	for i := range env {
		all = append(all, asApply[corev1ac.EnvVarApplyConfiguration](env[i]))
	}
	return all
}

func resourcesOr(
	given *corev1.ResourceRequirements, standard corev1.ResourceRequirements,
) *corev1ac.ResourceRequirementsApplyConfiguration {
	if given != nil {
		return asApply[corev1ac.ResourceRequirementsApplyConfiguration](given)
	}
	return asApply[corev1ac.ResourceRequirementsApplyConfiguration](standard)
}

// egoConf renders settings, the user's over the operator's, as sorted lines KEY=VALUE.
func egoConf(standard map[string]string, user map[string]v1alpha1.EgoConfValue) string {
	all := maps.Clone(standard)
	for key, value := range user {
		all[key] = string(value)
	}
	var lines strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		// Kubernetes takes $(NAME) in a variable for another variable, and $$ for a dollar sign.
		lines.WriteString(key + "=" + strings.ReplaceAll(all[key], "$", "$$") + "\n")
	}
	return lines.String()
}
