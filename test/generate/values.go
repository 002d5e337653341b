// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/randfill"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// resources are such that the API server takes them: no request above its limit.
func (s *Source) resources(r *corev1.ResourceRequirements, c randfill.Continue) {
	if s.strays() {
		s.fields(c, r)
		return
	}
	for _, one := range []struct {
		name           corev1.ResourceName
		request, limit []string
	}{
		{corev1.ResourceCPU, []string{"100m", "0.1", "1"}, []string{"2", "2000m", "1e1"}},
		{corev1.ResourceMemory, []string{"1Gi", "1073741824", "2048M"}, []string{"4Gi", "8192M", "5e9"}},
		{"example.com/gpu", []string{"1"}, []string{"1"}},
	} {
		if s.one(2) {
			r.Limits = with(r.Limits, one.name, s.quantity(one.limit...))
		}
		// What is no part of Kubernetes cannot be requested without a limit.
		_, limited := r.Limits[one.name]
		if s.one(2) && (limited || !strings.Contains(string(one.name), "/")) {
			r.Requests = with(r.Requests, one.name, s.quantity(one.request...))
		}
	}
}

func with(list corev1.ResourceList, name corev1.ResourceName, quantity resource.Quantity) corev1.ResourceList {
	if list == nil {
		list = corev1.ResourceList{}
	}
	list[name] = quantity
	return list
}

// variables have their names once each.
func (s *Source) variables(c randfill.Continue) []corev1.EnvVar {
	var all []corev1.EnvVar
	for _, name := range []string{"A", "JAVA_HOME", "a.b-c", "SYMPHONY"} {
		if !s.one(3) {
			continue
		}
		variable := corev1.EnvVar{Name: pick(s, name)}
		if s.strays() {
			s.fields(c, &variable)
			variable.Name = oneOf(s, "LICENSE", "SYMPHONY_X", name)
		} else {
			s.value(&variable)
		}
		all = append(all, variable)
	}
	return all
}

func (s *Source) value(variable *corev1.EnvVar) {
	local := corev1.LocalObjectReference{Name: s.word()}
	optional := oneOf(s, nil, new(true), new(false))
	switch s.random.Intn(6) {
	case 0:
		variable.ValueFrom = &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: oneOf(s, "metadata.name", "status.podIP", "metadata.labels['a']")}}
	case 1:
		variable.ValueFrom = &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{
			Resource: oneOf(s, "limits.cpu", "requests.memory"), Divisor: resource.MustParse(oneOf(s, "0", "1")),
		}}
	case 2:
		variable.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: local, Key: "key", Optional: optional}}
	case 3:
		variable.ValueFrom = &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: local, Key: "key", Optional: optional}}
	default:
		variable.Value = s.noise()
	}
}

func (s *Source) weaveSpec(spec *v1alpha1.WeaveNetworkSpec, c randfill.Continue) {
	s.fields(c, spec)
	spec.ManagementPolicy = pick(s, v1alpha1.WeaveObserve, v1alpha1.WeaveManaged, v1alpha1.WeaveManaged)
	spec.IPRange = pick(s, "10.32.0.0/12", "10.0.0.0/8", "192.0.2.0/29")
	spec.Image, spec.NPCImage = s.image(true), s.image(true)
	spec.FastDatapath = pick(s, "", v1alpha1.FastDatapathAuto, v1alpha1.FastDatapathDisabled)
	spec.NetworkPolicy = pick(s, "", v1alpha1.NetworkPolicyEnabled, v1alpha1.NetworkPolicyDisabled)
	spec.CleanupPolicy = pick(s, "", v1alpha1.CleanupRetain, v1alpha1.CleanupClean)
	spec.Update.Type = pick(s, "", v1alpha1.WeaveRollingUpdate, v1alpha1.WeaveOnDelete)
	spec.InitialPeerCount, spec.MTU = oneOf(s, 0, number(s, int32(1), 1000)), oneOf(s, 0, number(s, int32(576), 65535))
	spec.HostPaths = v1alpha1.WeaveHostPaths{
		CNIBin: pick(s, "", "/usr/libexec/cni"), CNIConfig: pick(s, "", "/etc/kubernetes/cni/net.d"), Data: pick(s, "", "/data"),
	}
	if spec.AllowConflicts != nil {
		spec.AllowConflicts = []string{pick(s, "Link/weave", "DaemonSet/kube-system/kindnet", "Port/tcp/6783")}
	}
	if spec.NodeSelector != nil {
		spec.NodeSelector = map[string]string{pick(s, "pool", "example.com/pool"): s.word()}
	}
	if spec.Password != nil {
		spec.Password.Revision = pick(s, "", "2")
	}
}

func (s *Source) checkSpec(spec *v1alpha1.NetworkCheckSpec, c randfill.Continue) {
	s.fields(c, spec)
	spec.Image = s.image(true)
	spec.Pairs = pick(s, "", v1alpha1.PairsRing, v1alpha1.PairsAll, v1alpha1.PairsSample)
	spec.Hosts = pick(s, "", v1alpha1.HostsSkip, v1alpha1.HostsOverlay)
	spec.Seconds, spec.SampleSize = oneOf(s, 0, number(s, int32(1), 60)), oneOf(s, 0, number(s, int32(1), 512))
	spec.UDPMegabitsPerSecond = oneOf(s, 0, number(s, int32(1), 100000))
	spec.TimeoutSeconds = oneOf(s, 0, number(s, int32(10), 86400))
}

// placement is one that can be met; most of what a wild one says no node fulfils.
func (s *Source) placement(p *v1alpha1.NetworkCheckPlacement, c randfill.Continue) {
	if s.strays() {
		s.fields(c, p)
		return
	}
	if s.one(3) {
		p.NodeSelector = map[string]string{"pool": s.word()}
	}
	if s.one(3) {
		p.Tolerations = []corev1.Toleration{{Key: s.word(), Operator: oneOf(s, "", corev1.TolerationOpExists), Effect: oneOf(s, "", corev1.TaintEffectNoSchedule)}}
	}
	if s.one(3) {
		p.NodeAffinity = &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
				{Key: "pool", Operator: oneOf(s, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn), Values: []string{s.word()}},
			}}},
		}}
	}
}
