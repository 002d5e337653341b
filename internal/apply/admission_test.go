// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/internal/apply"
)

// A Deployment takes any template, and ends the old pod first: what keeps its pods out must be known before.
func TestATemplateWhosePodsAreTurnedAwayReplacesNothing(t *testing.T) {
	forbidden := func(why string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "prod-master", errors.New(why))
	}
	for name, c := range map[string]struct {
		answer error
		held   bool
	}{
		"by Pod Security":       {forbidden(`violates PodSecurity "baseline:latest": hostPath volumes (volume "host")`), true},
		"as its account is not": {forbidden("error looking up service account grid/none"), true},
		// The old pod makes room.
		"by a full quota":                 {forbidden("exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2"), false},
		"by a quota of what is not named": {forbidden("failed quota: few: must specify limits.cpu"), false},
		"as nobody could say":             {apierrors.NewInternalError(errors.New("a webhook has no dry run")), false},
		"not at all":                      {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts, _ := withMaster(g)
			facts.Cluster.Spec.Master.Env = []corev1.EnvVar{{Name: "A", Value: "new"}}

			written := &recorder{}
			asked := 0
			writer := interceptor.NewClient(written.client().(client.WithWatch), interceptor.Funcs{
				Create: func(ctx context.Context, to client.WithWatch, object client.Object, options ...client.CreateOption) error {
					pod, isPod := object.(*corev1.Pod)
					if !isPod {
						return to.Create(ctx, object, options...)
					}
					g.Expect((&client.CreateOptions{}).ApplyOptions(options).DryRun).To(ContainElement(metav1.DryRunAll))
					g.Expect(pod.Namespace + "/" + pod.Name).To(Equal("grid/prod-master"))
					g.Expect(pod.Spec.Containers[0].Env).To(ContainElement(corev1.EnvVar{Name: "A", Value: "new"}))
					asked++
					return c.answer
				},
			})
			out := everything(t, writer, facts, newPlan())
			g.Expect(asked).To(Equal(1), "compute is new: nothing of it would be lost")
			applied := ""
			for _, w := range written.writes {
				if w.what == masterDeploy {
					applied = w.body
				}
			}
			if !c.held {
				g.Expect(out.Problems).To(BeEmpty())
				g.Expect(applied).To(ContainSubstring(`"value":"new"`))
				return
			}
			g.Expect(out.Problems).To(HaveExactElements(And(HaveField("Kind", apply.Forbidden),
				HaveField("Message", And(HavePrefix("replacing pods of Deployment prod-master is refused: "), ContainSubstring(c.answer.Error()))))))
			g.Expect(applied).To(And(Not(BeEmpty()), Not(ContainSubstring(`"value":"new"`))), "what runs is kept as it is")
		})
	}
}
