// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/nodeagent"
)

var (
	noon  = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	node1 = reconcile.Request{NamespacedName: types.NamespacedName{Name: "node1"}}
)

// agent is a reconciler whose looks, clock and writes the test has.
type agent struct {
	WeaveNodeReconciler
	clock  *clocktesting.FakePassiveClock
	writes int
	// former is what the last look was given; seen and err are what it gives.
	former v1alpha1.WeaveNodeStatus
	seen   v1alpha1.WeaveNodeStatus
	err    error
}

func newAgent(t *testing.T) *agent {
	t.Helper()
	scheme, err := NewScheme()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	a := &agent{clock: clocktesting.NewFakePassiveClock(noon)}
	a.seen = v1alpha1.WeaveNodeStatus{Agent: v1alpha1.AgentReport, Router: v1alpha1.RouterAbsent}
	a.WeaveNodeReconciler = WeaveNodeReconciler{
		Node: "node1", Every: 10 * time.Second, Clock: a.clock,
		Look: func(_ context.Context, former *v1alpha1.WeaveNodeStatus) (v1alpha1.WeaveNodeStatus, error) {
			a.former = *former
			return a.seen, a.err
		},
		Client: client.WithFieldOwner(fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.WeaveNode{}).
			WithInterceptorFuncs(interceptor.Funcs{
				Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
					a.writes++
					return c.Apply(ctx, o, opts...)
				},
				SubResourceApply: func(ctx context.Context, c client.Client, sub string, o runtime.ApplyConfiguration, opts ...client.SubResourceApplyOption) error {
					a.writes++
					return c.SubResource(sub).Apply(ctx, o, opts...)
				},
			}).Build(), nodeAgentManager),
	}
	return a
}

func (a *agent) pass(t *testing.T) error {
	t.Helper()
	result, err := a.Reconcile(t.Context(), node1)
	if err == nil {
		NewWithT(t).Expect(result.RequeueAfter).To(Equal(a.Every))
	}
	return err
}

func (a *agent) node(t *testing.T) *v1alpha1.WeaveNode {
	t.Helper()
	node := &v1alpha1.WeaveNode{}
	NewWithT(t).Expect(a.Client.Get(t.Context(), node1.NamespacedName, node)).To(Succeed())
	return node
}

func TestTheAgentCreatesItsNodeAndWritesOnlyWhatChanged(t *testing.T) {
	g := NewWithT(t)
	a := newAgent(t)
	g.Expect(a.Ready(nil)).To(MatchError("nothing has been reported yet"))
	g.Expect(a.pass(t)).To(Succeed())
	g.Expect(a.node(t).Labels).To(HaveKeyWithValue(names.LabelManagedBy, names.FieldManager))
	g.Expect(a.Ready(nil)).NotTo(Succeed())

	g.Expect(a.pass(t)).To(Succeed())
	g.Expect(a.node(t).Status).To(Equal(a.seen))
	g.Expect(a.Ready(nil)).To(Succeed())
	g.Expect(a.writes).To(Equal(2))

	for range 3 {
		g.Expect(a.pass(t)).To(Succeed())
		g.Expect(a.former).To(Equal(a.seen))
	}
	g.Expect(a.writes).To(Equal(2), "nothing has changed")

	a.seen.Router, a.seen.PeerName = v1alpha1.RouterRunning, "02:00:00:00:00:01"
	g.Expect(a.pass(t)).To(Succeed())
	g.Expect(a.node(t).Status).To(Equal(a.seen))
	g.Expect(a.writes).To(Equal(3))

	a.seen.PeerName = ""
	g.Expect(a.pass(t)).To(Succeed())
	g.Expect(a.node(t).Status.PeerName).To(BeEmpty(), "what is no longer so is taken back")
}

func TestAFirstReportIsWhole(t *testing.T) {
	g := NewWithT(t)
	a := newAgent(t)
	g.Expect(a.pass(t)).To(Succeed())
	a.err = errors.New("no netlink")
	g.Expect(a.pass(t)).To(MatchError("no netlink"))
	g.Expect(a.node(t).Status).To(Equal(v1alpha1.WeaveNodeStatus{}))
}

func TestALaterReportIsWrittenAsFarAsItGoes(t *testing.T) {
	g := NewWithT(t)
	a := newAgent(t)
	g.Expect(a.pass(t)).To(Succeed())
	g.Expect(a.pass(t)).To(Succeed())
	a.err = errors.New("the router hangs")
	a.seen.Host.Machine = "0123456789abcdef"
	a.clock.SetTime(noon.Add(time.Minute))
	g.Expect(a.pass(t)).To(MatchError("the router hangs"))
	g.Expect(a.node(t).Status.Host.Machine).To(Equal("0123456789abcdef"))
	g.Expect(a.Ready(nil)).To(MatchError("the last report was written 1m0s ago"))
	a.err = nil
	g.Expect(a.pass(t)).To(Succeed())
	g.Expect(a.Ready(nil)).To(Succeed())
}

