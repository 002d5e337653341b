// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

// Weave itself is the stand-in of test/weavesim: the kernel of the local cluster's machine cannot run the real one. The rest
// is real: the network's manager and the agents under their own ServiceAccounts, the DaemonSet and what it leaves on nodes.
// The specs are in one story, because a Kubernetes cluster has one pod network. What one process has to do in a row begins before the rest.
var _ = Describe("Weave", Label("local"), Ordered, SpecPriority(1), func() {
	f := &fabric{grid: &grid{namespace: names.WeaveNamespace}}

	BeforeAll(func() {
		Expect(operators.kubectl("logs", "-l", "app.kubernetes.io/name=symphony-operator", "--tail=-1")).To(
			ContainSubstring("Weave is not installed"), "an installation without it says so")
		f.install()
		DeferCleanup(f.uninstall)
	})

	AfterEach(func() {
		if CurrentSpecReport().Failed() {
			f.tell()
		}
	})

	It("is not installed beside the local cluster's own pod network, nor on a kernel that cannot run it", func(ctx SpecContext) {
		f.apply(object{"allowConflicts": nil})
		for _, conflict := range conflicts {
			Eventually(ctx, func() string {
				return f.wait(ctx, v1alpha1.ConditionPreflight, metav1.ConditionFalse, v1alpha1.ReasonPodsOutsideRange)
			}).Should(ContainSubstring(conflict))
		}
		Expect(f.routers(ctx)).To(BeEmpty())
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKey{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}, &corev1.ConfigMap{}))).To(BeTrue())
		for node := range machines(ctx) {
			Expect(onNode(ctx, node, "ip", "-brief", "link")).NotTo(ContainSubstring("weave"))
		}
	})

	It("comes up on every node when the conflicts are allowed by their names", func(ctx SpecContext) {
		f.apply(nil)
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
		GinkgoWriter.Println(f.kubectl("get", "weavenetworks", "-o", "wide") + f.kubectl("get", "weavenodes", "-o", "wide"))
		addresses := map[string]string{}
		for node := range machines(ctx) {
			report := f.report(ctx, node)
			Expect(report.Connected).To(Equal("2/2"))
			Expect(onNode(ctx, node, "ip", "-4", "-oneline", "address", "show", "dev", "weave")).To(ContainSubstring(report.Overlay.Address))
			addresses[report.Overlay.Address] = node
		}
		Expect(addresses).To(HaveLen(3))
	})

	It("gives nobody a right to Secrets, roles or other people's workloads", func() {
		for _, account := range []string{
			"system:serviceaccount:symphony-operator-weave:symphony-weave-manager", "system:serviceaccount:kube-system:symphony-weave-agent",
			"system:serviceaccount:kube-system:weave-net",
		} {
			for _, right := range []string{"get secrets", "list secrets", "create clusterroles", "create pods", "delete pods", "create deployments.apps", "patch nodes"} {
				output, err := f.try("", append(append([]string{"auth", "can-i"}, strings.Fields(right)...), "--as="+account)...)
				Expect(err).To(HaveOccurred(), "%s may %s", account, right)
				Expect(output).To(HaveSuffix("no\n")) // after a warning for kinds without namespaces
			}
		}
		Expect(f.kubectl("auth", "can-i", "create", "daemonsets.apps", "--as=system:serviceaccount:symphony-operator-weave:symphony-weave-manager")).To(
			HavePrefix("yes"), "the question is asked right")
	})

	// Each of these takes more than the minute for which something must be bad before a condition that was good says so: so
	// they spoil one thing of each kind at a time.
	DescribeTable("tells what is wrong, and when it is well again", func(ctx SpecContext, spoiled map[string]control.Document, told map[string][]string) {
		addresses := machines(ctx)
		for node, document := range spoiled {
			Expect(control.Put(ctx, addresses[node], &document)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(control.Delete(ctx, addresses[node])).To(Succeed()) })
		}
		for kind, texts := range told {
			message := f.wait(ctx, kind, metav1.ConditionFalse, texts[0])
			for _, text := range texts[1:] {
				Expect(message).To(ContainSubstring(text))
			}
		}
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, "")
		for node := range spoiled {
			Expect(control.Delete(ctx, addresses[node])).To(Succeed())
		}
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	},
		Entry("peers that failed, a stale address on a bridge", map[string]control.Document{
			"node1": {Connections: map[string]control.Connection{"node2": {State: control.Failed, Info: "dial tcp4 :0->172.30.88.12:6783: connect: connection refused"}}},
			"node2": {Connections: map[string]control.Connection{"node1": {State: control.Failed}}},
			"node3": {Bridge: new("10.44.0.1/12")},
		}, map[string][]string{
			v1alpha1.ConditionPeersConnected: {v1alpha1.ReasonPeersFailed, "1 of 3 pairs", "node1 ↔ node2"},
			v1alpha1.ConditionHostsExposed:   {v1alpha1.ReasonStaleBridgeAddress, "node3", "10.44.0.1/12"},
		}),
		Entry("UDP that passes one way only, a split brain, the same address twice", map[string]control.Document{
			"node1": {Owners: []string{"node1"}},
			"node2": {Owners: []string{"node2", "node3"}, Bridge: new("10.32.0.1/12"), Claim: new("10.32.0.1/12")},
			"node3": {Owners: []string{"node2", "node3"}, Connections: map[string]control.Connection{"node2": {State: control.Pending}}},
		}, map[string][]string{
			v1alpha1.ConditionPeersConnected: {v1alpha1.ReasonUDPBlocked, "node2 ↔ node3", "UDP"},
			v1alpha1.ConditionIPAMReady:      {v1alpha1.ReasonSplitBrain, "node2, node3 | node1"},
			v1alpha1.ConditionHostsExposed:   {v1alpha1.ReasonDuplicateAddress, "node1, node2 all have 10.32.0.1"},
		}),
		Entry("different passwords, a quorum that is missing and so no address", map[string]control.Document{
			"node1": {Connections: map[string]control.Connection{
				"node2": {State: control.Failed, Info: "password specified, but peer requested an unencrypted connection"},
			}},
			"node2": {Connections: map[string]control.Connection{"node1": {State: control.Failed}}},
			"node3": {Paxos: &control.Paxos{Quorum: 2, Known: 1}},
		}, map[string][]string{
			v1alpha1.ConditionPeersConnected: {v1alpha1.ReasonPasswordMismatch, "node1 ↔ node2"},
			v1alpha1.ConditionIPAMReady:      {v1alpha1.ReasonAwaitingConsensus, "node3"},
			v1alpha1.ConditionHostsExposed:   {v1alpha1.ReasonNotExposed, "node3"},
		}),
	)

	It("has no router replaced by another node, or by a new version of the operator", func(ctx SpecContext) {
		before := f.routers(ctx)
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "without-kubelet", Labels: map[string]string{corev1.LabelOSStable: "linux"}}}
		Expect(api.Create(ctx, node)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(api.Delete(ctx, node))).To(Succeed()) })
		Eventually(ctx, func() string {
			return f.kubectl("get", "daemonset", names.WeaveRouters, "-o", "jsonpath={.status.desiredNumberScheduled}")
		}).Should(Equal("4"))
		networkers.kubectl("rollout", "restart", "deployment/symphony-weave-manager")
		networkers.kubectl("rollout", "status", "deployment/symphony-weave-manager", "--timeout=60s")
		Expect(api.Delete(ctx, node)).To(Succeed())
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		Expect(f.routers(ctx)).To(Equal(before))
	})

	It("holds a Symphony cluster's compute back until it is ready, and not a moment longer", func(ctx SpecContext) {
		g := newGrid(ctx)
		address := machines(ctx)["node2"]
		Expect(control.Put(ctx, address, &control.Document{Range: "10.128.0.0/12"})).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(control.Delete(ctx, address)).To(Succeed()) })
		f.wait(ctx, v1alpha1.ConditionIPAMReady, metav1.ConditionFalse, v1alpha1.ReasonRangeMismatch)
		g.apply(object{"network": object{"mode": "Weave"}})
		message := g.waitCondition(ctx, v1alpha1.ConditionNetworkReady, metav1.ConditionFalse, v1alpha1.ReasonWeaveNotReady)
		Expect(message).To(ContainSubstring("10.128.0.0/12"))
		g.waitCondition(ctx, v1alpha1.ConditionMasterReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
		Expect(g.pods(ctx, names.Compute)).To(BeEmpty())
		Expect(control.Delete(ctx, address)).To(Succeed())
		g.waitReady()
		g.kubectl("delete", "symphonycluster/prod", "--wait")
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	})

	// The stand-in connects nothing, so routes are what carries packets to the machines' overlay addresses.
	It("has the way from pods to the machines measured", func(ctx SpecContext) {
		g, addresses := newGrid(ctx), machines(ctx)
		route := func(ctx context.Context, what, from, to string) {
			overlay, _, _ := strings.Cut(f.report(ctx, to).Overlay.Address, "/")
			onNode(ctx, from, "ip", "route", what, overlay+"/32", "via", addresses[to])
		}
		connect := func(from, to string) {
			route(ctx, "add", from, to)
			DeferCleanup(func(ctx SpecContext) { route(ctx, "delete", from, to) })
		}
		for from := range addresses {
			for to := range addresses {
				if from != to && (from != "node1" || to != "node2") {
					connect(from, to)
				}
			}
		}
		check := g.measureHosts(ctx)
		ready := meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady)
		Expect(ready.Reason).To(Equal(v1alpha1.ReasonHostBlocked))
		Expect(ready.Message).To(MatchRegexp(`^1 of 6 pairs failed; node1 → node2: TCP does not pass from pods of node1 to the overlay address [\d.]+ of node2: .+`))
		Expect(check.Status.Results[0].TCP.MegabitsPerSecond).To(BeNumerically(">", 10))
		Expect(check.Status.Results[0].UDP.Packets).To(BeNumerically(">", 100))
		g.kubectl("delete", "networkcheck/network")

		connect("node1", "node2")
		check = g.measureHosts(ctx)
		Expect(meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue(), "%+v", check.Status)
		Expect(check.Status.Overlay).To(HaveLen(3))
		Expect(check.Status.Results).To(HaveLen(6))
		for _, pair := range check.Status.Results {
			Expect(pair.Host).NotTo(BeNil(), "%+v", pair)
			Expect(pair.Host.MegabitsPerSecond).To(BeNumerically(">", 10), "%+v", pair)
		}
		Eventually(ctx, func() []corev1.Pod { return g.allPods(ctx) }).Should(BeEmpty(), "nothing but the result is left")
	})

	It("gets another image one node after the other", func(ctx SpecContext) {
		before := f.routers(ctx)
		f.apply(object{"image": "weavesim:2"})
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		f.waitReplaced(ctx, before)
	})

	It("gets a password as soon as its Secret is there, on all nodes at once", func(ctx SpecContext) {
		before := f.routers(ctx)
		f.apply(object{"image": "weavesim:2", "password": object{"secretKeyRef": object{"name": "weave-e2e", "key": "password"}}})
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPasswordMissing)
		Expect(f.routers(ctx)).To(Equal(before))
		f.kubectl("create", "secret", "generic", "weave-e2e", "--from-literal=password=not-a-secret")
		// The kubelet shows a new Secret to a running agent after up to a minute and a half.
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		f.waitEncrypted(ctx, true)
		Expect(f.kubectl("get", "daemonset", names.WeaveRouters, "-o", "jsonpath={.spec.updateStrategy.rollingUpdate.maxUnavailable}")).To(Equal("1"))

		By("changing it, as the documentation says")
		before = f.routers(ctx)
		f.kubectl("patch", "weavenetwork/default", "--type=merge", "-p", `{"spec":{"password":{"revision":"2"}}}`)
		f.waitReplaced(ctx, before)

		By("taking it away")
		before = f.routers(ctx)
		f.kubectl("patch", "weavenetwork/default", "--type=merge", "-p", `{"spec":{"password":null}}`)
		f.waitReplaced(ctx, before)
		f.waitEncrypted(ctx, false)
	})

	It("runs on when the WeaveNetwork is deleted, and is taken over by another one", func(ctx SpecContext) {
		before := f.routers(ctx)
		f.kubectl("delete", "weavenetwork/default", "--timeout=30s")
		Eventually(ctx, func() string { return f.kubectl("get", "daemonsets", names.WeaveAgents, "--ignore-not-found") }).Should(BeEmpty())
		Expect(f.routers(ctx)).To(Equal(before))
		By("refusing what cannot be changed, and touching nothing")
		f.apply(object{"image": "weavesim:2", "ipRange": "10.48.0.0/12"})
		f.wait(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonIncompatible)
		Expect(f.routers(ctx)).To(Equal(before))
		f.kubectl("delete", "weavenetwork/default", "--timeout=30s")

		f.apply(object{"image": "weavesim:2", "cleanupPolicy": "Clean"})
		f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		Expect(f.routers(ctx)).To(Equal(before))
	})

	It("leaves the nodes as they were when it is to be clean", func(ctx SpecContext) {
		for node := range machines(ctx) {
			// What the real one makes beside links and files.
			for _, rule := range []string{
				"--new-chain WEAVE-NPC", "--append FORWARD --out-interface weave --jump WEAVE-NPC",
				"--table nat --new-chain WEAVE", "--table nat --append POSTROUTING --jump WEAVE",
			} {
				onNode(ctx, node, append([]string{"iptables", "--wait"}, strings.Fields(rule)...)...)
			}
			Expect(filesOn(node)).NotTo(BeEmpty())
		}
		f.kubectl("delete", "weavenetwork/default", "--timeout="+promptly.String())
		for node := range machines(ctx) {
			Expect(onNode(ctx, node, "ip", "-brief", "link")).NotTo(ContainSubstring("weave"))
			Expect(strings.ToLower(onNode(ctx, node, "iptables-save"))).NotTo(ContainSubstring("weave"))
			Expect(filesOn(node)).To(BeEmpty())
		}
		Eventually(ctx, func() string {
			return f.kubectl("get", "daemonsets,configmaps,pods", "-l", "name in (weave-net,symphony-weave-agent)", "--ignore-not-found")
		}).Should(BeEmpty())
	})
})

