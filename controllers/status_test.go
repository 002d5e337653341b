// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
)

// statuses is a reconciler that only writes statuses, and counts them. version is the one that they lead to.
func statuses(t *testing.T, clock *testingclock.FakePassiveClock, version string, written *int) *SymphonyClusterReconciler {
	t.Helper()
	scheme, err := NewScheme()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	writes := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		SubResourceApply: func(_ context.Context, _ client.Client, _ string, wanted runtime.ApplyConfiguration, _ ...client.SubResourceApplyOption) error {
			*written++
			cluster, ok := wanted.(*applyv1alpha1.SymphonyClusterApplyConfiguration)
			NewWithT(t).Expect(ok).To(BeTrue())
			cluster.WithResourceVersion(version)
			return nil
		},
	}).Build()
	return &SymphonyClusterReconciler{Client: writes, Clock: clock}
}

func TestAStatusThatOnlyTellsHowFarSomethingIsWaits(t *testing.T) {
	g := NewWithT(t)
	clock, written := testingclock.NewFakePassiveClock(time.Unix(1000, 0)), 0
	r := statuses(t, clock, "another", &written)
	cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Name: "prod", Namespace: "grid", UID: "1", ResourceVersion: "1"}}
	ready := func(n int32) *v1alpha1.SymphonyClusterStatus {
		return &v1alpha1.SymphonyClusterStatus{Compute: v1alpha1.ComputeStatus{ReadyReplicas: n}}
	}
	expect := func(after *v1alpha1.SymphonyClusterStatus, urgent bool, wait time.Duration, count int) {
		t.Helper()
		got, err := r.writeStatus(t.Context(), cluster, after, urgent)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(got).To(Equal(wait))
		g.Expect(written).To(Equal(count))
	}
	seen := func(version string) { cluster.ResourceVersion = version }

	expect(ready(1), false, 0, 1) // An operator that knows nothing.
	seen("2")
	clock.SetTime(clock.Now().Add(4 * time.Second))
	expect(ready(2), false, 6*time.Second, 1)
	expect(ready(2), true, 0, 2)
	seen("3")
	clock.SetTime(clock.Now().Add(10 * time.Second))
	expect(ready(3), false, 0, 3)
}

// On top of a status that is not seen yet, another would be a conflict, and no change might be one.
func TestAPassThatHasNotSeenItsPredecessorsStatusWritesNone(t *testing.T) {
	g := NewWithT(t)
	clock, written := testingclock.NewFakePassiveClock(time.Unix(1000, 0)), 0
	r := statuses(t, clock, "another", &written)
	cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Name: "prod", Namespace: "grid", UID: "1", ResourceVersion: "1"}}
	first := &v1alpha1.SymphonyClusterStatus{ObservedGeneration: 1}
	_, err := r.writeStatus(t.Context(), cluster, first, true)
	g.Expect(err).NotTo(HaveOccurred())

	for _, after := range []*v1alpha1.SymphonyClusterStatus{{ObservedGeneration: 2}, {}} {
		wait, err := r.writeStatus(t.Context(), cluster, after, true)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(wait).To(Equal(afterStale))
	}
	g.Expect(written).To(Equal(1))

	another := cluster.DeepCopy()
	another.UID = "2"
	_, err = r.writeStatus(t.Context(), another, first, true)
	g.Expect(err).NotTo(HaveOccurred(), "a cluster that was created anew has no predecessor")
	g.Expect(written).To(Equal(2))

	clock.SetTime(clock.Now().Add(seenWithin))
	_, err = r.writeStatus(t.Context(), another, &v1alpha1.SymphonyClusterStatus{ObservedGeneration: 2}, true)
	g.Expect(err).NotTo(HaveOccurred(), "a cache that shows nothing does not hold a status up for ever")
	g.Expect(written).To(Equal(3))
}

// Somebody's own condition in a status is none that the operator can take away: nothing is to be seen then.
func TestAStatusThatChangedNothingIsNotWaitedFor(t *testing.T) {
	g := NewWithT(t)
	clock, written := testingclock.NewFakePassiveClock(time.Unix(1000, 0)), 0
	r := statuses(t, clock, "1", &written)
	cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Name: "prod", Namespace: "grid", UID: "1", ResourceVersion: "1"}}
	cluster.Status.Conditions = []metav1.Condition{{Type: "Theirs"}}
	for count := range 2 {
		wait, err := r.writeStatus(t.Context(), cluster, &v1alpha1.SymphonyClusterStatus{}, true)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(wait).To(BeZero())
		g.Expect(written).To(Equal(count + 1))
	}
}
