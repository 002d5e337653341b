// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

// asking is prod with this spec.network.
func asking(network v1alpha1.NetworkSpec) *v1alpha1.SymphonyCluster {
	cluster := prod()
	cluster.Spec.Network = network
	return cluster
}

// network observes a cluster with these objects in the cache and these in the API server, whose reads of a WeaveNetwork end
// with failure unless that is nil. It returns how often one was read.
func network(t *testing.T, cluster *v1alpha1.SymphonyCluster, cached, live []client.Object, failure error) (*observe.Facts, int) {
	t.Helper()
	g, known, reads := NewWithT(t), runtime.NewScheme(), 0
	g.Expect(errors.Join(scheme.AddToScheme(known), v1alpha1.AddToScheme(known))).To(Succeed())
	get := func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		if _, ok := object.(*v1alpha1.WeaveNetwork); ok {
			reads++
			if failure != nil {
				return failure
			}
		}
		return c.Get(ctx, key, object, options...)
	}
	noWeave := func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		_, ok := object.(*v1alpha1.WeaveNetwork)
		g.Expect(ok).To(BeFalse(), "a read through the cache would start an informer, which waits for ever without the kind")
		return c.Get(ctx, key, object, options...)
	}
	observer := &observe.Observer{
		Cache:    fake.NewClientBuilder().WithScheme(known).WithObjects(cached...).WithInterceptorFuncs(interceptor.Funcs{Get: noWeave}).Build(),
		Live:     fake.NewClientBuilder().WithScheme(known).WithObjects(live...).WithInterceptorFuncs(interceptor.Funcs{Get: get}).Build(),
		Clock:    clocktesting.NewFakePassiveClock(noon),
		Consoles: silent{}, EGO: silent{},
	}
	facts, err := observer.Observe(t.Context(), cluster)
	g.Expect(err).NotTo(HaveOccurred())
	return facts, reads
}

func TestWeaveIsReadOnlyForWhoAsksForIt(t *testing.T) {
	for name, asked := range map[string]v1alpha1.NetworkSpec{
		"nothing": {}, "the network that is there": {Mode: v1alpha1.NetworkExisting}, "a check": {Check: true},
	} {
		t.Run(name, func(t *testing.T) {
			facts, reads := network(t, asking(asked), nil, nil, errors.New("must not be asked"))
			NewWithT(t).Expect(facts.Weave).To(BeNil())
			NewWithT(t).Expect(reads).To(BeZero())
		})
	}
}

func TestWhatIsReadOfWeave(t *testing.T) {
	weave := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: "default", UID: "weave-uid"}}
	kind := schema.GroupKind{Group: v1alpha1.SchemeGroupVersion.Group, Kind: "WeaveNetwork"}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "weavenetworks"}, "default", errors.New("no rule"))
	for name, c := range map[string]struct {
		live    []client.Object
		failure error
		there   bool
		err     OmegaMatcher
	}{
		"it is there":               {[]client.Object{weave}, nil, true, BeNil()},
		"there is none":             {nil, nil, false, BeNil()},
		"its kind is not installed": {nil, &meta.NoKindMatchError{GroupKind: kind}, false, BeNil()},
		"its kind is not installed, told by a client that wraps": {nil, fmt.Errorf("mapping: %w", &meta.NoKindMatchError{GroupKind: kind}), false, BeNil()},
		"it may not be read":           {nil, forbidden, false, MatchError(forbidden)},
		"the API server is in trouble": {nil, errors.New("broken"), false, MatchError("reading the WeaveNetwork: broken")},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts, _ := network(t, asking(v1alpha1.NetworkSpec{Mode: v1alpha1.NetworkWeave}), nil, c.live, c.failure)
			g.Expect(facts.Weave.Network != nil).To(Equal(c.there))
			g.Expect(facts.Weave.Err).To(c.err)
			g.Expect(facts.Weave.Ready()).To(BeFalse())
		})
	}
}

func TestWeaveIsReadyAsItsSpecNowIs(t *testing.T) {
	read := func(edit func(*v1alpha1.WeaveNetwork)) *observe.WeaveRead {
		made := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: "default", Generation: 3}}
		made.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 3}}
		edit(made)
		return &observe.WeaveRead{Network: made}
	}
	g := NewWithT(t)
	g.Expect(read(func(*v1alpha1.WeaveNetwork) {}).Ready()).To(BeTrue())
	g.Expect(read(func(w *v1alpha1.WeaveNetwork) { w.Generation = 4 }).Ready()).To(BeFalse(), "after an edit")
	g.Expect(read(func(w *v1alpha1.WeaveNetwork) { w.Status.Conditions = nil }).Ready()).To(BeFalse(), "before anybody has looked")
	g.Expect(read(func(w *v1alpha1.WeaveNetwork) { w.Status.Conditions[0].Status = metav1.ConditionFalse }).Ready()).To(BeFalse())
	g.Expect(read(func(w *v1alpha1.WeaveNetwork) { w.DeletionTimestamp = new(metav1.NewTime(noon)) }).Ready()).To(BeFalse(), "on its way out")
}

var checkKey = observe.ChildKey{Kind: "NetworkCheck", Name: "prod-network"}