// machines are the nodes' addresses by name.
func machines(ctx context.Context) map[string]string {
	GinkgoHelper()
	var nodes corev1.NodeList
	Expect(api.List(ctx, &nodes)).To(Succeed())
	addresses := map[string]string{}
	for i := range nodes.Items {
		for _, address := range nodes.Items[i].Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				addresses[nodes.Items[i].Name] = address.Address
			}
		}
	}
	Expect(addresses).To(HaveLen(3))
	return addresses
}

// onNode runs a command in the network of a node of the local cluster.
func onNode(ctx context.Context, node string, command ...string) string {
	GinkgoHelper()
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	arguments := append([]string{"--net=/run/netns/symlc-" + node}, command...)
	output, err := exec.CommandContext(bounded, "nsenter", arguments...).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "nsenter %s: %s", strings.Join(arguments, " "), output)
	return string(output)
}

// filesOn are Weave's files on a node of the local cluster, which has these directories of its own.
func filesOn(node string) []string {
	GinkgoHelper()
	var files []string
	for _, pattern := range []string{"etc/cni/net.d/*", "opt/cni/bin/*", "var/lib/weave/*"} {
		found, err := filepath.Glob(filepath.Join("..", "..", ".localcluster", "nodes", node, "bound", pattern))
		Expect(err).NotTo(HaveOccurred())
		files = append(files, found...)
	}
	return files
}

