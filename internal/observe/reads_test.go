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
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// childKinds are the children, each with how the facts show it.
var childKinds = []struct {
	key  observe.ChildKey
	make func() client.Object
	uid  func(*observe.Facts) types.UID
}{
	{
		observe.ChildKey{Kind: "Deployment", Name: "prod-master"},
		func() client.Object { return &appsv1.Deployment{} },
		func(f *observe.Facts) types.UID { return f.MasterDeployment.UID },
	},
	{
		observe.ChildKey{Kind: "Service", Name: "prod-master"},
		func() client.Object { return &corev1.Service{} },
		func(f *observe.Facts) types.UID { return f.MasterService.UID },
	},
	{
		observe.ChildKey{Kind: "ConfigMap", Name: "prod-hosts"},
		func() client.Object { return &corev1.ConfigMap{} },
		func(f *observe.Facts) types.UID { return f.Hosts.UID },
	},
	{
		observe.ChildKey{Kind: "ReplicaSet", Name: "prod-compute"},
		func() client.Object { return &appsv1.ReplicaSet{} },
		func(f *observe.Facts) types.UID { return f.ComputeSet.UID },
	},
	{
		observe.ChildKey{Kind: "Service", Name: "prod-gui"},
		func() client.Object { return &corev1.Service{} },
		func(f *observe.Facts) types.UID { return f.GUI.UID },
	},
	{
		observe.ChildKey{Kind: "PodDisruptionBudget", Name: "prod-compute"},
		func() client.Object { return &policyv1.PodDisruptionBudget{} },
		func(f *observe.Facts) types.UID { return f.ComputeBudget.UID },
	},
	{
		observe.ChildKey{Kind: "NetworkPolicy", Name: "prod-master"},
		func() client.Object { return &networkingv1.NetworkPolicy{} },
		func(f *observe.Facts) types.UID { return f.MasterPolicy.UID },
	},
	{
		observe.ChildKey{Kind: "NetworkPolicy", Name: "prod-compute"},
		func() client.Object { return &networkingv1.NetworkPolicy{} },
		func(f *observe.Facts) types.UID { return f.ComputePolicy.UID },
	},
}

func TestEveryKindOfChildIsSeenOrFoundTaken(t *testing.T) {
	for _, child := range childKinds {
		t.Run(child.key.Kind+" "+child.key.Name, func(t *testing.T) {
			g := NewWithT(t)
			own := owned(child.make(), child.key.Name, names.Master, "SymphonyCluster", "prod", "now")
			own.SetUID(types.UID("uid of " + child.key.Kind))

			cached := see(t, []client.Object{own}, nil)
			g.Expect(child.uid(cached)).To(Equal(own.GetUID()))
			g.Expect(cached.UID(child.key)).To(Equal(own.GetUID()))

			unseen := see(t, nil, []client.Object{own})
			g.Expect(unseen.UID(child.key)).To(Equal(own.GetUID()))
			g.Expect(unseen.Lagging[child.key]).To(BeTrue(), "the cache will show it")

			own.SetLabels(nil)
			hidden := see(t, nil, []client.Object{own})
			g.Expect(hidden.UID(child.key)).To(Equal(own.GetUID()))
			g.Expect(hidden.Lagging[child.key]).To(BeFalse(), "without its labels the cache never will")

			foreign := child.make()
			foreign.SetNamespace("grid")
			foreign.SetName(child.key.Name)
			taken := see(t, nil, []client.Object{foreign})
			g.Expect(taken.Taken).To(HaveExactElements(observe.TakenName{ChildKey: child.key}))
			g.Expect(taken.IsTaken(child.key)).To(BeTrue())
			g.Expect(taken.UID(child.key)).To(BeEmpty())
		})
	}
}

// A Deployment and a Service have one name: who has the one says nothing about the other.
func TestChildrenOfOneNameAreToldApartByKind(t *testing.T) {
	g := NewWithT(t)
	foreign := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-master"}}
	facts := see(t, []client.Object{
		owned(&appsv1.Deployment{}, "prod-master", names.Master, "SymphonyCluster", "prod", "now"),
	}, []client.Object{foreign})
	g.Expect(facts.IsTaken(observe.ChildKey{Kind: "Service", Name: "prod-master"})).To(BeTrue())
	g.Expect(facts.IsTaken(observe.ChildKey{Kind: "Deployment", Name: "prod-master"})).To(BeFalse())
	g.Expect(facts.UID(observe.ChildKey{Kind: "Service", Name: "prod-master"})).To(BeEmpty())
}

