// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// noon is when these tests look.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// silent is a web console that does not answer.
type silent struct{}

func (silent) Answer(context.Context, *v1alpha1.SymphonyCluster, string) bool { return false }

func (silent) Forget(*v1alpha1.SymphonyCluster) {}

func (silent) Read(*v1alpha1.SymphonyCluster, *corev1.Pod, observe.Want) *observe.EGORead {
	return nil
}

func prod() *v1alpha1.SymphonyCluster {
	return &v1alpha1.SymphonyCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod", UID: "now"},
		// Without it nobody asks who has the names of the policies.
		Spec: v1alpha1.SymphonyClusterSpec{Network: v1alpha1.NetworkSpec{Policy: &v1alpha1.AccessPolicy{}}},
	}
}

// owned gives an object a controller, and the labels of a role.
func owned[T client.Object](object T, name, role, kind, owner string, uid types.UID) T {
	object.SetNamespace("grid")
	object.SetName(name)
	object.SetUID(types.UID("uid-" + name))
	object.SetLabels(names.Labels("prod", role))
	object.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: kind, Name: owner, UID: uid, Controller: new(true),
	}})
	return object
}

// holding are clients that have these objects, of Kubernetes' kinds and the operator's.
func holding(t *testing.T, objects []client.Object) *fake.ClientBuilder {
	t.Helper()
	known := runtime.NewScheme()
	NewWithT(t).Expect(errors.Join(scheme.AddToScheme(known), v1alpha1.AddToScheme(known))).To(Succeed())
	return fake.NewClientBuilder().WithScheme(known).WithObjects(objects...)
}

// see observes with these objects in the cache, and these only in the API server.
func see(t *testing.T, cached, live []client.Object) *observe.Facts {
	t.Helper()
	return seeOf(t, prod(), cached, live)
}

func seeOf(t *testing.T, cluster *v1alpha1.SymphonyCluster, cached, live []client.Object) *observe.Facts {
	t.Helper()
	observer := &observe.Observer{
		Cache:    holding(t, cached).Build(),
		Live:     holding(t, live).Build(),
		Clock:    clocktesting.NewFakePassiveClock(noon),
		Consoles: silent{}, EGO: silent{},
	}
	facts, err := observer.Observe(t.Context(), cluster)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return facts
}

func TestAChildIsKnownByItsOwnersUID(t *testing.T) {
	key := observe.ChildKey{Kind: "ConfigMap", Name: "prod-hosts"}
	hosts := func(uid types.UID) client.Object {
		return owned(&corev1.ConfigMap{}, "prod-hosts", names.Master, "SymphonyCluster", "prod", uid)
	}
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-hosts", UID: "uid-foreign"}}

	t.Run("its own, in the cache", func(t *testing.T) {
		g, facts := NewWithT(t), see(t, []client.Object{hosts("now")}, nil)
		g.Expect(facts.Hosts).NotTo(BeNil())
		g.Expect(facts.UID(key)).To(BeEquivalentTo("uid-prod-hosts"))
		g.Expect(facts.Taken).To(BeEmpty())
	})
	t.Run("its own, which the cache does not show yet", func(t *testing.T) {
		g, facts := NewWithT(t), see(t, nil, []client.Object{hosts("now")})
		g.Expect(facts.Hosts).To(BeNil())
		g.Expect(facts.UID(key)).To(BeEquivalentTo("uid-prod-hosts"), "an apply with this UID cannot meet another object")
		g.Expect(facts.IsTaken(key)).To(BeFalse())
	})
	t.Run("one of an earlier cluster of the same name", func(t *testing.T) {
		g, facts := NewWithT(t), see(t, []client.Object{hosts("earlier")}, nil)
		g.Expect(facts.Hosts).To(BeNil())
		g.Expect(facts.Taken).To(Equal([]observe.TakenName{{ChildKey: key, Leaving: true}}))
	})
	t.Run("one of a cluster of the same name of IBM's own operator", func(t *testing.T) {
		ibm := hosts("other")
		owner := ibm.GetOwnerReferences()
		owner[0].APIVersion = "symphony.spectrumcomputing.ibm.com/v1"
		ibm.SetOwnerReferences(owner)
		g, facts := NewWithT(t), see(t, nil, []client.Object{ibm})
		g.Expect(facts.Taken).To(Equal([]observe.TakenName{{ChildKey: key}}), "waiting would be for ever")
	})
	t.Run("somebody else's", func(t *testing.T) {
		g, facts := NewWithT(t), see(t, nil, []client.Object{foreign})
		g.Expect(facts.UID(key)).To(BeEmpty())
		g.Expect(facts.Taken).To(Equal([]observe.TakenName{{ChildKey: key}}))
	})
	t.Run("none", func(t *testing.T) {
		g, facts := NewWithT(t), see(t, nil, nil)
		g.Expect(facts.UID(key)).To(BeEmpty())
		g.Expect(facts.Taken).To(BeEmpty())
	})
}

// A pod that only wears the labels is no host of the cluster: it must be neither told nor replaced.
func TestPodsAreFollowedByTheirOwners(t *testing.T) {
	g := NewWithT(t)
	facts := see(t, []client.Object{
		owned(&appsv1.Deployment{}, "prod-master", names.Master, "SymphonyCluster", "prod", "now"),
		owned(&appsv1.ReplicaSet{}, "prod-master-1", names.Master, "Deployment", "prod-master", "uid-prod-master"),
		owned(&appsv1.ReplicaSet{}, "stray-set", names.Master, "Deployment", "prod-master", "another"),
		owned(&corev1.Pod{}, "master", names.Master, "ReplicaSet", "prod-master-1", "uid-prod-master-1"),
		owned(&corev1.Pod{}, "stray-master", names.Master, "ReplicaSet", "stray-set", "uid-stray-set"),
		owned(&appsv1.ReplicaSet{}, "prod-compute", names.Compute, "SymphonyCluster", "prod", "now"),
		owned(&corev1.Pod{}, "compute", names.Compute, "ReplicaSet", "prod-compute", "uid-prod-compute"),
		owned(&corev1.Pod{}, "stray-compute", names.Compute, "ReplicaSet", "prod-compute", "another"),
	}, nil)
	g.Expect(podNames(facts.MasterPods)).To(Equal([]string{"master"}))
	g.Expect(podNames(facts.ComputePods)).To(Equal([]string{"compute"}))
}

// Half a picture is none: with a list that failed taken for an empty one, hosts would be given up.
func TestAFailedReadIsNoAnswer(t *testing.T) {
	broken := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithInterceptorFuncs(interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errors.New("broken")
		},
	}).Build()
	observer := &observe.Observer{Cache: broken, Live: broken, Clock: clocktesting.NewFakePassiveClock(noon), Consoles: silent{}, EGO: silent{}}
	facts, err := observer.Observe(t.Context(), prod())
	g := NewWithT(t)
	g.Expect(err).To(MatchError(ContainSubstring("broken")))
	g.Expect(facts).To(BeNil())
}

func podNames(pods []*corev1.Pod) []string {
	all := make([]string, 0, len(pods))
	for _, pod := range pods {
		all = append(all, pod.Name)
	}
	return all
}
