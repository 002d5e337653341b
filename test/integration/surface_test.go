// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

var _ = Describe("The API as users meet it", func() {
	DescribeTable("kubectl explain is worth reading", func(field string, sentences ...string) {
		w := newWorldWithoutOperator(background())
		printed := oneLine(w.kubectl("explain", field))
		for _, sentence := range sentences {
			Expect(printed).To(ContainSubstring(sentence))
		}
	},
		Entry("of the kind", "symphonycluster", "one IBM Spectrum Symphony cluster", "kubectl scale symphonycluster/NAME --replicas=N"),
		Entry("of compute", "symphonycluster.spec.compute", "replicas is the number of compute pods, each one EGO host. Default: 1",
			"Default: a request of 2048M of memory", "podTemplate is a PodTemplateSpec", "update is how running compute pods follow"),
		Entry("of the web console", "symphonycluster.spec.gui", "Default: NodePort. A change affects no pod."),
		Entry("of the network", "symphonycluster.spec.network", "Default: Existing. A change affects no running pod.",
			"set this to false to go on without", "Once compute pods were created, a network in trouble holds nothing up"),
		Entry("of who reaches the pods", "symphonycluster.spec.network.policy", "Default: no NetworkPolicies are made", "A change restarts no pod",
			"Compute pods are open to none of them. Default: none."),
		Entry("of maxUnavailable", "symphonycluster.spec.compute.update.maxUnavailable", "Default: 25%"),
	)

	It("is one CRD that plain kubectl apply can take", func() {
		// kubectl apply keeps the whole manifest in an annotation, which the API server limits to 256 KiB.
		const limit = 256 << 10
		file, err := os.Stat(filepath.Join("..", "..", "config", "crd", "bases", "symphony-operator.io_symphonyclusters.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(file.Size()).To(BeNumerically("<", limit))
	})

	It("accepts the sample", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubectl("apply", "-f", filepath.Join("..", "..", "config", "samples", "symphonycluster.yaml"))
		w.kubectl("wait", "--for=condition=Ready", "symphonycluster/prod", "--timeout=60s")
		Expect(w.pods(ctx, "prod", names.Compute)).To(HaveLen(2), "as in the article")
	})

	It("has kubectl wait return only when the edit that was just applied is done", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(1))
		for _, n := range []int{3, 2, 5} {
			w.kubectl("patch", "symphonycluster/prod", "--type=merge", "-p", `{"spec":{"compute":{"replicas":`+number(n)+`}}}`)
			w.kubectl("wait", "--for=condition=Ready", "symphonycluster/prod", "--timeout=60s")
			Expect(w.pods(ctx, "prod", names.Compute)).To(HaveLen(n))
		}
	})

	It("deletes everything with the cluster", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(3))
		w.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		Eventually(func() []string { return w.childNames(ctx) }).Should(BeEmpty())
	})

	It("is terminating, and left as it is, while somebody's finalizer holds it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		finalizers := func(all ...string) edit {
			return func(c *v1alpha1.SymphonyCluster) { c.Finalizers = all }
		}
		w.change(ctx, "prod", finalizers("example.com/backup"))
		before := w.settle(ctx).Without("SymphonyCluster")
		w.kubectl("delete", "symphonycluster/prod", "--wait=false")
		Eventually(func() string { return w.computed(ctx, "prod") }).Should(Equal("Terminating"))
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty(), "the backup may need the pods")
		w.change(ctx, "prod", finalizers())
		Eventually(func() []string { return w.childNames(ctx) }).Should(BeEmpty())
	})

	It("makes a new cluster of a name that was deleted a moment ago", func(ctx SpecContext) {
		w := newWorld(ctx)
		first := w.ready(ctx, "prod", replicas(2))
		w.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		second := w.ready(ctx, "prod", replicas(2))
		Expect(second.UID).NotTo(Equal(first.UID))
		for _, child := range []client.Object{get[appsv1.ReplicaSet](ctx, w, "prod-compute"), get[corev1.Service](ctx, w, "prod-gui")} {
			expectChild(second, child)
		}
	})

	// docs/gitops.md has these commands.
	It("has a pipeline hand replicas over without losing a host", func(ctx SpecContext) {
		w := newWorld(ctx)
		manifest := func(compute string) string {
			return "apiVersion: symphony-operator.io/v1alpha1\nkind: SymphonyCluster\nmetadata: {name: prod}\nspec: {" + compute + "}\n"
		}
		apply := func(manager, manifest string) {
			GinkgoHelper()
			output, err := w.tryKubectl(manifest, "apply", "--server-side", "--field-manager="+manager, "-f", "-")
			Expect(err).NotTo(HaveOccurred(), output)
			w.kubectl("wait", "--for=condition=Ready", "symphonycluster/prod", "--timeout=60s")
		}
		wanted := func() int32 { return *w.cluster(ctx, "prod").Spec.Compute.Replicas }
		apply("pipeline", manifest("image: sym712, compute: {replicas: 5}"))
		compute := w.computeUIDs(ctx, "prod")

		By("dropping the field after somebody else owns it too")
		apply("replicas-handover", manifest("compute: {replicas: 5}"))
		apply("pipeline", manifest("image: sym712"))
		Expect(wanted()).To(BeEquivalentTo(5))
		Expect(w.computeUIDs(ctx, "prod")).To(ConsistOf(compute))

		By("applying again after an autoscaler has written it")
		w.kubectl("scale", "symphonycluster/prod", "--replicas=7")
		apply("pipeline", manifest("image: sym712"))
		Expect(wanted()).To(BeEquivalentTo(7))
		Expect(w.computeUIDs(ctx, "prod")).To(ContainElements(compute))
	})

	It("sets replicas back to 1 when a pipeline that owns them alone drops them", func(ctx SpecContext) {
		w := newWorld(ctx)
		for _, spec := range []string{"{image: sym712, compute: {replicas: 3}}", "{image: sym712}"} {
			output, err := w.tryKubectl("apiVersion: symphony-operator.io/v1alpha1\nkind: SymphonyCluster\nmetadata: {name: prod}\nspec: "+spec,
				"apply", "--server-side", "--field-manager=pipeline", "-f", "-")
			Expect(err).NotTo(HaveOccurred(), output)
			w.waitReady(ctx, "prod")
		}
		Expect(w.pods(ctx, "prod", names.Compute)).To(HaveLen(1))
	})
})

// oneLine takes out the line breaks of a printed text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
