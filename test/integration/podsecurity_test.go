// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/weave"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

const (
	// probesOfTheNode are probes of 127.0.0.1, which is the node's in a pod on its network.
	probesOfTheNode = "probe or lifecycle host"
	// hostPaths is what the level restricted says of them; baseline has a word of its own.
	hostPaths = "restricted volume types"
)

// enforce has the namespace refuse pods that do not meet this level of Pod Security.
func (w *world) enforce(level string) {
	GinkgoHelper()
	w.kubectl("label", "--overwrite", "namespace", w.namespace, "pod-security.kubernetes.io/enforce="+level)
}

// violations are what Pod Security has against a pod of this template in the namespace.
func (w *world) violations(ctx context.Context, template *corev1.PodTemplateSpec) []string {
	GinkgoHelper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "probe", Labels: template.Labels}, Spec: *template.Spec.DeepCopy()}
	err := api.Create(ctx, pod, client.DryRunAll)
	if err == nil {
		return nil
	}
	found := regexp.MustCompile(`violates PodSecurity "[a-z]+:latest": (.*)$`).FindStringSubmatch(err.Error())
	Expect(found).To(HaveLen(2), "%v", err)
	// Each is a name, and in brackets where it is and what to do.
	var all []string
	for violation := range strings.SplitSeq(found[1], "), ") {
		name, _, _ := strings.Cut(violation, " (")
		all = append(all, name)
	}
	return all
}

// installed are the objects of one kind of a directory of config.
func installed[T any](w *world, kind string, directory ...string) []T {
	GinkgoHelper()
	rendered := w.kubectl("kustomize", filepath.Join(append([]string{"..", "..", "config"}, directory...)...))
	var all []T
	for document := range strings.SplitSeq(rendered, "\n---\n") {
		var meta metav1.TypeMeta
		Expect(yaml.Unmarshal([]byte(document), &meta)).To(Succeed())
		if meta.Kind == kind {
			var object T
			Expect(yaml.UnmarshalStrict([]byte(document), &object)).To(Succeed())
			all = append(all, object)
		}
	}
	return all
}

// without is the template with one field taken away: a path of JSON, where a number is an item of a list.
func without(template *corev1.PodTemplateSpec, path ...any) *corev1.PodTemplateSpec {
	GinkgoHelper()
	data, err := json.Marshal(template)
	Expect(err).NotTo(HaveOccurred())
	var tree any
	Expect(json.Unmarshal(data, &tree)).To(Succeed())
	node := tree
	for _, step := range path[:len(path)-1] {
		switch step := step.(type) {
		case int:
			node = node.([]any)[step]
		case string:
			node = node.(map[string]any)[step]
		}
	}
	last, fields := path[len(path)-1].(string), node.(map[string]any)
	Expect(fields).To(HaveKey(last))
	delete(fields, last)
	data, err = json.Marshal(tree)
	Expect(err).NotTo(HaveOccurred())
	less := &corev1.PodTemplateSpec{}
	Expect(json.Unmarshal(data, less)).To(Succeed())
	return less
}