// Whoever drops an owner by hand, or deletes a cluster and lets its children live, must not be told to delete them.
func TestAChildThatLostItsOwnerIsTakenBack(t *testing.T) {
	for _, child := range childKinds {
		t.Run(child.key.Kind+" "+child.key.Name, func(t *testing.T) {
			g := NewWithT(t)
			orphan := owned(child.make(), child.key.Name, names.Master, "SymphonyCluster", "prod", "earlier")
			orphan.SetUID("orphan")
			orphan.SetOwnerReferences(nil)
			lookalike := see(t, []client.Object{orphan}, nil)
			g.Expect(lookalike.IsTaken(child.key)).To(BeTrue(), "labels alone make nothing the operator's")

			orphan.SetAnnotations(map[string]string{names.AnnotationApplied: "hash"})
			facts := see(t, []client.Object{orphan}, []client.Object{prod()})
			g.Expect(facts.Taken).To(BeEmpty())
			g.Expect(child.uid(facts)).To(BeEquivalentTo("orphan"))
		})
	}
}

// With --cascade=orphan the children lose their owner a moment before it goes; the cache may still know nothing of it. Who got
// the owner back would be deleted with it.
func TestNothingIsTakenBackByAClusterThatIsBeingDeleted(t *testing.T) {
	going := prod()
	going.Finalizers, going.DeletionTimestamp = []string{"orphan"}, new(metav1.NewTime(noon))
	another := prod()
	another.UID = "later"
	for name, live := range map[string][]client.Object{"it is being deleted": {going}, "it is gone": nil, "there is another one": {another}} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			set := owned(&appsv1.ReplicaSet{}, "prod-compute", names.Compute, "SymphonyCluster", "prod", "now")
			set.SetOwnerReferences(nil)
			set.SetAnnotations(map[string]string{names.AnnotationApplied: "hash"})
			revision := owned(&appsv1.ControllerRevision{}, "kept", names.Master, "SymphonyCluster", "prod", "now")
			revision.SetOwnerReferences(nil)
			facts := see(t, []client.Object{set, revision}, live)
			g.Expect(facts.ComputeSet).To(BeNil())
			g.Expect(facts.Revisions).To(BeEmpty())
			g.Expect(facts.OrphanRevisions).To(BeEmpty())
			g.Expect(facts.Taken).To(HaveExactElements(
				observe.TakenName{ChildKey: observe.ChildKey{Kind: "ReplicaSet", Name: "prod-compute"}, Leaving: true},
				observe.TakenName{ChildKey: observe.ChildKey{Kind: "ControllerRevision", Name: "kept"}, Leaving: true}))
		})
	}
}

// What pulled an image for a cluster that is gone holds the name of the check that is wanted now.
func TestAnImageCheckThatLostItsOwnerIsNoneOfThisCluster(t *testing.T) {
	g := NewWithT(t)
	orphan := owned(&corev1.Pod{}, "orphan", names.Image, "SymphonyCluster", "prod", "earlier")
	orphan.SetOwnerReferences(nil)
	facts := see(t, []client.Object{orphan, owned(&corev1.Pod{}, "own", names.Image, "SymphonyCluster", "prod", "now")}, nil)
	g.Expect(facts.ImageChecks).To(HaveLen(1))
	g.Expect(facts.OrphanChecks).To(HaveLen(1))
}

func TestAKeptTemplateThatLostItsOwnerIsTakenBack(t *testing.T) {
	g := NewWithT(t)
	orphan := owned(&appsv1.ControllerRevision{}, "orphan", names.Master, "SymphonyCluster", "prod", "earlier")
	orphan.SetOwnerReferences(nil)
	facts := see(t, []client.Object{orphan}, []client.Object{prod()})
	g.Expect(facts.Revisions).To(HaveLen(1))
	g.Expect(facts.OrphanRevisions).To(HaveLen(1))
	g.Expect(facts.Taken).To(BeEmpty())
}

// An owner that is not the controller does not make a child: the garbage collector of the other one may take it.
func TestAnOwnerThatIsNotTheControllerIsNotEnough(t *testing.T) {
	g := NewWithT(t)
	hosts := owned(&corev1.ConfigMap{}, "prod-hosts", names.Master, "SymphonyCluster", "prod", "now")
	hosts.OwnerReferences[0].Controller = nil
	facts := see(t, []client.Object{hosts}, nil)
	g.Expect(facts.Hosts).To(BeNil())
	g.Expect(facts.Taken).To(HaveExactElements(observe.TakenName{ChildKey: observe.ChildKey{Kind: "ConfigMap", Name: "prod-hosts"}}))
}

func TestNothingOfAnotherNamespaceIsSeen(t *testing.T) {
	g := NewWithT(t)
	elsewhere := owned(&corev1.ConfigMap{}, "prod-hosts", names.Master, "SymphonyCluster", "prod", "now")
	elsewhere.Namespace = "other"
	facts := see(t, []client.Object{elsewhere}, []client.Object{elsewhere.DeepCopy()})
	g.Expect(facts.Hosts).To(BeNil())
	g.Expect(facts.Taken).To(BeEmpty())
	g.Expect(facts.Unseen).To(BeEmpty())
}

// refusing is a client whose Gets of one kind fail.
func refusing(refused func(client.Object) bool) client.Client {
	return fake.NewClientBuilder().WithScheme(scheme.Scheme).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if refused(object) {
				return errors.New("broken")
			}
			return c.Get(ctx, key, object, options...)
		},
	}).Build()
}

