// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"cmp"
	"net"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Settings are what an installation chooses for the pods of all nodes.
type Settings struct {
	// AgentImage is the operator's own image.
	AgentImage string
	// APIServer is the API server's host and port, for clusters whose kube-proxy needs a pod network; "" lets pods use
	// the Service.
	APIServer string
}

// apiServerEnv has a pod's client find the API server without the Service.
func (s Settings) apiServerEnv() []*corev1ac.EnvVarApplyConfiguration {
	host, port, err := net.SplitHostPort(s.APIServer)
	if err != nil {
		return nil
	}
	return []*corev1ac.EnvVarApplyConfiguration{env("KUBERNETES_SERVICE_HOST", host), env("KUBERNETES_SERVICE_PORT", port)}
}

func env(name, value string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValue(value)
}

func nodeName(name string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().WithFieldRef(
		corev1ac.ObjectFieldSelector().WithFieldPath("spec.nodeName")))
}

func mount(name, path string) *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(name).WithMountPath(path)
}

func hostVolume(name, path string, kind corev1.HostPathType) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithHostPath(corev1ac.HostPathVolumeSource().WithPath(path).WithType(kind))
}

func requests(cpu, memory string) *corev1ac.ResourceRequirementsApplyConfiguration {
	return corev1ac.ResourceRequirements().WithRequests(corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
	})
}

func image(spec *v1alpha1.WeaveNetworkSpec) string { return cmp.Or(spec.Image, defaultImage) }

func cniBin(spec *v1alpha1.WeaveNetworkSpec) string {
	return cmp.Or(spec.HostPaths.CNIBin, defaultCNIBin)
}

func cniConfig(spec *v1alpha1.WeaveNetworkSpec) string {
	return cmp.Or(spec.HostPaths.CNIConfig, defaultCNIConfig)
}

func data(spec *v1alpha1.WeaveNetworkSpec) string { return cmp.Or(spec.HostPaths.Data, defaultData) }
