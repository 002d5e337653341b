// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// The hashes of known specs never change: a new version of the operator that hashes another way would restart
// every master and replace every compute pod there is. Do not adapt this test; adapt userPart.
func TestRevisionsOfKnownSpecsAreTheSameInAllVersions(t *testing.T) {
	for name, test := range map[string]struct {
		change          edit
		master, compute string
	}{
		"minimal": {func(*v1alpha1.SymphonyCluster) {}, "zbb492b9b6", "zbb492b9b6"},
		// As full as a spec was before it could have storage.
		"full": {func(c *v1alpha1.SymphonyCluster) {
			everyField(c)
			c.Spec.Master.Storage = nil
		}, "4z64vvcc4x", "54xwf96f4v"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, test.change)
			g.Expect(children.MasterRevision).To(Equal(test.master))
			g.Expect(children.ComputeRevision).To(Equal(test.compute))
		})
	}
}

// fieldEdit is a change of one field of the spec, and whose pods it is about.
type fieldEdit struct {
	change          edit
	master, compute bool
}

// fieldEdits has every field of the spec, by its JSON path.
func fieldEdits() map[string]fieldEdit {
	secret := v1alpha1.SecretKeyReference{Name: "secret", Key: "key"}
	resources := &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}}
	env := []corev1.EnvVar{{Name: "SITE", Value: "north"}}
	edits := func(master, compute bool) func(change func(*v1alpha1.SymphonyClusterSpec)) fieldEdit {
		return func(change func(*v1alpha1.SymphonyClusterSpec)) fieldEdit {
			return fieldEdit{func(c *v1alpha1.SymphonyCluster) { change(&c.Spec) }, master, compute}
		}
	}
	both, masterOnly, computeOnly, neither := edits(true, true), edits(true, false), edits(false, true), edits(false, false)
	return map[string]fieldEdit{
		"image":           both(func(s *v1alpha1.SymphonyClusterSpec) { s.Image = "other" }),
		"imagePullPolicy": both(func(s *v1alpha1.SymphonyClusterSpec) { s.ImagePullPolicy = corev1.PullNever }),
		"imagePullSecrets": both(func(s *v1alpha1.SymphonyClusterSpec) {
			s.ImagePullSecrets = []v1alpha1.LocalSecretReference{{Name: "r"}}
		}),
		"clusterName": both(func(s *v1alpha1.SymphonyClusterSpec) { s.ClusterName = "other" }),
		"license":     both(func(s *v1alpha1.SymphonyClusterSpec) { s.License = "accept" }),
		"egoConf":     both(func(s *v1alpha1.SymphonyClusterSpec) { s.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_X": "1"} }),
		"installDir":  both(func(s *v1alpha1.SymphonyClusterSpec) { s.InstallDir = "/opt/sym" }),
		"restartedAt": both(func(s *v1alpha1.SymphonyClusterSpec) { s.RestartedAt = "now" }),

		"entitlement":        masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Entitlement = &v1alpha1.Entitlement{Path: "/opt/x.dat"} }),
		"adminPassword":      masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.AdminPassword = &v1alpha1.AdminPassword{SecretKeyRef: secret} }),
		"gui.tls":            masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.GUI.TLS = &v1alpha1.GUITLS{SecretName: "tls"} }),
		"master.image":       masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Master.Image = "other" }),
		"master.resources":   masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Master.Resources = resources }),
		"master.env":         masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Master.Env = env }),
		"master.storage":     masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Master.Storage = &v1alpha1.MasterStorage{} }),
		"master.podTemplate": masterOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Master.PodTemplate = overlay(`{"spec":{"priority":1}}`) }),

		"compute.image":       computeOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.Image = "other" }),
		"compute.resources":   computeOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.Resources = resources }),
		"compute.env":         computeOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.Env = env }),
		"compute.podTemplate": computeOnly(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.PodTemplate = overlay(`{"spec":{"priority":1}}`) }),

		"suspend":          neither(func(s *v1alpha1.SymphonyClusterSpec) { s.Suspend = true }),
		"compute.replicas": neither(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.Replicas = new(int32(9)) }),
		"compute.scaleIn": neither(func(s *v1alpha1.SymphonyClusterSpec) {
			s.Compute.ScaleIn = v1alpha1.ComputeScaleIn{Policy: v1alpha1.Immediate, DrainTimeout: &metav1.Duration{Duration: time.Hour}}
		}),
		"compute.update": neither(func(s *v1alpha1.SymphonyClusterSpec) {
			s.Compute.Update = v1alpha1.ComputeUpdate{Type: v1alpha1.OnDelete, MaxUnavailable: new(intstr.FromInt32(3))}
		}),
		"gui.serviceType": neither(func(s *v1alpha1.SymphonyClusterSpec) { s.GUI.ServiceType = corev1.ServiceTypeClusterIP }),
		"gui.nodePort":    neither(func(s *v1alpha1.SymphonyClusterSpec) { s.GUI.NodePort = new(int32(30001)) }),
		"gui.annotations": neither(func(s *v1alpha1.SymphonyClusterSpec) { s.GUI.Annotations = map[string]string{"a": "b"} }),
		"network": neither(func(s *v1alpha1.SymphonyClusterSpec) {
			s.Network = v1alpha1.NetworkSpec{Mode: v1alpha1.NetworkWeave, Check: true}
		}),
	}
}

