// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// overlay gives the first nodes an address each, and has the check measure to them.
func (w *world) overlay(count int) {
	w.facts.Check.Spec.Hosts = v1alpha1.HostsOverlay
	for i := range count {
		w.facts.Overlay = append(w.facts.Overlay, v1alpha1.NetworkCheckOverlay{Node: fmt.Sprintf("node%d", i+1), Address: fmt.Sprintf("10.32.0.%d", i+1)})
	}
}

// finish lets every pair be measured, as often as pods are created for it.
func (w *world) finish() {
	w.Helper()
	for range 20 {
		for _, pod := range w.pass().Create {
			w.end(w.facts.Pods[pod.Name])
		}
		if meta.IsStatusConditionTrue(w.facts.Check.Status.Conditions, v1alpha1.ConditionComplete) {
			return
		}
	}
	w.Fatal("the check does not end")
}

func (w *world) result(from, to string) v1alpha1.PairResult {
	w.Helper()
	for _, result := range w.facts.Check.Status.Results {
		if result.From == from && result.To == to {
			return result
		}
	}
	w.Fatalf("%s has not measured to %s: %+v", from, to, w.facts.Check.Status)
	return v1alpha1.PairResult{}
}

func TestTheWayToTheMachines(t *testing.T) {
	w := newWorld(t, 3, v1alpha1.NetworkCheckSpec{Pairs: v1alpha1.PairsRing})
	w.overlay(2)
	w.pass()
	w.g.Expect(w.facts.Check.Status.Overlay).To(Equal(w.facts.Overlay))

	// An address that changes, or comes, is the next check's.
	w.facts.Overlay = nil
	var made []string
	for _, pod := range w.pass().Create {
		made = append(made, pod.Name)
		w.ready(pod.Name)
	}
	w.g.Expect(made).To(ConsistOf("nightly-server-0", "nightly-server-1", "nightly-server-2", "nightly-host-0", "nightly-host-1"))
	w.finish()
	w.expectEnded(metav1.ConditionTrue, v1alpha1.ReasonPassed, "3 of 3 pairs passed: TCP at least 12248 Mbit/s, UDP loss at most 0.00%")
	w.g.Expect(w.result("node1", "node2").Host).To(Equal(&v1alpha1.TCPResult{MegabitsPerSecond: 12248, Retransmits: 8}))
	w.g.Expect(w.result("node3", "node1").Host).NotTo(BeNil())
	w.g.Expect(w.result("node2", "node3").Host).To(BeNil(), "it has no such address")
	w.g.Expect(w.facts.Check.Status.Overlay).To(HaveLen(2))
	w.g.Expect(w.pass().Delete).To(HaveLen(8), "and all are deleted in the end")
}

func TestThePodsThatMeasureTheWayToTheMachines(t *testing.T) {
	w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{Seconds: 7})
	w.overlay(2)
	w.start()
	client := w.pass().Create[0]
	var legs []string
	for _, container := range append(client.Spec.InitContainers, client.Spec.Containers...) {
		legs = append(legs, container.Name)
	}
	w.g.Expect(legs).To(Equal([]string{"tcp", "udp", "host"}), "one that fails, or hangs, must not hide what pods do among themselves")
	w.g.Expect(client.Spec.Containers[0].Command).To(Equal(strings.Fields(
		"/usr/bin/iperf3 -c 10.32.0.2 -p 5202 -t 7 -J -i 0 --connect-timeout 5000 --logfile /dev/termination-log")))
	w.g.Expect(*client.Spec.ActiveDeadlineSeconds).To(BeEquivalentTo(60 + 10 + 3*7))
	w.g.Expect(client.Spec.HostNetwork).To(BeFalse())
	w.facts.Now = noon.Add(90 * time.Second)
	w.g.Expect(w.pass().Next).To(Equal(time.Second), "it is waited for as long")

	server := w.facts.Pods["nightly-host-1"]
	w.g.Expect(server.Labels).To(HaveKeyWithValue(names.LabelRole, names.CheckHostServer))
	w.g.Expect(server.Spec.HostNetwork).To(BeTrue())
	container := server.Spec.Containers[0]
	w.g.Expect(container.Command).To(Equal(strings.Fields("/usr/bin/iperf3 -s -B 10.32.0.2 -p 5202")))
	w.g.Expect(container.StartupProbe.TCPSocket.Host).To(Equal("10.32.0.2"))
	w.g.Expect(container.StartupProbe.TCPSocket.Port.IntValue()).To(Equal(5202))
	w.g.Expect(container.SecurityContext).To(Equal(client.Spec.Containers[0].SecurityContext))
	w.g.Expect(*server.Spec.SecurityContext.RunAsNonRoot).To(BeTrue())
	w.g.Expect(server.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields[0].Values).
		To(Equal([]string{"node2"}))
}

