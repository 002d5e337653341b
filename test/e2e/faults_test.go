// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// One cluster with work lives through all of it. What Kubernetes itself consists of is taken away in the middle of something, and
// given back; then everything is as the user wanted it, no container was started anew, no task ended before its time, and the
// operator rests. The monitor of the suite holds every status in between against what must always be true.
var _ = Describe("A cluster with work", Label("local"), Serial, Ordered, func() {
	var (
		g      *grid
		bearer string
		// busy has a task that runs through all of it.
		busy string
	)

	BeforeAll(func(ctx SpecContext) {
		g = newGrid(ctx)
		bearer = scraper()
		DeferCleanup(monitor.AllowGap())
		g.start(ctx, object{
			"compute": object{"replicas": 3, "podTemplate": apart, "update": object{"maxUnavailable": 3}},
			"master":  object{"storage": g.share(ctx)},
		})
		g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "True", v1alpha1.ReasonReady)
		busy = g.names(ctx)[0]
		g.work(busy)
	})

	It("lives through an API server that is killed during a scale-out", func(ctx SpecContext) {
		before := g.running(ctx)
		g.kubectl("scale", "symphonycluster/prod", "--replicas=5")
		localcluster("restart", "kube-apiserver", "--kill")
		g.expectUnharmed(ctx, before, 5)
		g.expectRest(ctx, bearer, 5*time.Second, busy)
	})

	It("lives through an etcd that is killed during a rollout, and is away for longer than a lease", func(ctx SpecContext) {
		before := g.running(ctx)
		g.patch(object{"compute": object{"env": []object{{"name": "ROUND", "value": "2"}}}})
		g.waitCondition(ctx, v1alpha1.ConditionReady, "False", v1alpha1.ReasonUpdating)
		localcluster("stop", "etcd", "--kill")
		Consistently(ctx, listens("127.0.0.1:23790")).WithTimeout(16 * time.Second).Should(BeFalse())
		localcluster("start", "etcd")

		By("waiting until all but the one with work are replaced")
		Eventually(ctx, func(check Gomega) {
			check.Expect(g.outdated(ctx)).To(ConsistOf(busy))
			check.Expect(g.names(ctx)).To(HaveLen(5))
		}).Should(Succeed())
		master := before[names.MasterHostname("prod")]
		Expect(g.running(ctx)).To(And(HaveKeyWithValue(busy, before[busy]), HaveKeyWithValue(names.MasterHostname("prod"), master)))
		Expect(g.interrupted()).To(BeEmpty())

		By("ending the work")
		g.symsim("task", "finish", "all")
		g.waitReady()
		Expect(g.outdated(ctx)).To(BeEmpty())
		By("giving one work again, once EGO knows it: a pod that is ready may not have joined yet")
		g.waitHosts(ctx, 6)
		busy = g.names(ctx)[0]
		g.work(busy)
		g.expectUnharmed(ctx, map[string]string{names.MasterHostname("prod"): master}, 5)
		g.expectRest(ctx, bearer, 5*time.Second, busy)
	})

	It("is scaled when the controller manager is back, which was away when the user asked for it", func(ctx SpecContext) {
		before := g.running(ctx)
		localcluster("stop", "kube-controller-manager", "--kill")
		g.kubectl("scale", "symphonycluster/prod", "--replicas=6")
		Expect(g.waitCondition(ctx, v1alpha1.ConditionReady, "False", v1alpha1.ReasonScaling)).To(ContainSubstring("5 of 6"))
		Consistently(ctx, func() map[string]string { return g.running(ctx) }).WithTimeout(5 * time.Second).Should(Equal(before))
		localcluster("start", "kube-controller-manager")
		g.expectUnharmed(ctx, before, 6)
		g.expectRest(ctx, bearer, 5*time.Second, busy)
	})

	It("lives through a kubelet that is killed on the master's node, and a containerd on a compute pod's", func(ctx SpecContext) {
		before := g.running(ctx)
		localcluster("restart", "kubelet", "--node", g.master(ctx).Spec.NodeName, "--kill")
		localcluster("restart", "containerd", "--node", g.pod(ctx, busy).Spec.NodeName, "--kill")
		g.expectUnharmed(ctx, before, 6)
		Expect(g.running(ctx)).To(Equal(before))
		g.expectRest(ctx, bearer, 5*time.Second, busy)
	})

	It("is scaled in to the same hosts when the operator's leader is killed in the middle of the drain", func(ctx SpecContext) {
		before := g.running(ctx)
		all := g.names(ctx)
		g.work(slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == busy })...)
		g.kubectl("scale", "symphonycluster/prod", "--replicas=4")
		g.waitCondition(ctx, v1alpha1.ConditionReady, "False", v1alpha1.ReasonDraining)
		Eventually(ctx, g.closed).WithPolling(inPods).Should(HaveLen(2))
		closed := g.closed()

		first := leader(ctx)
		killContainer(ctx, operators.pod(ctx, leaderPod(ctx)))
		Eventually(ctx, func() string { return leader(ctx) }).ShouldNot(BeElementOf(first, ""))
		// Any of the conditions changes with the new leader's first passes; these must leave the choice as it is.
		Consistently(ctx, g.closed).WithTimeout(5 * time.Second).WithPolling(inPods).Should(Equal(closed))
		for _, host := range closed {
			g.symsim("task", "finish", host)
			delete(before, host)
		}
		g.expectUnharmed(ctx, before, 4)
		left := g.names(ctx)
		busy = left[0]
		for _, name := range left[1:] {
			g.symsim("task", "finish", name)
		}
		g.expectRest(ctx, bearer, 5*time.Second, busy)
	})

	It("is scaled when the operator reaches the API server again", func(ctx SpecContext) {
		before := g.running(ctx)
		heal := cutOperators(ctx)
		g.kubectl("scale", "symphonycluster/prod", "--replicas=5")
		Consistently(ctx, func() map[string]string { return g.running(ctx) }).WithTimeout(20 * time.Second).Should(Equal(before))
		heal()
		Eventually(ctx, func() int { return len(g.names(ctx)) }).Should(Equal(5))
		g.expectUnharmed(ctx, before, 5)
		g.expectRest(ctx, bearer, 5*time.Second, busy)
	}, SpecTimeout(5*time.Minute))

	It("goes on when the operator's ServiceAccount was deleted and created again, which ends its tokens", func(ctx SpecContext) {
		before, first := g.running(ctx), leader(ctx)
		account := &corev1.ServiceAccount{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: operatorAccount}, account)).To(Succeed())
		Expect(api.Delete(ctx, account)).To(Succeed())
		account.ResourceVersion, account.UID = "", ""
		Expect(api.Create(ctx, account)).To(Succeed())
		Eventually(ctx, func() *corev1.ContainerStateWaiting {
			return operators.pod(ctx, leaderPod(ctx)).Status.ContainerStatuses[0].State.Waiting
		}).Should(HaveField("Reason", "CrashLoopBackOff"), "it cannot renew its lease, nor start with that token")
		g.kubectl("scale", "symphonycluster/prod", "--replicas=6")
		Consistently(ctx, func() map[string]string { return g.running(ctx) }).WithTimeout(5 * time.Second).Should(Equal(before))
		Expect(leader(ctx)).To(Equal(first))

		By("giving it pods with other tokens, as the documentation says")
		operators.kubectl("rollout", "restart", "deployment/"+operatorDeployment)
		operators.kubectl("rollout", "status", "deployment/"+operatorDeployment, "--timeout=60s")
		g.expectUnharmed(ctx, before, 6)
		g.expectRest(ctx, bearer, observe.DefaultPollInterval+time.Second, busy)
	})
})

