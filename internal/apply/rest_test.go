// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// server applies as the API server does, and counts.
type server struct {
	client.Client

	applied []string
}

func newServer() *server {
	s := &server{}
	s.Client = fake.NewClientBuilder().WithScheme(scheme.Scheme).WithReturnManagedFields().WithInterceptorFuncs(interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, wanted runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			err := c.Apply(ctx, wanted, append(options, client.FieldOwner(names.FieldManager))...)
			if named, ok := wanted.(interface{ GetName() *string }); ok {
				s.applied = append(s.applied, *named.GetName())
			}
			return err
		},
	}).Build()
	return s
}

// look gives the facts what the server has now.
func (s *server) look(t *testing.T, facts *observe.Facts) {
	t.Helper()
	facts.MasterDeployment, facts.MasterService = found[appsv1.Deployment](t, s, "prod-master"), found[corev1.Service](t, s, "prod-master")
	facts.Hosts, facts.GUI = found[corev1.ConfigMap](t, s, "prod-hosts"), found[corev1.Service](t, s, "prod-gui")
	facts.ComputeSet = found[appsv1.ReplicaSet](t, s, "prod-compute")
	facts.ComputeBudget = found[policyv1.PodDisruptionBudget](t, s, "prod-compute")
	var kept appsv1.ControllerRevisionList
	NewWithT(t).Expect(s.List(t.Context(), &kept)).To(Succeed())
	facts.Revisions = nil
	for i := range kept.Items {
		facts.Revisions = append(facts.Revisions, &kept.Items[i])
	}
}

func found[T any, P interface {
	*T
	client.Object
}](t *testing.T, s *server, name string) P {
	t.Helper()
	object := P(new(T))
	NewWithT(t).Expect(s.Get(t.Context(), client.ObjectKey{Namespace: "grid", Name: name}, object)).To(Succeed())
	return object
}

// settled is a cluster whose children were applied, and looked at again.
func settled(t *testing.T) (*server, *observe.Facts) {
	t.Helper()
	s, facts := newServer(), newFacts()
	// The API server spells amounts its own way.
	facts.Cluster.Spec.Compute.Resources = &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1000m"), corev1.ResourceMemory: resource.MustParse("1024Mi")},
	}
	NewWithT(t).Expect(everything(t, s, facts, newPlan())).To(Equal(apply.Outcome{}))
	NewWithT(t).Expect(s.applied).To(HaveLen(6))
	s.look(t, facts)
	s.applied = nil
	return s, facts
}

func TestAtRestNothingIsWritten(t *testing.T) {
	s, facts := settled(t)
	g := NewWithT(t)
	g.Expect(everything(t, s, facts, newPlan())).To(Equal(apply.Outcome{}))
	g.Expect(s.applied).To(BeEmpty())
}

func TestOnlyTheChildThatChangesIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*observe.Facts)
		written []string
	}{
		"a Service's annotations": {
			func(f *observe.Facts) { f.Cluster.Spec.GUI.Annotations = map[string]string{"a": "b"} }, []string{"prod-gui"},
		},
		"a node port": {
			func(f *observe.Facts) { f.Cluster.Spec.GUI.NodePort = new(int32(30443)) }, []string{"prod-gui"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, facts := settled(t)
			c.change(facts)
			everything(t, s, facts, newPlan())
			NewWithT(t).Expect(s.applied).To(Equal(c.written))
		})
	}
}

// A field that is no longer wanted must go: what stays behind belongs to nobody.
func TestAFieldThatIsNoLongerWantedIsTakenBack(t *testing.T) {
	s, facts := settled(t)
	g := NewWithT(t)
	facts.Cluster.Spec.GUI.Annotations = map[string]string{"a": "b"}
	everything(t, s, facts, newPlan())
	s.look(t, facts)
	g.Expect(facts.GUI.Annotations).To(HaveKeyWithValue("a", "b"))

	facts.Cluster.Spec.GUI.Annotations = nil
	everything(t, s, facts, newPlan())
	s.look(t, facts)
	g.Expect(facts.GUI.Annotations).NotTo(HaveKey("a"))
}

func TestAMovedMasterAndAnotherNumberOfHostsAreWritten(t *testing.T) {
	s, facts := settled(t)
	g := NewWithT(t)
	decided := newPlan()
	decided.Address.IP, decided.Compute.MasterHosts, decided.Compute.SetReplicas = "10.32.0.9", "10.32.0.9 prod-master", 7
	everything(t, s, facts, decided)
	g.Expect(s.applied).To(HaveExactElements("prod-hosts", "prod-compute"))
	s.look(t, facts)
	g.Expect(*facts.ComputeSet.Spec.Replicas).To(BeEquivalentTo(7))
	g.Expect(facts.Hosts.Data).To(HaveKeyWithValue(names.HostsKey, "10.32.0.9 prod-master\n"))
}

// What somebody else changed in the operator's fields is put right, whoever owns the field now.
func TestWhatSomebodyChangedIsPutRight(t *testing.T) {
	s, facts := settled(t)
	g := NewWithT(t)
	changed := facts.ComputeSet.DeepCopy()
	changed.Spec.Replicas = new(int32(99))
	g.Expect(s.Update(t.Context(), changed, client.FieldOwner("kubectl-edit"))).To(Succeed())
	s.look(t, facts)
	everything(t, s, facts, newPlan())
	g.Expect(s.applied).To(HaveExactElements("prod-compute"))
	s.look(t, facts)
	g.Expect(*facts.ComputeSet.Spec.Replicas).To(BeEquivalentTo(2))
}

// What somebody added is no business of the operator's: a war over it would never end.
func TestWhatSomebodyAddedIsLeft(t *testing.T) {
	s, facts := settled(t)
	g := NewWithT(t)
	changed := facts.GUI.DeepCopy()
	changed.Labels["cost-centre"] = "42"
	g.Expect(s.Update(t.Context(), changed, client.FieldOwner("kubectl-label"))).To(Succeed())
	s.look(t, facts)
	everything(t, s, facts, newPlan())
	g.Expect(s.applied).To(BeEmpty())
}
