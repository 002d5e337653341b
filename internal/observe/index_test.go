// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// indexes is what a cache is told to keep.
type indexes struct{ *fake.ClientBuilder }

func (i indexes) IndexField(_ context.Context, kind client.Object, field string, by client.IndexerFunc) error {
	i.WithIndex(kind, field, by)
	return nil
}

func TestAClustersObjectsAreFoundByTheIndex(t *testing.T) {
	pod := func(namespace, name, cluster, role string) client.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: names.Labels(cluster, role)}}
	}
	cache := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(
		pod("grid", "a", "prod", names.Compute), pod("grid", "b", "prod", names.Master), pod("grid", "c", "prod-b", names.Compute), pod("other", "d", "prod", names.Compute))
	g := NewWithT(t)
	g.Expect(observe.Index(t.Context(), indexes{cache})).To(Succeed())
	byField := ""
	reader := observe.Indexed(interceptor.NewClient(cache.Build(), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			asked := (&client.ListOptions{}).ApplyOptions(options)
			byField = ""
			if asked.FieldSelector != nil {
				byField = asked.FieldSelector.String()
			}
			return c.List(ctx, list, options...)
		},
	}))

	var pods corev1.PodList
	g.Expect(reader.List(t.Context(), &pods, client.InNamespace("grid"), client.MatchingLabels(names.Selector("prod", names.Compute)))).To(Succeed())
	g.Expect(pods.Items).To(ConsistOf(HaveField("Name", "a")))
	g.Expect(byField).To(Equal("cluster=prod"))

	g.Expect(reader.List(t.Context(), &pods, client.InNamespace("grid"))).To(Succeed())
	g.Expect(pods.Items).To(HaveLen(3))
	g.Expect(byField).To(BeEmpty(), "of all clusters")

	g.Expect(reader.List(t.Context(), &appsv1.DeploymentList{}, client.MatchingLabels{names.LabelCluster: "prod"})).To(Succeed())
	g.Expect(byField).To(BeEmpty(), "a kind of which a cluster has one")
}
