// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	managerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/weave"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// fabric is the one WeaveNetwork with the process that keeps it. DaemonSets run nowhere here: the specs play their
// controller and the agents.
type fabric struct {
	manager *operator
	image   string
}

func newFabric(ctx context.Context) *fabric {
	GinkgoHelper()
	f := &fabric{image: "symphony-operator:1"}
	f.clear(ctx)
	DeferCleanup(f.clear)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}}
	Expect(client.IgnoreAlreadyExists(api.Create(ctx, account))).To(Succeed())
	f.start()
	return f
}

func (f *fabric) start() {
	GinkgoHelper()
	recorder := &oracle.Recorder{}
	own := as(weaveAccount)
	own.Wrap(recorder.Wrap)
	built, err := controllers.NewWeaveManager(own, weave.Settings{AgentImage: f.image}, ctrl.Options{
		Metrics: server.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Controller: managerconfig.Controller{SkipNameValidation: new(true)},
	})
	Expect(err).NotTo(HaveOccurred())
	f.manager = run(built, recorder)
}

func (f *fabric) restart() {
	GinkgoHelper()
	f.manager.stop()
	f.start()
}

// clear removes everything of Weave that a spec has left.
func (f *fabric) clear(ctx context.Context) {
	GinkgoHelper()
	if f.manager != nil {
		f.manager.stop()
	}
	network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork}}
	Expect(client.IgnoreNotFound(api.Patch(ctx, network, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))))).To(Succeed())
	in := metav1.ObjectMeta{Namespace: names.WeaveNamespace}
	for _, object := range []client.Object{
		network,
		&appsv1.DaemonSet{ObjectMeta: named(in, names.WeaveRouters)}, &appsv1.DaemonSet{ObjectMeta: named(in, names.WeaveAgents)},
		&corev1.ConfigMap{ObjectMeta: named(in, names.WeaveRouters)},
	} {
		Expect(client.IgnoreNotFound(api.Delete(ctx, object))).To(Succeed())
		Eventually(func() bool { return apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(object), object)) }).WithContext(ctx).Should(BeTrue())
	}
	Expect(api.DeleteAllOf(ctx, &v1alpha1.WeaveNode{})).To(Succeed())
	Expect(api.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(names.WeaveNamespace), client.HasLabels{names.LabelWeave}, client.GracePeriodSeconds(0))).To(Succeed())
}

func named(in metav1.ObjectMeta, name string) metav1.ObjectMeta {
	in.Name = name
	return in
}

type weaveEdit func(*v1alpha1.WeaveNetwork)

// managed is a WeaveNetwork that is to be installed at once.
func managed(n *v1alpha1.WeaveNetwork) {
	n.Spec.ManagementPolicy = v1alpha1.WeaveManaged
	n.Spec.InitialPeerCount = 2
}

func (f *fabric) create(ctx context.Context, edits ...weaveEdit) {
	GinkgoHelper()
	Expect(api.Create(ctx, f.build(edits...))).To(Succeed())
}

func (f *fabric) build(edits ...weaveEdit) *v1alpha1.WeaveNetwork {
	// The kubelet of this suite gives pods addresses of this range.
	network := &v1alpha1.WeaveNetwork{
		ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork}, Spec: v1alpha1.WeaveNetworkSpec{IPRange: "10.32.0.0/12"},
	}
	for _, edit := range edits {
		edit(network)
	}
	return network
}

func (f *fabric) change(ctx context.Context, edits ...weaveEdit) error {
	GinkgoHelper()
	network := f.network(ctx)
	before := network.DeepCopy()
	for _, edit := range edits {
		edit(network)
	}
	return api.Patch(ctx, network, client.MergeFrom(before))
}

func (f *fabric) network(ctx context.Context) *v1alpha1.WeaveNetwork {
	GinkgoHelper()
	network := &v1alpha1.WeaveNetwork{}
	Expect(api.Get(ctx, client.ObjectKey{Name: names.WeaveNetwork}, network)).To(Succeed())
	return network
}

// daemonSet waits for one.
func (f *fabric) daemonSet(ctx context.Context, name string) *appsv1.DaemonSet {
	GinkgoHelper()
	set := &appsv1.DaemonSet{}
	Eventually(func() error {
		return api.Get(ctx, client.ObjectKey{Namespace: names.WeaveNamespace, Name: name}, set)
	}).WithContext(ctx).Should(Succeed())
	return set
}

