// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

func masterOverlay(json string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.PodTemplate = overlay(json) }
}

func computeOverlay(json string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.PodTemplate = overlay(json) }
}

var _ = Describe("A mistake that only the operator can see", func() {
	DescribeTable("in an overlay stalls the cluster and touches nothing", func(ctx SpecContext, mistake edit, message string) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx).Without("SymphonyCluster")

		w.replace(ctx, "prod", mistake)
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonInvalidPodTemplate)).To(ContainSubstring(message))
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())

		By("still scaling, from the last good template")
		w.kubectl("scale", "symc/prod", "--replicas=3")
		Eventually(func() int { return len(w.pods(ctx, "prod", names.Compute)) }).Should(Equal(3))
		w.kubectl("scale", "symc/prod", "--replicas=2")
		Eventually(func() int { return len(w.pods(ctx, "prod", names.Compute)) }).Should(Equal(2))

		By("going back")
		pods := uids(append(w.pods(ctx, "prod", names.Master), w.pods(ctx, "prod", names.Compute)...))
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) {
			c.Spec.Master.PodTemplate, c.Spec.Compute.PodTemplate = nil, nil
		})
		w.waitReady(ctx, "prod")
		Expect(append(w.computeUIDs(ctx, "prod"), string(w.master(ctx, "prod").UID))).To(ConsistOf(pods))
	},
		Entry("an unknown field", computeOverlay(`{"spec":{"nodeSelectors":{"a":"b"}}}`),
			`spec.compute.podTemplate is not a PodTemplateSpec: unknown field "spec.nodeSelectors"`),
		Entry("a wrong type", computeOverlay(`{"spec":{"nodeSelector":"fast"}}`), "spec.compute.podTemplate is not a PodTemplateSpec"),
		Entry("a container removed by a directive", computeOverlay(`{"spec":{"containers":[{"name":"symphony","$patch":"delete"}]}}`),
			`spec.compute.podTemplate has "$patch": merge directives are not supported`),
		Entry("all containers replaced by null", masterOverlay(`{"spec":{"containers":null}}`), `must not remove the container "symphony"`),
		Entry("the readiness probe removed", masterOverlay(`{"spec":{"containers":[{"name":"symphony","readinessProbe":null}]}}`),
			"must not change what the readiness probe"),
		Entry("a host name", masterOverlay(`{"spec":{"hostname":"other"}}`), "spec.master.podTemplate must not change spec.hostname"),
		Entry("the labels that find a pod", computeOverlay(`{"metadata":{"labels":{"symphony-operator.io/role":"master"}}}`),
			`must not change the label "symphony-operator.io/role"`),
		Entry("the start script", masterOverlay(`{"spec":{"containers":[{"name":"symphony","args":["sleep"]}]}}`),
			"must not change command or args"),
		Entry("a variable of the operator", computeOverlay(`{"spec":{"containers":[{"name":"symphony","env":[{"name":"SYMPHONY_MASTER_HOST","value":"x"}]}]}}`),
			"must not change the variable SYMPHONY_MASTER_HOST"),
		Entry("the host network", computeOverlay(`{"spec":{"hostNetwork":true}}`), "spec.hostNetwork"),
		Entry("the master's address", computeOverlay(`{"metadata":{"annotations":{"symphony-operator.io/master-hosts":"10.0.0.1 x"}}}`),
			"it carries the master's address"),
	)

	It("in a first overlay lets everything be created that needs no template", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, "prod", computeOverlay(`{"spec":{"nodeSelectors":{"a":"b"}}}`))
		w.waitStalled(ctx, "prod", v1alpha1.ReasonInvalidPodTemplate)
		Eventually(func() bool { return w.maybe(ctx, "prod-gui", &corev1.Service{}) }).Should(BeTrue())
		Eventually(func() bool { return w.maybe(ctx, "prod-master", &appsv1.Deployment{}) }).Should(BeTrue())
		Expect(w.maybe(ctx, "prod-compute", &appsv1.ReplicaSet{})).To(BeFalse())
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.PodTemplate = nil })
		w.waitReady(ctx, "prod")
	})

	It("that the API server finds in a pod template stalls the cluster", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx).Without("SymphonyCluster").Without("ControllerRevision")
		w.change(ctx, "prod", masterOverlay(`{"spec":{"containers":[{"name":"no such name","image":"a"}]}}`))
		message := w.waitStalled(ctx, "prod", v1alpha1.ReasonRejected)
		Expect(message).To(And(ContainSubstring(`the API server rejects Deployment "prod-master"`), ContainSubstring("no such name")))
		Expect(w.settle(ctx).Without("SymphonyCluster").Without("ControllerRevision").Touched(before)).To(BeEmpty())
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.PodTemplate = nil })
		w.waitReady(ctx, "prod")
		Expect(w.settle(ctx).Without("SymphonyCluster").Without("ControllerRevision").Disturbed(before)).To(BeEmpty())
	})

	// Server-side apply is YAML, which must not have this character; in JSON it may be, and so in the object.
	It("in a text that no child can have is told", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.GUI.Annotations = map[string]string{"a": "\u0080"} })
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonRejected)).To(And(
			ContainSubstring(`the API server rejects Service "prod-gui"`), ContainSubstring("control characters are not allowed")))
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.GUI.Annotations = nil })
		w.waitReady(ctx, "prod")
	})

	It("that the API server finds in compute's template leaves scaling, addresses and repair alone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		w.change(ctx, "prod", computeOverlay(`{"spec":{"containers":[{"name":"symphony","resources":{"requests":{"memory":"2Gi"},"limits":{"memory":"1Gi"}}}]}}`))
		message := w.waitStalled(ctx, "prod", v1alpha1.ReasonRejected)
		Expect(message).To(ContainSubstring(`the API server rejects ReplicaSet "prod-compute"`))
		pods := w.computeUIDs(ctx, "prod")

		w.kubectl("scale", "symc/prod", "--replicas=4")
		Eventually(func() []string { return w.computeUIDs(ctx, "prod") }).Should(And(HaveLen(4), ContainElements(pods)))
		Expect(api.Delete(ctx, w.master(ctx, "prod"))).To(Succeed())
		Eventually(func(g Gomega) {
			masters := w.pods(ctx, "prod", names.Master)
			g.Expect(masters).To(HaveLen(1))
			line := masters[0].Status.PodIP + " prod-master"
			g.Expect(w.computeSet(ctx, "prod").Spec.Template.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
		}).Should(Succeed())
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = true })
		Eventually(func() []string { return w.computeUIDs(ctx, "prod") }).Should(BeEmpty())
		w.waitStalled(ctx, "prod", v1alpha1.ReasonRejected)
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend, c.Spec.Compute.PodTemplate = false, nil })
		w.waitReady(ctx, "prod")
		w.waitSound(ctx, "prod", 4)
	})

	DescribeTable("a child's name that somebody else's object has", func(ctx SpecContext, foreign client.Object, others ...string) {
		w := newWorld(ctx)
		foreign.SetNamespace(w.namespace)
		Expect(api.Create(ctx, foreign)).To(Succeed())
		w.create(ctx, "prod")
		message := w.waitStalled(ctx, "prod", v1alpha1.ReasonNameConflict)
		Expect(message).To(ContainSubstring(`"` + foreign.GetName() + `" exists and does not belong to this cluster: delete or rename it`))
		Eventually(func() []string { return w.childNames(ctx) }).Should(ContainElements(others))

		By("leaving it as it is")
		expectUntouched(ctx, foreign)

		By("recovering when it is gone: the user's next edit has the operator look at once")
		Expect(api.Delete(ctx, foreign)).To(Succeed())
		w.change(ctx, "prod", replicas(2))
		w.waitReady(ctx, "prod")
	},
		Entry("Deployment", &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "prod-master"}, Spec: foreignDeployment()},
			"Service prod-master", "Service prod-gui"),
		Entry("Service of the master", foreignService("prod-master"), "Deployment prod-master", "ConfigMap prod-hosts", "ReplicaSet prod-compute", "Service prod-gui"),
		Entry("Service of the web console", foreignService("prod-gui"), "Deployment prod-master", "ConfigMap prod-hosts", "ReplicaSet prod-compute", "Service prod-master"),
		Entry("ConfigMap", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "prod-hosts"}, Data: map[string]string{"a": "b"}},
			"Deployment prod-master", "ReplicaSet prod-compute", "Service prod-master", "Service prod-gui"),
		Entry("ReplicaSet", &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "prod-compute"}, Spec: foreignReplicaSet()},
			"Deployment prod-master", "ConfigMap prod-hosts", "Service prod-master", "Service prod-gui"),
		Entry("PodDisruptionBudget", &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "prod-compute"}},
			"Deployment prod-master", "ReplicaSet prod-compute", "ConfigMap prod-hosts", "Service prod-gui"),
		Entry("ConfigMap of compute hosts", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "prod-compute-hosts-0"}},
			"Deployment prod-master", "ReplicaSet prod-compute", "ConfigMap prod-hosts", "Service prod-gui"),
		Entry("ConfigMap with the operator's own labels", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: "prod-hosts", Labels: names.Labels("prod", names.Master),
		}}, "Deployment prod-master", "ReplicaSet prod-compute"),
	)

	// They were found free before: nobody asks again when the master has its address.
	DescribeTable("a name that somebody takes while the master starts", func(ctx SpecContext, foreign client.Object) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.Master), kubelet.Creating)
		w.create(ctx, "prod")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, metav1.ConditionFalse, v1alpha1.ReasonWaitingForMaster)
		foreign.SetNamespace(w.namespace)
		Expect(api.Create(ctx, foreign)).To(Succeed())
		w.kubelet.Normal()
		Expect(w.waitStalled(ctx, "prod", v1alpha1.ReasonNameConflict)).To(ContainSubstring(`"` + foreign.GetName() + `" exists and does not belong to this cluster`))
		expectUntouched(ctx, foreign)
	},
		Entry("ConfigMap", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "prod-hosts"}, Data: map[string]string{"a": "b"}}),
		Entry("ReplicaSet", &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "prod-compute"}, Spec: foreignReplicaSet()}),
	)

	It("a node port outside the cluster's range", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx).Without("SymphonyCluster")
		w.change(ctx, "prod", nodePort(new(int32(20000))))
		message := w.waitStalled(ctx, "prod", v1alpha1.ReasonNodePortUnavailable)
		Expect(message).To(And(ContainSubstring("spec.gui.nodePort cannot be used"), ContainSubstring("not in the valid range"),
			ContainSubstring("choose another, or remove it to have one allocated")))
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())
		w.change(ctx, "prod", nodePort(nil))
		w.waitReady(ctx, "prod")
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())
	})

	It("a node port that is allocated to another Service", func(ctx SpecContext) {
		w := newWorld(ctx)
		other := w.nodePortService("other", 0)
		Expect(api.Create(ctx, other)).To(Succeed())
		taken := other.Spec.Ports[0].NodePort
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx).Without("SymphonyCluster")
		w.change(ctx, "prod", nodePort(&taken))
		message := w.waitStalled(ctx, "prod", v1alpha1.ReasonNodePortUnavailable)
		Expect(message).To(And(ContainSubstring("provided port is already allocated"), ContainSubstring("choose another")))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionGUIReady, "False", v1alpha1.ReasonNodePortUnavailable)
		Expect(w.settle(ctx).Without("SymphonyCluster").Touched(before)).To(BeEmpty())
		free := w.freeNodePort(ctx)
		w.change(ctx, "prod", nodePort(&free))
		w.waitReady(ctx, "prod")
		Expect(w.gui(ctx, "prod").Spec.Ports[0].NodePort).To(Equal(free))
	})

	It("an image that cannot be pulled is told in the pod's own words", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Image("broken"), pullFailure)
		w.create(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = "broken" })
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", "ImagePullBackOff")
		Expect(message).To(Equal(`the master pod: image "broken" cannot be pulled: manifest unknown`))
		Expect(w.computed(ctx, "prod")).To(Equal("InProgress"))
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = "sym712" })
		w.waitReady(ctx, "prod")
	})

	It("what a start script says before it gives up is told", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.Master), kubelet.State{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 1, Reason: "Error", Message: "set spec.adminPassword: 7.3.2 does not start without one\n",
		}})
		w.create(ctx, "prod")
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonMasterFailed)
		Expect(message).To(ContainSubstring("ended with exit code 1: set spec.adminPassword: 7.3.2 does not start without one"))
		w.kubelet.Normal()
		w.waitReady(ctx, "prod")
	})

	It("a machine that has no room is told", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.Compute), kubelet.State{Unscheduled: true, Message: "0/2 nodes are available: 2 Insufficient memory."})
		w.create(ctx, "prod", replicas(2))
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", "Unschedulable")
		Expect(message).To(ContainSubstring("0/2 nodes are available: 2 Insufficient memory."))
		w.kubelet.Normal()
		w.waitReady(ctx, "prod")
	})

	It("a quota that is used up is told", func(ctx SpecContext) {
		w := newWorld(ctx)
		quota := w.quota(ctx, corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2")})
		w.create(ctx, "prod", replicas(3))
		Eventually(func(g Gomega) {
			found := w.condition(ctx, g, "prod", v1alpha1.ConditionReady)
			g.Expect(found.Message).To(And(ContainSubstring("1 of 3 compute pods are ready"), ContainSubstring("exceeded quota: small")))
		}).Should(Succeed())
		w.raise(ctx, quota, corev1.ResourcePods, "10")
		w.waitReady(ctx, "prod")
	})

	It("a quota of ConfigMaps or of revisions that is full is told, touches nothing, and is tried again", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx)
		const configMaps, revisions corev1.ResourceName = "count/configmaps", "count/controllerrevisions.apps"
		// The running cluster has two of each; another one finds room for its revisions alone, the last.
		quota := w.quota(ctx, corev1.ResourceList{configMaps: resource.MustParse("2"), revisions: resource.MustParse("4")})

		By("creating a cluster")
		w.create(ctx, "next")
		Expect(w.waitCondition(ctx, "next", v1alpha1.ConditionReady, "False", v1alpha1.ReasonForbidden)).To(
			And(ContainSubstring("exceeded quota: small"), ContainSubstring("limited: count/configmaps=2")))
		// Its second one, for compute pods, comes with its master's address; before that, the running cluster would have it.
		Eventually(func() string {
			used := get[corev1.ResourceQuota](ctx, w, quota.Name).Status.Used[revisions]
			return used.String()
		}).Should(Equal("4"))

		By("changing the image of the one that runs")
		w.change(ctx, "prod", func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = "sym712:fixed" })
		Expect(w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, "False", v1alpha1.ReasonForbidden)).To(
			And(ContainSubstring("exceeded quota: small"), ContainSubstring("limited: count/controllerrevisions.apps=4")))
		Consistently(func(g Gomega) {
			now := w.snapshot(ctx)
			for key := range before {
				if key != "SymphonyCluster prod" {
					g.Expect(now).To(HaveKeyWithValue(key, before[key]))
				}
			}
		}).Should(Succeed())

		By("raising it, which the operator is not told")
		w.raise(ctx, quota, configMaps, "9")
		w.raise(ctx, quota, revisions, "9")
		for _, name := range []string{"next", "prod"} {
			Eventually(func(g Gomega) {
				g.Expect(w.condition(ctx, g, name, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
			}).WithTimeout(90 * time.Second).Should(Succeed())
		}
		Expect(w.pods(ctx, "prod", names.Compute)).To(HaveEach(HaveField("Spec.Containers", ContainElement(HaveField("Image", "sym712:fixed")))))
	})
})