var _ = Describe("Where Pod Security is restricted", func() {
	DescribeTable("a cluster runs, gets new images and has its network measured", func(ctx SpecContext, spec edit) {
		w := newWorld(ctx)
		w.enforce("restricted")
		w.kubelet.When(kubelet.Role(names.CheckClient), passing)
		w.ready(ctx, "prod", spec, func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Check = true })
		w.kubelet.When(kubelet.Role(names.Image), kubelet.Creating)
		w.change(ctx, "prod", specImage("sym732"))
		Eventually(func() []corev1.Pod { return w.checks(ctx) }).Should(HaveLen(2), "they pull the new image")
		w.kubelet.When(kubelet.Role(names.Image), kubelet.State{})

		By("each of its pods being what is admitted, and no less")
		for _, template := range []*corev1.PodTemplateSpec{&w.deployment(ctx, "prod").Spec.Template, &w.computeSet(ctx, "prod").Spec.Template} {
			Expect(w.violations(ctx, template)).To(BeEmpty())
			for violation, path := range map[string][]any{
				"allowPrivilegeEscalation != false": {"spec", "containers", 0, "securityContext", "allowPrivilegeEscalation"},
				"unrestricted capabilities":         {"spec", "containers", 0, "securityContext", "capabilities"},
				"runAsNonRoot != true":              {"spec", "securityContext", "runAsNonRoot"},
				"seccompProfile":                    {"spec", "securityContext", "seccompProfile"},
			} {
				Expect(w.violations(ctx, without(template, path...))).To(HaveExactElements(violation))
			}
		}
	},
		Entry("with nothing but an image", replicas(2)),
		Entry("with what it mounts", edit(func(c *v1alpha1.SymphonyCluster) {
			secret := v1alpha1.SecretKeyReference{Name: "symphony", Key: "file"}
			c.Spec.Entitlement, c.Spec.AdminPassword = &v1alpha1.Entitlement{SecretKeyRef: &secret}, &v1alpha1.AdminPassword{SecretKeyRef: secret}
			c.Spec.GUI.TLS = &v1alpha1.GUITLS{SecretName: "console"}
			c.Spec.Master.Storage = &v1alpha1.MasterStorage{}
		})),
	)

	It("the manager runs, and its policies are about its pods and their ports", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		namespaces := installed[corev1.Namespace](w, "Namespace", "default")
		Expect(namespaces).To(HaveLen(1))
		Expect(namespaces[0].Labels).To(HaveKeyWithValue("pod-security.kubernetes.io/enforce", "restricted"))
		w.enforce("restricted")
		managers := installed[appsv1.Deployment](w, "Deployment", "default")
		Expect(managers).To(HaveLen(1))
		template := &managers[0].Spec.Template
		Expect(w.violations(ctx, template)).To(BeEmpty())
		Expect(w.violations(ctx, without(template, "spec", "securityContext"))).To(ConsistOf("runAsNonRoot != true", "seccompProfile"))

		ports := map[string]int32{}
		for _, port := range template.Spec.Containers[0].Ports {
			ports[port.Name] = port.ContainerPort
		}
		open := map[string]bool{}
		for _, policy := range append(installed[networkingv1.NetworkPolicy](w, "NetworkPolicy", "default"), installed[networkingv1.NetworkPolicy](w, "NetworkPolicy", "prometheus")...) {
			Expect(policy.Namespace).To(Equal(managers[0].Namespace))
			policy.Namespace = w.namespace
			Expect(api.Create(ctx, &policy, client.DryRunAll)).To(Succeed())
			selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
			Expect(err).NotTo(HaveOccurred())
			Expect(selector.Matches(labels.Set(template.Labels))).To(BeTrue())
			Expect(policy.Spec.PolicyTypes).To(HaveExactElements(networkingv1.PolicyTypeIngress))
			for _, rule := range policy.Spec.Ingress {
				Expect(rule.Ports).To(HaveLen(1))
				name := rule.Ports[0].Port.StrVal
				Expect(ports).To(HaveKey(name))
				open[name] = true
				Expect(len(rule.From) == 0).To(Equal(name == "health"), "metrics are not for everybody")
			}
		}
		Expect(open).To(Equal(map[string]bool{"health": true, "https": true}))
	})

	It("the network's manager asks for nothing but the machine's network", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		w.enforce("restricted")
		managers := installed[appsv1.Deployment](w, "Deployment", "weave")
		Expect(managers).To(HaveLen(1))
		Expect(w.violations(ctx, &managers[0].Spec.Template)).To(ConsistOf("host namespaces", probesOfTheNode))
		Expect(installed[corev1.Namespace](w, "Namespace", "weave")[0].Labels).To(HaveKeyWithValue("pod-security.kubernetes.io/enforce", "privileged"))
	})

	DescribeTable("agents on nodes ask for no more than their task takes", func(ctx SpecContext, task v1alpha1.WeaveAgentTask, exceptions ...string) {
		w := newWorldWithoutOperator(ctx)
		w.enforce("restricted")
		network := (&fabric{}).build(password(""))
		facts := &observe.WeaveFacts{Network: network}
		data, err := json.Marshal(weave.Agents(facts, &weave.Plan{Task: task}, weave.Settings{AgentImage: "symphony-operator:1"}))
		Expect(err).NotTo(HaveOccurred())
		set := &appsv1.DaemonSet{}
		Expect(json.Unmarshal(data, set)).To(Succeed())
		Expect(w.violations(ctx, &set.Spec.Template)).To(ConsistOf(exceptions))
		Expect(set.Spec.Template.Spec.Containers[0].SecurityContext.Privileged).To(BeNil())
	},
		Entry("to report", v1alpha1.AgentReport, "host namespaces", probesOfTheNode, hostPaths),
		Entry("to leave", v1alpha1.AgentLeave, "host namespaces", probesOfTheNode, hostPaths),
		Entry("to clean", v1alpha1.AgentClean, "host namespaces", probesOfTheNode, hostPaths,
			"seLinuxOptions", "unrestricted capabilities", "runAsNonRoot != true", "runAsUser=0"),
	)
})
