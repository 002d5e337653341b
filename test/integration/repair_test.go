// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// change by hand: one that a person makes with `kubectl edit`, and what of it must be undone.
type handChange struct {
	name   string
	object client.Object
	change func(client.Object)
	// wanted is read from the object; its value before the change must come back.
	wanted func(client.Object) any
}

func (h *handChange) fresh() client.Object {
	object, ok := h.object.DeepCopyObject().(client.Object)
	Expect(ok).To(BeTrue())
	return object
}

func labelsOf(object client.Object) any { return object.GetLabels() }

func ownersOf(object client.Object) any { return object.GetOwnerReferences() }

var _ = Describe("A child", func() {
	DescribeTable("that is deleted by hand comes back", func(ctx SpecContext, name string, object client.Object, wanted func(client.Object) any) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		key := client.ObjectKey{Namespace: w.namespace, Name: name}
		Expect(api.Get(ctx, key, object)).To(Succeed())
		uid, before := object.GetUID(), wanted(object)
		Expect(api.Delete(ctx, object)).To(Succeed())
		Eventually(func(g Gomega) {
			again := empty(object)
			g.Expect(api.Get(ctx, key, again)).To(Succeed())
			g.Expect(again.GetUID()).NotTo(Equal(uid))
			g.Expect(wanted(again)).To(Equal(before))
		}).Should(Succeed())
		w.waitSound(ctx, "prod", 2)
	},
		Entry("master Deployment", "prod-master", &appsv1.Deployment{}, func(o client.Object) any { return o.(*appsv1.Deployment).Spec }),
		Entry("master Service", "prod-master", &corev1.Service{}, func(o client.Object) any { return o.(*corev1.Service).Spec }),
		Entry("hosts ConfigMap", "prod-hosts", &corev1.ConfigMap{}, func(o client.Object) any { return o.(*corev1.ConfigMap).Data }),
		Entry("compute budget", "prod-compute", &policyv1.PodDisruptionBudget{}, func(o client.Object) any { return o.(*policyv1.PodDisruptionBudget).Spec }),
		Entry("list of compute hosts", "prod-compute-hosts-0", &corev1.ConfigMap{}, func(o client.Object) any { return o.GetLabels() }),
		Entry("compute ReplicaSet", "prod-compute", &appsv1.ReplicaSet{}, func(o client.Object) any { return o.(*appsv1.ReplicaSet).Spec }),
		Entry("web console's Service", "prod-gui", &corev1.Service{}, func(o client.Object) any { return o.(*corev1.Service).Spec.Selector }),
	)

	It("that keeps a pod template comes back, and restarts nothing", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx)
		var kept appsv1.ControllerRevisionList
		Expect(api.List(ctx, &kept, client.InNamespace(w.namespace))).To(Succeed())
		Expect(kept.Items).To(HaveLen(2))
		for i := range kept.Items {
			Expect(api.Delete(ctx, &kept.Items[i])).To(Succeed())
		}
		Eventually(func(g Gomega) {
			for i := range kept.Items {
				again := &appsv1.ControllerRevision{}
				g.Expect(api.Get(ctx, client.ObjectKeyFromObject(&kept.Items[i]), again)).To(Succeed())
				g.Expect(again.Data.Raw).To(MatchJSON(kept.Items[i].Data.Raw))
			}
		}).Should(Succeed())
		Expect(w.settle(ctx).Without("ControllerRevision").Disturbed(before.Without("ControllerRevision"))).To(BeEmpty())
	})

	DescribeTable("that is changed by hand is repaired", func(ctx SpecContext, h handChange) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		key := client.ObjectKey{Namespace: w.namespace, Name: h.name}
		var uid types.UID
		var before any
		Expect(retry.RetryOnConflict(retry.DefaultRetry, func() error {
			object := h.fresh()
			if err := api.Get(ctx, key, object); err != nil {
				return err
			}
			// Of a copy: the change must not change what is compared with.
			uid, before = object.GetUID(), h.wanted(object)
			object, _ = object.DeepCopyObject().(client.Object)
			h.change(object)
			return api.Update(ctx, object, client.FieldOwner("hand"))
		})).To(Succeed())
		Eventually(func(g Gomega) {
			again := h.fresh()
			g.Expect(api.Get(ctx, key, again)).To(Succeed())
			g.Expect(again.GetUID()).To(Equal(uid))
			g.Expect(h.wanted(again)).To(Equal(before))
		}).Should(Succeed())
		w.waitSound(ctx, "prod", 2)
	},
		Entry("the master's replicas", handChange{
			"prod-master", &appsv1.Deployment{},
			func(o client.Object) { o.(*appsv1.Deployment).Spec.Replicas = new(int32(0)) },
			func(o client.Object) any { return *o.(*appsv1.Deployment).Spec.Replicas },
		}),
		Entry("the master's image", handChange{
			"prod-master", &appsv1.Deployment{},
			func(o client.Object) { o.(*appsv1.Deployment).Spec.Template.Spec.Containers[0].Image = "other" },
			func(o client.Object) any { return o.(*appsv1.Deployment).Spec.Template.Spec },
		}),
		Entry("the master's tolerations, removed", handChange{
			"prod-master", &appsv1.Deployment{},
			func(o client.Object) { o.(*appsv1.Deployment).Spec.Template.Spec.Tolerations = nil },
			func(o client.Object) any { return o.(*appsv1.Deployment).Spec.Template.Spec },
		}),
		Entry("the master Service's selector", handChange{
			"prod-master", &corev1.Service{},
			func(o client.Object) { o.(*corev1.Service).Spec.Selector[names.LabelRole] = "compute" },
			func(o client.Object) any { return o.(*corev1.Service).Spec.Selector },
		}),
		Entry("the published address", handChange{
			"prod-hosts", &corev1.ConfigMap{},
			func(o client.Object) { o.(*corev1.ConfigMap).Data["hosts"] = "10.0.0.1 elsewhere\n" },
			func(o client.Object) any { return o.(*corev1.ConfigMap).Data },
		}),
		Entry("the number of compute pods", handChange{
			"prod-compute", &appsv1.ReplicaSet{},
			func(o client.Object) { o.(*appsv1.ReplicaSet).Spec.Replicas = new(int32(5)) },
			func(o client.Object) any { return *o.(*appsv1.ReplicaSet).Spec.Replicas },
		}),
		Entry("the address in the compute template", handChange{
			"prod-compute", &appsv1.ReplicaSet{},
			func(o client.Object) {
				o.(*appsv1.ReplicaSet).Spec.Template.Annotations[names.AnnotationMasterHosts] = "10.0.0.1 elsewhere"
			},
			func(o client.Object) any { return o.(*appsv1.ReplicaSet).Spec.Template },
		}),
		Entry("the web console's port", handChange{
			"prod-gui", &corev1.Service{},
			func(o client.Object) { o.(*corev1.Service).Spec.Ports[0].TargetPort.IntVal = 80 },
			func(o client.Object) any { return o.(*corev1.Service).Spec.Ports },
		}),
		Entry("the web console's type", handChange{
			"prod-gui", &corev1.Service{},
			func(o client.Object) { o.(*corev1.Service).Spec.Type = corev1.ServiceTypeLoadBalancer },
			func(o client.Object) any { return o.(*corev1.Service).Spec.Type },
		}),
		Entry("a label by which the operator's cache knows its own", handChange{
			"prod-hosts", &corev1.ConfigMap{},
			func(o client.Object) { delete(o.GetLabels(), names.LabelManagedBy) }, labelsOf,
		}),
		Entry("all labels of the ReplicaSet", handChange{
			"prod-compute", &appsv1.ReplicaSet{}, func(o client.Object) { o.SetLabels(nil) }, labelsOf,
		}),
		Entry("all labels of the Deployment", handChange{
			"prod-master", &appsv1.Deployment{}, func(o client.Object) { o.SetLabels(nil) }, labelsOf,
		}),
		Entry("the owner of the ReplicaSet, on which every host depends", handChange{
			"prod-compute", &appsv1.ReplicaSet{}, func(o client.Object) { o.SetOwnerReferences(nil) }, ownersOf,
		}),
		Entry("the owner of the Deployment", handChange{
			"prod-master", &appsv1.Deployment{}, func(o client.Object) { o.SetOwnerReferences(nil) }, ownersOf,
		}),
		Entry("the owner of the web console's Service", handChange{
			"prod-gui", &corev1.Service{}, func(o client.Object) { o.SetOwnerReferences(nil) }, ownersOf,
		}),
		Entry("the labels of the web console's Service", handChange{
			"prod-gui", &corev1.Service{}, func(o client.Object) { o.SetLabels(nil) }, labelsOf,
		}),
		Entry("the labels of the master's Service", handChange{
			"prod-master", &corev1.Service{}, func(o client.Object) { o.SetLabels(nil) }, labelsOf,
		}),
	)

	It("outlives a cluster that is deleted with --cascade=orphan, and a new one of the name takes it over", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx).Without("SymphonyCluster")
		w.kubectl("delete", "symphonycluster/prod", "--cascade=orphan", "--timeout=60s")
		Eventually(func() []string {
			var owners []string
			for _, child := range []client.Object{w.deployment(ctx, "prod"), w.computeSet(ctx, "prod"), w.gui(ctx, "prod")} {
				for _, owner := range child.GetOwnerReferences() {
					owners = append(owners, owner.Name)
				}
			}
			return owners
		}).Should(BeEmpty())

		second := w.ready(ctx, "prod", replicas(2))
		for _, child := range []client.Object{w.deployment(ctx, "prod"), w.computeSet(ctx, "prod"), w.gui(ctx, "prod")} {
			expectChild(second, child)
		}
		// A Deployment's annotations are part of its generation.
		Expect(w.settle(ctx).Without("SymphonyCluster").Without("Deployment").Disturbed(before.Without("Deployment"))).To(BeEmpty())
		w.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		Eventually(func() []string { return w.childNames(ctx) }).Should(BeEmpty())
		Eventually(func() int {
			var kept appsv1.ControllerRevisionList
			Expect(api.List(ctx, &kept, client.InNamespace(w.namespace))).To(Succeed())
			return len(kept.Items)
		}).Should(BeZero())
	})

	It("keeps what others have added to it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod")
		Expect(retry.RetryOnConflict(retry.DefaultRetry, func() error {
			service := w.gui(ctx, "prod")
			service.Annotations = map[string]string{"somebody.example/else": "yes"}
			return api.Update(ctx, service, client.FieldOwner("hand"))
		})).To(Succeed())
		w.change(ctx, "prod", serviceType(corev1.ServiceTypeLoadBalancer))
		Eventually(func() corev1.ServiceType { return w.gui(ctx, "prod").Spec.Type }).Should(Equal(corev1.ServiceTypeLoadBalancer))
		Expect(w.gui(ctx, "prod").Annotations).To(HaveKeyWithValue("somebody.example/else", "yes"))
	})

	It("that is a pod comes back with the master's address", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		pods := w.pods(ctx, "prod", names.Compute)
		Expect(api.Delete(ctx, &pods[0])).To(Succeed())
		w.waitSound(ctx, "prod", 2)
		Expect(w.computeUIDs(ctx, "prod")).NotTo(ContainElement(string(pods[0].UID)))
	})

	It("that is a pod's annotation is repaired", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod", replicas(2))
		pod := w.pods(ctx, "prod", names.Compute)[0]
		before := pod.DeepCopy()
		pod.Annotations[names.AnnotationMasterHosts] = "10.0.0.1 elsewhere"
		Expect(api.Patch(ctx, &pod, client.MergeFrom(before))).To(Succeed())
		w.waitSound(ctx, "prod", 2)
		Expect(get[corev1.Pod](ctx, w, pod.Name).UID).To(Equal(before.UID))
	})
})