func TestWaysToTheMachinesThatDoNotPass(t *testing.T) {
	refused := "unable to connect to server: Connection refused"
	lossy := `{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":51},"sum_received":{"bytes":971776}}}`
	for name, c := range map[string]struct {
		tcp, udp, host  string
		reason, message string
		again           bool
	}{
		"the machine refuses": {
			host: printed(t, "refused"), reason: v1alpha1.ReasonHostBlocked,
			message: "TCP does not pass from pods of node1 to the overlay address 10.32.0.2 of node2: " + refused,
		},
		"no data arrives": {
			host: `{"end":{"sum_received":{"bits_per_second":0}}}`, reason: v1alpha1.ReasonHostBlocked,
			message: "TCP does not pass from pods of node1 to the overlay address 10.32.0.2 of node2: no data went through",
		},
		"the pod is ended before":        {host: "", reason: v1alpha1.ReasonNotMeasured, message: "TCP to the overlay address 10.32.0.2 of node2 was not measured: its pod was ended before"},
		"its receiver is busy":           {host: `{"error":"the server is busy running a test. try again later"}`, again: true},
		"pods are blocked too, by TCP":   {tcp: printed(t, "refused"), host: printed(t, "refused"), reason: v1alpha1.ReasonTCPBlocked, message: "TCP does not pass: " + refused},
		"pods are blocked too, by UDP":   {udp: `{"error":"no UDP"}`, host: printed(t, "refused"), reason: v1alpha1.ReasonUDPBlocked, message: "UDP does not pass: no UDP (TCP does, at 12248 Mbit/s)"},
		"UDP loses packets beside":       {udp: lossy, host: printed(t, "refused"), reason: v1alpha1.ReasonHostBlocked, message: "TCP does not pass from pods of node1 to the overlay address 10.32.0.2 of node2: " + refused},
		"only pods are blocked, by TCP":  {tcp: printed(t, "refused"), host: printed(t, "tcp"), reason: v1alpha1.ReasonTCPBlocked, message: "TCP does not pass: " + refused},
		"it is slower than pods must be": {host: `{"end":{"sum_received":{"bits_per_second":2e6}}}`, reason: v1alpha1.ReasonPassed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{Thresholds: v1alpha1.NetworkCheckThresholds{MinTCPMegabitsPerSecond: 1000}})
			w.overlay(2)
			w.start()
			if c.tcp != "" {
				w.tcp = c.tcp
			}
			if c.udp != "" {
				w.udp = c.udp
			}
			w.host = c.host
			client := w.pass().Create[0]
			w.end(w.facts.Pods[client.Name])
			pair := withOverlay(ring(w.facts.Check.Status.Nodes), w.facts.Check.Status.Overlay)[0]
			result, again := read(w.facts.Check, pair, w.facts.Pods[client.Name], "")
			w.g.Expect(again).To(Equal(c.again))
			if again {
				return
			}
			w.g.Expect(result.Reason).To(Equal(c.reason))
			w.g.Expect(result.Message).To(Equal(c.message))
			w.g.Expect(result.TCP == nil).To(Equal(c.tcp != ""), "what was measured is told")
			w.g.Expect(result.Host == nil).To(Equal(c.reason != v1alpha1.ReasonPassed && !strings.HasPrefix(name, "only pods")))
		})
	}
}

// Some iperf3 end with an error when they could not measure, and with the container its pod.
func TestAnIperf3ThatEndsWithAnError(t *testing.T) {
	w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{})
	w.overlay(2)
	w.start()
	w.host = printed(t, "refused")
	for _, pod := range w.pass().Create {
		pod := w.facts.Pods[pod.Name]
		w.end(pod)
		pod.Status.Phase, pod.Status.ContainerStatuses[0].State.Terminated.ExitCode = corev1.PodFailed, 1
	}
	w.pass()
	w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonHostBlocked, "2 of 2 pairs failed; node1 → node2: "+
		"TCP does not pass from pods of node1 to the overlay address 10.32.0.2 of node2: unable to connect to server: Connection refused")
	w.g.Expect(w.result("node1", "node2").TCP).NotTo(BeNil())
	w.g.Expect(w.result("node1", "node2").UDP).NotTo(BeNil())
}

