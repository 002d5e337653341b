// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// Its status counts pods: with each pod that becomes ready there would be two passes.
func TestABudgetBringsAPassWhenMoreThanItsStatusChanges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*policyv1.PodDisruptionBudget)
		pass   bool
	}{
		"its status": {func(b *policyv1.PodDisruptionBudget) {
			b.ResourceVersion, b.Status.CurrentHealthy = "2", 5
			b.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager"}}
		}, false},
		"its spec": {func(b *policyv1.PodDisruptionBudget) {
			b.Generation, b.Spec.MaxUnavailable = 2, new(intstr.FromInt32(1)) // The API server counts.
		}, true},
		"its labels":   {func(b *policyv1.PodDisruptionBudget) { b.Labels = nil }, true},
		"its owner":    {func(b *policyv1.PodDisruptionBudget) { b.OwnerReferences = nil }, true},
		"its deletion": {func(b *policyv1.PodDisruptionBudget) { b.DeletionTimestamp = new(metav1.Now()) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			before := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{
				Name: "prod-compute", ResourceVersion: "1", Labels: map[string]string{"a": "b"}, OwnerReferences: []metav1.OwnerReference{{UID: "prod"}},
			}}
			after := before.DeepCopy()
			c.change(after)
			g.Expect(moreThanStatus().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(Equal(c.pass))
			g.Expect(before.ResourceVersion).To(Equal("1"), "the cache's object is only looked at")
		})
	}
}

func TestWhatFallsDueBringsAPass(t *testing.T) {
	for due, after := range map[time.Duration]time.Duration{0: time.Minute, 3 * time.Second: 3 * time.Second, time.Hour: time.Minute} {
		result, err := (&SymphonyClusterReconciler{}).nextPass(&status.Input{
			Facts: &observe.Facts{GUIAnswers: true}, Plan: &plan.Plan{NextPass: due},
		}, 0)
		g := NewWithT(t)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(result.RequeueAfter).To(Equal(after))
	}
}

func TestAPassThatFailsForHoursIsRepeatedEveryMinute(t *testing.T) {
	g := NewWithT(t)
	limiter, request := Retries(), reconcile.Request{}
	g.Expect(limiter.When(request)).To(BeNumerically("<", time.Second))
	last := time.Duration(0)
	for range 60 {
		next := limiter.When(request)
		g.Expect(next).To(BeNumerically(">=", last))
		last = next
	}
	g.Expect(last).To(Equal(time.Minute))
}
