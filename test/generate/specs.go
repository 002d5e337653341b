// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"reflect"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// functions say what the fields of a type can mean. Fields of a plain type without a meaning here are words.
func (s *Source) functions() []any {
	return []any{
		func(text *string, _ randfill.Continue) { *text = s.word() },
		func(n *int32, _ randfill.Continue) { *n = number(s, int32(1), 30) },
		func(n *int64, _ randfill.Continue) { *n = number(s, int64(0), 3600) },
		func(q *resource.Quantity, _ randfill.Continue) {
			*q = s.quantity("1Gi", "1.5Gi", "1024Mi", "2e9", "5000000000", "1500m")
		},
		func(m *intstr.IntOrString, _ randfill.Continue) { *m = s.portion() },
		func(d *metav1.Duration, _ randfill.Continue) { d.Duration = s.duration() },
		func(p *corev1.PullPolicy, _ randfill.Continue) {
			*p = pick(s, "", corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)
		},
		func(r *corev1.ResourceRequirements, c randfill.Continue) { s.resources(r, c) },
		func(all *[]corev1.EnvVar, c randfill.Continue) { *all = s.variables(c) },
		func(all *[]v1alpha1.LocalSecretReference, _ randfill.Continue) { *all = s.secrets() },
		func(r *v1alpha1.SecretKeyReference, _ randfill.Continue) {
			r.Name, r.Key = pick(s, "secret", "a.b", strings.Repeat("s", 253)), pick(s, "key", "tls.crt", "_", "A-b")
		},
		func(overlay *runtime.RawExtension, _ randfill.Continue) { overlay.Raw = s.overlay() },
		func(all *map[string]v1alpha1.EgoConfValue, _ randfill.Continue) { *all = s.settings() },
		func(spec *v1alpha1.SymphonyClusterSpec, c randfill.Continue) { s.clusterSpec(spec, c) },
		func(e *v1alpha1.Entitlement, c randfill.Continue) { s.entitlement(e, c) },
		func(m *v1alpha1.MasterStorage, c randfill.Continue) { s.storage(m, c) },
		func(m *v1alpha1.MasterSpec, c randfill.Continue) {
			s.fields(c, m)
			m.Image = s.image(true)
		},
		func(m *v1alpha1.ComputeSpec, c randfill.Continue) {
			s.fields(c, m)
			m.Image = s.image(true)
			if m.Replicas != nil {
				*m.Replicas = number(s, int32(0), 6)
			}
			m.ScaleIn.Policy = pick(s, "", v1alpha1.Drain, v1alpha1.Immediate)
			m.Update.Type = pick(s, "", v1alpha1.RollingUpdate, v1alpha1.OnDelete)
		},
		func(g *v1alpha1.GUISpec, c randfill.Continue) { s.gui(g, c) },
		func(n *v1alpha1.NetworkSpec, c randfill.Continue) {
			s.fields(c, n)
			n.Mode = pick(s, "", v1alpha1.NetworkExisting, v1alpha1.NetworkWeave)
		},
		func(p *networkingv1.NetworkPolicyPeer, _ randfill.Continue) { *p = s.client() },
		func(spec *v1alpha1.WeaveNetworkSpec, c randfill.Continue) { s.weaveSpec(spec, c) },
		func(spec *v1alpha1.NetworkCheckSpec, c randfill.Continue) { s.checkSpec(spec, c) },
		func(p *v1alpha1.NetworkCheckPlacement, c randfill.Continue) { s.placement(p, c) },
	}
}

// fields fills a struct's fields, and leaves out some of those that can be: randfill fills all whose type has a function.
func (s *Source) fields(c randfill.Continue, structure any) {
	c.FillNoCustom(structure)
	for _, field := range reflect.ValueOf(structure).Elem().Fields() {
		switch field.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			if s.one(2) {
				field.SetZero()
			}
		default:
		}
	}
}

// Cluster is a new SymphonyCluster.
func (s *Source) Cluster() *v1alpha1.SymphonyCluster {
	cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{
		Namespace: "grid", Name: oneOf(s, "prod", "p", "prod-2", strings.Repeat("a", v1alpha1.MaxNameLength)), UID: "cluster-uid", Generation: 1,
	}}
	if s.strays() {
		cluster.Name = oneOf(s, "7prod", "a.b", strings.Repeat("a", v1alpha1.MaxNameLength+1))
	}
	cluster.Status.ObservedGeneration = -1
	s.filler.Fill(&cluster.Spec)
	return cluster
}

// WeaveNetwork is a new WeaveNetwork.
func (s *Source) WeaveNetwork() *v1alpha1.WeaveNetwork {
	network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork, UID: "network-uid", Generation: 1}}
	network.Status.ObservedGeneration = -1
	s.filler.Fill(&network.Spec)
	return network
}

// NetworkCheck is a new NetworkCheck.
func (s *Source) NetworkCheck() *v1alpha1.NetworkCheck {
	check := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{
		Namespace: "grid", Name: oneOf(s, "check", "prod-network", strings.Repeat("c", 50)), UID: "check-uid", Generation: 1,
	}}
	check.Status.ObservedGeneration = -1
	s.filler.Fill(&check.Spec)
	return check
}

func (s *Source) clusterSpec(spec *v1alpha1.SymphonyClusterSpec, c randfill.Continue) {
	s.fields(c, spec)
	spec.Image = s.image(false)
	spec.ClusterName = pick(s, "", "symphony712", "A_b.c-1", strings.Repeat("n", 39))
	spec.License = pick(s, "", "accept")
	spec.InstallDir = pick(s, "", "/opt/ibm/platform", "/"+strings.Repeat("d", 255))
	spec.RestartedAt = pick(s, "", "2026-01-02T03:04:05Z", "again", strings.Repeat("r", 64))
	spec.Suspend = s.one(4)
}

