// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// A manager that starts with an old cache would apply an earlier spec over what another one has made since.
func TestADaemonSetThatTheCacheWillShowIsNoneToDecideOn(t *testing.T) {
	labelled := func(name string) client.Object {
		return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{
			Namespace: names.WeaveNamespace, Name: name, UID: "there", Labels: map[string]string{names.LabelWeave: name},
		}}
	}
	bare := func(name string) client.Object {
		return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: names.WeaveNamespace, Name: name, UID: "there"}}
	}
	for name, c := range map[string]struct {
		cached, live   []client.Object
		behind         bool
		agents, router bool
	}{
		"nothing is there":                   {},
		"the cache has both":                 {[]client.Object{labelled(names.WeaveAgents), labelled(names.WeaveRouters)}, nil, false, true, true},
		"the cache has no agents yet":        {nil, []client.Object{labelled(names.WeaveAgents)}, true, true, false},
		"the cache has no routers yet":       {[]client.Object{labelled(names.WeaveAgents)}, []client.Object{labelled(names.WeaveRouters)}, true, true, true},
		"agents have lost their label":       {nil, []client.Object{bare(names.WeaveAgents)}, false, true, false},
		"somebody else's Weave has no label": {nil, []client.Object{bare(names.WeaveRouters)}, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			observer := &observe.WeaveObserver{
				Cache: holding(t, c.cached).Build(), Live: holding(t, c.live).WithIndex(&corev1.Pod{}, "status.phase", noPhase).Build(), Groups: noGroups{}, Clock: clocktesting.NewFakePassiveClock(noon),
			}
			network := &v1alpha1.WeaveNetwork{Spec: v1alpha1.WeaveNetworkSpec{ManagementPolicy: v1alpha1.WeaveManaged}}
			facts, err := observer.Observe(t.Context(), network)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(facts.Behind).To(Equal(c.behind))
			g.Expect(facts.Agents != nil).To(Equal(c.agents))
			g.Expect(facts.Routers != nil).To(Equal(c.router))
		})
	}
}

// noPhase is for reads by phase where there is no pod: without an index the client refuses them.
func noPhase(client.Object) []string { return nil }

// noGroups are the API groups of a cluster without another pod network.
type noGroups struct{}

// ServerGroups implements observe.APIGroups.
func (noGroups) ServerGroups() (*metav1.APIGroupList, error) { return &metav1.APIGroupList{}, nil }
