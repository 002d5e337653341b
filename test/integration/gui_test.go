// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

func serviceType(t corev1.ServiceType) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.GUI.ServiceType = t }
}

func nodePort(port *int32) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.GUI.NodePort = port }
}

var _ = Describe("The web console's Service", func() {
	It("follows its type, and no pod notices", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod")
		pods := append(w.computeUIDs(ctx, "prod"), string(w.master(ctx, "prod").UID))
		for _, wanted := range []corev1.ServiceType{
			corev1.ServiceTypeClusterIP, corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort,
		} {
			w.change(ctx, "prod", serviceType(wanted))
			Eventually(func() corev1.ServiceType { return w.gui(ctx, "prod").Spec.Type }).Should(Equal(wanted))
			w.waitReady(ctx, "prod")
			if wanted == corev1.ServiceTypeClusterIP {
				Expect(w.gui(ctx, "prod").Spec.Ports[0].NodePort).To(BeZero())
				Eventually(func() v1alpha1.GUIStatus { return w.cluster(ctx, "prod").Status.GUI }).Should(BeZero())
			} else {
				Eventually(func() int32 { return w.cluster(ctx, "prod").Status.GUI.NodePort }).ShouldNot(BeZero())
			}
		}
		Expect(append(w.computeUIDs(ctx, "prod"), string(w.master(ctx, "prod").UID))).To(ConsistOf(pods))
	})

	It("takes a node port that is asked for and keeps one that was allocated", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod")
		free := w.freeNodePort(ctx)
		w.change(ctx, "prod", nodePort(&free))
		Eventually(func() int32 { return w.gui(ctx, "prod").Spec.Ports[0].NodePort }).Should(Equal(free))
		w.waitReady(ctx, "prod")

		w.change(ctx, "prod", nodePort(nil))
		w.waitReady(ctx, "prod")
		Consistently(func() int32 { return w.gui(ctx, "prod").Spec.Ports[0].NodePort }).Should(Equal(free))
	})

	It("carries the annotations of the spec, and only those", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.ready(ctx, "prod")
		annotations := func() map[string]string {
			found := w.gui(ctx, "prod").Annotations
			delete(found, names.AnnotationApplied)
			return found
		}
		annotate := func(annotations map[string]string) edit {
			return func(c *v1alpha1.SymphonyCluster) { c.Spec.GUI.Annotations = annotations }
		}
		w.change(ctx, "prod", annotate(map[string]string{"a": "1", "b": "2"}))
		Eventually(annotations).Should(Equal(map[string]string{"a": "1", "b": "2"}))
		w.change(ctx, "prod", annotate(map[string]string{"a": "3"}))
		Eventually(annotations).Should(Equal(map[string]string{"a": "3"}))
		w.change(ctx, "prod", annotate(nil))
		Eventually(annotations).Should(BeEmpty())
	})

	It("is a condition of its own, beside Ready", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.console.setSilent(true)
		w.ready(ctx, "prod")
		w.waitCondition(ctx, "prod", v1alpha1.ConditionGUIReady, "False", v1alpha1.ReasonGUIStarting)
		w.console.setSilent(false)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionGUIReady, "True", v1alpha1.ReasonReady)
	})
})

// freeNodePort has Kubernetes allocate a port and gives it back.
func (w *world) freeNodePort(ctx context.Context) int32 {
	GinkgoHelper()
	service := w.nodePortService("free", 0)
	Expect(api.Create(ctx, service)).To(Succeed())
	Expect(api.Delete(ctx, service)).To(Succeed())
	return service.Spec.Ports[0].NodePort
}
