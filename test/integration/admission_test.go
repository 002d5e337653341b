// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

var _ = Describe("The API server", func() {
	DescribeTable("refuses", func(ctx SpecContext, name string, change edit, message string) {
		cluster := &v1alpha1.SymphonyCluster{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
			Spec:       v1alpha1.SymphonyClusterSpec{Image: "sym712"},
		}
		if change != nil {
			change(cluster)
		}
		err := api.Create(ctx, cluster, client.DryRunAll)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring(message)))
	},
		Entry("a name that is too long", strings.Repeat("a", 41), nil,
			"metadata.name must be a DNS label of at most 40 characters that starts with a letter"),
		Entry("a name that starts with a digit", "7prod", nil, "that starts with a letter: host names are built from it"),
		Entry("a name with a dot", "prod.one", nil, "metadata.name must be a DNS label"),
		Entry("an empty image", "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = "" },
			`spec.image: Invalid value: "": spec.image in body should be at least 1 chars long`),
		Entry("a clusterName with illegal characters", "prod",
			func(c *v1alpha1.SymphonyCluster) { c.Spec.ClusterName = "sym phony" },
			`spec.clusterName: Invalid value: "sym phony": spec.clusterName in body should match '^[A-Za-z0-9_.-]+$'`),
		Entry("a clusterName that is too long", "prod",
			func(c *v1alpha1.SymphonyCluster) { c.Spec.ClusterName = strings.Repeat("c", 40) }, "spec.clusterName: Too long: may not be more than 39"),
		Entry("negative replicas", "prod", replicas(-1),
			"spec.compute.replicas: Invalid value: -1: spec.compute.replicas in body should be greater than or equal to 0"),
		Entry("two entitlement sources", "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Entitlement = &v1alpha1.Entitlement{Path: "/opt/e", SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "s", Key: "k"}}
		}, "entitlement needs exactly one source: either secretKeyRef or path"),
		Entry("no entitlement source", "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Entitlement = &v1alpha1.Entitlement{} },
			"entitlement needs exactly one source: either secretKeyRef or path"),
		Entry("a relative entitlement path", "prod",
			func(c *v1alpha1.SymphonyCluster) { c.Spec.Entitlement = &v1alpha1.Entitlement{Path: "opt/e"} }, "spec.entitlement.path"),
		Entry("node port 0", "prod", nodePort(new(int32(0))), "should be greater than or equal to 1"),
		Entry("node port 70000", "prod", nodePort(new(int32(70000))), "should be less than or equal to 65535"),
		Entry("a node port of a ClusterIP Service", "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.GUI = v1alpha1.GUISpec{ServiceType: corev1.ServiceTypeClusterIP, NodePort: new(int32(30001))}
		}, "nodePort needs serviceType NodePort or LoadBalancer: a ClusterIP Service has none"),
		Entry("an unknown network", "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Mode = "Flannel" },
			`spec.network.mode: Unsupported value: "Flannel": supported values: "Existing", "Weave"`),
		Entry("a client that is nobody", "prod", guarded(networkingv1.NetworkPolicyPeer{}),
			"each of clients needs a podSelector, a namespaceSelector or an ipBlock"),
		Entry("a client in two ways", "prod", guarded(networkingv1.NetworkPolicyPeer{
			NamespaceSelector: &metav1.LabelSelector{}, IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24"},
		}), "a client with an ipBlock has neither podSelector nor namespaceSelector"),
		Entry("more clients than a policy should have", "prod", guarded(make([]networkingv1.NetworkPolicyPeer, 65)...), "must have at most 64 items"),
		Entry("an unknown type of Service", "prod", serviceType("Ingress"), `supported values: "NodePort", "ClusterIP", "LoadBalancer"`),
		Entry("a protected ego.conf setting", "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_MASTER_LIST": "other"}
		}, "egoConf must not set what the operator owns: EGO_CONFDIR"),
		Entry("an ego.conf setting that is none", "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.EgoConf = map[string]v1alpha1.EgoConfValue{"ego_lim": "x"}
		}, "keys of egoConf must be ego.conf settings"),
		Entry("an ego.conf value of two lines", "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_X": "a\nEGO_TOP=/"}
		}, "spec.egoConf"),
		Entry("an operator's variable on the master", "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Master.Env = []corev1.EnvVar{{Name: "SYMPHONY_MASTER_HOST", Value: "x"}}
		}, "env names that start with SYMPHONY_, LICENSE and PATH are set by the operator"),
		Entry("an operator's variable on compute hosts", "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Compute.Env = []corev1.EnvVar{{Name: "LICENSE", Value: "accept"}}
		}, "env names that start with SYMPHONY_, LICENSE and PATH are set by the operator"),
		Entry("a claim that exists and is to be made", "prod", storage(v1alpha1.MasterStorage{ExistingClaim: "mine", AccessMode: corev1.ReadWriteMany}),
			"existingClaim goes with none of size, storageClassName, accessMode and whenDeleted"),
		Entry("storage of no size", "prod", storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("0"))}), "size must be more than 0"),
		Entry("storage of less than no size", "prod", storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("-1Gi"))}), "size must be more than 0"),
		Entry("an access mode for readers", "prod", storage(v1alpha1.MasterStorage{AccessMode: corev1.ReadOnlyMany}),
			`supported values: "ReadWriteOncePod", "ReadWriteOnce", "ReadWriteMany"`),
		Entry("an unknown fate of the claim", "prod", storage(v1alpha1.MasterStorage{WhenDeleted: "Recycle"}), `supported values: "Retain", "Delete"`),
		Entry("maxUnavailable 0", "prod", maxUnavailable(intstr.FromInt32(0)),
			"maxUnavailable must be a number from 1 to 1000000 or a percentage from 1% to 100%"),
		Entry("maxUnavailable 0%", "prod", maxUnavailable(intstr.FromString("0%")),
			"maxUnavailable must be a number from 1 to 1000000 or a percentage from 1% to 100%"),
		Entry("maxUnavailable beyond any cluster", "prod", maxUnavailable(intstr.FromInt32(1_000_001)),
			"maxUnavailable must be a number from 1 to 1000000 or a percentage from 1% to 100%"),
		Entry("a licence that is not accepted", "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.License = "view" },
			`spec.license: Unsupported value: "view": supported values: "accept"`),
	)

	DescribeTable("refuses to have clusterName", func(ctx SpecContext, before, after string) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.ClusterName = before })
		settled := w.settle(ctx)
		err := w.tryChange(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.ClusterName = after })
		Expect(err).To(MatchError(ContainSubstring(
			"clusterName cannot be changed, added or removed after creation, because EGO cannot rename a cluster: create a new SymphonyCluster instead")))
		Expect(w.settle(ctx).Touched(settled)).To(BeEmpty())
	},
		Entry("changed", "symphony712", "symphony713"),
		Entry("added", "", "symphony713"),
		Entry("removed", "symphony712", ""),
	)

	DescribeTable("refuses to have storage", func(ctx SpecContext, before, after v1alpha1.MasterStorage, message string) {
		w := newWorldWithoutOperator(ctx)
		w.create(ctx, "prod", storage(before))
		err := w.tryChange(ctx, "prod", storage(after))
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring(message)))
	},
		Entry("shrunk", v1alpha1.MasterStorage{Size: new(resource.MustParse("5Gi"))}, v1alpha1.MasterStorage{Size: new(resource.MustParse("4Gi"))},
			"spec.master.storage.size: Forbidden: size can grow and not shrink"),
		Entry("shrunk to the default", v1alpha1.MasterStorage{Size: new(resource.MustParse("5Gi"))}, v1alpha1.MasterStorage{},
			"size can grow and not shrink, because a volume cannot"),
		Entry("of another class", v1alpha1.MasterStorage{StorageClassName: new("slow")}, v1alpha1.MasterStorage{StorageClassName: new("fast")},
			"spec.master.storage.storageClassName: Forbidden: storageClassName cannot be changed, added or removed"),
		Entry("of a class that it had by default", v1alpha1.MasterStorage{}, v1alpha1.MasterStorage{StorageClassName: new("fast")},
			"storageClassName cannot be changed, added or removed"),
		Entry("of no class any more", v1alpha1.MasterStorage{StorageClassName: new("")}, v1alpha1.MasterStorage{},
			"storageClassName cannot be changed, added or removed"),
		Entry("of another access mode", v1alpha1.MasterStorage{}, v1alpha1.MasterStorage{AccessMode: corev1.ReadWriteMany},
			"spec.master.storage.accessMode: Forbidden: accessMode cannot be changed"),
		Entry("on another claim", v1alpha1.MasterStorage{ExistingClaim: "a"}, v1alpha1.MasterStorage{ExistingClaim: "b"},
			"spec.master.storage.existingClaim: Forbidden: existingClaim cannot be changed, added or removed while there is storage"),
		Entry("on a claim of its own after one that exists", v1alpha1.MasterStorage{ExistingClaim: "a"}, v1alpha1.MasterStorage{},
			"existingClaim cannot be changed, added or removed while there is storage"),
	)

	It("takes storage that grows, is spelt another way, is added or is removed", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		w.create(ctx, "prod")
		for _, next := range []edit{
			storage(v1alpha1.MasterStorage{}),
			storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("1024Mi")), AccessMode: corev1.ReadWriteOncePod, WhenDeleted: v1alpha1.DeleteClaim}),
			storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("1.5Gi")), WhenDeleted: v1alpha1.RetainClaim}),
			storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("2000000000"))}),
			func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = nil },
			storage(v1alpha1.MasterStorage{ExistingClaim: "mine"}),
		} {
			Expect(w.tryChange(ctx, "prod", next)).To(Succeed())
		}
	})

	// One such object, in any namespace, would keep the operator from listing all others.
	DescribeTable("refuses what no client could decode", func(ctx SpecContext, spec string) {
		w := newWorldWithoutOperator(ctx)
		output, err := w.tryKubectl(fmt.Sprintf(
			"apiVersion: symphony-operator.io/v1alpha1\nkind: SymphonyCluster\nmetadata: {name: prod}\nspec: {image: a, %s}\n", spec), "apply", "-f", "-")
		Expect(err).To(HaveOccurred(), output)
		Expect(output).To(ContainSubstring(`The SymphonyCluster "prod" is invalid:`))
	},
		Entry("a number that no int32 holds", "compute: {update: {maxUnavailable: 3000000000}}"),
		Entry("a quantity with half an exponent", "compute: {resources: {limits: {memory: 1e1.5}}}"),
		Entry("another one", "master: {resources: {requests: {cpu: 1e-.5}}}"),
		Entry("one in a variable", "master: {env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1e1.5}}}]}"),
		Entry("a quantity over which one computes for ever", `master: {storage: {size: "1e999999999"}}`),
		Entry("the same in resources", `compute: {resources: {limits: {memory: "1e999999999"}}}`),
	)

	It("refuses a spec without an image, and a field that it does not know", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		manifest := func(spec string) string {
			return fmt.Sprintf("apiVersion: symphony-operator.io/v1alpha1\nkind: SymphonyCluster\nmetadata: {name: prod}\nspec: %s\n", spec)
		}
		output, err := w.tryKubectl(manifest("{}"), "apply", "-f", "-")
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring("spec.image: Required value"))
		output, err = w.tryKubectl(manifest("{image: a, computee: {}}"), "apply", "-f", "-")
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring(`unknown field "spec.computee"`))
	})
})
