// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	toolscache "k8s.io/client-go/tools/cache"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// indexedCache has of a manager's cache what Index uses, and remembers how it was asked: "kind fields".
type indexedCache struct {
	cache.Cache

	builder *fake.ClientBuilder
	built   client.Client
	pods    toolscache.SharedIndexInformer
	asked   []string
}

func (c *indexedCache) IndexField(_ context.Context, kind client.Object, field string, by client.IndexerFunc) error {
	c.builder.WithIndex(kind, field, by)
	return nil
}

func (c *indexedCache) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return c.pods, nil
}

func (c *indexedCache) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return c.built.Get(ctx, key, object, options...)
}

func (c *indexedCache) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	kind, err := c.built.GroupVersionKindFor(list)
	fields := ""
	if asked := (&client.ListOptions{}).ApplyOptions(options); asked.FieldSelector != nil {
		fields = asked.FieldSelector.String()
	}
	c.asked = append(c.asked, kind.Kind+" "+fields)
	return errors.Join(err, c.built.List(ctx, list, options...))
}

func TestAClustersObjectsAreFoundByTheIndexes(t *testing.T) {
	g := NewWithT(t)
	known := runtime.NewScheme()
	g.Expect(errors.Join(scheme.AddToScheme(known), v1alpha1.AddToScheme(known))).To(Succeed())
	set := owned(&appsv1.ReplicaSet{}, "prod-compute", names.Compute, "SymphonyCluster", "prod", "now")
	informer := toolscache.NewSharedIndexInformer(nil, &corev1.Pod{}, 0, toolscache.Indexers{})
	cached := &indexedCache{pods: informer, builder: fake.NewClientBuilder().WithScheme(known).WithObjects(set)}
	reader, err := observe.Index(t.Context(), cached)
	g.Expect(err).NotTo(HaveOccurred())
	cached.built = cached.builder.Build()

	pod := func(namespace, name, cluster, role string) *corev1.Pod {
		made := owned(&corev1.Pod{}, name, role, "ReplicaSet", "prod-compute", "uid-prod-compute")
		made.Namespace, made.Labels = namespace, names.Labels(cluster, role)
		g.Expect(informer.GetIndexer().Add(made)).To(Succeed())
		return made
	}
	mine := pod("grid", "a", "prod", names.Compute)
	pod("grid", "b", "prod", names.Master)
	pod("grid", "c", "prod-b", names.Compute)
	pod("other", "d", "prod", names.Compute)

	observer := &observe.Observer{
		Cache: reader, Live: fake.NewClientBuilder().WithScheme(known).Build(),
		Clock: clocktesting.NewFakePassiveClock(noon), Consoles: silent{}, EGO: silent{},
	}
	facts, err := observer.Observe(t.Context(), prod())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(facts.ComputePods).To(HaveLen(1))
	g.Expect(facts.ComputePods[0]).To(BeIdenticalTo(mine), "not a copy")
	g.Expect(cached.asked).To(ConsistOf("ControllerRevisionList cluster=prod"), "pods were not asked for as a list")

	cached.asked = nil
	g.Expect(reader.List(t.Context(), &appsv1.ControllerRevisionList{}, client.InNamespace("grid"))).To(Succeed())
	g.Expect(reader.List(t.Context(), &appsv1.DeploymentList{}, client.MatchingLabels{names.LabelCluster: "prod"})).To(Succeed())
	g.Expect(cached.asked).To(Equal([]string{"ControllerRevisionList ", "DeploymentList "}), "of all clusters, and a kind of which a cluster has one")
}
