// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

func containerNames(pod *corev1.PodTemplateSpec) []string {
	var all []string
	for i := range pod.Spec.Containers {
		all = append(all, pod.Spec.Containers[i].Name)
	}
	return all
}

// changes are overlays of the compute pod, and what comes of them.
var changes = map[string]struct {
	overlay string
	expect  func(g *WithT, pod *corev1.PodTemplateSpec)
}{
	"by a side-car, which comes after the container symphony": {
		`{"spec":{"containers":[{"name":"log","image":"fluent-bit"},{"name":"agent","image":"agent"}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(containerNames(pod)).To(HaveExactElements(names.Container, "log", "agent"))
			g.Expect(pod.Spec.Containers[1].Image).To(Equal("fluent-bit"))
		},
	},
	"by another image": {
		`{"spec":{"containers":[{"name":"symphony","image":"sym712-patched"}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(containerNames(pod)).To(HaveExactElements(names.Container))
			g.Expect(pod.Spec.Containers[0].Image).To(Equal("sym712-patched"))
		},
	},
	"by side-cars around the container symphony, which stays first": {
		`{"spec":{"containers":[{"name":"a","image":"a"},{"name":"symphony","image":"patched"},{"name":"b","image":"b"}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(containerNames(pod)).To(HaveExactElements(names.Container, "a", "b"))
			g.Expect(pod.Spec.Containers[0].Image).To(Equal("patched"))
		},
	},
	"by a node selector": {
		`{"spec":{"nodeSelector":{"disk":"ssd"}}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(pod.Spec.NodeSelector).To(Equal(map[string]string{"disk": "ssd"}))
		},
	},
	"by a toleration": {
		`{"spec":{"tolerations":[{"key":"gpu","operator":"Exists"}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(pod.Spec.Tolerations).To(ConsistOf(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpExists}))
		},
	},
	"by a volume and its mount, beside the operator's": {
		`{"spec":{"volumes":[{"name":"scratch","emptyDir":{"medium":"Memory"}}],
		  "containers":[{"name":"symphony","volumeMounts":[{"name":"scratch","mountPath":"/scratch"}]}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(pod.Spec.Volumes).To(HaveLen(3))
			g.Expect(pod.Spec.Volumes).To(ContainElement(HaveField("EmptyDir.Medium", corev1.StorageMediumMemory)))
			g.Expect(pod.Spec.Containers[0].VolumeMounts).To(HaveLen(3))
			g.Expect(pod.Spec.Containers[0].VolumeMounts).To(ContainElement(HaveField("MountPath", "/scratch")))
		},
	},
	"by resources, which are merged with those of spec": {
		`{"spec":{"containers":[{"name":"symphony","resources":{"limits":{"example.com/gpu":"1"}}}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			resources := pod.Spec.Containers[0].Resources
			g.Expect(resources.Limits).To(HaveKeyWithValue(corev1.ResourceName("example.com/gpu"), resource.MustParse("1")))
			g.Expect(resources.Requests).To(HaveKey(corev1.ResourceMemory))
		},
	},
	"by an environment variable": {
		`{"spec":{"containers":[{"name":"symphony","env":[{"name":"SITE","value":"north"}]}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(pod.Spec.Containers[0].Env).To(ContainElement(corev1.EnvVar{Name: "SITE", Value: "north"}))
			g.Expect(pod.Spec.Containers[0].Env).To(ContainElement(HaveField("Name", "SYMPHONY_EGO_CONF")))
		},
	},
	"by labels and annotations": {
		`{"metadata":{"labels":{"team":"risk"},"annotations":{"sidecar.istio.io/inject":"false"}}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(pod.Labels).To(HaveKeyWithValue("team", "risk"))
			g.Expect(pod.Labels).To(HaveKeyWithValue(names.LabelRole, names.Compute))
			g.Expect(pod.Annotations).To(HaveKeyWithValue("sidecar.istio.io/inject", "false"))
			g.Expect(pod.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, hostsLine))
		},
	},
	"by how often the readiness probe runs": {
		`{"spec":{"containers":[{"name":"symphony","readinessProbe":{"periodSeconds":30}}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			probe := pod.Spec.Containers[0].ReadinessProbe
			g.Expect(probe.PeriodSeconds).To(BeEquivalentTo(30))
			g.Expect(probe.Exec.Command).To(HaveExactElements("/symphony/run/bin/ready"))
		},
	},
	"by the grace period and the service account": {
		`{"spec":{"terminationGracePeriodSeconds":120,"serviceAccountName":"compute"}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(*pod.Spec.TerminationGracePeriodSeconds).To(BeEquivalentTo(120))
			g.Expect(pod.Spec.ServiceAccountName).To(Equal("compute"))
		},
	},
	"by one number for two ports in two containers": {
		`{"spec":{"containers":[{"name":"a","image":"a","ports":[{"containerPort":9000}]},
		  {"name":"b","image":"b","ports":[{"containerPort":9000}]}]}}`,
		func(g *WithT, pod *corev1.PodTemplateSpec) {
			g.Expect(pod.Spec.Containers[1].Ports[0].ContainerPort).To(BeEquivalentTo(9000))
			g.Expect(pod.Spec.Containers[2].Ports[0].ContainerPort).To(BeEquivalentTo(9000))
		},
	},
}

func TestAnOverlayChangesTheComputePod(t *testing.T) {
	for name, test := range changes {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, computeOverlay(test.overlay))
			g.Expect(children.Invalid).To(BeEmpty())
			test.expect(g, computePod(t, children))
		})
	}
}

func TestAnOverlayThatSaysNothingChangesNothing(t *testing.T) {
	want := computePod(t, buildFirst(t))
	want.Labels[names.LabelRevision] = ""
	for _, text := range []string{"", "{}", "null", `{"spec":{}}`, `{"spec":{"containers":[]}}`} {
		t.Run(text, func(t *testing.T) {
			got := computePod(t, buildFirst(t, computeOverlay(text)))
			got.Labels[names.LabelRevision] = ""
			NewWithT(t).Expect(got).To(Equal(want))
		})
	}
}

// A master's overlay must not reach compute pods, nor the other way round.
func TestAnOverlayIsOfOneRole(t *testing.T) {
	const label = `{"metadata":{"labels":{"mine":"yes"}}}`
	for name, change := range map[string]edit{names.Master: masterOverlay(label), names.Compute: computeOverlay(label)} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, change)
			_, onMaster := masterPod(t, children).Labels["mine"]
			_, onCompute := computePod(t, children).Labels["mine"]
			g.Expect(onMaster).To(Equal(name == names.Master))
			g.Expect(onCompute).To(Equal(name == names.Compute))
		})
	}
}

// Tolerations have no merge key: without help, the first one of a user's would drop the operator's, and a master on a
// lost node would be waited for ten times as long.
func TestTolerationsAreAddedToTheMasters(t *testing.T) {
	g := NewWithT(t)
	own := masterPod(t, buildFirst(t)).Spec.Tolerations
	g.Expect(own).To(HaveLen(2))
	gpu := corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpExists}
	g.Expect(masterPod(t, buildFirst(t, masterOverlay(`{"spec":{"tolerations":[{"key":"gpu","operator":"Exists"}]}}`))).Spec.Tolerations).
		To(ConsistOf(gpu, own[0], own[1]))

	longer := masterPod(t, buildFirst(t, masterOverlay(
		`{"spec":{"tolerations":[{"key":"`+own[0].Key+`","operator":"Exists","tolerationSeconds":600}]}}`))).Spec.Tolerations
	g.Expect(longer).To(HaveLen(2))
	g.Expect(longer[0].TolerationSeconds).To(HaveValue(BeEquivalentTo(600)), "what a user says of the same taint counts")
	g.Expect(longer[1]).To(Equal(own[1]))
}

func TestTextsMayLookLikeNumbers(t *testing.T) {
	g := NewWithT(t)
	children := buildFirst(t, computeOverlay(`{"metadata":{"labels":{"commit":"1234e567"},"annotations":{"commit":"1234e567"}},
		"spec":{"nodeSelector":{"commit":"1234e567"},"containers":[{"name":"symphony","env":[{"name":"COMMIT","value":"1234e567"}]}]}}`))
	g.Expect(computePod(t, children).Labels).To(HaveKeyWithValue("commit", "1234e567"))
}
