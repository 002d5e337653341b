// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// tenant is a client of somebody who may write SymphonyClusters in the world's namespace, and nothing else anywhere.
func (w *world) tenant(ctx context.Context) client.Client {
	GinkgoHelper()
	for _, object := range []client.Object{
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "tenant"}, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.SchemeGroupVersion.Group}, Resources: []string{"symphonyclusters"}, Verbs: []string{"create", "delete", "get", "list", "patch", "update"},
		}}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "tenant"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "tenant"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "tenant-of-" + w.namespace}},
		},
	} {
		Expect(api.Create(ctx, object)).To(Succeed())
	}
	own := rest.CopyConfig(config)
	own.Impersonate.UserName = "tenant-of-" + w.namespace
	made, err := newClient(own)
	Expect(err).NotTo(HaveOccurred())
	return made
}

// elsewhere is another namespace, with what a tenant would like to have.
func elsewhere(ctx context.Context) *world {
	GinkgoHelper()
	w := newWorldWithoutOperator(ctx)
	for _, object := range []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "treasure"}, StringData: map[string]string{"key": "gold"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "prod-hosts"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "powerful"}},
	} {
		Expect(api.Create(ctx, object)).To(Succeed())
	}
	return w
}

var _ = Describe("A tenant who may write SymphonyClusters in one namespace", func() {
	It("gets nothing into another one, by any field", func(ctx SpecContext) {
		w, other := newWorld(ctx), elsewhere(ctx)
		tenant := w.tenant(ctx)
		untouched := other.settle(ctx)

		By("being refused all that is not theirs")
		for _, object := range []client.Object{
			other.build("prod"),
			&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "own"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}}},
		} {
			Expect(apierrors.IsForbidden(tenant.Create(ctx, object))).To(BeTrue())
		}
		Expect(tenant.Create(ctx, w.build("prod", replicas(1)))).To(Succeed())
		w.waitReady(ctx, "prod")

		By("naming another namespace where a field might take it")
		running := w.settle(ctx).Without("SymphonyCluster")
		for _, try := range []string{
			`{"metadata":{"namespace":"` + other.namespace + `"}}`,
			`{"metadata":{"name":"prod-hosts"}}`,
			`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"prod-hosts","uid":"x"}]}}`,
			`{"metadata":{"finalizers":["example.com/stay"]}}`,
			`{"spec":{"volumes":[{"name":"a","secret":{"secretName":"treasure","namespace":"` + other.namespace + `"}}]}}`,
			`{"spec":{"containers":[{"name":"symphony","envFrom":[{"secretRef":{"name":"treasure","namespace":"` + other.namespace + `"}}]}]}}`,
			`{"kind":"Pod","spec":{}}`,
		} {
			Expect(w.tenantEdits(ctx, tenant, masterOverlay(try), computeOverlay(try))).To(Succeed())
			w.waitStalled(ctx, "prod", v1alpha1.ReasonInvalidPodTemplate)
		}
		for _, try := range []string{"/", other.namespace + "/powerful"} {
			overlay := `{"spec":{"serviceAccountName":"` + try + `","containers":[{"name":"symphony","envFrom":[{"secretRef":{"name":"` + other.namespace + `/treasure"}}]}]}}`
			Expect(w.tenantEdits(ctx, tenant, masterOverlay(overlay), computeOverlay(overlay))).To(Succeed())
			w.waitStalled(ctx, "prod", v1alpha1.ReasonRejected)
		}
		Expect(w.settle(ctx).Without("SymphonyCluster").Without("ControllerRevision").Disturbed(running.Without("ControllerRevision"))).To(BeEmpty())
		Expect(w.tenantEdits(ctx, tenant, func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Master.PodTemplate, c.Spec.Compute.PodTemplate = nil, nil
			c.Spec.Entitlement = &v1alpha1.Entitlement{SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "treasure", Key: "key"}}
		})).To(Succeed())
		w.waitReady(ctx, "prod")

		By("having had the operator write in their namespace alone, and read no Secret")
		for _, write := range w.operator.writes.Writes() {
			Expect(write.Path).To(ContainSubstring("/namespaces/"+w.namespace+"/"), write.String())
		}
		Expect(other.settle(ctx).Touched(untouched)).To(BeEmpty())
		Expect(w.operator.writes.Matching(http.MethodPost, "/secrets")).To(BeEmpty())
	})

	DescribeTable("asks for the host where Pod Security forbids it, is told, and loses nothing that runs",
		func(ctx SpecContext, level string, overlaid func(string) edit, overlay, violation string) {
			w := newWorld(ctx)
			w.enforce(level)
			tenant := w.tenant(ctx)
			Expect(tenant.Create(ctx, w.build("prod", replicas(3)))).To(Succeed())
			w.waitReady(ctx, "prod")
			before := w.settle(ctx).Without("SymphonyCluster").Without("ControllerRevision")
			Expect(w.tenantEdits(ctx, tenant, overlaid(overlay))).To(Succeed())
			message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonForbidden)
			Expect(message).To(And(ContainSubstring(`violates PodSecurity "`+level+`:latest"`), ContainSubstring(violation)))
			Expect(w.settle(ctx).Without("SymphonyCluster").Without("ControllerRevision").Disturbed(before)).To(BeEmpty())

			By("going on with the template that is in force")
			Expect(w.tenantEdits(ctx, tenant, replicas(4))).To(Succeed())
			Eventually(func() []string { return w.computeUIDs(ctx, "prod") }).Should(HaveLen(4))
			Expect(w.tenantEdits(ctx, tenant, func(c *v1alpha1.SymphonyCluster) {
				c.Spec.Master.PodTemplate, c.Spec.Compute.PodTemplate = nil, nil
			})).To(Succeed())
			w.waitReady(ctx, "prod")
			for _, change := range w.settle(ctx).Without("SymphonyCluster").Without("ControllerRevision").Disturbed(before) {
				Expect(change).To(MatchRegexp("^(Pod prod-compute-.* is new|ReplicaSet prod-compute changed.*)$"), "the fourth host alone")
			}
		},
		Entry("a path of it, on the master", "baseline", masterOverlay, hostPathOverlay, "hostPath"),
		Entry("a path of it, on compute hosts", "restricted", computeOverlay, hostPathOverlay, "hostPath"),
		Entry("privileges, on the master", "restricted", masterOverlay, privilegedOverlay, "privileged"),
		Entry("privileges, on compute hosts", "baseline", computeOverlay, privilegedOverlay, "privileged"),
		Entry("its processes", "baseline", masterOverlay, `{"spec":{"hostPID":true}}`, "host namespaces"),
	)

	It("asks for the host in a first cluster, is told, and gets no pod", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.enforce("baseline")
		Expect(w.tenant(ctx).Create(ctx, w.build("prod", masterOverlay(hostPathOverlay)))).To(Succeed())
		Eventually(func() string {
			for _, condition := range w.cluster(ctx, "prod").Status.Conditions {
				if condition.Type == v1alpha1.ConditionReady {
					return condition.Message
				}
			}
			return ""
		}).Should(And(ContainSubstring("the master pod cannot be created"), ContainSubstring("hostPath")))
		Expect(w.pods(ctx, "prod", names.Master)).To(BeEmpty())
	})
})

const (
	hostPathOverlay   = `{"spec":{"volumes":[{"name":"host","hostPath":{"path":"/"}}],"containers":[{"name":"symphony","volumeMounts":[{"name":"host","mountPath":"/host"}]}]}}`
	privilegedOverlay = `{"spec":{"containers":[{"name":"symphony","securityContext":{"privileged":true,"allowPrivilegeEscalation":true}}]}}`
)

// tenantEdits edits the cluster prod as its tenant.
func (w *world) tenantEdits(ctx context.Context, tenant client.Client, edits ...edit) error {
	GinkgoHelper()
	cluster := &v1alpha1.SymphonyCluster{}
	Expect(tenant.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: "prod"}, cluster)).To(Succeed())
	before := cluster.DeepCopy()
	for _, edit := range edits {
		edit(cluster)
	}
	return tenant.Patch(ctx, cluster, client.MergeFrom(before))
}