func TestTheFirstReportOfARevisionIsWhole(t *testing.T) {
	for _, task := range []v1alpha1.WeaveAgentTask{v1alpha1.AgentReport, v1alpha1.AgentLeave, v1alpha1.AgentClean} {
		g := NewWithT(t)
		a := newAgent(t)
		a.Revision = "1"
		g.Expect(a.pass(t)).To(Succeed())
		g.Expect(a.pass(t)).To(Succeed())
		before := a.node(t).Status
		g.Expect(before.AgentRevision).To(Equal("1"))

		a.Revision, a.seen.Agent, a.err = "2", task, errors.New("the router hangs")
		g.Expect(a.pass(t)).To(MatchError("the router hangs"))
		g.Expect(a.node(t).Status).To(Equal(before), "what the former agent saw is not this one's")
		g.Expect(a.writes).To(Equal(2))

		a.err = nil
		g.Expect(a.pass(t)).To(Succeed())
		g.Expect(a.node(t).Status.AgentRevision).To(Equal("2"))
		a.seen.Host.Machine, a.err = "0123456789abcdef", errors.New("the router hangs")
		g.Expect(a.pass(t)).To(MatchError("the router hangs"))
		g.Expect(a.node(t).Status.Host.Machine).To(Equal("0123456789abcdef"))
	}
}

func TestTheAgentTouchesNoOtherNode(t *testing.T) {
	g := NewWithT(t)
	a := newAgent(t)
	g.Expect(a.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: "node2"}})).
		To(Equal(reconcile.Result{}))
	g.Expect(a.writes).To(BeZero())
}

func TestReadinessOutlastsAShortPause(t *testing.T) {
	for every, patience := range map[time.Duration]time.Duration{
		time.Second: 30 * time.Second, 10 * time.Second: 30 * time.Second, time.Minute: 3 * time.Minute,
	} {
		g := NewWithT(t)
		a := newAgent(t)
		a.Every = every
		g.Expect(a.pass(t)).To(Succeed())
		g.Expect(a.pass(t)).To(Succeed())
		a.clock.SetTime(noon.Add(patience))
		g.Expect(a.Ready(nil)).To(Succeed())
		a.clock.SetTime(noon.Add(patience + time.Second))
		g.Expect(a.Ready(nil)).NotTo(Succeed())
	}
}

func TestSettingsOfAnAgent(t *testing.T) {
	g := NewWithT(t)
	options, err := (&NodeAgentSettings{}).options()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(options.Task).To(Equal(v1alpha1.AgentReport))
	g.Expect(options.CNIConfig.Path).To(Equal("/etc/cni/net.d"))
	g.Expect(options.RouterAPI).To(Equal("http://127.0.0.1:6784"))
	g.Expect(options.IPRange.IsValid()).To(BeFalse())

	options, err = (&NodeAgentSettings{
		Task: v1alpha1.AgentClean, IPRange: "10.32.0.0/12", CNIBinDir: "/host/bin", HostCNIBinDir: "/opt/cni/bin",
		CNIConfigDir: "/host/net.d", HostCNIConfigDir: "/etc/cni/net.d", DataDir: "/host/data", HostDataDir: "/var/lib/weave",
		MachineIDFile: "/host/etc/machine-id",
	}).options()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(options.Task).To(Equal(v1alpha1.AgentClean))
	g.Expect(options.IPRange.Bits()).To(Equal(12))
	g.Expect(options.CNIBin).To(Equal(nodeagent.Place{Path: "/host/bin", Host: "/opt/cni/bin"}))
	g.Expect(options.CNIConfig).To(Equal(nodeagent.Place{Path: "/host/net.d", Host: "/etc/cni/net.d"}))
	g.Expect(options.Data).To(Equal(nodeagent.Place{Path: "/host/data", Host: "/var/lib/weave"}))
	g.Expect(options.MachineID).To(Equal(nodeagent.Place{Path: "/host/etc/machine-id", Host: "/etc/machine-id"}))

	for _, settings := range []NodeAgentSettings{
		{}, {Node: "node1", Task: "Dance"}, {Node: "node1", IPRange: "10.32.0.0"},
	} {
		_, err := NewNodeAgent(&rest.Config{}, settings, ctrl.Options{})
		g.Expect(err).To(HaveOccurred())
	}
}