// waitSound waits until the whole cluster is consistent: ready, and every place that names the master's address
// names the present one.
func (w *world) waitSound(ctx context.Context, cluster string, compute int) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(w.condition(ctx, g, cluster, "Ready").Status).To(BeEquivalentTo("True"))
		masters := w.pods(ctx, cluster, names.Master)
		g.Expect(masters).To(HaveLen(1))
		line := masters[0].Status.PodIP + " " + cluster + "-master"
		hosts, set := &corev1.ConfigMap{}, &appsv1.ReplicaSet{}
		g.Expect(api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: names.HostsName(cluster)}, hosts)).To(Succeed())
		g.Expect(hosts.Data).To(HaveKeyWithValue("hosts", line+"\n"))
		g.Expect(api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: names.ComputeName(cluster)}, set)).To(Succeed())
		g.Expect(set.Spec.Template.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
		pods := w.pods(ctx, cluster, names.Compute)
		g.Expect(pods).To(HaveLen(compute))
		for i := range pods {
			g.Expect(pods[i].Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
		}
	}).WithContext(ctx).Should(Succeed())
}

func empty(object client.Object) client.Object {
	switch object.(type) {
	case *appsv1.Deployment:
		return &appsv1.Deployment{}
	case *appsv1.ReplicaSet:
		return &appsv1.ReplicaSet{}
	case *corev1.ConfigMap:
		return &corev1.ConfigMap{}
	case *networkingv1.NetworkPolicy:
		return &networkingv1.NetworkPolicy{}
	case *policyv1.PodDisruptionBudget:
		return &policyv1.PodDisruptionBudget{}
	default:
		return &corev1.Service{}
	}
}