// quota is one called small, which counts already.
func (w *world) quota(ctx context.Context, hard corev1.ResourceList) *corev1.ResourceQuota {
	GinkgoHelper()
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "small"},
		Spec:       corev1.ResourceQuotaSpec{Hard: hard},
	}
	Expect(api.Create(ctx, quota)).To(Succeed())
	Eventually(func() corev1.ResourceList {
		return get[corev1.ResourceQuota](ctx, w, quota.Name).Status.Hard
	}).WithContext(ctx).ShouldNot(BeEmpty(), "until then it lets everything pass")
	return quota
}

func (w *world) raise(ctx context.Context, quota *corev1.ResourceQuota, what corev1.ResourceName, to string) {
	GinkgoHelper()
	before := quota.DeepCopy()
	quota.Spec.Hard[what] = resource.MustParse(to)
	Expect(api.Patch(ctx, quota, client.MergeFrom(before))).To(Succeed())
}

func foreignService(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "other"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func foreignPods() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "other"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "other", Image: "other"}}},
	}
}

func foreignDeployment() appsv1.DeploymentSpec {
	return appsv1.DeploymentSpec{
		Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}}, Template: foreignPods(),
	}
}

func foreignReplicaSet() appsv1.ReplicaSetSpec {
	return appsv1.ReplicaSetSpec{
		Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}}, Template: foreignPods(),
	}
}

// childNames are the children that exist, as "Kind name".
func (w *world) childNames(ctx SpecContext) []string {
	GinkgoHelper()
	found := []string{}
	for key := range w.snapshot(ctx) {
		found = append(found, key)
	}
	return found
}

// expectUntouched of an object that it is as it was created.
func expectUntouched(ctx context.Context, foreign client.Object) {
	GinkgoHelper()
	again := empty(foreign)
	Expect(api.Get(ctx, client.ObjectKeyFromObject(foreign), again)).To(Succeed())
	Expect(again.GetUID()).To(Equal(foreign.GetUID()))
	Expect(again.GetGeneration()).To(Equal(foreign.GetGeneration()))
	Expect(again.GetLabels()).To(Equal(foreign.GetLabels()))
	Expect(again.GetOwnerReferences()).To(BeEmpty())
}