// conflicts are what the local cluster has against Weave.
var conflicts = []string{"PodsOutsideRange", "Missing/file: /opt/cni/bin/portmap", "Missing/kernel: dummy", "DuplicateMachineID"}

// networkers is the namespace of the network's manager.
var networkers = &grid{namespace: "symphony-operator-weave"}

// everywhere is for manifests whose objects have namespaces of their own.
var everywhere = &grid{}

// fabric is the one WeaveNetwork, in kube-system.
type fabric struct{ *grid }

func (f *fabric) install() {
	GinkgoHelper()
	everywhere.kubectl("apply", "-k", "../../config/weave/weave-net")
	everywhere.kubectl("apply", "-k", "../../config/weave")
	networkers.kubectl("rollout", "status", "deployment/symphony-weave-manager", "--timeout=60s")
}

// uninstall gets rid of everything, also after a spec that failed half way.
func (f *fabric) uninstall() {
	if f.kubectl("get", "weavenetworks", "--output=name") != "" {
		f.kubectl("patch", "weavenetwork/default", "--type=merge", "-p", `{"spec":{"cleanupPolicy":"Clean"}}`)
		f.kubectl("delete", "weavenetwork/default", "--timeout="+promptly.String())
	}
	f.kubectl("delete", "daemonset,configmap", names.WeaveRouters, "--ignore-not-found")
	everywhere.kubectl("delete", "-k", "../../config/weave", "--ignore-not-found")
	everywhere.kubectl("delete", "-k", "../../config/weave/weave-net", "--ignore-not-found")
	f.kubectl("delete", "secret", "weave-e2e", "--ignore-not-found")
}