// ofCluster is a NetworkCheck that the cluster with this UID made.
func ofCluster(uid types.UID) *v1alpha1.NetworkCheck {
	return owned(&v1alpha1.NetworkCheck{}, "prod-network", names.Network, "SymphonyCluster", "prod", uid)
}

func withoutOwner() *v1alpha1.NetworkCheck {
	check := ofCluster("earlier")
	check.OwnerReferences = nil
	return check
}

func TestACheckIsKnownByItsOwnersUID(t *testing.T) {
	foreign := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-network"}}
	live := []client.Object{prod()}
	for name, c := range map[string]struct {
		cached []client.Object
		seen   bool
		taken  []observe.TakenName
	}{
		"none":                    {nil, false, nil},
		"its own":                 {[]client.Object{ofCluster("now")}, true, nil},
		"its own without owner":   {[]client.Object{withoutOwner()}, true, nil},
		"of an earlier cluster":   {[]client.Object{ofCluster("earlier")}, false, []observe.TakenName{{ChildKey: checkKey, Leaving: true}}},
		"somebody else's":         {[]client.Object{foreign}, false, []observe.TakenName{{ChildKey: checkKey}}},
		"in nobody's way, by now": {[]client.Object{foreign, owned(&appsv1.ReplicaSet{}, "prod-compute", names.Compute, "SymphonyCluster", "prod", "now")}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts, _ := network(t, asking(v1alpha1.NetworkSpec{Check: true}), c.cached, live, nil)
			g.Expect(facts.NetworkCheck != nil).To(Equal(c.seen))
			g.Expect(facts.Taken).To(Equal(c.taken))

			// Nothing waits for a check that nobody wants yet, so its name is in nobody's way.
			for what, later := range map[string]func(*v1alpha1.SymphonyCluster){
				"suspended": func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = true },
				"no hosts":  func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Replicas = new(int32(0)) },
			} {
				cluster := asking(v1alpha1.NetworkSpec{Check: true})
				later(cluster)
				unwanted, _ := network(t, cluster, c.cached, live, nil)
				g.Expect(unwanted.NetworkCheck != nil).To(Equal(c.seen), what)
				g.Expect(unwanted.Taken).To(BeEmpty(), what)
			}

			unasked, _ := network(t, prod(), c.cached, live, nil)
			g.Expect(unasked.NetworkCheck).To(BeNil())
			g.Expect(unasked.Taken).To(BeEmpty())
		})
	}
}

func TestAFailedReadOfACheckIsAnError(t *testing.T) {
	known := runtime.NewScheme()
	g := NewWithT(t)
	g.Expect(errors.Join(scheme.AddToScheme(known), v1alpha1.AddToScheme(known))).To(Succeed())
	broken := fake.NewClientBuilder().WithScheme(known).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if _, ok := object.(*v1alpha1.NetworkCheck); ok {
				return errors.New("broken")
			}
			return c.Get(ctx, key, object, options...)
		},
	}).Build()
	observer := &observe.Observer{Cache: broken, Live: broken, Clock: clocktesting.NewFakePassiveClock(noon), Consoles: silent{}, EGO: silent{}}
	_, err := observer.Observe(t.Context(), asking(v1alpha1.NetworkSpec{Check: true}))
	g.Expect(err).To(MatchError("reading NetworkCheck prod-network: broken"))
}

func TestComputeBeganWithItsReplicaSetOrItsTemplate(t *testing.T) {
	set := owned(&appsv1.ReplicaSet{}, "prod-compute", names.Compute, "SymphonyCluster", "prod", "now")
	g := NewWithT(t)
	g.Expect(see(t, nil, nil).ComputeBegan()).To(BeFalse())
	g.Expect(see(t, []client.Object{set}, nil).ComputeBegan()).To(BeTrue())
	g.Expect(see(t, nil, []client.Object{set}).ComputeBegan()).To(BeTrue(), "a ReplicaSet without its labels is not in the cache")
	for role, began := range map[string]bool{names.Master: false, names.Compute: true} {
		kept := owned(&appsv1.ControllerRevision{}, "kept", role, "SymphonyCluster", "prod", "now")
		g.Expect(see(t, []client.Object{kept}, nil).ComputeBegan()).To(Equal(began), role)
	}
}

func TestACheckIsAwaitedBeforeComputeBeganAndWhileItIsWanted(t *testing.T) {
	facts := func(edits ...func(*observe.Facts)) *observe.Facts {
		found := &observe.Facts{Cluster: asking(v1alpha1.NetworkSpec{Check: true})}
		for _, edit := range edits {
			edit(found)
		}
		return found
	}
	g := NewWithT(t)
	g.Expect(facts().AwaitsCheck()).To(BeTrue())
	g.Expect(facts(func(f *observe.Facts) { f.Cluster.Spec.Network.Check = false }).AwaitsCheck()).To(BeFalse())
	g.Expect(facts(func(f *observe.Facts) { f.ComputeSet = &appsv1.ReplicaSet{} }).AwaitsCheck()).To(BeFalse())
	g.Expect(facts(func(f *observe.Facts) { f.Cluster.Spec.Suspend = true }).AwaitsCheck()).To(BeFalse())
	g.Expect(facts(func(f *observe.Facts) { f.Cluster.Spec.Compute.Replicas = new(int32(0)) }).AwaitsCheck()).To(BeFalse())
}