// A child that could not be read is not a child that is not there: it would be created over whatever is.
func TestAFailedReadOfAChildIsAnError(t *testing.T) {
	healthy := fake.NewClientBuilder().WithScheme(scheme.Scheme).Build()
	for name, observer := range map[string]*observe.Observer{
		"from the cache":      {Cache: refusing(isSet), Live: healthy, Clock: clocktesting.NewFakePassiveClock(noon), Consoles: silent{}, EGO: silent{}},
		"from the API server": {Cache: healthy, Live: refusing(isSet), Clock: clocktesting.NewFakePassiveClock(noon), Consoles: silent{}, EGO: silent{}},
	} {
		t.Run(name, func(t *testing.T) {
			facts, err := observer.Observe(t.Context(), prod())
			NewWithT(t).Expect(err).To(MatchError("reading ReplicaSet prod-compute: broken"))
			NewWithT(t).Expect(facts).To(BeNil())
		})
	}
}

// isSet knows a ReplicaSet also by its metadata alone, which is how the API server is asked.
func isSet(object client.Object) bool {
	_, ok := object.(*appsv1.ReplicaSet)
	return ok || object.GetObjectKind().GroupVersionKind().Kind == "ReplicaSet"
}

// The live read is for what the cache cannot tell. At rest there is none: it would be load for every pass.
func TestTheAPIServerIsNotAskedAboutWhatTheCacheHas(t *testing.T) {
	g := NewWithT(t)
	var all []client.Object
	for _, child := range childKinds {
		all = append(all, owned(child.make(), child.key.Name, names.Master, "SymphonyCluster", "prod", "now"))
	}
	observer := &observe.Observer{
		Cache:    fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(all...).Build(),
		Live:     refusing(func(client.Object) bool { return true }),
		Clock:    clocktesting.NewFakePassiveClock(noon),
		Consoles: silent{}, EGO: silent{},
	}
	_, err := observer.Observe(t.Context(), prod())
	g.Expect(err).NotTo(HaveOccurred())
}

func TestKeptTemplatesAreFoundByTheirOwnersUID(t *testing.T) {
	g := NewWithT(t)
	facts := see(t, []client.Object{
		owned(&appsv1.ControllerRevision{}, "mine", names.Master, "SymphonyCluster", "prod", "now"),
		owned(&appsv1.ControllerRevision{}, "mine-too", names.Compute, "SymphonyCluster", "prod", "now"),
		owned(&appsv1.ControllerRevision{}, "of-an-earlier-one", names.Master, "SymphonyCluster", "prod", "earlier"),
	}, nil)
	var found []string
	for _, revision := range facts.Revisions {
		found = append(found, revision.Name)
	}
	g.Expect(found).To(ConsistOf("mine", "mine-too"))
	g.Expect(facts.OrphanRevisions).To(BeEmpty())
	g.Expect(facts.Taken).To(HaveExactElements(observe.TakenName{
		ChildKey: observe.ChildKey{Kind: "ControllerRevision", Name: "of-an-earlier-one"}, Leaving: true,
	}))
}

// console notes whom it was asked about, and answers.
type console struct {
	asked     []string
	forgotten bool
}

func (c *console) Answer(_ context.Context, _ *v1alpha1.SymphonyCluster, masterIP string) bool {
	c.asked = append(c.asked, masterIP)
	return true
}

func (c *console) Forget(*v1alpha1.SymphonyCluster) { c.forgotten = true }

// A master that is not ready has no console to ask.
func TestOnlyAReadyMasterIsAskedForItsConsole(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*corev1.Pod)
		asked   []string
		answers bool
	}{
		"it is ready":       {func(*corev1.Pod) {}, []string{"10.0.0.1"}, true},
		"it is not ready":   {func(p *corev1.Pod) { p.Status.Conditions = nil }, nil, false},
		"it has no address": {func(p *corev1.Pod) { p.Status.PodIP = "" }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pod := owned(&corev1.Pod{}, "master", names.Master, "ReplicaSet", "prod-master-1", "uid-prod-master-1")
			pod.Status = corev1.PodStatus{PodIP: "10.0.0.1", Conditions: []corev1.PodCondition{
				{Type: corev1.PodReady, Status: corev1.ConditionTrue},
			}}
			c.change(pod)
			asked := &console{}
			observer := &observe.Observer{Consoles: asked, EGO: silent{}, Clock: clocktesting.NewFakePassiveClock(noon), Live: fake.NewClientBuilder().WithScheme(scheme.Scheme).Build()}
			observer.Cache = fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(pod,
				owned(&appsv1.Deployment{}, "prod-master", names.Master, "SymphonyCluster", "prod", "now"),
				owned(&appsv1.ReplicaSet{}, "prod-master-1", names.Master, "Deployment", "prod-master", "uid-prod-master"),
			).Build()
			facts, err := observer.Observe(t.Context(), prod())
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(asked.asked).To(Equal(c.asked))
			g.Expect(facts.GUIAnswers).To(Equal(c.answers))
			g.Expect(asked.forgotten).To(Equal(!c.answers))
		})
	}
}
