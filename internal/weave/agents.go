// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// Where an agent finds what is the node's.
const (
	agentCNIBin    = "/host/cni-bin"
	agentCNIConfig = "/host/cni-conf"
	agentData      = "/host/data"
	agentEtc       = "/host/etc"
	agentMachineID = agentEtc + "/machine-id"
	agentModules   = "/lib/modules"
	agentPassword  = "/password"
	passwordFile   = "present"
	// agentHealth is where it serves its health, to the node itself alone.
	agentHealth     = "127.0.0.1:6785"
	agentHealthPort = 6785
	// nobody is the agent's user as long as it only reads.
	nobody = 65532
)

// Agents is the agents' DaemonSet. It is the WeaveNetwork's: the garbage collector ends it with it. Nobody's traffic
// passes it, so a new version of the operator may replace it.
func Agents(facts *observe.WeaveFacts, plan *Plan, settings Settings) *appsv1ac.DaemonSetApplyConfiguration {
	labels := names.WeaveLabels(names.WeaveAgents)
	return appsv1ac.DaemonSet(names.WeaveAgents, names.WeaveNamespace).
		WithLabels(labels).
		WithOwnerReferences(metav1ac.OwnerReference().
			WithAPIVersion(v1alpha1.SchemeGroupVersion.String()).WithKind("WeaveNetwork").
			WithName(facts.Network.Name).WithUID(facts.Network.UID).WithController(true)).
		WithSpec(appsv1ac.DaemonSetSpec().
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(map[string]string{names.LabelWeave: names.WeaveAgents})).
			WithRevisionHistoryLimit(1).
			WithUpdateStrategy(appsv1ac.DaemonSetUpdateStrategy().
				WithType(appsv1.RollingUpdateDaemonSetStrategyType).
				// All at once: no traffic passes them, and one on a lost node must not keep the others back.
				WithRollingUpdate(appsv1ac.RollingUpdateDaemonSet().WithMaxUnavailable(intstr.FromString("100%")))).
			WithTemplate(corev1ac.PodTemplateSpec().WithLabels(labels).WithSpec(agentPod(facts.Network, plan, settings))))
}

func agentPod(network *v1alpha1.WeaveNetwork, plan *Plan, settings Settings) *corev1ac.PodSpecApplyConfiguration {
	spec := &network.Spec
	container := agentContainer(network, plan, settings)
	pod := hostPod(network).
		WithServiceAccountName(names.WeaveAgents).
		WithTerminationGracePeriodSeconds(5).
		WithVolumes(
			hostVolume("cni-bin", cniBin(spec), corev1.HostPathDirectoryOrCreate),
			hostVolume("cni-conf", cniConfig(spec), corev1.HostPathDirectoryOrCreate),
			// Not the file machine-id: a node without one would get no agent to tell so.
			hostVolume("etc", "/etc", corev1.HostPathDirectory),
			hostVolume("lib-modules", "/lib/modules", corev1.HostPathDirectoryOrCreate),
		)
	if plan.Task == v1alpha1.AgentClean {
		container.WithVolumeMounts(mount("data", agentData))
		pod.WithVolumes(hostVolume("data", data(spec), corev1.HostPathDirectoryOrCreate))
	}
	if spec.Password != nil && plan.Task == v1alpha1.AgentReport {
		container.WithArgs("--password-file=" + agentPassword + "/" + passwordFile).
			WithVolumeMounts(mount("password", agentPassword).WithReadOnly(true))
		pod.WithVolumes(passwordVolume(&spec.Password.SecretKeyRef))
	}
	return pod.WithContainers(container)
}

func agentContainer(network *v1alpha1.WeaveNetwork, plan *Plan, settings Settings) *corev1ac.ContainerApplyConfiguration {
	spec := &network.Spec
	cleans := plan.Task == v1alpha1.AgentClean
	return corev1ac.Container().
		WithName(names.AgentContainer).
		WithImage(settings.AgentImage).
		WithImagePullPolicy(corev1.PullIfNotPresent).
		WithArgs(
			"node-agent",
			"--node=$(NODE_NAME)",
			"--task="+string(plan.Task),
			"--revision="+plan.AgentRevision,
			"--owner="+string(network.UID),
			"--ip-range="+spec.IPRange,
			"--cni-bin="+agentCNIBin,
			"--host-cni-bin="+cniBin(spec),
			"--cni-config="+agentCNIConfig,
			"--host-cni-config="+cniConfig(spec),
			"--data="+agentData,
			"--host-data="+data(spec),
			"--modules="+agentModules,
			"--machine-id="+agentMachineID,
			"--health-probe-bind-address="+agentHealth,
		).
		WithEnv(nodeName("NODE_NAME")).
		WithEnv(settings.apiServerEnv()...).
		WithResources(requests("10m", "32Mi")).
		WithReadinessProbe(corev1ac.Probe().WithPeriodSeconds(5).WithHTTPGet(
			corev1ac.HTTPGetAction().WithHost("127.0.0.1").WithPort(intstr.FromInt32(agentHealthPort)).WithPath("/readyz"))).
		WithSecurityContext(agentSecurity(cleans)).
		WithVolumeMounts(
			mount("cni-bin", agentCNIBin).WithReadOnly(!cleans),
			mount("cni-conf", agentCNIConfig).WithReadOnly(!cleans),
			mount("etc", agentEtc).WithReadOnly(true),
			mount("lib-modules", agentModules).WithReadOnly(true),
		)
}

// passwordVolume shows an agent whether the password is there: it looks for the file and never into it. The Secret is
// optional, because an agent that could not start could not tell that it is missing.
func passwordVolume(secret *v1alpha1.SecretKeyReference) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName("password").WithSecret(corev1ac.SecretVolumeSource().
		WithSecretName(secret.Name).
		WithOptional(true).
		// Root's alone: the agent sees that it is there, and cannot read it.
		WithDefaultMode(0o400).
		WithItems(corev1ac.KeyToPath().WithKey(secret.Key).WithPath(passwordFile)))
}

// agentSecurity gives an agent nothing while it only reads, and the right to remove links, rules and root's files when it
// cleans.
func agentSecurity(cleans bool) *corev1ac.SecurityContextApplyConfiguration {
	capabilities := corev1ac.Capabilities().WithDrop("ALL")
	security := corev1ac.SecurityContext().
		WithAllowPrivilegeEscalation(false).
		WithReadOnlyRootFilesystem(true).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)).
		WithCapabilities(capabilities)
	if cleans {
		// DAC_OVERRIDE: some installers give the directories of CNI to a user of their own.
		capabilities.WithAdd("NET_ADMIN", "DAC_OVERRIDE")
		// By its own type SELinux would keep a container from the host's files.
		security.WithSELinuxOptions(corev1ac.SELinuxOptions().WithType("spc_t"))
		return security.WithRunAsUser(0).WithRunAsGroup(0)
	}
	return security.WithRunAsNonRoot(true).WithRunAsUser(nobody).WithRunAsGroup(nobody)
}
