// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

const (
	blockedUDP = `{"error":"unable to read from stream socket: Resource temporarily unavailable"}`
	refusedTCP = `{"error":"unable to connect to server: Connection refused"}`
)

func (w *world) newCheck(ctx context.Context, name string, spec v1alpha1.NetworkCheckSpec) {
	GinkgoHelper()
	Expect(api.Create(ctx, w.check(name, spec))).To(Succeed())
}

func (w *world) check(name string, spec v1alpha1.NetworkCheckSpec) *v1alpha1.NetworkCheck {
	return &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Spec: spec}
}

func (w *world) checkPods(ctx context.Context, role string) []corev1.Pod {
	GinkgoHelper()
	var pods corev1.PodList
	labels := client.MatchingLabels{names.LabelNetworkCheck: "network"}
	if role != "" {
		labels[names.LabelRole] = role
	}
	Expect(api.List(ctx, &pods, client.InNamespace(w.namespace), labels)).To(Succeed())
	return pods.Items
}

func (w *world) waitCheck(ctx context.Context, kind string, status metav1.ConditionStatus) *v1alpha1.NetworkCheck {
	GinkgoHelper()
	var check *v1alpha1.NetworkCheck
	Eventually(func(g Gomega) {
		check = get[v1alpha1.NetworkCheck](ctx, w, "network")
		condition := meta.FindStatusCondition(check.Status.Conditions, kind)
		g.Expect(condition).NotTo(BeNil())
		g.Expect(condition.Status).To(Equal(status), "%+v", condition)
	}).WithContext(ctx).Should(Succeed())
	return check
}

// expose has a node's agent say that it has this address on the overlay. The kind is the whole Kubernetes cluster's: specs that
// do so are Serial.
func (w *world) expose(ctx context.Context, node, address string) {
	GinkgoHelper()
	report := &v1alpha1.WeaveNode{ObjectMeta: metav1.ObjectMeta{Name: node}}
	Expect(api.Create(ctx, report)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(api.Delete(ctx, report))).To(Succeed()) })
	report.Status = v1alpha1.WeaveNodeStatus{
		Router: v1alpha1.RouterRunning, Overlay: v1alpha1.WeaveOverlay{Address: address, Claim: address, Since: metav1.Now()},
	}
	Expect(api.Status().Update(ctx, report)).To(Succeed())
}