func TestAFieldChangesTheRevisionsOfTheRolesItIsAbout(t *testing.T) {
	before := buildFirst(t)
	for path, field := range fieldEdits() {
		t.Run(path, func(t *testing.T) {
			g := NewWithT(t)
			after := buildFirst(t, field.change)
			g.Expect(after.Invalid).To(BeEmpty())
			g.Expect(after.MasterRevision != before.MasterRevision).To(Equal(field.master), "the master's revision")
			g.Expect(after.ComputeRevision != before.ComputeRevision).To(Equal(field.compute), "the revision of compute hosts")
		})
	}
}

// A revision that changes without its pods would restart them for nothing; one that does not change with them would
// be a silent no-op.
func TestAFieldChangesTheTemplatesWhoseRevisionsItChanges(t *testing.T) {
	before := buildFirst(t)
	for path, field := range fieldEdits() {
		if path == "restartedAt" {
			continue // It is nothing but another revision.
		}
		t.Run(path, func(t *testing.T) {
			g := NewWithT(t)
			after := buildFirst(t, field.change)
			g.Expect(sameTemplate(masterPod(t, before), masterPod(t, after))).To(Equal(!field.master), "the master's template")
			g.Expect(sameTemplate(computePod(t, before), computePod(t, after))).To(Equal(!field.compute), "the template of compute hosts")
		})
	}
}

func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	return reflect.DeepEqual(asKept(a), asKept(b))
}

// asKept is without the label of the revision, and without the time for work: that follows in new pods, and replaces none.
func asKept(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	bare := template.DeepCopy()
	delete(bare.Labels, names.LabelRevision)
	if _, waits := bare.Annotations[names.AnnotationDrainSeconds]; waits {
		delete(bare.Annotations, names.AnnotationDrainSeconds)
		bare.Spec.TerminationGracePeriodSeconds = nil
	}
	return bare
}

// A new field of the spec must be decided on: whose revision does it change?
func TestEveryFieldOfTheSpecIsInTheTable(t *testing.T) {
	g := NewWithT(t)
	var paths []string
	for path := range fieldEdits() {
		paths = append(paths, path)
	}
	g.Expect(paths).To(ConsistOf(fieldPaths(reflect.TypeFor[v1alpha1.SymphonyClusterSpec](), "")))
}

func fieldPaths(structure reflect.Type, prefix string) []string {
	var paths []string
	for field := range structure.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch name {
		case "":
			paths = append(paths, fieldPaths(field.Type, prefix)...)
		case "master", "compute", "gui":
			paths = append(paths, fieldPaths(field.Type, name+".")...)
		default:
			paths = append(paths, prefix+name)
		}
	}
	return paths
}

