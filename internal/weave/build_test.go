// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

var update = flag.Bool("update", false, "write the golden files anew; read their diff")

func TestGolden(t *testing.T) {
	cases := map[string]struct {
		settings Settings
		change   func(*observe.WeaveFacts)
	}{
		"default": {installation, func(*observe.WeaveFacts) {}},
		"full": {Settings{AgentImage: "registry.example.com/symphony-operator:1", APIServer: "api.example.com:6443"}, func(f *observe.WeaveFacts) {
			spec := &f.Network.Spec
			spec.Image, spec.NPCImage = "registry.example.com/weave-kube:2.9.0", "registry.example.com/weave-npc:2.9.0"
			spec.ImagePullSecrets = []v1alpha1.LocalSecretReference{{Name: "registry"}}
			spec.InitialPeerCount, spec.MTU = 7, 8916
			spec.Password = &v1alpha1.WeavePassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "weave-password", Key: "password"}, Revision: "2"}
			spec.HostPaths = v1alpha1.WeaveHostPaths{CNIBin: "/usr/libexec/cni", CNIConfig: "/etc/kubernetes/cni/net.d", Data: "/data/weave"}
			spec.NodeSelector = map[string]string{"pool": "grid"}
			for _, report := range f.Reports {
				report.Status.Host.OpenVSwitch = true
				report.Status.AgentRevision = agentRevision(f.Network, v1alpha1.AgentReport)
			}
		}},
		"without-network-policies": {installation, func(f *observe.WeaveFacts) {
			f.Network.Spec.NetworkPolicy = v1alpha1.NetworkPolicyDisabled
			f.Network.Spec.Update.Type = v1alpha1.WeaveOnDelete
		}},
		"cleaning": {installation, func(f *observe.WeaveFacts) {
			f.Network.Spec.CleanupPolicy = v1alpha1.CleanupClean
			f.Network.Status.Frozen = v1alpha1.WeaveFrozen{InitialPeerCount: 3, FastDatapath: v1alpha1.FastDatapathDisabled}
			deleting(f)
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := world(3)
			c.change(facts)
			plan := Make(facts)
			routers, err := Routers(facts, &plan, c.settings)
			g.Expect(err).NotTo(HaveOccurred())
			var documents []string
			for _, object := range []any{Agents(facts, &plan, c.settings), Bookkeeping(facts, &plan), routers} {
				data, err := yaml.Marshal(object)
				g.Expect(err).NotTo(HaveOccurred())
				if text := string(data); text != "null\n" {
					documents = append(documents, text)
				}
			}
			path := filepath.Join("testdata", name+".yaml")
			text := strings.Join(documents, "---\n")
			if *update {
				g.Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
			}
			golden, err := os.ReadFile(path)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(text).To(Equal(string(golden)), "run go test ./internal/weave -update and read the diff")
		})
	}
}

// What must not replace a router: another node, another version of the operator, what is no part of the template.
func TestWhatReplacesNoRouter(t *testing.T) {
	changes := map[string]func(*observe.WeaveFacts){
		"nothing":        func(*observe.WeaveFacts) {},
		"another node":   func(f *observe.WeaveFacts) { addNode(f, 4) },
		"fewer nodes":    func(f *observe.WeaveFacts) { f.Nodes = f.Nodes[:1] },
		"better kernels": func(f *observe.WeaveFacts) { f.Reports["node1"].Status.Host.OpenVSwitch = true },
		"a lost status":  func(f *observe.WeaveFacts) { f.Network.Status = v1alpha1.WeaveNetworkStatus{} },
		"the way to update": func(f *observe.WeaveFacts) {
			f.Network.Spec.Update.Type = v1alpha1.WeaveOnDelete
		},
		"what a deletion does": func(f *observe.WeaveFacts) { f.Network.Spec.CleanupPolicy = v1alpha1.CleanupClean },
		"a version that would render it differently": func(f *observe.WeaveFacts) {
			kept := strings.Replace(f.Routers.Annotations[names.AnnotationTemplate], "system-node-critical", "of-an-older-version", 1)
			f.Routers.Annotations[names.AnnotationTemplate] = kept
			f.Routers.Spec.Template.Spec.PriorityClassName = "of-an-older-version"
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := installed(3)
			change(facts)
			plan := Make(facts)
			g.Expect(live(facts, &plan).Spec.Template).To(Equal(facts.Routers.Spec.Template))
		})
	}
}

func TestWhatReplacesRouters(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.WeaveNetworkSpec){
		"image":    func(s *v1alpha1.WeaveNetworkSpec) { s.Image = "weave-kube:2.9.1" },
		"mtu":      func(s *v1alpha1.WeaveNetworkSpec) { s.MTU = 8916 },
		"policies": func(s *v1alpha1.WeaveNetworkSpec) { s.NetworkPolicy = v1alpha1.NetworkPolicyDisabled },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := installed(3)
			change(&facts.Network.Spec)
			plan := Make(facts)
			wanted := live(facts, &plan)
			g.Expect(wanted.Spec.Template).NotTo(Equal(facts.Routers.Spec.Template))
			g.Expect(wanted.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.IntValue()).To(Equal(1))
		})
	}
}

// The kept template is an annotation, which anybody who may write the DaemonSet can spoil. Without the operator, which would
// end over it again and again, nobody would mend it.
func TestASpoiltTemplateIsRenderedAnew(t *testing.T) {
	for _, text := range []string{"", "null", "{}", "[]", `{"metadata":null,"spec":{}}`, `{"spec":{"containers":[{"name":"weave"}]}}`} {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			facts := installed(3)
			whole := facts.Routers.Spec.Template
			facts.Routers.Annotations[names.AnnotationTemplate] = text
			plan := Make(facts)
			g.Expect(live(facts, &plan).Spec.Template).To(Equal(whole))
		})
	}
}