var _ = Describe("A NetworkCheck", func() {
	It("measures once, says what it measured, and leaves nothing but that", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.State{Printed: []string{kubelet.TCPReport, kubelet.UDPReport}})
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{})
		w.kubectl("wait", "--for=condition=Complete", "networkcheck/network", "--timeout=30s")
		check := w.waitCheck(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue)
		Expect(check.Status.Nodes).To(Equal([]string{"node-1", "node-2"}))
		result := func(from, to string) v1alpha1.PairResult {
			return v1alpha1.PairResult{
				From: from, To: to, Reason: v1alpha1.ReasonPassed,
				TCP: &v1alpha1.TCPResult{MegabitsPerSecond: 941, Retransmits: 3},
				UDP: &v1alpha1.UDPResult{KilobitsPerSecond: 9995, Packets: 3662, Lost: 2, JitterMicroseconds: 21},
			}
		}
		Expect(check.Status.Results).To(Equal([]v1alpha1.PairResult{result("node-1", "node-2"), result("node-2", "node-1")}))
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, "") }).Should(BeEmpty())

		By("showing it as the article's netperf did")
		table := strings.Split(strings.TrimSpace(w.kubectl("get", "networkcheck", "-o", "wide")), "\n")
		Expect(oneLine(table[0])).To(Equal("NAME PASSED PAIRS DONE FAILED MIN-TCP MAX-UDP-LOSS AGE MEDIAN-TCP MIN-UDP MAX-JITTER WORST MESSAGE"))
		Expect(oneLine(table[1])).To(MatchRegexp(`^network True 2 2 0 941 Mbit/s 0\.05% \d+s 941 Mbit/s 9\.9 Mbit/s 0\.021 ms node-1 → node-2 2 of 2 pairs passed`))

		By("writing nothing any more, nor after a restart")
		before := check.ResourceVersion
		w.restartOperator()
		Consistently(w.operator.writes.Writes).Should(BeEmpty())
		Expect(get[v1alpha1.NetworkCheck](ctx, w, "network").ResourceVersion).To(Equal(before))
		Expect(w.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")).To(Equal("Passed"))
	})

	It("goes on with another operator where the first one ended", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.Starting)
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{Pairs: v1alpha1.PairsRing})
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, names.CheckClient) }).Should(HaveLen(2))

		By("measuring while nobody looks")
		w.operator.stop()
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.State{Printed: []string{kubelet.TCPReport, kubelet.UDPReport}})
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, names.CheckClient) }).Should(HaveEach(HaveField("Status.Phase", corev1.PodSucceeded)))
		w.startOperator()
		check := w.waitCheck(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue)
		Expect(check.Status.Pairs).To(Equal(v1alpha1.NetworkCheckCounts{Total: 2, Finished: 2}))
		Expect(w.operator.writes.Matching("POST", "/pods")).To(BeEmpty(), "what was measured is not measured again")
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, "") }).Should(BeEmpty())
	})

	It("that fails says which pair, and which protocol", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.State{Printed: []string{kubelet.TCPReport, blockedUDP}})
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{})
		check := w.waitCheck(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		ready := meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady)
		Expect(ready.Reason).To(Equal(v1alpha1.ReasonUDPBlocked))
		Expect(ready.Message).To(Equal("2 of 2 pairs failed; node-1 → node-2: UDP does not pass: " +
			"unable to read from stream socket: Resource temporarily unavailable (TCP does, at 941 Mbit/s)"))
		Expect(check.Status.Summary.MaxUDPLoss).To(BeEmpty())
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, "") }).Should(BeEmpty())
	})

	It("measures the nodes that its placement allows", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{Placement: v1alpha1.NetworkCheckPlacement{
			NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{
					Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"node-2"},
				}}}},
			}},
		}})
		check := w.waitCheck(ctx, v1alpha1.ConditionComplete, metav1.ConditionTrue)
		Expect(check.Status.Nodes).To(Equal([]string{"node-2"}))
		Expect(meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonNothingToMeasure))

		By("there being none at all")
		w.kubectl("delete", "networkcheck/network")
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{Placement: v1alpha1.NetworkCheckPlacement{NodeSelector: map[string]string{"pool": "none"}}})
		check = w.waitCheck(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonNoNodes))
	})

	It("whose pods the namespace refuses is told why, and ends in time", func(ctx SpecContext) {
		w := newWorld(ctx)
		policy := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "large"}}
		policy.Spec.Limits = []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Min: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
		}}
		Expect(api.Create(ctx, policy)).To(Succeed())
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{TimeoutSeconds: 10})
		Eventually(func() string {
			check := get[v1alpha1.NetworkCheck](ctx, w, "network")
			if ready := meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
				return ready.Message
			}
			return ""
		}).Should(And(HavePrefix("creating the pods that measure is refused"), ContainSubstring("minimum memory usage per Container is 512Mi")))
		check := w.waitCheck(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady).Message).
			To(And(HavePrefix("2 of 2 pairs failed; node-1 → node-2: it was not measured within the check's 10 s: creating the pods that measure is refused"),
				ContainSubstring("minimum memory usage per Container is 512Mi")))
	})

	It("measures the way to the machines themselves, where they are on an overlay", Serial, func(ctx SpecContext) {
		w := newWorld(ctx)
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{Hosts: v1alpha1.HostsOverlay})
		check := w.waitCheck(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		ready := meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady)
		Expect(ready.Reason).To(Equal(v1alpha1.ReasonNoOverlay))
		Expect(ready.Message).To(ContainSubstring("it takes a WeaveNetwork, docs/weave.md"))
		w.kubectl("delete", "networkcheck/network")

		By("one of the two being on it, which refuses")
		w.expose(ctx, "node-2", "10.40.0.0/12")
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.State{Printed: []string{kubelet.TCPReport, kubelet.UDPReport, refusedTCP}})
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{Hosts: v1alpha1.HostsOverlay})
		check = w.waitCheck(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(check.Status.Overlay).To(Equal([]v1alpha1.NetworkCheckOverlay{{Node: "node-2", Address: "10.40.0.0"}}))
		ready = meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady)
		Expect(ready.Reason).To(Equal(v1alpha1.ReasonHostBlocked))
		Expect(ready.Message).To(Equal("1 of 2 pairs failed; node-1 → node-2: TCP does not pass from pods of node-1 to " +
			"the overlay address 10.40.0.0 of node-2: unable to connect to server: Connection refused"))
		Expect(check.Status.Results[0].TCP).NotTo(BeNil())
		Expect(check.Status.Results[0].UDP).NotTo(BeNil())
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, "") }).Should(BeEmpty())
		w.kubectl("delete", "networkcheck/network")

		By("both being on it, and a receiver that takes its time")
		w.expose(ctx, "node-1", "10.32.0.1/12")
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.State{Printed: []string{kubelet.TCPReport, kubelet.UDPReport, kubelet.TCPReport}})
		w.kubelet.When(kubelet.Role(names.CheckHostServer), kubelet.Starting)
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{Hosts: v1alpha1.HostsOverlay})
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, names.CheckHostServer) }).Should(
			And(HaveLen(2), HaveEach(HaveField("Spec.HostNetwork", BeTrue()))))
		Consistently(func() []corev1.Pod { return w.checkPods(ctx, names.CheckClient) }).Should(BeEmpty())
		w.kubelet.When(kubelet.Role(names.CheckHostServer), kubelet.Running)
		check = w.waitCheck(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue)
		Expect(check.Status.Results).To(And(HaveLen(2), HaveEach(HaveField("Host", Equal(&v1alpha1.TCPResult{MegabitsPerSecond: 941, Retransmits: 3})))))
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, "") }).Should(BeEmpty())
	})

	It("whose namespace allows no pods on the host network ends in time, and says so", Serial, func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubectl("label", "namespace", w.namespace, "pod-security.kubernetes.io/enforce=restricted")
		w.expose(ctx, "node-1", "10.32.0.1/12")
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.State{Printed: []string{kubelet.TCPReport, kubelet.UDPReport}})
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{Hosts: v1alpha1.HostsOverlay, TimeoutSeconds: 10})
		refused := And(ContainSubstring("creating the pods that measure is refused"), ContainSubstring("host namespaces"))
		Eventually(func() []metav1.Condition {
			return get[v1alpha1.NetworkCheck](ctx, w, "network").Status.Conditions
		}).Should(ContainElement(And(HaveField("Type", v1alpha1.ConditionReconciling), HaveField("Message", refused))))
		check := w.waitCheck(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		ready := meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionReady)
		Expect(ready.Message).To(refused)
		Expect(ready.Message).To(HavePrefix("1 of 2 pairs failed; node-2 → node-1: it was not measured within the check's 10 s"))
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, "") }).Should(BeEmpty())
	})

	It("is deleted with its pods, and never changed", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.kubelet.When(kubelet.Role(names.CheckClient), kubelet.Starting)
		w.newCheck(ctx, "network", v1alpha1.NetworkCheckSpec{})
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, names.CheckClient) }).Should(HaveLen(2))
		for _, edit := range []string{`{"spec":{"seconds":7}}`, `{"spec":{"image":"other"}}`} {
			output, err := w.tryKubectl("", "patch", "networkcheck/network", "--type=merge", "-p", edit)
			Expect(err).To(HaveOccurred())
			Expect(output).To(ContainSubstring("spec cannot be changed: a check runs once. Delete it and create another one"))
		}
		w.kubectl("delete", "networkcheck/network", "--timeout=30s")
		Eventually(func() []corev1.Pod { return w.checkPods(ctx, "") }).Should(BeEmpty())
	})

	DescribeTable("is refused at admission", func(ctx SpecContext, name string, spec v1alpha1.NetworkCheckSpec, message string) {
		w := newWorldWithoutOperator(ctx)
		err := api.Create(ctx, w.check(name, spec), client.DryRunAll)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring(message)))
	},
		Entry("with a long name", strings.Repeat("a", 51), v1alpha1.NetworkCheckSpec{}, "metadata.name must be a DNS label of at most 50 characters"),
		Entry("with an unknown choice of pairs", "network", v1alpha1.NetworkCheckSpec{Pairs: "Some"}, `supported values: "Ring", "All", "Sample"`),
		Entry("with an unknown choice of hosts", "network", v1alpha1.NetworkCheckSpec{Hosts: "All"}, `supported values: "Skip", "Overlay"`),
		Entry("with more seconds than a minute", "network", v1alpha1.NetworkCheckSpec{Seconds: 61}, "should be less than or equal to 60"),
		Entry("with a loss of more than everything", "network",
			v1alpha1.NetworkCheckSpec{Thresholds: v1alpha1.NetworkCheckThresholds{MaxUDPLossPercent: new(int32(101))}}, "should be less than or equal to 100"),
	)

	It("can be asked what its fields mean, and is taken from its sample", func() {
		w := newWorldWithoutOperator(background())
		Expect(oneLine(w.kubectl("explain", "networkcheck.spec"))).To(And(
			ContainSubstring("Default: All of up to 6 nodes, else Ring."), ContainSubstring("A single pair has one minute")))
		w.kubectl("apply", "-f", "../../config/samples/networkcheck.yaml")
	})
})
