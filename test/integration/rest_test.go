// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// everyField is a cluster that uses what a spec has: a field that the API server spells another way than the
// operator would be written again in every pass.
func everyField(c *v1alpha1.SymphonyCluster) {
	c.Spec = v1alpha1.SymphonyClusterSpec{
		Image:            "sym712",
		ImagePullPolicy:  corev1.PullIfNotPresent,
		ImagePullSecrets: []v1alpha1.LocalSecretReference{{Name: "registry"}},
		ClusterName:      "symphony712",
		License:          "accept",
		EgoConf:          map[string]v1alpha1.EgoConfValue{"EGO_LOG_MASK": "LOG_INFO"},
		InstallDir:       "/opt/ibm/platform",
		Entitlement:      &v1alpha1.Entitlement{SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "entitlement", Key: "file"}},
		AdminPassword:    &v1alpha1.AdminPassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "admin", Key: "password"}},
		RestartedAt:      "2026-01-01T00:00:00Z",
		GUI: v1alpha1.GUISpec{
			ServiceType: corev1.ServiceTypeLoadBalancer,
			Annotations: map[string]string{"example.com/pool": "internal"},
			TLS:         &v1alpha1.GUITLS{SecretName: "console"},
		},
		Network: v1alpha1.NetworkSpec{Policy: &v1alpha1.AccessPolicy{Clients: []networkingv1.NetworkPolicyPeer{
			{PodSelector: &metav1.LabelSelector{}, NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"desk": "risk"}}},
			fromAddress("192.0.2.0/24"),
		}}},
	}
	for _, change := range []edit{
		replicas(2),
		// Amounts that the API server writes another way: 1000m is 1, 1024Mi is 1Gi.
		func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Master.Resources, c.Spec.Compute.Resources = amounts("1000m", "1024Mi"), amounts("0.5", "2048M")
		},
		masterOverlay(`{"spec":{"nodeSelector":{"disk":"fast"},"tolerations":[{"key":"grid","operator":"Exists"}],
			"containers":[{"name":"logs","image":"logs","resources":{"requests":{"cpu":"1000m"}},"ports":[{"containerPort":9000}],
				"livenessProbe":{"httpGet":{"port":9000}},
				"env":[{"name":"NODE","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}}]}],
			"volumes":[{"name":"token","projected":{"sources":[{"downwardAPI":{"items":[{"path":"name","fieldRef":{"fieldPath":"metadata.name"}}]}}]}}]}}`),
		computeOverlay(`{"metadata":{"annotations":{"example.com/a":"b"}},"spec":{"priorityClassName":"",
			"volumes":[{"name":"data","emptyDir":{"sizeLimit":"1024Mi"}}],
			"containers":[{"name":"symphony","volumeMounts":[{"name":"data","mountPath":"/data"}]}]}}`),
	} {
		change(c)
	}
}

var _ = Describe("An operator at rest", func() {
	DescribeTable("writes nothing, and neither does the first pass of its successor", func(ctx SpecContext, spec edit) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", spec)
		before, writes := w.settle(ctx), w.operator.writes.Count()

		By("looking at every object again after a restart")
		asked := w.console.asked()
		w.restartOperator()
		Eventually(w.console.asked).Should(BeNumerically(">", asked), "a pass asks the console")
		Consistently(w.operator.writes.Writes).WithTimeout(2 * time.Second).Should(BeEmpty())
		Expect(w.settle(ctx).Touched(before)).To(BeEmpty())
		Expect(writes).To(BeNumerically(">", 0), "the recorder sees writes")
	},
		Entry("of the smallest cluster", replicas(2)),
		Entry("of a cluster that uses every field", edit(everyField)),
	)

	It("takes a change without a meaning for none", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", computeOverlay(`{"spec":{"nodeSelector":{"a":"b"},"tolerations":[]}}`))
		before := w.settle(ctx).Without("SymphonyCluster")
		w.change(ctx, "prod", computeOverlay(`{ "spec": {"tolerations": [], "nodeSelector": {"a": "b"}} }`), func(c *v1alpha1.SymphonyCluster) {
			c.Labels, c.Annotations = map[string]string{"team": "risk"}, map[string]string{"example.com/owner": "risk"}
		})
		w.waitReady(ctx, "prod")
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())
	})
})

func amounts(cpu, memory string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
	}}
}
