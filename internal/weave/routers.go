// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"

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

const (
	defaultImage    = "docker.io/rajchaudhuri/weave-kube:2.9.0"
	defaultNPCImage = "docker.io/rajchaudhuri/weave-npc:2.9.0"

	defaultCNIBin    = "/opt/cni/bin"
	defaultCNIConfig = "/etc/cni/net.d"
	defaultData      = "/var/lib/weave"
)

// exposed is the readiness of a router: it answers and its node is on the overlay. Weave's own probe, its status alone, is
// good with all peers failed, without addresses and in a split brain. Peers are no part of it: during a partition an
// update would stop half way.
const exposed = `curl -fsS http://127.0.0.1:6784/status >/dev/null && ip -4 -o addr show dev weave | grep -q inet`

// Routers is Weave's DaemonSet as it should be; nil leaves it as it is. It has no owner: a deleted WeaveNetwork must not
// take the pod network along.
func Routers(facts *observe.WeaveFacts, plan *Plan, settings Settings) (*appsv1ac.DaemonSetApplyConfiguration, error) {
	if !plan.Install {
		return nil, nil
	}
	network, live := facts.Network, facts.Routers
	wanted := revision(network, plan.Frozen, settings)
	var template *corev1ac.PodTemplateSpecApplyConfiguration
	if ours(live) && (plan.KeepTemplate || live.Labels[names.LabelRevision] == wanted) {
		wanted, template = live.Labels[names.LabelRevision], keptTemplate(live)
	}
	if template == nil && plan.KeepTemplate {
		return nil, nil
	}
	if template == nil {
		template = routerTemplate(network, plan.Frozen, settings)
	}
	text, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("encoding the template of %s: %w", names.WeaveRouters, err)
	}
	labels := names.WeaveLabels(names.WeaveRouters)
	labels[names.LabelRevision] = wanted
	password := template.Annotations[annotationPassword]
	atOnce := allAtOnce(facts, password)
	set := appsv1ac.DaemonSet(names.WeaveRouters, names.WeaveNamespace).
		WithLabels(labels).
		WithAnnotations(map[string]string{names.AnnotationTemplate: string(text)}).
		WithSpec(appsv1ac.DaemonSetSpec().
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(map[string]string{names.LabelWeave: names.WeaveRouters})).
			WithMinReadySeconds(5).
			WithRevisionHistoryLimit(2).
			WithUpdateStrategy(updateStrategy(network, atOnce, lostNodes(facts))).
			WithTemplate(template))
	if atOnce {
		set.WithAnnotations(map[string]string{annotationAllAtOnce: password})
	}
	return set, nil
}

// allAtOnce reports whether all routers are to be replaced at the same time: those with different passwords refuse each
// other, so one after the other would part the network for the whole update instead of for seconds.
func allAtOnce(facts *observe.WeaveFacts, password string) bool {
	live := facts.Routers
	if !ours(live) {
		return false
	}
	// The annotation is empty, and there, while a password is taken away.
	begun, is := live.Annotations[annotationAllAtOnce]
	return passwordOf(live) != password || is && begun == password && !rolledOut(facts)
}

// rolledOut reports whether every node's pod has the DaemonSet's template. Lost nodes' never get it.
func rolledOut(facts *observe.WeaveFacts) bool {
	set := facts.Routers
	return set.Status.ObservedGeneration >= set.Generation && len(outdated(facts)) == 0
}

// outdated are the nodes whose router has another template than the DaemonSet, but for lost ones. Of somebody else's
// DaemonSet that is not known.
func outdated(facts *observe.WeaveFacts) []string {
	wanted := facts.Routers.Spec.Template.Labels[names.LabelRevision]
	var nodes []string
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		pod := facts.RouterPods[node.Name]
		if wanted != "" && node.Wanted && !node.Lost && pod != nil && pod.Labels[names.LabelRevision] != wanted {
			nodes = append(nodes, node.Name)
		}
	}
	return nodes
}

// lostNodes counts the wanted nodes of which Kubernetes does not know what runs on them.
func lostNodes(facts *observe.WeaveFacts) int32 { return int32(len(lostOf(facts))) }

