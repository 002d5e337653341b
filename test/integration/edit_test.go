// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// templateEdit is an edit of a spec that changes pods, and its way back.
type templateEdit struct {
	do, undo edit
	// master and compute check a pod after the edit; nil means that the role's pods must not be replaced.
	master, compute func(*corev1.Pod)
}

var _ = Describe("An edit", func() {
	DescribeTable("of what pods are made of converges, and so does its way back", func(ctx SpecContext, e templateEdit) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2), withSecrets)
		master, compute := w.deployment(ctx, "prod").Spec.Template, w.computeSet(ctx, "prod").Spec.Template
		before := w.snapshot(ctx)

		w.change(ctx, "prod", e.do)
		w.waitReady(ctx, "prod")
		w.expectRole(ctx, names.Master, before, e.master)
		w.expectRole(ctx, names.Compute, before, e.compute)

		w.change(ctx, "prod", e.undo)
		w.waitReady(ctx, "prod")
		Expect(w.deployment(ctx, "prod").Spec.Template).To(Equal(master))
		hosts := w.master(ctx, "prod").Status.PodIP + " prod-master"
		compute.Annotations[names.AnnotationMasterHosts] = hosts
		Expect(w.computeSet(ctx, "prod").Spec.Template).To(Equal(compute))
	},
		Entry("image", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = "sym713" },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = "sym712" },
			master: hasImage("sym713"), compute: hasImage("sym713"),
		}),
		Entry("the master's image", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Image = "sym713-master" },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Image = "" },
			master: hasImage("sym713-master"),
		}),
		Entry("compute's image", templateEdit{
			do:      func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Image = "sym713-compute" },
			undo:    func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Image = "" },
			compute: hasImage("sym713-compute"),
		}),
		Entry("imagePullPolicy", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.ImagePullPolicy = corev1.PullNever },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.ImagePullPolicy = "" },
			master: hasPullPolicy(corev1.PullNever), compute: hasPullPolicy(corev1.PullNever),
		}),
		Entry("imagePullSecrets", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.ImagePullSecrets = []v1alpha1.LocalSecretReference{{Name: "registry"}}
			},
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.ImagePullSecrets = nil },
			master: hasPullSecret("registry"), compute: hasPullSecret("registry"),
		}),
		Entry("the master's resources", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Resources = memory("3Gi") },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Resources = nil },
			master: hasMemory("3Gi"),
		}),
		Entry("compute's resources", templateEdit{
			do:      func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Resources = memory("3Gi") },
			undo:    func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Resources = nil },
			compute: hasMemory("3Gi"),
		}),
		Entry("the master's environment", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Env = []corev1.EnvVar{{Name: "TZ", Value: "UTC"}} },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Env = nil },
			master: hasEnv("TZ", "UTC"),
		}),
		Entry("compute's environment", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.Compute.Env = []corev1.EnvVar{{Name: "TZ", Value: "UTC"}}
			},
			undo:    func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Env = nil },
			compute: hasEnv("TZ", "UTC"),
		}),
		Entry("a node selector by overlay", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.Compute.PodTemplate = overlay(`{"spec":{"nodeSelector":{"disk":"fast"}}}`)
			},
			undo: func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.PodTemplate = nil },
			compute: func(pod *corev1.Pod) {
				Expect(pod.Spec.NodeSelector).To(Equal(map[string]string{"disk": "fast"}))
			},
		}),
		Entry("a side-car and an annotation by overlay", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.Master.PodTemplate = overlay(`{"metadata":{"annotations":{"team":"risk"}},
					"spec":{"containers":[{"name":"logs","image":"logger"}]}}`)
			},
			undo: func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.PodTemplate = nil },
			master: func(pod *corev1.Pod) {
				Expect(pod.Annotations).To(HaveKeyWithValue("team", "risk"))
				Expect(pod.Spec.Containers).To(HaveLen(2))
				Expect(pod.Spec.Containers[0].Name).To(Equal(names.Container), "kubectl logs and exec take the first")
			},
		}),
		Entry("an entitlement in a Secret", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.Entitlement = &v1alpha1.Entitlement{SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "symphony", Key: "file"}}
			},
			undo: func(c *v1alpha1.SymphonyCluster) { c.Spec.Entitlement = nil },
			master: func(pod *corev1.Pod) {
				hasEnv("SYMPHONY_ENTITLEMENT_FILE", "/symphony/entitlement/entitlement")(pod)
				mountsSecret("symphony", "/symphony/entitlement")(pod)
			},
		}),
		Entry("an entitlement in the image", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.Entitlement = &v1alpha1.Entitlement{Path: "/opt/entitlement.dat"}
			},
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.Entitlement = nil },
			master: hasEnv("SYMPHONY_ENTITLEMENT_FILE", "/opt/entitlement.dat"),
		}),
		Entry("another administrator's password", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.AdminPassword = &v1alpha1.AdminPassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "other", Key: "password"}}
			},
			undo:   withSecrets,
			master: mountsSecret("other", "/symphony/admin"),
		}),
		Entry("the web console's certificate", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.GUI.TLS = &v1alpha1.GUITLS{SecretName: "certificate"} },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.GUI.TLS = nil },
			master: mountsSecret("certificate", "/symphony/gui-tls"),
		}),
		Entry("storage for the master", templateEdit{
			do:     storage(v1alpha1.MasterStorage{ExistingClaim: "mine"}),
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = nil },
			master: func(pod *corev1.Pod) { Expect(observe.SharedClaim(pod)).To(Equal("mine")) },
		}),
		Entry("egoConf", templateEdit{
			do: func(c *v1alpha1.SymphonyCluster) {
				c.Spec.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_DYNAMIC_HOST_TIMEOUT": "5m"}
			},
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.EgoConf = nil },
			master: hasEgoConf("EGO_DYNAMIC_HOST_TIMEOUT=5m"), compute: hasEgoConf("EGO_DYNAMIC_HOST_TIMEOUT=5m"),
		}),
		Entry("license", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.License = "accept" },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.License = "" },
			master: hasEnv("LICENSE", "accept"), compute: hasEnv("LICENSE", "accept"),
		}),
		Entry("installDir", templateEdit{
			do:     func(c *v1alpha1.SymphonyCluster) { c.Spec.InstallDir = "/opt/symphony" },
			undo:   func(c *v1alpha1.SymphonyCluster) { c.Spec.InstallDir = "" },
			master: hasEnv("SYMPHONY_INSTALL_DIR", "/opt/symphony"), compute: hasEnv("SYMPHONY_INSTALL_DIR", "/opt/symphony"),
		}),
	)

	It("of restartedAt restarts the master and rolls compute", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		master, compute := w.master(ctx, "prod").UID, w.computeUIDs(ctx, "prod")
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.RestartedAt = "2026-11-24T03:00:00Z" })
		w.waitReady(ctx, "prod")
		Expect(w.master(ctx, "prod").UID).NotTo(Equal(master))
		Expect(w.computeUIDs(ctx, "prod")).To(And(HaveLen(2), Not(ContainElements(compute[0])), Not(ContainElements(compute[1]))))
	})

	It("of suspend takes compute to zero and back, and leaves the master alone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		master := w.master(ctx, "prod").UID
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = true })
		w.waitReady(ctx, "prod")
		Expect(w.pods(ctx, "prod", names.Compute)).To(BeEmpty())
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, "True", v1alpha1.ReasonSuspended)
		Expect(w.cluster(ctx, "prod").Spec.Compute.Replicas).To(HaveValue(BeEquivalentTo(3)))

		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = false })
		w.waitReady(ctx, "prod")
		Expect(w.pods(ctx, "prod", names.Compute)).To(HaveLen(3))
		Expect(w.master(ctx, "prod").UID).To(Equal(master))
	})
})

