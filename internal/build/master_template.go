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

const (
	// masterGraceSeconds is how long EGO gets to shut down its services.
	masterGraceSeconds = 60
	// lostNodeSeconds is how long a master stays bound to a node that is lost. The default of 300 would
	// leave every compute host without a master for five minutes.
	lostNodeSeconds = 30
)

// masterTemplate is the master's pod as the operator builds it, before the user's overlay.
func masterTemplate(cluster *v1alpha1.SymphonyCluster) *corev1ac.PodTemplateSpecApplyConfiguration {
	spec := &cluster.Spec
	files := masterFiles(spec)
	container := symphonyContainer(cluster, imageOf(spec, spec.Master.Image), scripts.Master()).
		WithResources(resourcesOr(spec.Master.Resources, masterResources())).
		WithPorts(corev1ac.ContainerPort().WithName("https").WithContainerPort(guiPort).WithProtocol(corev1.ProtocolTCP)).
		WithEnv(
			variable("SYMPHONY_EGO_CONF", egoConf(masterEgoConf(), spec.EgoConf)),
			variable("SYMPHONY_ENTITLEMENT_FILE", files.entitlement),
			variable("SYMPHONY_ADMIN_PASSWORD_FILE", files.adminPassword),
			variable("SYMPHONY_GUI_TLS_DIR", files.guiTLS),
			fieldVariable("SYMPHONY_POD_IP", "status.podIP")).
		WithEnv(userEnv(spec.Master.Env)...).
		WithVolumeMounts(corev1ac.VolumeMount().WithName("compute-hosts").WithMountPath(computeHostsDir).WithReadOnly(true)).
		WithVolumeMounts(files.mounts...)

	pod := symphonyPod(spec, container).
		WithHostname(names.MasterHostname(cluster.Name)).
		WithTerminationGracePeriodSeconds(masterGraceSeconds).
		WithTolerations(
			lostNode(corev1.TaintNodeNotReady),
			lostNode(corev1.TaintNodeUnreachable)).
		WithVolumes(computeHostsVolume(cluster)).
		WithVolumes(files.volumes...)
	addStorage(cluster, &pod.Containers[0], pod)
	return corev1ac.PodTemplateSpec().WithLabels(names.Labels(cluster.Name, names.Master)).WithSpec(pod)
}

// masterResources are the article's.
func masterResources() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("100m"),
			corev1.ResourceMemory: resource.MustParse("4096M"),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("8192M")},
	}
}

func lostNode(taint string) *corev1ac.TolerationApplyConfiguration {
	return corev1ac.Toleration().
		WithKey(taint).
		WithOperator(corev1.TolerationOpExists).
		WithEffect(corev1.TaintEffectNoExecute).
		WithTolerationSeconds(lostNodeSeconds)
}

// files are the files that the master's script reads, from Secrets that only the pod reads.
type files struct {
	entitlement, adminPassword, guiTLS string
	volumes                            []*corev1ac.VolumeApplyConfiguration
	mounts                             []*corev1ac.VolumeMountApplyConfiguration
}

func masterFiles(spec *v1alpha1.SymphonyClusterSpec) files {
	var all files
	if entitlement := spec.Entitlement; entitlement != nil {
		all.entitlement = entitlement.Path
		if ref := entitlement.SecretKeyRef; ref != nil {
			all.entitlement = "/symphony/entitlement/entitlement"
			all.add("entitlement", "/symphony/entitlement", ref.Name,
				corev1ac.KeyToPath().WithKey(ref.Key).WithPath("entitlement"))
		}
	}
	if password := spec.AdminPassword; password != nil {
		all.adminPassword = "/symphony/admin/password"
		all.add("admin-password", "/symphony/admin", password.SecretKeyRef.Name,
			corev1ac.KeyToPath().WithKey(password.SecretKeyRef.Key).WithPath("password"))
	}
	if tls := spec.GUI.TLS; tls != nil {
		all.guiTLS = "/symphony/gui-tls"
		all.add("gui-tls", all.guiTLS, tls.SecretName)
	}
	return all
}

// add mounts a Secret. It is optional: with a required one the pod would wait without a word that a condition
// could show, while the script says which file it misses, and sees a later change without a restart.
func (f *files) add(volume, path, secret string, items ...*corev1ac.KeyToPathApplyConfiguration) {
	f.volumes = append(f.volumes, corev1ac.Volume().WithName(volume).WithSecret(corev1ac.SecretVolumeSource().
		WithSecretName(secret).WithOptional(true).WithItems(items...)))
	f.mounts = append(f.mounts, corev1ac.VolumeMount().WithName(volume).WithMountPath(path).WithReadOnly(true))
}
