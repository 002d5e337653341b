// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// noImage cannot be pulled, and that is known at once: nobody listens on the registry's port.
const noImage = "127.0.0.1:1/sym712:none"

var _ = Describe("A mistake", func() {
	It("in the image's name is told in the kubelet's words", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.apply(object{"image": noImage})
		message := g.waitCondition(ctx, "Ready", "False", "ImagePullBackOff")
		Expect(message).To(ContainSubstring("image \"" + noImage + "\" cannot be pulled"))

		By("not changing with every attempt")
		attempts := func() (all int) {
			counts := g.kubectl("get", "events", "-o", "jsonpath={range .items[?(@.reason=='BackOff')]}{.count} {end}")
			for count := range strings.FieldsSeq(counts) {
				n, err := strconv.Atoi(count)
				Expect(err).NotTo(HaveOccurred())
				all += n
			}
			return all
		}
		Eventually(ctx, attempts).Should(BeNumerically(">=", 4), "every pod has tried")
		version := g.cluster(ctx).ResourceVersion
		Eventually(ctx, attempts).Should(BeNumerically(">=", 8))
		Expect(g.cluster(ctx).ResourceVersion).To(Equal(version))
		g.patch(object{"image": "symsim:dev"})
		g.waitReady()
		g.waitHosts(ctx, 3)
	})

	Context("on a cluster that runs", Ordered, func() {
		var g *grid

		BeforeAll(func(ctx SpecContext) {
			g = newGrid(ctx)
			g.start(ctx, object{"compute": object{"replicas": 4}})
		})

		AfterEach(func(ctx SpecContext) {
			g.waitReady()
			g.waitHosts(ctx, 5)
			Eventually(ctx, func() []corev1.Pod {
				return slices.DeleteFunc(g.allPods(ctx), func(pod corev1.Pod) bool { return pod.Labels[names.LabelRole] != names.Image })
			}).Should(BeEmpty(), "the next spec compares everything: what pulled a mistaken image leaves a moment later")
		})

		It("in the image touches nothing: whether it can be pulled is found out first", func(ctx SpecContext) {
			master, compute := g.containers(ctx, names.Master), g.containers(ctx, names.Compute)
			g.patch(object{"image": noImage})
			message := g.waitCondition(ctx, "Ready", "False", "ImagePullBackOff")
			Expect(message).To(HavePrefix("spec.master: image \"" + noImage + "\" cannot be pulled"))
			Expect(message).To(HaveSuffix("what runs stays as it is until it can be"))
			Consistently(ctx, g.okHosts).WithTimeout(5 * time.Second).WithPolling(inPods).Should(HaveLen(5))
			Expect(g.containers(ctx, names.Master)).To(Equal(master))
			Expect(g.containers(ctx, names.Compute)).To(Equal(compute))
			g.patch(object{"image": "symsim:dev"})
			g.waitReady()
			Expect(g.containers(ctx, names.Master)).To(Equal(master), "going back restarts nothing either")
		})

		It("in an image that has no Symphony costs no more hosts than maxUnavailable", func(ctx SpecContext) {
			before := g.containers(ctx, names.Compute)
			g.patch(object{"compute": object{"image": operators.kubectl("get", "deployment/"+operatorDeployment, "-o",
				"jsonpath={.spec.template.spec.containers[0].image}")}})
			g.waitCondition(ctx, "ComputeReady", "False", "ComputeFailed")
			Eventually(ctx, g.okHosts).WithPolling(inPods).Should(HaveLen(4), "the master and three of four: 25%")
			Consistently(ctx, g.okHosts).WithTimeout(5 * time.Second).WithPolling(inPods).Should(HaveLen(4))
			kept := 0
			for name, state := range g.containers(ctx, names.Compute) {
				if before[name] == state {
					kept++
				}
			}
			Expect(kept).To(Equal(3))
			g.patch(object{"compute": object{"image": nil}})
		})

		It("in the node port touches nothing", func(ctx SpecContext) {
			other := &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: g.namespace, Name: "other"},
				Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
			}
			Expect(api.Create(ctx, other)).To(Succeed())
			before := g.snapshot(ctx).Without("SymphonyCluster")
			g.patch(object{"gui": object{"nodePort": other.Spec.Ports[0].NodePort}})
			message := g.waitCondition(ctx, "Stalled", "True", "NodePortUnavailable")
			Expect(message).To(ContainSubstring("provided port is already allocated"))
			Expect(g.snapshot(ctx).Without("SymphonyCluster").Disturbed(before)).To(BeEmpty())
			g.patch(object{"gui": nil})
		})

		It("in an overlay touches nothing", func(ctx SpecContext) {
			before := g.snapshot(ctx).Without("SymphonyCluster")
			g.patch(object{"master": object{"podTemplate": object{"spec": object{"hostname": "other"}}}})
			message := g.waitCondition(ctx, "Stalled", "True", "InvalidPodTemplate")
			Expect(message).To(ContainSubstring("spec.master.podTemplate must not change spec.hostname"))
			Expect(g.snapshot(ctx).Without("SymphonyCluster").Disturbed(before)).To(BeEmpty())
			g.patch(object{"master": object{"podTemplate": nil}})
		})

		It("that admission can see is refused with a message", func(ctx SpecContext) {
			before := g.snapshot(ctx)
			for patch, message := range map[string]string{
				`{"spec":{"clusterName":"other"}}`:        "clusterName cannot be changed, added or removed after creation",
				`{"spec":{"compute":{"replicas":-1}}}`:    "should be greater than or equal to 0",
				`{"spec":{"gui":{"nodePort":70000}}}`:     "should be less than or equal to 65535",
				`{"spec":{"image":""}}`:                   "spec.image",
				`{"spec":{"entitlement":{}}}`:             "entitlement needs exactly one source",
				`{"spec":{"egoConf":{"EGO_TOP":"/tmp"}}}`: "egoConf must not set what the operator owns",
			} {
				output, err := g.try("", "patch", "symphonycluster/prod", "--type=merge", "-p", patch)
				Expect(err).To(HaveOccurred(), patch)
				Expect(output).To(ContainSubstring(message), patch)
			}
			Expect(g.snapshot(ctx).Disturbed(before)).To(BeEmpty())
		})
	})
})