// localcluster runs hack/localcluster's command on the cluster of KUBECONFIG.
func localcluster(arguments ...string) {
	GinkgoHelper()
	program := filepath.Join("..", "..", "bin", "localcluster")
	output, err := exec.Command(program, append(arguments, "--dir", filepath.Dir(os.Getenv("KUBECONFIG")))...).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "localcluster %s: %s", strings.Join(arguments, " "), output)
	GinkgoWriter.Print(string(output))
}

// listens reports whether anybody does.
func listens(address string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	}
}

// killContainer kills a pod's only container behind its kubelet's back, so that it can say good-bye to nobody.
func killContainer(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	dir := filepath.Dir(os.Getenv("KUBECONFIG"))
	Expect(pod.Status.ContainerStatuses).To(HaveLen(1))
	container := strings.TrimPrefix(pod.Status.ContainerStatuses[0].ContainerID, "containerd://")
	output, err := exec.CommandContext(ctx, filepath.Join(dir, "bin", "ctr"), "-a", filepath.Join(dir, "nodes", pod.Spec.NodeName, "containerd.sock"),
		"-n", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(output))
}

// cutOperators lets no packet of the operator's pods reach the API server, and answers to none, until it is healed. Their nodes'
// kubelets reach it.
func cutOperators(ctx context.Context) (heal func()) {
	GinkgoHelper()
	var healing []func(context.Context)
	for _, pod := range operatorPods(ctx) {
		rule := func(ctx context.Context, what string) {
			onNode(ctx, pod.Spec.NodeName, "iptables", "--wait", "--table", "mangle", what, "FORWARD",
				"--source", pod.Status.PodIP, "--protocol", "tcp", "--dport", "6443", "--jump", "DROP")
		}
		rule(ctx, "--insert")
		healing = append(healing, func(ctx context.Context) { rule(ctx, "--delete") })
	}
	heal = func() {
		for _, one := range healing {
			one(context.Background())
		}
		healing = nil
	}
	DeferCleanup(func() { heal() })
	return heal
}

