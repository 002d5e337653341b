// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

var _ = Describe("A new cluster", func() {
	It("becomes what one manifest promises", func(ctx SpecContext) {
		w := newWorld(ctx)
		cluster := w.ready(ctx, "prod", replicas(2))

		By("creating the children, owned, labelled and under one field manager")
		for name, child := range map[string]client.Object{
			"prod-master":  &appsv1.Deployment{},
			"prod-hosts":   &corev1.ConfigMap{},
			"prod-compute": &appsv1.ReplicaSet{},
			"prod-gui":     &corev1.Service{},
		} {
			Expect(api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, child)).To(Succeed())
			expectChild(cluster, child)
		}
		service := get[corev1.Service](ctx, w, "prod-master")
		expectChild(cluster, service)
		expectChild(cluster, get[policyv1.PodDisruptionBudget](ctx, w, "prod-compute"))
		expectChild(cluster, get[corev1.ConfigMap](ctx, w, "prod-compute-hosts-0"))
		Expect(service.Spec.ClusterIP).To(Equal(corev1.ClusterIPNone))
		Expect(service.Spec.PublishNotReadyAddresses).To(BeTrue())

		By("telling compute hosts where the master is")
		master := w.master(ctx, "prod")
		Expect(master.Spec.Hostname).To(Equal("prod-master"))
		line := master.Status.PodIP + " prod-master"
		Expect(get[corev1.ConfigMap](ctx, w, "prod-hosts").Data).To(HaveKeyWithValue("hosts", line+"\n"))
		for _, pod := range w.pods(ctx, "prod", names.Compute) {
			Expect(pod.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
		}

		By("exposing the web console on a node port")
		gui := w.gui(ctx, "prod")
		Expect(gui.Spec.Type).To(Equal(corev1.ServiceTypeNodePort))
		Expect(gui.Spec.Selector).To(Equal(names.Selector("prod", names.Master)))
		port := gui.Spec.Ports[0]
		Expect(port.Port).To(BeEquivalentTo(8443))
		Expect(port.TargetPort).To(Equal(intstr.FromInt32(8443)))
		Expect(port.NodePort).To(BeNumerically(">=", 30000))

		By("saying so in the status")
		status := cluster.Status
		Expect(status.Master).To(Equal(v1alpha1.MasterStatus{
			PodName: master.Name, Hostname: "prod-master", PodIP: master.Status.PodIP,
			NodeName: master.Spec.NodeName, HostIP: master.Status.HostIP, Instance: master.Name + "/0",
		}))
		Expect(status.Compute.Replicas).To(BeEquivalentTo(2))
		Expect(status.Compute.ReadyReplicas).To(BeEquivalentTo(2))
		Expect(status.Compute.UpdatedReplicas).To(BeEquivalentTo(2))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionMasterReady, metav1.ConditionTrue, "Ready")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, metav1.ConditionTrue, "Ready")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionGUIReady, metav1.ConditionTrue, "Ready")
		Eventually(func() v1alpha1.GUIStatus { return w.cluster(ctx, "prod").Status.GUI }).Should(Equal(v1alpha1.GUIStatus{
			NodePort: port.NodePort,
			URL:      "https://" + master.Status.HostIP + ":" + number(int(port.NodePort)) + "/platform/login/login.html",
		}))
	})

	It("creates compute hosts only after the master has an address, and with exactly that one", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.Master), kubelet.Creating)
		w.create(ctx, "prod", replicas(2))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonMasterPending)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, metav1.ConditionFalse, v1alpha1.ReasonWaitingForMaster)
		Consistently(func(g Gomega) {
			g.Expect(w.maybe(ctx, "prod-compute", &appsv1.ReplicaSet{})).To(BeFalse())
			g.Expect(w.maybe(ctx, "prod-hosts", &corev1.ConfigMap{})).To(BeFalse())
		}).Should(Succeed())

		By("giving the master an address, before EGO answers on it")
		w.kubelet.When(kubelet.Role(names.Master), kubelet.Starting)
		Eventually(func() bool { return w.maybe(ctx, "prod-compute", &appsv1.ReplicaSet{}) }).Should(BeTrue())
		master := w.master(ctx, "prod")
		Expect(master.Status.PodIP).NotTo(BeEmpty())
		template := w.computeSet(ctx, "prod").Spec.Template
		Expect(template.Annotations).To(Equal(map[string]string{
			names.AnnotationMasterHosts: master.Status.PodIP + " prod-master", names.AnnotationDrainSeconds: "630",
		}))
		Expect(template.Spec.Containers[0].Env).To(ContainElement(corev1.EnvVar{Name: "SYMPHONY_MASTER_HOST", Value: "prod-master"}))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonMasterStarting)

		w.kubelet.Normal()
		w.waitReady(ctx, "prod")
	})

	It("is scaled as kubectl and a HorizontalPodAutoscaler do it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		for _, n := range []int{10, 1, 0, 3} {
			w.kubectl("scale", "symphonycluster/prod", "--replicas="+number(n))
			w.waitReady(ctx, "prod")
			Eventually(func() int { return len(w.pods(ctx, "prod", names.Compute)) }).Should(Equal(n))
			Expect(w.cluster(ctx, "prod").Status.Compute.ReadyReplicas).To(BeEquivalentTo(n))
		}

		By("reading the selector that the scale subresource shows")
		scale := w.scale(ctx, "prod")
		Expect(scale.Spec.Replicas).To(BeEquivalentTo(3))
		Expect(scale.Status.Replicas).To(BeEquivalentTo(3))
		selector, err := labels.Parse(scale.Status.Selector)
		Expect(err).NotTo(HaveOccurred())
		var matched corev1.PodList
		Expect(api.List(ctx, &matched, client.InNamespace(w.namespace), client.MatchingLabelsSelector{Selector: selector})).To(Succeed())
		Expect(uids(matched.Items)).To(ConsistOf(w.computeUIDs(ctx, "prod")))

		By("scaling through the scale client")
		// As every client of the subresource does it: the status may be written between its read and its write.
		Expect(retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			scale = w.scale(ctx, "prod")
			scale.Spec.Replicas = 5
			return api.SubResource("scale").Update(ctx, w.cluster(ctx, "prod"), client.WithSubResourceBody(scale))
		})).To(Succeed())
		w.waitReady(ctx, "prod")
		Expect(w.pods(ctx, "prod", names.Compute)).To(HaveLen(5))
	})

	It("has one compute host when replicas is left out", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod")
		Expect(w.pods(ctx, "prod", names.Compute)).To(HaveLen(1))
	})

	It("is printed by kubectl get with what a person wants to know", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionGUIReady, metav1.ConditionTrue, "")
		Eventually(func() int32 { return w.cluster(ctx, "prod").Status.GUI.NodePort }).ShouldNot(BeZero())
		status := w.cluster(ctx, "prod").Status
		header, row := table(w.kubectl("get", "symc", "prod"))
		Expect(header).To(Equal([]string{"NAME", "READY", "MASTER", "DESIRED", "CURRENT-READY", "GUI", "AGE"}))
		Expect(row[:6]).To(Equal([]string{"prod", "True", status.Master.PodIP, "2", "2", number(int(status.GUI.NodePort))}))
		header, _ = table(w.kubectl("get", "symphonyclusters", "prod", "-o", "wide"))
		Expect(header).To(ContainElements("REASON", "MESSAGE"))
		Expect(w.kubectl("get", "symphony")).To(ContainSubstring("prod"), "the category symphony")
	})

	It("is not current before the operator has seen it", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		w.create(ctx, "prod")
		Expect(w.computed(ctx, "prod")).To(Equal("InProgress"))
		w.startOperator()
		w.waitReady(ctx, "prod")
		Expect(w.computed(ctx, "prod")).To(Equal("Current"))
	})
})

func expectChild(cluster *v1alpha1.SymphonyCluster, child client.Object) {
	GinkgoHelper()
	Expect(child.GetOwnerReferences()).To(Equal([]metav1.OwnerReference{{
		APIVersion: "symphony-operator.io/v1alpha1", Kind: "SymphonyCluster", Name: cluster.Name, UID: cluster.UID,
		Controller: new(true),
	}}))
	Expect(child.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/managed-by", "symphony-operator"))
	Expect(child.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/name", "symphony"))
	Expect(child.GetLabels()).To(HaveKeyWithValue("symphony-operator.io/cluster", cluster.Name))
	Expect(child.GetLabels()).To(HaveKey("symphony-operator.io/role"))
	managers := map[string]metav1.ManagedFieldsOperationType{}
	for _, entry := range child.GetManagedFields() {
		// kube-controller-manager writes the status of workloads and the Deployment's revision annotation.
		if entry.Manager != "kube-controller-manager" {
			managers[entry.Manager] = entry.Operation
		}
	}
	Expect(managers).To(Equal(map[string]metav1.ManagedFieldsOperationType{"symphony-operator": metav1.ManagedFieldsOperationApply}))
}