// report plays every node's agent: what it was started for it says, with changes.
func (f *fabric) report(ctx context.Context, changes ...func(node string, status *v1alpha1.WeaveNodeStatus)) {
	GinkgoHelper()
	// Each report is for the agents as they are now; what the manager thinks of it may change them.
	arguments := kubelet.AgentArguments(f.daemonSet(ctx, names.WeaveAgents))
	f.reportAs(ctx, arguments, changes...)
}

func (f *fabric) reportAs(ctx context.Context, arguments map[string]string, changes ...func(node string, status *v1alpha1.WeaveNodeStatus)) {
	GinkgoHelper()
	for i, node := range slices.Sorted(maps.Keys(kubelet.Nodes)) {
		report := &v1alpha1.WeaveNode{ObjectMeta: metav1.ObjectMeta{Name: node}}
		Expect(client.IgnoreAlreadyExists(api.Create(ctx, report))).To(Succeed())
		Expect(api.Get(ctx, client.ObjectKey{Name: node}, report)).To(Succeed())
		report.Status = v1alpha1.WeaveNodeStatus{
			Agent: v1alpha1.WeaveAgentTask(arguments["task"]), AgentRevision: arguments["revision"], Router: v1alpha1.RouterAbsent,
			Host: v1alpha1.WeaveHost{Machine: fmt.Sprintf("machine-%d", i)},
		}
		for _, change := range changes {
			change(node, &report.Status)
		}
		Expect(api.Status().Update(ctx, report)).To(Succeed())
		f.runAgent(ctx, node)
	}
}

// runAgent plays the DaemonSet controller and the kubelet, for an agent that is ready.
func (f *fabric) runAgent(ctx context.Context, node string) {
	GinkgoHelper()
	pod := kubelet.AgentPod(node)
	pod.Spec.Containers[0].Image = f.image
	err := api.Create(ctx, pod)
	if apierrors.IsAlreadyExists(err) {
		return
	}
	Expect(err).NotTo(HaveOccurred())
	pod.Status = kubelet.AgentRuns()
	Expect(api.Status().Update(ctx, pod)).To(Succeed())
}

// connected has the nodes of the suite connected, with addresses.
func connected(node string, status *v1alpha1.WeaveNodeStatus) {
	kubelet.Connect(node, status, metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second)))
}

// rolledOut plays the DaemonSet controller, for pods that are all ready.
func (f *fabric) rolledOut(ctx context.Context, name string) {
	GinkgoHelper()
	Eventually(func() error {
		set := f.daemonSet(ctx, name)
		set.Status = kubelet.RolledOut(set.Generation)
		return api.Status().Update(ctx, set)
	}).WithContext(ctx).Should(Succeed())
}

// running is a network that is installed and in order.
func (f *fabric) running(ctx context.Context, edits ...weaveEdit) *appsv1.DaemonSet {
	GinkgoHelper()
	f.create(ctx, append([]weaveEdit{managed}, edits...)...)
	f.report(ctx)
	routers := f.daemonSet(ctx, names.WeaveRouters)
	f.report(ctx, connected)
	f.rolledOut(ctx, names.WeaveRouters)
	f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return routers
}

// wait waits for a condition of the present generation and returns its message; an empty reason means any.
func (f *fabric) wait(ctx context.Context, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	message := ""
	Eventually(func(g Gomega) {
		network := f.network(ctx)
		found := meta.FindStatusCondition(network.Status.Conditions, kind)
		g.Expect(found).NotTo(BeNil(), "%s: %+v", kind, network.Status.Conditions)
		g.Expect(found.ObservedGeneration).To(Equal(network.Generation))
		g.Expect(found.Status).To(Equal(status), "%+v", network.Status.Conditions)
		if reason != "" {
			g.Expect(found.Reason).To(Equal(reason), "%+v", found)
		}
		message = found.Message
	}).WithContext(ctx).Should(Succeed())
	return message
}

// writesOfWeave are those that are not about the status, events, or the operator's own agents.
func (f *fabric) writesOfWeave() []string {
	var writes []string
	for _, write := range f.manager.writes.Writes() {
		if strings.HasSuffix(write.Path, "/status") || strings.Contains(write.Path, "/events") || strings.HasSuffix(write.Path, names.WeaveAgents) {
			continue
		}
		writes = append(writes, write.Method+" "+write.Path)
	}
	return writes
}
