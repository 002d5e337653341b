// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

func TestClustersAreCountedByCondition(t *testing.T) {
	g := NewWithT(t)
	scheme, err := NewScheme()
	g.Expect(err).NotTo(HaveOccurred())
	with := func(name, condition string, status metav1.ConditionStatus) *v1alpha1.SymphonyCluster {
		cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: name}}
		meta.SetStatusCondition(&cluster.Status.Conditions, metav1.Condition{Type: condition, Status: status, Reason: "Reason"})
		return cluster
	}
	prod := with("prod", v1alpha1.ConditionReady, metav1.ConditionTrue)
	prod.Spec.Compute.Replicas = new(int32(5))
	prod.Status.Compute = v1alpha1.ComputeStatus{Replicas: 6, ReadyReplicas: 4, UpdatedReplicas: 3, Draining: 1}
	reader := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(prod, with("test", v1alpha1.ConditionStalled, metav1.ConditionTrue), with("new", v1alpha1.ConditionHostsReady, metav1.ConditionUnknown)).Build()
	elected := make(chan struct{})
	shown := &clusterMetrics{}
	shown.source.Store(&clusterSource{reader: reader, elected: elected})
	g.Expect(testutil.CollectAndCount(shown)).To(BeZero(), "a replica that waits would tell it twice")

	close(elected)
	g.Expect(testutil.CollectAndCompare(shown, strings.NewReader(`
# HELP symphony_operator_compute_pods Compute pods of a SymphonyCluster by state: wanted, current, ready, updated (to the revision that is wanted), draining (on their way out).
# TYPE symphony_operator_compute_pods gauge
symphony_operator_compute_pods{name="new",namespace="grid",state="current"} 0
symphony_operator_compute_pods{name="new",namespace="grid",state="draining"} 0
symphony_operator_compute_pods{name="new",namespace="grid",state="ready"} 0
symphony_operator_compute_pods{name="new",namespace="grid",state="updated"} 0
symphony_operator_compute_pods{name="new",namespace="grid",state="wanted"} 0
symphony_operator_compute_pods{name="prod",namespace="grid",state="current"} 6
symphony_operator_compute_pods{name="prod",namespace="grid",state="draining"} 1
symphony_operator_compute_pods{name="prod",namespace="grid",state="ready"} 4
symphony_operator_compute_pods{name="prod",namespace="grid",state="updated"} 3
symphony_operator_compute_pods{name="prod",namespace="grid",state="wanted"} 5
symphony_operator_compute_pods{name="test",namespace="grid",state="current"} 0
symphony_operator_compute_pods{name="test",namespace="grid",state="draining"} 0
symphony_operator_compute_pods{name="test",namespace="grid",state="ready"} 0
symphony_operator_compute_pods{name="test",namespace="grid",state="updated"} 0
symphony_operator_compute_pods{name="test",namespace="grid",state="wanted"} 0
`), "symphony_operator_compute_pods")).To(Succeed())

	// Each cluster counts once for each condition, whether it has it or not.
	text, err := testutil.CollectAndFormat(shown, expfmt.TypeTextPlain, "symphony_operator_clusters")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).To(And(
		ContainSubstring(`symphony_operator_clusters{condition="Ready",status="True"} 1`),
		ContainSubstring(`symphony_operator_clusters{condition="Ready",status="False"} 2`),
		ContainSubstring(`symphony_operator_clusters{condition="Stalled",status="True"} 1`),
		ContainSubstring(`symphony_operator_clusters{condition="HostsReady",status="Unknown"} 1`),
		ContainSubstring(`symphony_operator_clusters{condition="NetworkReady",status="False"} 3`),
	))
}

// An operator that may not list clusters has metrics all the same: they tell that it fails.
func TestACacheThatIsNotFilledTakesNoOtherMetricAway(t *testing.T) {
	g := NewWithT(t)
	scheme, err := NewScheme()
	g.Expect(err).NotTo(HaveOccurred())
	never := interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).Build(), interceptor.Funcs{
		List: func(ctx context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) error {
			<-ctx.Done()
			return ctx.Err()
		},
	})
	elected := make(chan struct{})
	close(elected)
	shown := &clusterMetrics{}
	shown.source.Store(&clusterSource{reader: never, elected: elected})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(shown, prometheus.NewGauge(prometheus.GaugeOpts{Name: "other"}))
	found, err := registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(HaveExactElements(HaveField("GetName()", "other")))
}