// expectRole checks the pods of one role after an edit: replaced and as wanted, or not touched at all.
func (w *world) expectRole(ctx SpecContext, role string, before oracle.Snapshot, check func(*corev1.Pod)) {
	GinkgoHelper()
	pods := w.pods(ctx, "prod", role)
	Expect(pods).NotTo(BeEmpty())
	for i := range pods {
		_, existed := before["Pod "+pods[i].Name]
		Expect(existed).To(Equal(check == nil), "whether %s existed before the edit", pods[i].Name)
		if check != nil {
			check(&pods[i])
		}
	}
}

func withSecrets(c *v1alpha1.SymphonyCluster) {
	c.Spec.AdminPassword = &v1alpha1.AdminPassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "admin", Key: "password"}}
}

func overlay(json string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(json)} }

func memory(quantity string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(quantity)}}
}

func symphony(pod *corev1.Pod) *corev1.Container { return &pod.Spec.Containers[0] }

func hasImage(wanted string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { Expect(symphony(pod).Image).To(Equal(wanted)) }
}

func hasPullPolicy(wanted corev1.PullPolicy) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { Expect(symphony(pod).ImagePullPolicy).To(Equal(wanted)) }
}

func hasPullSecret(wanted string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		Expect(pod.Spec.ImagePullSecrets).To(Equal([]corev1.LocalObjectReference{{Name: wanted}}))
	}
}

func hasMemory(wanted string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { Expect(symphony(pod).Resources).To(Equal(*memory(wanted))) }
}

func hasEnv(name, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		Expect(symphony(pod).Env).To(ContainElement(corev1.EnvVar{Name: name, Value: value}))
	}
}

func hasEgoConf(line string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		Expect(symphony(pod).Env).To(ContainElement(And(
			HaveField("Name", "SYMPHONY_EGO_CONF"), HaveField("Value", ContainSubstring(line+"\n")))))
	}
}

func mountsSecret(name, path string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		Expect(pod.Spec.Volumes).To(ContainElement(HaveField("VolumeSource.Secret", HaveValue(HaveField("SecretName", name)))))
		Expect(symphony(pod).VolumeMounts).To(ContainElement(HaveField("MountPath", path)))
	}
}