func updateStrategy(network *v1alpha1.WeaveNetwork, atOnce bool, lost int32) *appsv1ac.DaemonSetUpdateStrategyApplyConfiguration {
	update := network.Spec.Update
	if update.Type == v1alpha1.WeaveOnDelete {
		return appsv1ac.DaemonSetUpdateStrategy().WithType(appsv1.OnDeleteDaemonSetStrategyType)
	}
	unavailable := intstr.FromInt32(1)
	if update.MaxUnavailable != nil {
		unavailable = *update.MaxUnavailable
	}
	if unavailable.Type == intstr.Int {
		unavailable.IntVal += lost // Their routers are unavailable anyhow, and would keep the others from being replaced.
	}
	if atOnce {
		unavailable = intstr.FromString("100%")
	}
	return appsv1ac.DaemonSetUpdateStrategy().
		WithType(appsv1.RollingUpdateDaemonSetStrategyType).
		WithRollingUpdate(appsv1ac.RollingUpdateDaemonSet().WithMaxUnavailable(unavailable))
}

func routerTemplate(
	network *v1alpha1.WeaveNetwork, frozen v1alpha1.WeaveFrozen, settings Settings,
) *corev1ac.PodTemplateSpecApplyConfiguration {
	spec := &network.Spec
	pod := hostPod(network).
		WithServiceAccountName(names.WeaveRouters).
		WithDNSPolicy(corev1.DNSClusterFirstWithHostNet).
		// Its first process, a shell, ignores SIGTERM: every pod would take the usual 30 s to end.
		WithTerminationGracePeriodSeconds(5).
		WithInitContainers(initContainer(spec)).
		WithContainers(routerContainer(spec, frozen, settings)).
		WithVolumes(
			hostVolume("cni-bin", cniBin(spec), corev1.HostPathDirectoryOrCreate),
			hostVolume("cni-conf", cniConfig(spec), corev1.HostPathDirectoryOrCreate),
			hostVolume("weavedb", data(spec), corev1.HostPathDirectoryOrCreate),
			hostVolume("dbus", "/var/lib/dbus", corev1.HostPathDirectoryOrCreate),
			hostVolume("machine-id", "/etc/machine-id", corev1.HostPathFile),
			hostVolume("lib-modules", "/lib/modules", corev1.HostPathDirectoryOrCreate),
			hostVolume("xtables-lock", "/run/xtables.lock", corev1.HostPathFileOrCreate),
		)
	if spec.NetworkPolicy != v1alpha1.NetworkPolicyDisabled {
		pod.WithContainers(policyContainer(spec, settings))
	}
	for _, secret := range spec.ImagePullSecrets {
		pod.WithImagePullSecrets(corev1ac.LocalObjectReference().WithName(secret.Name))
	}
	template := corev1ac.PodTemplateSpec().WithLabels(names.WeaveLabels(names.WeaveRouters)).WithSpec(pod)
	if id := passwordID(spec.Password); id != "" {
		template.WithAnnotations(map[string]string{annotationPassword: id})
	}
	// By it a pod tells which template it has; of the template and not of the spec, so that a default that is spelt out
	// replaces nothing.
	return template.WithLabels(map[string]string{names.LabelRevision: digest(template)})
}

// hostPod is what routers and agents have in common: they are there before there is a pod network, and on every node.
func hostPod(network *v1alpha1.WeaveNetwork) *corev1ac.PodSpecApplyConfiguration {
	return corev1ac.PodSpec().
		WithHostNetwork(true).
		WithPriorityClassName("system-node-critical").
		WithNodeSelector(map[string]string{corev1.LabelOSStable: "linux"}).
		WithNodeSelector(network.Spec.NodeSelector).
		WithTolerations(
			corev1ac.Toleration().WithEffect(corev1.TaintEffectNoSchedule).WithOperator(corev1.TolerationOpExists),
			corev1ac.Toleration().WithEffect(corev1.TaintEffectNoExecute).WithOperator(corev1.TolerationOpExists),
		)
}

