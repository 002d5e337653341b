// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenSpecs are the specs whose children are kept in testdata, by file name. A change of one of those files is
// a change of what users' clusters consist of.
func goldenSpecs() map[string]edit {
	return map[string]edit{
		"minimal": func(*v1alpha1.SymphonyCluster) {},
		"full":    everyField,
		"node-port": func(c *v1alpha1.SymphonyCluster) {
			c.Spec.GUI.NodePort = new(int32(30443))
		},
		"storage": func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = &v1alpha1.MasterStorage{} },
		"gui-tls": func(c *v1alpha1.SymphonyCluster) {
			c.Spec.GUI = v1alpha1.GUISpec{
				ServiceType: corev1.ServiceTypeLoadBalancer,
				Annotations: map[string]string{"external-dns.alpha.kubernetes.io/hostname": "symphony.example.com"},
				TLS:         &v1alpha1.GUITLS{SecretName: "console-certificate"},
			}
		},
		"password-and-license": func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Image = "symphony:7.3.2"
			c.Spec.License = "accept"
			c.Spec.AdminPassword = &v1alpha1.AdminPassword{
				SecretKeyRef: v1alpha1.SecretKeyReference{Name: "symphony-admin", Key: "password"},
			}
			c.Spec.Entitlement = &v1alpha1.Entitlement{
				SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "symphony-entitlement", Key: "sym.dat"},
			}
		},
	}
}

// everyField sets every field of the spec that there is.
func everyField(c *v1alpha1.SymphonyCluster) {
	memory := func(quantity string) *corev1.ResourceRequirements {
		return &corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(quantity)},
		}
	}
	c.Spec = v1alpha1.SymphonyClusterSpec{
		Image:            "sym712",
		ImagePullPolicy:  corev1.PullAlways,
		ImagePullSecrets: []v1alpha1.LocalSecretReference{{Name: "registry"}},
		ClusterName:      "symphony712",
		License:          "accept",
		EgoConf:          map[string]v1alpha1.EgoConfValue{"EGO_DYNAMIC_HOST_TIMEOUT": "2m", "EGO_LOG_MASK": "LOG_DEBUG"},
		InstallDir:       "/opt/ibm/platform",
		Entitlement:      &v1alpha1.Entitlement{Path: "/opt/platform_sym_adv_entitlement.dat"},
		AdminPassword:    &v1alpha1.AdminPassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "admin", Key: "pass"}},
		Suspend:          true,
		RestartedAt:      "2026-08-01T00:00:00Z",
		Master: v1alpha1.MasterSpec{
			Image:     "sym712-master",
			Resources: memory("6Gi"),
			Env:       []corev1.EnvVar{{Name: "SITE", Value: "north"}},
			Storage: &v1alpha1.MasterStorage{
				Size: new(resource.MustParse("5Gi")), StorageClassName: new("fast"), AccessMode: corev1.ReadWriteMany, WhenDeleted: v1alpha1.DeleteClaim,
			},
			PodOverlay: v1alpha1.PodOverlay{PodTemplate: overlay(`{"spec":{"nodeSelector":{"disk":"ssd"}}}`)},
		},
		Compute: v1alpha1.ComputeSpec{
			Image:     "sym712-compute",
			Replicas:  new(int32(3)),
			Resources: memory("3Gi"),
			Env: []corev1.EnvVar{{Name: "NODE", ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"},
			}}},
			PodOverlay: v1alpha1.PodOverlay{PodTemplate: overlay(
				`{"metadata":{"labels":{"team":"risk"}},"spec":{"containers":[{"name":"log","image":"fluent-bit"}]}}`)},
			ScaleIn: v1alpha1.ComputeScaleIn{
				Policy:       v1alpha1.Drain,
				DrainTimeout: &metav1.Duration{Duration: 90 * time.Minute},
				ReclaimGrace: &metav1.Duration{Duration: time.Minute},
				Settle:       &metav1.Duration{Duration: 5 * time.Minute},
			},
			Update: v1alpha1.ComputeUpdate{Type: v1alpha1.OnDelete, MaxUnavailable: new(intstr.FromInt32(2))},
		},
		GUI: v1alpha1.GUISpec{
			ServiceType: corev1.ServiceTypeNodePort,
			NodePort:    new(int32(30843)),
			Annotations: map[string]string{"example.com/owner": "risk"},
			TLS:         &v1alpha1.GUITLS{SecretName: "console-certificate"},
		},
		Network: v1alpha1.NetworkSpec{Mode: v1alpha1.NetworkWeave, Check: true, Policy: &v1alpha1.AccessPolicy{
			Clients: []networkingv1.NetworkPolicyPeer{
				{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "submit"}}},
				{
					PodSelector:       &metav1.LabelSelector{},
					NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "desk"}},
				},
				{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24", Except: []string{"192.0.2.128/25"}}},
			},
		}},
	}
}

func TestChildrenAreThoseOfTheGoldenFiles(t *testing.T) {
	for name, change := range goldenSpecs() {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildAll(t, &observe.Facts{Cluster: newCluster(change)}, follow(2))
			g.Expect(children.Invalid).To(BeEmpty())
			got := asYAML(t, children)

			file := filepath.Join("testdata", name+".yaml")
			if *update {
				g.Expect(os.WriteFile(file, got, 0o600)).To(Succeed())
			}
			want, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred(), "run the test with -update and look at the difference")
			g.Expect(string(got)).To(Equal(string(want)), "if the change is meant, run the test with -update")
		})
	}
}

