// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// shutdown is how long an operator may take to stop.
const shutdown = 30 * time.Second

// world is a namespace with nodes, an operator, and a monitor that sees every status.
type world struct {
	namespace string
	kubelet   *kubelet.Kubelet
	grids     *egotest.Grids
	console   *fakeConsole
	operator  *operator
	monitor   *oracle.Monitor
}

func newWorld(ctx context.Context) *world {
	GinkgoHelper()
	w := newWorldWithoutOperator(ctx)
	w.startOperator()
	return w
}

func newWorldWithoutOperator(ctx context.Context) *world {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "it-"}}
	Expect(api.Create(ctx, namespace)).To(Succeed())
	w := &world{namespace: namespace.Name, console: &fakeConsole{}, grids: &egotest.Grids{}}
	DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(api.Delete(ctx, namespace))).To(Succeed()) })
	var err error
	w.kubelet, err = kubelet.Start(api, w.namespace, w.grids)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(w.kubelet.Stop()).To(Succeed()) })
	w.monitor, err = oracle.Watch(background(), api, w.namespace)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() {
		Expect(w.monitor.Stop()).To(BeEmpty(), "statuses that broke an invariant")
	})
	return w
}

func (w *world) startOperator() {
	GinkgoHelper()
	w.operator = startOperator(w.namespace, w.console, direct{w.grids}, ctrl.Options{})
}

// startMortal starts an operator that is killed as m says.
func (w *world) startMortal(m *mortal) {
	GinkgoHelper()
	w.operator = startOperator(w.namespace, w.console, m, ctrl.Options{})
}

func (w *world) restartOperator() {
	GinkgoHelper()
	w.operator.stop()
	w.startOperator()
}

// edit changes a spec, or what a builder returns.
type edit func(*v1alpha1.SymphonyCluster)

func replicas(n int32) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Replicas = new(n) }
}

// build is the smallest cluster, with edits.
func (w *world) build(name string, edits ...edit) *v1alpha1.SymphonyCluster {
	cluster := &v1alpha1.SymphonyCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec:       v1alpha1.SymphonyClusterSpec{Image: "sym712"},
	}
	for _, edit := range edits {
		edit(cluster)
	}
	return cluster
}

func (w *world) create(ctx context.Context, name string, edits ...edit) *v1alpha1.SymphonyCluster {
	GinkgoHelper()
	cluster := w.build(name, edits...)
	Expect(api.Create(ctx, cluster)).To(Succeed())
	return cluster
}

// ready creates a cluster and waits until it is ready.
func (w *world) ready(ctx context.Context, name string, edits ...edit) *v1alpha1.SymphonyCluster {
	GinkgoHelper()
	w.create(ctx, name, edits...)
	return w.waitReady(ctx, name)
}

// change edits as a user does: by a patch.
func (w *world) change(ctx context.Context, name string, edits ...edit) {
	GinkgoHelper()
	Expect(w.tryChange(ctx, name, edits...)).To(Succeed())
}

func (w *world) tryChange(ctx context.Context, name string, edits ...edit) error {
	GinkgoHelper()
	cluster := w.cluster(ctx, name)
	before := cluster.DeepCopy()
	for _, edit := range edits {
		edit(cluster)
	}
	return api.Patch(ctx, cluster, client.MergeFrom(before))
}

// replace edits as `kubectl replace` does: a null reaches the API server, where a merge patch would only remove
// a field.
func (w *world) replace(ctx context.Context, name string, edits ...edit) {
	GinkgoHelper()
	Expect(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		cluster := w.cluster(ctx, name)
		for _, edit := range edits {
			edit(cluster)
		}
		return api.Update(ctx, cluster)
	})).To(Succeed())
}

func (w *world) cluster(ctx context.Context, name string) *v1alpha1.SymphonyCluster {
	GinkgoHelper()
	return get[v1alpha1.SymphonyCluster](ctx, w, name)
}

// get reads an object, and fails if there is none.
func get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, w *world, name string) *T {
	GinkgoHelper()
	object := P(new(T))
	Expect(api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, object)).To(Succeed())
	return (*T)(object)
}

// condition reads one condition of this generation; of an older one it is as good as absent.
func (w *world) condition(ctx context.Context, g Gomega, name, kind string) *metav1.Condition {
	cluster := &v1alpha1.SymphonyCluster{}
	g.Expect(api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, cluster)).To(Succeed())
	found := meta.FindStatusCondition(cluster.Status.Conditions, kind)
	if found == nil || found.ObservedGeneration != cluster.Generation {
		return &metav1.Condition{Type: kind, Status: "Absent"}
	}
	return found
}