// initContainer installs the CNI plugin. Of the host it gets the two directories that it writes, not all of /opt, /home and
// /etc as in Weave's own manifest.
func initContainer(spec *v1alpha1.WeaveNetworkSpec) *corev1ac.ContainerApplyConfiguration {
	return privileged(names.RouterInit, image(spec), spec).
		WithCommand("/home/weave/init.sh").
		WithEnv(policyEnv(spec)...).
		WithVolumeMounts(
			mount("cni-bin", "/host/opt/cni/bin"),
			mount("cni-conf", "/host/etc/cni/net.d"),
			mount("lib-modules", "/lib/modules"),
			mount("xtables-lock", "/run/xtables.lock"),
		)
}

func routerContainer(
	spec *v1alpha1.WeaveNetworkSpec, frozen v1alpha1.WeaveFrozen, settings Settings,
) *corev1ac.ContainerApplyConfiguration {
	container := privileged(names.RouterContainer, image(spec), spec).
		WithCommand("/home/weave/launch.sh").
		WithEnv(
			env("INIT_CONTAINER", "true"),
			nodeName("HOSTNAME"),
			env("CHECKPOINT_DISABLE", "1"),
			env(envRange, spec.IPRange),
			// Weave's own count leaves the node itself out: two nodes would each be a majority, and split the brain.
			env(envInit, consensus+strconv.Itoa(int(frozen.InitialPeerCount))),
		).
		WithReadinessProbe(corev1ac.Probe().WithExec(corev1ac.ExecAction().WithCommand("/bin/sh", "-c", exposed)).
			WithPeriodSeconds(5).WithTimeoutSeconds(5)).
		WithVolumeMounts(
			mount("weavedb", "/weavedb"),
			mount("dbus", "/host/var/lib/dbus").WithReadOnly(true),
			mount("machine-id", "/host/etc/machine-id").WithReadOnly(true),
			mount("xtables-lock", "/run/xtables.lock"),
		)
	if frozen.FastDatapath == v1alpha1.FastDatapathDisabled {
		container.WithEnv(env(envNoFastPath, "1"))
	}
	if spec.MTU != 0 {
		container.WithEnv(env("WEAVE_MTU", strconv.Itoa(int(spec.MTU))))
	}
	if spec.Password != nil {
		container.WithEnv(corev1ac.EnvVar().WithName("WEAVE_PASSWORD").WithValueFrom(corev1ac.EnvVarSource().WithSecretKeyRef(
			corev1ac.SecretKeySelector().WithName(spec.Password.SecretKeyRef.Name).WithKey(spec.Password.SecretKeyRef.Key))))
	}
	return container.WithEnv(policyEnv(spec)...).WithEnv(settings.apiServerEnv()...)
}

func policyContainer(spec *v1alpha1.WeaveNetworkSpec, settings Settings) *corev1ac.ContainerApplyConfiguration {
	return privileged(names.PolicyContainer, cmp.Or(spec.NPCImage, defaultNPCImage), spec).
		WithEnv(nodeName("HOSTNAME")).
		WithEnv(settings.apiServerEnv()...).
		WithVolumeMounts(mount("xtables-lock", "/run/xtables.lock"))
}

// policyEnv tells both of weave-kube's containers when nobody enforces NetworkPolicies.
func policyEnv(spec *v1alpha1.WeaveNetworkSpec) []*corev1ac.EnvVarApplyConfiguration {
	if spec.NetworkPolicy != v1alpha1.NetworkPolicyDisabled {
		return nil
	}
	return []*corev1ac.EnvVarApplyConfiguration{env("EXPECT_NPC", "0")}
}

// privileged is a container of Weave's: it makes links, rules and kernel settings, and loads modules.
func privileged(name, image string, spec *v1alpha1.WeaveNetworkSpec) *corev1ac.ContainerApplyConfiguration {
	return corev1ac.Container().
		WithName(name).
		WithImage(image).
		WithImagePullPolicy(cmp.Or(spec.ImagePullPolicy, corev1.PullIfNotPresent)).
		WithResources(requests("50m", "64Mi")).
		WithSecurityContext(corev1ac.SecurityContext().WithPrivileged(true))
}
