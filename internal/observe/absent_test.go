// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// What follows from the master's address is asked for again and again only when it may have been created already.
func TestTheAPIServerIsNotAskedForWhatIsNotCreatedYet(t *testing.T) {
	deployment := owned(&appsv1.Deployment{}, "prod-master", names.Master, "SymphonyCluster", "prod", "now")
	set := owned(&appsv1.ReplicaSet{}, "prod-master-1", names.Master, "Deployment", "prod-master", deployment.GetUID())
	starting := []client.Object{deployment, set, owned(&corev1.Pod{}, "prod-master-1-a", names.Master, "ReplicaSet", set.GetName(), set.GetUID())}
	pod := owned(&corev1.Pod{}, "prod-master-1-a", names.Master, "ReplicaSet", set.GetName(), set.GetUID())
	pod.Status.PodIP = "10.0.0.1"
	running := []client.Object{deployment, set, pod}
	own := owned(&appsv1.ReplicaSet{}, "prod-compute", names.Compute, "SymphonyCluster", "prod", "now")
	own.SetLabels(nil)
	foreign := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-compute"}}
	both := []string{"ConfigMap prod-hosts", "ReplicaSet prod-compute"}

	for name, passes := range map[string][]struct {
		cached, live []client.Object
		later        time.Duration
		asked        []string
	}{
		"while the master starts, and from when it had an address": {
			{cached: starting, asked: both}, {cached: starting}, {cached: running, later: 29 * time.Second}, {cached: running, asked: both}, {cached: running, asked: both},
		},
		"when the address comes late":        {{cached: starting, asked: both}, {cached: running, later: 30 * time.Second, asked: both}},
		"when the address was there already": {{cached: running, asked: both}, {cached: running, asked: both}},
		"after a while":                      {{cached: starting, asked: both}, {cached: starting, later: 30 * time.Second, asked: both}},
		"when the master has lost its address again": {
			{cached: starting, asked: both}, {cached: running}, {cached: starting, asked: both},
		},
		"when it is there, and the cache does not show it": {
			{cached: starting, live: []client.Object{own}, asked: both}, {cached: starting, live: []client.Object{own}, asked: both[1:]},
		},
		"when somebody else has the name": {
			{cached: starting, live: []client.Object{foreign}, asked: both}, {cached: starting, live: []client.Object{foreign}, asked: both[1:]},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var mutex sync.Mutex
			var asked []string
			now := clocktesting.NewFakePassiveClock(noon)
			observer := &observe.Observer{Clock: now, Consoles: silent{}, EGO: silent{}}
			for i, pass := range passes {
				asked = nil
				now.SetTime(now.Now().Add(pass.later))
				observer.Cache = holding(t, pass.cached).Build()
				observer.Live = holding(t, pass.live).WithInterceptorFuncs(interceptor.Funcs{
					Get: func(ctx context.Context, from client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
						if what := object.GetObjectKind().GroupVersionKind().Kind + " " + key.Name; slices.Contains(both, what) {
							mutex.Lock()
							defer mutex.Unlock()
							asked = append(asked, what)
						}
						return from.Get(ctx, key, object, options...)
					},
				}).Build()
				facts, err := observer.Observe(t.Context(), prod())
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(asked).To(ConsistOf(pass.asked), "pass %d", i)
				g.Expect(facts.Taken).To(HaveLen(map[bool]int{true: 1}[slices.Contains(pass.live, client.Object(foreign))]))
			}
		})
	}
}