// Pods among themselves are measured without a machine's receiver, but not before it had its time.
func TestReceiversOnMachinesThatDoNotRun(t *testing.T) {
	crashing := corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "host-server", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: "iperf3: error - unable to start listener for connections: Address already in use"}},
	}}}
	refused := "creating the pods that measure is refused: violates PodSecurity"
	for name, c := range map[string]struct {
		spoil func(*world)
		why   string
	}{
		"it crashes": {
			func(w *world) { w.facts.Pods["nightly-host-1"].Status = crashing },
			`: the container "host-server" ended with exit code 1: iperf3: error - unable to start listener for connections: Address already in use`,
		},
		"it may not be created": {func(w *world) { delete(w.facts.Pods, "nightly-host-1") }, ": " + refused},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{Pairs: v1alpha1.PairsRing})
			w.overlay(2)
			w.start()
			c.spoil(w)
			early := Decide(w.facts)
			w.g.Expect(roles(early.Create, names.CheckClient)).To(Equal([]string{"nightly-client-1"}), "the other direction's runs")
			w.g.Expect(early.Next).To(BeNumerically("<=", 2*time.Minute))

			w.facts.Now = noon.Add(2 * time.Minute)
			decided := Decide(w.facts)
			w.facts.Check.Status = Status(w.facts, &decided, refused)
			for _, pod := range decided.Create {
				if pod.Labels[names.LabelRole] == names.CheckClient {
					created := pod.DeepCopy()
					w.end(created)
					w.facts.Pods[pod.Name] = created
				}
			}
			decided = Decide(w.facts)
			w.facts.Check.Status = Status(w.facts, &decided, refused)
			w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonNotMeasured, "1 of 2 pairs failed; node1 → node2: "+
				"TCP to the overlay address 10.32.0.2 of node2 was not measured: the pod that receives there does not run"+c.why)
			result := w.result("node1", "node2")
			w.g.Expect(result.TCP).NotTo(BeNil())
			w.g.Expect(result.UDP).NotTo(BeNil())
			w.g.Expect(result.Host).To(BeNil())
			w.g.Expect(w.result("node2", "node1").Host).NotTo(BeNil())
		})
	}
	t.Run("nor any, within the check's time", func(t *testing.T) {
		w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{TimeoutSeconds: 10})
		w.overlay(2)
		w.pass()
		for range 2 {
			decided := Decide(w.facts)
			w.facts.Check.Status = Status(w.facts, &decided, refused)
			w.facts.Now = noon.Add(10 * time.Second)
		}
		w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonNotMeasured,
			"2 of 2 pairs failed; node1 → node2: it was not measured within the check's 10 s: "+refused)
	})
}

func roles(pods []*corev1.Pod, role string) []string {
	var all []string
	for _, pod := range pods {
		if pod.Labels[names.LabelRole] == role {
			all = append(all, pod.Name)
		}
	}
	return all
}

func TestNoOverlayToMeasureTo(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*observe.CheckFacts)
		message string
	}{
		"none is there": {
			func(*observe.CheckFacts) {},
			"no node that is to be measured has an overlay address: it takes a WeaveNetwork, docs/weave.md; create another check when it is Ready, or one with hosts Skip",
		},
		"they may not be read": {
			func(f *observe.CheckFacts) { f.OverlayErr = errors.New("weavenodes is forbidden") },
			"nodes' overlay addresses cannot be read (weavenodes is forbidden; the right to comes with config/weave): it takes a WeaveNetwork, docs/weave.md; " +
				"create another check when it is Ready, or one with hosts Skip",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, v1alpha1.NetworkCheckSpec{Hosts: v1alpha1.HostsOverlay})
			c.change(w.facts)
			w.g.Expect(w.pass().Create).To(BeEmpty())
			w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonNoOverlay, c.message)
			w.g.Expect(w.pass().Create).To(BeEmpty(), "and that is all")
		})
	}
}

// A check's other pods, and those of other checks, have other names.
func TestNamesOfPodsAreTheirOwn(t *testing.T) {
	g := NewWithT(t)
	seen := map[string]string{}
	for _, check := range []string{"a", "a-host", "a-host-0", "a-server", "a-client", "a-host-server"} {
		for number := range 2 {
			for _, name := range []string{names.CheckServerName(check, number), names.CheckHostServerName(check, number), names.CheckClientName(check, number)} {
				g.Expect(seen).NotTo(HaveKey(name), "%s has it too", seen[name])
				seen[name] = check
			}
		}
	}
}