func (g *grid) pod(ctx context.Context, name string) *corev1.Pod {
	GinkgoHelper()
	pod := &corev1.Pod{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: g.namespace, Name: name}, pod)).To(Succeed())
	return pod
}

// running are the hosts with their pods' UIDs and restarts.
func (g *grid) running(ctx context.Context) map[string]string {
	GinkgoHelper()
	all := g.containers(ctx, names.Compute)
	for _, master := range g.containers(ctx, names.Master) {
		all[names.MasterHostname("prod")] = master
	}
	return all
}

// closed are the hosts that take no new work, sorted.
func (g *grid) closed() []string {
	GinkgoHelper()
	var all []string
	for host, state := range g.hostList() {
		if state == "closed" {
			all = append(all, host)
		}
	}
	slices.Sort(all)
	return all
}

// outdated are the compute pods of an earlier template.
func (g *grid) outdated(ctx context.Context) []string {
	GinkgoHelper()
	wanted := g.cluster(ctx).Status.Compute.Revision
	var all []string
	for _, pod := range g.pods(ctx, names.Compute) {
		if pod.Labels[names.LabelRevision] != wanted {
			all = append(all, pod.Name)
		}
	}
	return all
}

// expectUnharmed waits until there are so many compute hosts as were wanted, and finds every one of these as it was.
func (g *grid) expectUnharmed(ctx context.Context, before map[string]string, wanted int) {
	GinkgoHelper()
	g.waitReady()
	g.waitHosts(ctx, wanted+1)
	now := g.running(ctx)
	for host, was := range before {
		Expect(now).To(HaveKeyWithValue(host, was))
	}
	Expect(g.interrupted()).To(BeEmpty())
}

// expectRest waits until the operator has told which host has work and everything is at rest, and then sees for so long that it writes
// nothing. Where nothing but the number of busy hosts changes, that waits for a minute, and then for a pass, which may come another minute later.
func (g *grid) expectRest(ctx context.Context, bearer string, long time.Duration, busy string) {
	GinkgoHelper()
	g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "True", v1alpha1.ReasonReady)
	var resting oracle.Snapshot
	Eventually(ctx, func(check Gomega) {
		for _, pod := range g.pods(ctx, names.Compute) {
			check.Expect(pod.Labels[names.LabelIdle] == names.Idle).NotTo(Equal(pod.Name == busy), pod.Name)
		}
		g.checkTold(ctx, check, 1)
		before := resting
		resting = g.snapshot(ctx)
		check.Expect(resting.Touched(before)).To(BeEmpty())
	}).WithTimeout(3 * time.Minute).WithPolling(3 * time.Second).Should(Succeed())
	counted := operatorWrites(ctx, bearer)
	Consistently(ctx, func() []string { return g.snapshot(ctx).Touched(resting) }).
		WithTimeout(long).WithPolling(time.Second).Should(BeEmpty())
	Expect(operatorWrites(ctx, bearer)).To(Equal(counted), lastWrites)
}