func TestOverlaysThatDifferInSpellingAloneHaveOneRevision(t *testing.T) {
	g := NewWithT(t)
	compact := `{"spec":{"nodeSelector":{"a":"1","b":"2"},"priority":5}}`
	spaced := "{ \"spec\": {\n\t\"priority\": 5,\n \"nodeSelector\": {\"b\": \"2\", \"a\": \"1\"} } }"
	g.Expect(buildFirst(t, computeOverlay(spaced)).ComputeRevision).To(Equal(buildFirst(t, computeOverlay(compact)).ComputeRevision))
}

// The order of a list means something, that of variables above all: a later one can refer to an earlier one.
func TestAnotherOrderOfAListIsAnotherRevision(t *testing.T) {
	g := NewWithT(t)
	env := func(names ...string) edit {
		return func(c *v1alpha1.SymphonyCluster) {
			for _, name := range names {
				c.Spec.Compute.Env = append(c.Spec.Compute.Env, corev1.EnvVar{Name: name})
			}
		}
	}
	g.Expect(buildFirst(t, env("A", "B")).ComputeRevision).NotTo(Equal(buildFirst(t, env("B", "A")).ComputeRevision))
}

// The API server keeps `1000m` as the user wrote it; both spellings are one CPU.
func TestQuantitiesThatDifferInSpellingAloneHaveOneRevision(t *testing.T) {
	g := NewWithT(t)
	cpu := func(quantity string) edit {
		return func(c *v1alpha1.SymphonyCluster) {
			data := `{"limits":{"cpu":"` + quantity + `"}}`
			c.Spec.Compute.Resources = &corev1.ResourceRequirements{}
			g.Expect(json.Unmarshal([]byte(data), c.Spec.Compute.Resources)).To(Succeed())
		}
	}
	g.Expect(buildFirst(t, cpu("1000m")).ComputeRevision).To(Equal(buildFirst(t, cpu("1")).ComputeRevision))
}

// An override that names the common image says nothing new: it must not restart anything.
func TestAnImageOverrideOfTheSameImageIsNoNewRevision(t *testing.T) {
	g := NewWithT(t)
	same := buildFirst(t, func(c *v1alpha1.SymphonyCluster) {
		c.Spec.Master.Image, c.Spec.Compute.Image = c.Spec.Image, c.Spec.Image
	})
	g.Expect(same.MasterRevision).To(Equal(buildFirst(t).MasterRevision))
	g.Expect(same.ComputeRevision).To(Equal(buildFirst(t).ComputeRevision))
}

// A moved master must not look like a user's change.
func TestTheMastersAddressIsNoPartOfTheRevision(t *testing.T) {
	g := NewWithT(t)
	cluster := newCluster()
	before := buildAll(t, &observe.Facts{Cluster: cluster}, follow(1))
	moved := follow(1)
	moved.Address.IP, moved.Compute.MasterHosts = "10.32.0.9", "10.32.0.9 prod-master"
	after := buildAll(t, &observe.Facts{Cluster: cluster}, moved)

	g.Expect(after.ComputeRevision).To(Equal(before.ComputeRevision))
	g.Expect(after.Revisions).To(Equal(before.Revisions))
	g.Expect(masterPod(t, after)).To(Equal(masterPod(t, before)))
	g.Expect(computePod(t, after).Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, "10.32.0.9 prod-master"))
	g.Expect(after.Hosts.Data).To(HaveKeyWithValue(names.HostsKey, "10.32.0.9 prod-master\n"))
}

// A claim that grows, or whose fate after the cluster is another, is the same volume in the same place.
func TestOnlyTheClaimOfStorageIsInTheRevision(t *testing.T) {
	g := NewWithT(t)
	storage := func(storage v1alpha1.MasterStorage) string {
		return buildFirst(t, func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = &storage }).MasterRevision
	}
	same := storage(v1alpha1.MasterStorage{})
	g.Expect(storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("9Gi"))})).To(Equal(same))
	g.Expect(storage(v1alpha1.MasterStorage{StorageClassName: new("fast"), AccessMode: corev1.ReadWriteMany})).To(Equal(same))
	g.Expect(storage(v1alpha1.MasterStorage{WhenDeleted: v1alpha1.DeleteClaim})).To(Equal(same))
	g.Expect(storage(v1alpha1.MasterStorage{ExistingClaim: "other"})).NotTo(Equal(same))
}
