// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle_test

import (
	"context"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// An API server that was started anew does not know what came before it.
var expired = &metav1.Status{Status: metav1.StatusFailure, Code: http.StatusGone, Reason: metav1.StatusReasonExpired}

func TestAMonitorThatLosesItsWatch(t *testing.T) {
	for name, c := range map[string]struct {
		allowed bool
		broken  []string
	}{
		"is not content":                      {false, []string{"the monitor lost its watch"}},
		"goes on when the test takes it away": {true, []string{"default/prod at resourceVersion 3: the condition HostsReady is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			watches := make(chan *watch.FakeWatcher, 2)
			monitor, err := oracle.Watch(t.Context(), server(t, watches), "")
			g.Expect(err).NotTo(HaveOccurred())
			if c.allowed {
				defer monitor.AllowGap()()
			}
			first := <-watches
			first.Modify(sound(version("1"), change("Ready", func(ready *metav1.Condition) { ready.LastTransitionTime = metav1.NewTime(noon.AddDate(1, 0, 0)) })))
			g.Eventually(func() int { return len(monitor.Versions("default")) }).Should(Equal(1))
			first.Error(expired)
			if c.allowed {
				second := <-watches
				// Ready went back in time: it may have been False in between.
				second.Modify(sound(version("2")))
				second.Modify(sound(version("3"), func(cluster *v1alpha1.SymphonyCluster) {
					cluster.Status.Conditions = append(cluster.Status.Conditions[:3], cluster.Status.Conditions[4:]...)
				}))
				g.Eventually(func() int { return len(monitor.Versions("default")) }).Should(Equal(3))
			} else {
				g.Consistently(watches, "50ms").ShouldNot(Receive(), "it ends")
			}
			g.Expect(monitor.Stop()).To(Equal(c.broken))
		})
	}
}

func version(number string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Namespace, c.ResourceVersion = "default", number }
}

// server answers with no clusters at first and hands out its watches.
func server(t *testing.T, watches chan<- *watch.FakeWatcher) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
			list.SetResourceVersion("1")
			return nil
		},
		Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			events := watch.NewFakeWithOptions(watch.FakeOptions{ChannelSize: 5})
			watches <- events
			return events, nil
		},
	}).Build()
}