func (s *Source) client() networkingv1.NetworkPolicyPeer {
	labelled := &metav1.LabelSelector{MatchLabels: map[string]string{"app": pick(s, "risk", "a")}}
	return oneOf(s,
		networkingv1.NetworkPolicyPeer{PodSelector: labelled},
		networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}, NamespaceSelector: labelled},
		networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16"}}},
		networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "2001:db8::/32"}},
	)
}

func (s *Source) image(canBeEmpty bool) string {
	if canBeEmpty && s.one(2) {
		return ""
	}
	return pick(s, "sym712", "sym732", "registry.example.com:5000/grid/symphony@sha256:"+strings.Repeat("0a", 32))
}

func (s *Source) entitlement(e *v1alpha1.Entitlement, c randfill.Continue) {
	s.fields(c, e)
	e.Path = ""
	if e.SecretKeyRef == nil || s.strays() {
		e.Path = pick(s, "/opt/platform_sym_adv_entitlement.dat", "/a", "/"+strings.Repeat("e", 255))
	}
}

func (s *Source) storage(m *v1alpha1.MasterStorage, c randfill.Continue) {
	s.fields(c, m)
	m.AccessMode = pick(s, "", corev1.ReadWriteOncePod, corev1.ReadWriteOnce, corev1.ReadWriteMany)
	m.WhenDeleted = pick(s, "", v1alpha1.RetainClaim, v1alpha1.DeleteClaim)
	m.ExistingClaim = ""
	if m.StorageClassName != nil {
		*m.StorageClassName = pick(s, "", "fast", "a.b")
	}
	if s.one(3) {
		claim := pick(s, "mine", "other-master")
		if s.strays() {
			m.ExistingClaim = claim // Beside what does not go with it.
			return
		}
		*m = v1alpha1.MasterStorage{ExistingClaim: claim}
	}
}

func (s *Source) gui(g *v1alpha1.GUISpec, c randfill.Continue) {
	s.fields(c, g)
	g.ServiceType = pick(s, "", corev1.ServiceTypeNodePort, corev1.ServiceTypeClusterIP, corev1.ServiceTypeLoadBalancer)
	if g.NodePort != nil {
		*g.NodePort = number(s, int32(30000), 32767)
	}
	if g.ServiceType == corev1.ServiceTypeClusterIP && !s.strays() {
		g.NodePort = nil
	}
	if g.Annotations != nil {
		g.Annotations = map[string]string{pick(s, "example.com/pool", "a", names.AnnotationApplied): s.noise()}
	}
}

// quantity is one of several, spelt as people spell them.
func (s *Source) quantity(texts ...string) resource.Quantity {
	if s.strays() {
		texts = []string{"0", "-1", "-1Gi", "1n", "1E", "99999999999999999999", "1e99", "1e-99", "0.000001", ".5", "5."}
	}
	return resource.MustParse(oneOf(s, texts...))
}

// portion is a number or a percentage.
func (s *Source) portion() intstr.IntOrString {
	switch {
	case s.strays():
		return oneOf(s, intstr.FromInt32(0), intstr.FromInt32(-1), intstr.FromString("0%"), intstr.FromString("5"), intstr.FromString(s.noise()),
			intstr.FromInt32(1_000_001))
	case s.one(2):
		return intstr.FromString(oneOf(s, "1%", "25%", "99%", "100%"))
	}
	return intstr.FromInt32(oneOf(s, int32(1), 2, 100, 1_000_000))
}

func (s *Source) duration() time.Duration {
	if s.strays() {
		return oneOf(s, -time.Second, 1<<62, 200*time.Hour, time.Nanosecond)
	}
	return oneOf(s, 0, time.Second, 90*time.Second, 10*time.Minute, time.Hour)
}

// secrets are registry credentials, each once.
func (s *Source) secrets() []v1alpha1.LocalSecretReference {
	var all []v1alpha1.LocalSecretReference
	for _, name := range []string{"registry", "other.registry", strings.Repeat("s", 253)} {
		if s.one(2) {
			all = append(all, v1alpha1.LocalSecretReference{Name: pick(s, name)})
		}
	}
	return all
}

func (s *Source) settings() map[string]v1alpha1.EgoConfValue {
	all := map[string]v1alpha1.EgoConfValue{}
	for range s.random.Intn(4) {
		key := pick(s, "EGO_DYNAMIC_HOST_TIMEOUT", "EGO_LOG_MASK", "A", strings.Repeat("K", 64))
		if s.strays() {
			key = oneOf(s, "EGO_MASTER_LIST", "EGO_CONFDIR", "ego_x")
		}
		all[key] = pick[v1alpha1.EgoConfValue](s, "", "10m", `"quoted" $(PATH) $HOME \ '`, "ä", v1alpha1.EgoConfValue(strings.Repeat("v", 1024)))
	}
	return all
}

func (s *Source) overlay() []byte {
	if s.wild && s.one(4) {
		return []byte(oneOf(s, append(s.texts(Refused), "null", "[]", "1", `{"spec":null}`, `{"spec":{"containers":[null]}}`)...))
	}
	return []byte(oneOf(s, s.texts(Merged)...))
}

func (s *Source) texts(overlays []Overlay) []string {
	all := make([]string, 0, len(overlays))
	for _, overlay := range overlays {
		all = append(all, overlay.JSON)
	}
	return all
}