// waitReady waits as `kubectl wait --for=condition=Ready` does, and returns the cluster.
func (w *world) waitReady(ctx context.Context, name string) *v1alpha1.SymphonyCluster {
	GinkgoHelper()
	w.waitCondition(ctx, name, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return w.cluster(ctx, name)
}

// waitCondition waits for a condition of the present generation; an empty reason means any.
func (w *world) waitCondition(ctx context.Context, name, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	message := ""
	Eventually(func(g Gomega) {
		found := w.condition(ctx, g, name, kind)
		g.Expect(found.Status).To(Equal(status), "%+v", found)
		if reason != "" {
			g.Expect(found.Reason).To(Equal(reason), "%+v", found)
		}
		message = found.Message
	}).WithContext(ctx).Should(Succeed())
	return message
}

// waitStalled waits until a person has to act, and returns what they are told.
func (w *world) waitStalled(ctx context.Context, name, reason string) string {
	GinkgoHelper()
	message := w.waitCondition(ctx, name, v1alpha1.ConditionStalled, metav1.ConditionTrue, reason)
	computed, err := oracle.Computed(w.cluster(ctx, name))
	Expect(err).NotTo(HaveOccurred())
	Expect(computed).To(Equal("Failed"))
	return message
}

// pods lists the live pods of a role.
func (w *world) pods(ctx context.Context, cluster, role string) []corev1.Pod {
	GinkgoHelper()
	var list corev1.PodList
	Expect(api.List(ctx, &list, client.InNamespace(w.namespace), client.MatchingLabels(names.Selector(cluster, role)))).To(Succeed())
	var live []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			live = append(live, pod)
		}
	}
	return live
}

func (w *world) master(ctx context.Context, cluster string) *corev1.Pod {
	GinkgoHelper()
	pods := w.pods(ctx, cluster, names.Master)
	Expect(pods).To(HaveLen(1))
	return &pods[0]
}

func (w *world) computeUIDs(ctx context.Context, cluster string) []string {
	GinkgoHelper()
	return uids(w.pods(ctx, cluster, names.Compute))
}

func uids(pods []corev1.Pod) []string {
	all := []string{}
	for i := range pods {
		all = append(all, string(pods[i].UID))
	}
	return all
}

func (w *world) snapshot(ctx context.Context) oracle.Snapshot {
	GinkgoHelper()
	snapshot, err := oracle.Take(ctx, api, w.namespace)
	Expect(err).NotTo(HaveOccurred())
	return snapshot
}

// listedHosts are the lines of a cluster's lists of compute hosts, and those that its pods ask for.
func (w *world) listedHosts(ctx context.Context, cluster string) (listed, running []string) {
	GinkgoHelper()
	listed, running, err := oracle.ComputeHosts(ctx, api, client.ObjectKey{Namespace: w.namespace, Name: cluster})
	Expect(err).NotTo(HaveOccurred())
	return listed, running
}

// waitListed waits for the lists of compute hosts, which follow the pods with a few seconds between two writes.
func (w *world) waitListed(ctx context.Context) {
	GinkgoHelper()
	if w.operator == nil || !w.operator.runs() {
		return
	}
	Eventually(func(g Gomega) {
		var clusters v1alpha1.SymphonyClusterList
		g.Expect(api.List(ctx, &clusters, client.InNamespace(w.namespace))).To(Succeed())
		for i := range clusters.Items {
			if cluster := &clusters.Items[i]; cluster.DeletionTimestamp == nil {
				listed, running := w.listedHosts(ctx, cluster.Name)
				g.Expect(listed).To(Equal(running))
			}
		}
	}).WithContext(ctx).Should(Succeed())
}

// settle waits until nothing moves any more and returns what there is.
func (w *world) settle(ctx context.Context) oracle.Snapshot {
	GinkgoHelper()
	w.waitListed(ctx)
	last := w.snapshot(ctx)
	same := 0
	Eventually(func() int {
		now := w.snapshot(ctx)
		same++
		if len(now.Touched(last)) > 0 {
			last, same = now, 0
		}
		return same
	}).WithContext(ctx).Should(BeNumerically(">=", 10))
	return last
}

func (w *world) deployment(ctx context.Context, cluster string) *appsv1.Deployment {
	GinkgoHelper()
	return get[appsv1.Deployment](ctx, w, names.MasterName(cluster))
}

func (w *world) computeSet(ctx context.Context, cluster string) *appsv1.ReplicaSet {
	GinkgoHelper()
	return get[appsv1.ReplicaSet](ctx, w, names.ComputeName(cluster))
}

func (w *world) gui(ctx context.Context, cluster string) *corev1.Service {
	GinkgoHelper()
	return get[corev1.Service](ctx, w, names.GUIName(cluster))
}
