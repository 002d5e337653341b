// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// share is a directory that all nodes of the local cluster have, for the claim of the grid's master.
func (g *grid) share(ctx context.Context) object {
	GinkgoHelper()
	dir := filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "shared-"+g.namespace)
	Expect(os.Mkdir(dir, 0o777)).To(Succeed())
	// A hostPath gets no fsGroup, and the umask counts for Mkdir.
	Expect(os.Chmod(dir, 0o777)).To(Succeed())
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: g.namespace},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			AccessModes:            []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
			StorageClassName:       g.namespace,
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: dir}},
		},
	}
	Expect(api.Create(ctx, volume)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		// A master without its directory ends.
		g.end(ctx)
		g.kubectl("delete", "persistentvolumeclaim", "--all", "--wait=false")
		Expect(api.Delete(ctx, volume)).To(Succeed())
		// A pod on its way out still writes there.
		Eventually(ctx, func() error { return os.RemoveAll(dir) }).Should(Succeed())
	})
	return object{"accessMode": "ReadWriteMany", "storageClassName": g.namespace}
}

// freezeKubelet stops a node's kubelet, while its containers go on, until the returned function thaws it.
func freezeKubelet(node string) (thaw func()) {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "run", node+"-kubelet.json"))
	Expect(err).NotTo(HaveOccurred())
	var process struct{ PID int }
	Expect(json.Unmarshal(text, &process)).To(Succeed())
	Expect(syscall.Kill(process.PID, syscall.SIGSTOP)).To(Succeed())
	thawed := false
	thaw = func() {
		if !thawed {
			thawed = true
			Expect(syscall.Kill(process.PID, syscall.SIGCONT)).To(Succeed())
		}
	}
	DeferCleanup(thaw)
	return thaw
}

// writer is one start of a master, and when it wrote to the shared directory.
type writer struct {
	name        string
	first, last time.Time
}

// writers are all that ever wrote, by their first write.
func (g *grid) writers() []writer {
	GinkgoHelper()
	all := map[string]*writer{}
	for line := range strings.Lines(g.symsim("writes")) {
		fields := strings.Fields(line)
		Expect(len(fields)).To(BeNumerically(">=", 3), line)
		at, err := time.Parse(time.RFC3339Nano, fields[0])
		Expect(err).NotTo(HaveOccurred())
		one := all[fields[1]]
		if one == nil {
			one = &writer{name: fields[1], first: at, last: at}
			all[fields[1]] = one
		}
		if at.Before(one.first) {
			one.first = at
		}
		if at.After(one.last) {
			one.last = at
		}
	}
	sorted := make([]writer, 0, len(all))
	for _, one := range all {
		sorted = append(sorted, *one)
	}
	slices.SortFunc(sorted, func(a, b writer) int { return cmp.Or(a.first.Compare(b.first), cmp.Compare(a.name, b.name)) })
	return sorted
}

var _ = Describe("A master with storage", Label("local"), Serial, func() {
	It("takes up what the one before left, 20 times, and is never two", func(ctx SpecContext) {
		g := newGrid(ctx)
		// Compute pods on a node without a kubelet learn the new address when it is back.
		g.start(ctx, object{
			"compute": object{"replicas": 4},
			"master":  object{"storage": g.share(ctx), "env": []object{{"name": "SYMSIM_UNAVAILABLE_AFTER", "value": "5m"}}},
		})
		g.waitCondition(ctx, v1alpha1.ConditionStatePersistent, "True", v1alpha1.ReasonSharedDirectory)
		compute := g.containers(ctx, names.Compute)
		g.symsim("app", "add", "risk", "--recoverable")
		task := g.symsim("task", "start", g.names(ctx)[0], "--app", "risk")
		g.kubectl("exec", "deployment/prod-master", "--", "bash", "-c", "egosh user logon -u Admin -x Admin && egosh user add -u trader -x secret12")

		for round := range 20 {
			old := g.master(ctx)
			thaw := func() {}
			if round%2 == 1 {
				By(fmt.Sprintf("round %d: the kubelet of %s stands still, the container goes on", round+1, old.Spec.NodeName))
				g.kubectl("cordon", old.Spec.NodeName)
				uncordon := sync.OnceFunc(func() { g.kubectl("uncordon", old.Spec.NodeName) })
				DeferCleanup(uncordon)
				thawKubelet := freezeKubelet(old.Spec.NodeName)
				thaw = func() {
					thawKubelet()
					uncordon()
				}
			} else {
				By(fmt.Sprintf("round %d", round+1))
			}
			g.kubectl("delete", "pod", old.Name, "--wait=false")
			next := g.nextMaster(ctx, old.UID)
			Eventually(ctx, func() string {
				return g.kubectl("get", "pod", next.Name, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
			}).Should(Equal("True"))
			thaw()
			Eventually(ctx, func() []string { return g.okHostsBy(next.Name) }).WithPolling(inPods).Should(ConsistOf(hostsOf(compute)))
			Eventually(ctx, func() []corev1.Pod { return g.mastersLeft(ctx) }).Should(HaveLen(1))
			Expect(g.containers(ctx, names.Compute)).To(Equal(compute))
			Expect(g.symsim("task", "list")).To(MatchRegexp(`(?m)^%s risk \S+ RUN`, task))
			Expect(g.egosh("user", "list")).To(ContainSubstring("trader"))
		}

		By("holding the masters' writes against each other")
		Expect(g.interrupted()).To(BeEmpty())
		all := g.writers()
		Expect(len(all)).To(BeNumerically(">=", 21))
		for i := range all[1:] {
			Expect(all[i].last).To(BeTemporally("<", all[i+1].first), "%s and %s", all[i].name, all[i+1].name)
		}
		Expect(g.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")).NotTo(ContainSubstring(v1alpha1.ReasonStateLost))
	}, SpecTimeout(20*time.Minute))

	It("is ready elsewhere within 90 s of its node's loss, and says meanwhile what is true", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, object{"compute": object{"replicas": 2}, "master": object{"storage": g.share(ctx)}})
		old := g.master(ctx)
		thaw := freezeKubelet(old.Spec.NodeName)
		lost := time.Now()
		g.waitCondition(ctx, v1alpha1.ConditionMasterReady, "False", v1alpha1.ReasonNodeLost)
		var next *corev1.Pod
		Eventually(ctx, func(check Gomega) {
			pods := g.pods(ctx, names.Master)
			check.Expect(pods).To(HaveLen(1))
			next = &pods[0]
			check.Expect(next.UID).NotTo(Equal(old.UID))
			check.Expect(g.okHostsBy(next.Name)).To(ContainElement("prod-master"))
			check.Expect(observe.PodReady(next)).To(BeTrue())
		}).WithPolling(inPods).Should(Succeed())
		took := time.Since(lost)
		GinkgoWriter.Println("ready elsewhere after", took)
		Expect(next.Spec.NodeName).NotTo(Equal(old.Spec.NodeName))
		Expect(took).To(BeNumerically("<", 90*time.Second))
		thaw()
		Eventually(ctx, func() []corev1.Pod { return g.mastersLeft(ctx) }).Should(HaveLen(1))
		g.waitReady()
	}, SpecTimeout(6*time.Minute))
})

// mastersLeft are the master pods that there are, those on their way out among them.
func (g *grid) mastersLeft(ctx context.Context) []corev1.Pod {
	GinkgoHelper()
	return slices.DeleteFunc(g.allPods(ctx), func(pod corev1.Pod) bool { return pod.Labels[names.LabelRole] != names.Master })
}