// tell prints what a person would look at after a failure.
func (f *fabric) tell() {
	for _, look := range [][]string{
		{"get", "weavenetworks,weavenodes,daemonsets,pods", "-o", "wide"},
		{"get", "weavenetworks,weavenodes", "-o", "yaml"},
		{"logs", "-l", "name=symphony-weave-agent", "--tail=20"},
		{"logs", "--namespace", "symphony-operator-weave", "-l", "app.kubernetes.io/name=symphony-operator-weave", "--tail=40"},
	} {
		output, _ := f.try("", look...)
		GinkgoWriter.Println("\n$ kubectl", strings.Join(look, " "), "\n"+output)
	}
}

// apply applies the WeaveNetwork of the stand-in, with a spec merged over it; nil takes a field away.
func (f *fabric) apply(spec object) {
	GinkgoHelper()
	whole := object{
		"managementPolicy": "Managed", "ipRange": "10.32.0.0/12", "image": "weavesim:dev", "npcImage": "weavesim:dev", "initialPeerCount": 3,
		"allowConflicts": conflicts,
	}
	merge(whole, spec)
	maps.DeleteFunc(whole, func(_ string, value any) bool { return value == nil })
	data, err := json.Marshal(object{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "WeaveNetwork", "metadata": object{"name": "default"}, "spec": whole,
	})
	Expect(err).NotTo(HaveOccurred())
	output, err := f.try(string(data), "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred(), output)
}

// wait waits for a condition of the present generation and returns its message; an empty reason means any.
func (f *fabric) wait(ctx context.Context, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	message := ""
	Eventually(ctx, func(g Gomega) {
		network := &v1alpha1.WeaveNetwork{}
		g.Expect(api.Get(ctx, client.ObjectKey{Name: names.WeaveNetwork}, network)).To(Succeed())
		at := slices.IndexFunc(network.Status.Conditions, func(c metav1.Condition) bool { return c.Type == kind })
		g.Expect(at).To(BeNumerically(">=", 0), "%+v", network.Status)
		found := network.Status.Conditions[at]
		g.Expect(found.ObservedGeneration).To(Equal(network.Generation))
		g.Expect(found.Status).To(Equal(status), "%+v", network.Status)
		if reason != "" {
			g.Expect(found.Reason).To(Equal(reason), "%+v", network.Status)
		}
		message = found.Message
	}).Should(Succeed())
	return message
}

// routers are the UIDs of Weave's pods, by node.
func (f *fabric) routers(ctx context.Context) map[string]string {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(api.List(ctx, &pods, client.InNamespace(names.WeaveNamespace), client.MatchingLabels{names.LabelWeave: names.WeaveRouters})).To(Succeed())
	uids := map[string]string{}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil && pods.Items[i].Spec.NodeName != "" && strings.HasPrefix(pods.Items[i].Spec.NodeName, "node") {
			uids[pods.Items[i].Spec.NodeName] = string(pods.Items[i].UID)
		}
	}
	return uids
}

// waitReplaced waits until every node has another router, and all is well.
func (f *fabric) waitReplaced(ctx context.Context, before map[string]string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		after := f.routers(ctx)
		g.Expect(after).To(HaveLen(len(before)))
		for node := range after {
			g.Expect(after[node]).NotTo(Equal(before[node]))
		}
	}).Should(Succeed())
	f.wait(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// waitEncrypted waits until every agent says that its router has a password, or has none.
func (f *fabric) waitEncrypted(ctx context.Context, encrypted bool) {
	GinkgoHelper()
	for node := range machines(ctx) {
		Eventually(ctx, func() bool { return f.report(ctx, node).Encrypted }).Should(Equal(encrypted))
	}
}

func (f *fabric) report(ctx context.Context, node string) v1alpha1.WeaveNodeStatus {
	GinkgoHelper()
	report := &v1alpha1.WeaveNode{}
	Expect(api.Get(ctx, client.ObjectKey{Name: node}, report)).To(Succeed())
	return report.Status
}
