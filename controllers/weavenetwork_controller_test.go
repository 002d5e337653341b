// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// It has nothing to write with: a pass that decides anything would panic.
func TestAPassOverTheWeaveNetworkWaitsForItsCache(t *testing.T) {
	g := NewWithT(t)
	scheme, err := NewScheme()
	g.Expect(err).NotTo(HaveOccurred())
	reads := func(objects ...client.Object) client.Client {
		return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
	}
	agents := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{
		Namespace: names.WeaveNamespace, Name: names.WeaveAgents, Labels: map[string]string{names.LabelWeave: names.WeaveAgents},
	}}
	r := &WeaveNetworkReconciler{Observer: &observe.WeaveObserver{Cache: reads(), Live: reads(agents), Clock: clocktesting.NewFakePassiveClock(noon)}}
	result, err := r.Reconcile(t.Context(), &v1alpha1.WeaveNetwork{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result).To(Equal(reconcile.Result{RequeueAfter: afterOutdated}))
}
