// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// overlayOf observes a check on these nodes, of which WeaveNodes say this; reading them ends with failure unless that is nil. It
// returns how often they were read.
func overlayOf(t *testing.T, check *v1alpha1.NetworkCheck, nodes []string, said map[string]v1alpha1.WeaveNodeStatus, failure error) (*observe.CheckFacts, int, error) {
	t.Helper()
	g, known, reads := NewWithT(t), runtime.NewScheme(), 0
	g.Expect(errors.Join(scheme.AddToScheme(known), v1alpha1.AddToScheme(known))).To(Succeed())
	var live []client.Object
	for _, node := range nodes {
		live = append(live, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: node},
			Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
		})
	}
	for node := range said {
		live = append(live, &v1alpha1.WeaveNode{ObjectMeta: metav1.ObjectMeta{Name: node}, Status: said[node]})
	}
	list := func(ctx context.Context, c client.WithWatch, objects client.ObjectList, options ...client.ListOption) error {
		if _, ok := objects.(*v1alpha1.WeaveNodeList); ok {
			reads++
			if failure != nil {
				return failure
			}
		}
		return c.List(ctx, objects, options...)
	}
	observer := &observe.CheckObserver{
		Cache: fake.NewClientBuilder().WithScheme(known).Build(),
		Live:  fake.NewClientBuilder().WithScheme(known).WithObjects(live...).WithInterceptorFuncs(interceptor.Funcs{List: list}).Build(),
		Clock: clocktesting.NewFakePassiveClock(noon),
	}
	facts, err := observer.Observe(t.Context(), check)
	return facts, reads, err
}

func checking(hosts v1alpha1.NetworkCheckHosts) *v1alpha1.NetworkCheck {
	return &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "network"}, Spec: v1alpha1.NetworkCheckSpec{Hosts: hosts}}
}

func TestWhichOverlayAddressesAreMeasured(t *testing.T) {
	g := NewWithT(t)
	report := func(router v1alpha1.WeaveRouter, address, claim string) v1alpha1.WeaveNodeStatus {
		return v1alpha1.WeaveNodeStatus{Router: router, Overlay: v1alpha1.WeaveOverlay{Address: address, Claim: claim}}
	}
	facts, reads, err := overlayOf(t, checking(v1alpha1.HostsOverlay), []string{"exposed", "absent", "stale", "unexposed", "odd", "silent", "also-exposed"},
		map[string]v1alpha1.WeaveNodeStatus{
			"exposed":      report(v1alpha1.RouterRunning, "10.32.0.1/12", "10.32.0.1/12"),
			"also-exposed": report(v1alpha1.RouterRunning, "10.40.0.0/12", "10.40.0.0/12"),
			"absent":       report(v1alpha1.RouterAbsent, "10.32.0.2/12", "10.32.0.2/12"),
			"stale":        report(v1alpha1.RouterRunning, "10.44.0.1/12", "10.32.0.3/12"),
			"unexposed":    report(v1alpha1.RouterRunning, "", ""),
			"odd":          report(v1alpha1.RouterRunning, "no address", "no address"),
			"elsewhere":    report(v1alpha1.RouterRunning, "10.32.0.9/12", "10.32.0.9/12"),
		}, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(reads).To(Equal(1))
	g.Expect(facts.Candidates).To(HaveLen(7))
	g.Expect(facts.Overlay).To(Equal([]v1alpha1.NetworkCheckOverlay{
		{Node: "also-exposed", Address: "10.40.0.0"}, {Node: "exposed", Address: "10.32.0.1"},
	}))
}

func TestOverlayAddressesAreReadOnlyForWhoAsksForThemAndOnce(t *testing.T) {
	started := checking(v1alpha1.HostsOverlay)
	started.Status.StartTime = new(metav1.NewTime(noon))
	for name, check := range map[string]*v1alpha1.NetworkCheck{
		"nobody": checking(""), "nobody, said aloud": checking(v1alpha1.HostsSkip), "a check that has them": started,
	} {
		t.Run(name, func(t *testing.T) {
			facts, reads, err := overlayOf(t, check, []string{"node1"}, nil, errors.New("must not be asked"))
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			NewWithT(t).Expect(facts.Overlay).To(BeEmpty())
			NewWithT(t).Expect(reads).To(BeZero())
		})
	}
}

func TestOverlayAddressesThatCannotBeRead(t *testing.T) {
	resource := schema.GroupResource{Group: v1alpha1.SchemeGroupVersion.Group, Resource: "weavenodes"}
	forbidden := apierrors.NewForbidden(resource, "", errors.New("no rule"))
	for name, c := range map[string]struct {
		failure   error
		told, err OmegaMatcher
	}{
		"the kind is not installed":    {&meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "WeaveNode"}}, BeNil(), BeNil()},
		"the kind was removed":         {apierrors.NewNotFound(resource, ""), BeNil(), BeNil()},
		"they may not be read":         {forbidden, MatchError(forbidden), BeNil()},
		"the API server is in trouble": {errors.New("broken"), BeNil(), MatchError("listing WeaveNodes: broken")},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts, _, err := overlayOf(t, checking(v1alpha1.HostsOverlay), []string{"node1"}, nil, c.failure)
			g.Expect(err).To(c.err)
			g.Expect(facts.Overlay).To(BeEmpty())
			g.Expect(facts.OverlayErr).To(c.told)
		})
	}
}