// A file that no spec stands for any more would look like a promise that nobody checks.
func TestEveryGoldenFileHasASpec(t *testing.T) {
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	var want []string
	for name := range goldenSpecs() {
		want = append(want, filepath.Join("testdata", name+".yaml"))
	}
	g.Expect(files).To(ConsistOf(want))
}

// A field that is forgotten in everyField would be in no golden file.
func TestTheFullSpecSetsEveryField(t *testing.T) {
	g := NewWithT(t)
	cluster := newCluster(everyField)
	spec := reflect.ValueOf(cluster.Spec)
	for _, part := range []reflect.Value{
		spec, spec.FieldByName("Master"), spec.FieldByName("Compute"), spec.FieldByName("GUI"),
		spec.FieldByName("Compute").FieldByName("Update"), spec.FieldByName("Compute").FieldByName("ScaleIn"), spec.FieldByName("Network"),
	} {
		for i := range part.NumField() {
			g.Expect(part.Field(i).IsZero()).To(BeFalse(), "%s.%s", part.Type(), part.Type().Field(i).Name)
		}
	}
}

// What is kept is what is applied, without what changes while the revision does not: a template that is applied
// from its ControllerRevision later must be the same.
func TestTheKeptTemplatesAreTheAppliedOnes(t *testing.T) {
	for name, change := range goldenSpecs() {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildAll(t, &observe.Facts{Cluster: newCluster(change)}, follow(2))
			g.Expect(children.Revisions).To(HaveLen(2))
			kept := map[string]*corev1.PodTemplateSpec{}
			for _, revision := range storedRevisions(t, children) {
				template := &corev1.PodTemplateSpec{}
				g.Expect(json.Unmarshal(revision.Data.Raw, template)).To(Succeed())
				g.Expect(template.Labels).NotTo(HaveKey(names.LabelRevision))
				template.Labels[names.LabelRevision] = revision.Labels[names.LabelRevision]
				kept[revision.Labels[names.LabelRole]] = template
			}
			applied := computePod(t, children)
			kept[names.Compute].Annotations = map[string]string{
				names.AnnotationMasterHosts: hostsLine, names.AnnotationDrainSeconds: applied.Annotations[names.AnnotationDrainSeconds],
			}
			kept[names.Compute].Spec.TerminationGracePeriodSeconds = applied.Spec.TerminationGracePeriodSeconds
			g.Expect(masterPod(t, children)).To(Equal(kept[names.Master]))
			g.Expect(applied).To(Equal(kept[names.Compute]))
		})
	}
}

// asYAML is all children as one stream of documents, in the order in which they are applied.
func asYAML(t *testing.T, children *build.Children) []byte {
	t.Helper()
	g := NewWithT(t)
	var all []any
	for _, revision := range children.Revisions {
		all = append(all, revision)
	}
	if children.MasterClaim != nil {
		all = append(all, children.MasterClaim)
	}
	if children.MasterPolicy != nil {
		all = append(all, children.MasterPolicy, children.ComputePolicy)
	}
	all = append(all, children.MasterService, children.MasterDeployment, children.Hosts, children.ComputeBudget, children.ComputeSet, children.GUI)

	encoder := serializer.NewSerializerWithOptions(
		serializer.DefaultMetaFactory, nil, nil, serializer.SerializerOptions{Yaml: true})
	var text bytes.Buffer
	for i, child := range all {
		data, err := json.Marshal(child)
		g.Expect(err).NotTo(HaveOccurred())
		var tree map[string]any
		g.Expect(json.Unmarshal(data, &tree)).To(Succeed())
		if i > 0 {
			text.WriteString("---\n")
		}
		if i < len(children.Revisions) {
			// Another test says that it is the template which follows.
			tree["data"] = "<the pod template>"
		}
		withoutScripts(tree)
		g.Expect(encoder.Encode(&unstructured.Unstructured{Object: tree}, &text)).To(Succeed())
	}
	return text.Bytes()
}

// withoutScripts puts short words in the place of the start scripts, which have tests of their own: a change of a
// script must not change every golden file.
func withoutScripts(node any) any {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			node[key] = withoutScripts(value)
		}
	case []any:
		for i, value := range node {
			node[i] = withoutScripts(value)
		}
	case string:
		switch node {
		case scripts.Master():
			return "<start script of the master>"
		case scripts.Compute():
			return "<start script of compute hosts>"
		}
	}
	return node
}

// Kubernetes reads $(NAME) and $$ in variables; EGO is to get what the user wrote.
func TestDollarSignsOfSettingsReachEGO(t *testing.T) {
	children := buildFirst(t, func(c *v1alpha1.SymphonyCluster) {
		c.Spec.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_X": "$(PATH) $HOME $$"}
	})
	for _, variable := range computePod(t, children).Spec.Containers[0].Env {
		if variable.Name == "SYMPHONY_EGO_CONF" {
			NewWithT(t).Expect(variable.Value).To(ContainSubstring("EGO_X=$$(PATH) $$HOME $$$$\n"))
			return
		}
	}
	t.Error("no settings")
}
