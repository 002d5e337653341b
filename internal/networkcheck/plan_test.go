// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"math/rand/v2"
	"slices"
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

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// world is a check and what happens to its pods.
type world struct {
	*testing.T
	g     *WithT
	facts *observe.CheckFacts
	// tcp, udp and host are what a client's containers print.
	tcp, udp, host string
}

func newWorld(t *testing.T, nodes int, spec v1alpha1.NetworkCheckSpec) *world {
	t.Helper()
	return &world{
		T: t, g: NewWithT(t), tcp: printed(t, "tcp"), udp: printed(t, "udp"), host: printed(t, "tcp"),
		facts: &observe.CheckFacts{
			Check: &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "nightly", UID: "uid", Generation: 1}, Spec: spec},
			Now:   noon, Image: "iperf3", Candidates: nodesUpTo(nodes), Pods: map[string]*corev1.Pod{},
		},
	}
}

// pass is one of the operator's: its pods are there afterwards, its status is written.
func (w *world) pass() Decision {
	w.Helper()
	decided := Decide(w.facts)
	for _, pod := range decided.Create {
		w.g.Expect(w.facts.Pods).NotTo(HaveKey(pod.Name), "it is there already")
		created := pod.DeepCopy()
		created.CreationTimestamp = metav1.NewTime(w.facts.Now)
		created.Status.Phase = corev1.PodPending
		w.facts.Pods[pod.Name] = created
	}
	for _, pod := range decided.Delete {
		delete(w.facts.Pods, pod.Name)
	}
	w.facts.Check.Status = Status(w.facts, &decided, "")
	return decided
}

func (w *world) ready(name string) { ready(w.facts.Pods[name]) }

func ready(pod *corev1.Pod) {
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: "10.0.0.1",
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
}

func (w *world) end(pod *corev1.Pod) {
	words := map[string]string{"tcp": w.tcp, "udp": w.udp, "host": w.host}
	all := func(containers []corev1.Container) (statuses []corev1.ContainerStatus) {
		for i := range containers {
			statuses = append(statuses, said(containers[i].Name, words[containers[i].Name]))
		}
		return statuses
	}
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodSucceeded, InitContainerStatuses: all(pod.Spec.InitContainers), ContainerStatuses: all(pod.Spec.Containers),
	}
}

func said(name, text string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: text}}}
}

// start lets the servers run.
func (w *world) start() {
	w.Helper()
	w.pass()
	for _, pod := range w.pass().Create {
		w.ready(pod.Name)
	}
}

func (w *world) condition(kind string) *metav1.Condition {
	w.Helper()
	found := meta.FindStatusCondition(w.facts.Check.Status.Conditions, kind)
	w.g.Expect(found).NotTo(BeNil())
	return found
}

func (w *world) expectEnded(status metav1.ConditionStatus, reason, message string) {
	w.Helper()
	w.g.Expect(w.condition(v1alpha1.ConditionComplete).Status).To(Equal(metav1.ConditionTrue), "%+v", w.facts.Check.Status)
	ready := w.condition(v1alpha1.ConditionReady)
	w.g.Expect(ready.Status).To(Equal(status))
	w.g.Expect(ready.Reason).To(Equal(reason))
	w.g.Expect(ready.Message).To(Equal(message))
	w.g.Expect(meta.FindStatusCondition(w.facts.Check.Status.Conditions, v1alpha1.ConditionReconciling)).To(BeNil())
	w.g.Expect(meta.IsStatusConditionTrue(w.facts.Check.Status.Conditions, v1alpha1.ConditionStalled)).To(Equal(status == metav1.ConditionFalse))
}

func TestAnEmptyPassBeforeTheFirstPod(t *testing.T) {
	w := newWorld(t, 3, v1alpha1.NetworkCheckSpec{})
	first := w.pass()
	w.g.Expect(first.Create).To(BeEmpty(), "pods are called by the nodes' numbers, which must be written down first")
	w.g.Expect(w.facts.Check.Status.Nodes).To(Equal([]string{"node1", "node2", "node3"}))
	w.g.Expect(w.facts.Check.Status.Pairs.Total).To(BeEquivalentTo(6))

	// Nodes that come later belong to the next check.
	w.facts.Candidates = nodesUpTo(9)
	w.g.Expect(w.pass().Create).To(HaveLen(3), "a server a node")
	w.g.Expect(w.pass().Create).To(BeEmpty(), "no client before its server runs")
	w.g.Expect(w.condition(v1alpha1.ConditionReconciling).Message).To(Equal("0 of 6 pairs are measured"))
}

func TestACheckThatPasses(t *testing.T) {
	w := newWorld(t, 3, v1alpha1.NetworkCheckSpec{})
	w.start()
	for w.condition(v1alpha1.ConditionComplete).Status == metav1.ConditionFalse {
		for _, pod := range w.pass().Create {
			w.end(w.facts.Pods[pod.Name])
		}
	}
	w.expectEnded(metav1.ConditionTrue, v1alpha1.ReasonPassed, "6 of 6 pairs passed: TCP at least 12248 Mbit/s, UDP loss at most 0.00%")
	status := w.facts.Check.Status
	w.g.Expect(status.Results).To(HaveLen(6))
	w.g.Expect(status.Summary).To(Equal(v1alpha1.NetworkCheckSummary{
		MinTCP: "12248 Mbit/s", MedianTCP: "12248 Mbit/s", MinUDP: "9.9 Mbit/s", MaxUDPLoss: "0.00%", MaxUDPJitter: "0.673 ms",
		WorstPair: "node1 → node2",
	}))
	w.g.Expect(status.CompletionTime).NotTo(BeNil())

	w.g.Expect(w.facts.Pods).To(HaveLen(9), "they hold the results until these are written down")
	w.facts.Now = noon.Add(time.Hour)
	w.g.Expect(w.pass().Delete).To(HaveLen(9))
	w.g.Expect(w.facts.Check.Status).To(Equal(status), "what has ended is never changed again")
	last := w.pass()
	w.g.Expect(last.Create).To(BeEmpty())
	w.g.Expect(last.Next).To(BeZero())
}

func TestWhatCannotBeMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		nodes          int
		change         func(*observe.CheckFacts)
		status         metav1.ConditionStatus
		reason, starts string
	}{
		"without a node": {0, func(*observe.CheckFacts) {}, metav1.ConditionFalse, v1alpha1.ReasonNoNodes, "spec.placement allows no node that is Ready and takes pods (0 that it allows are not)"},
		"with one node":  {1, func(*observe.CheckFacts) {}, metav1.ConditionTrue, v1alpha1.ReasonNothingToMeasure, "there is one node to measure, and no other: node1"},
		"with one node of several": {
			1, func(f *observe.CheckFacts) { f.OutOfOrder = 3 }, metav1.ConditionFalse, v1alpha1.ReasonNoNodes,
			"of the nodes that spec.placement allows only node1 is Ready and takes pods, 3 others are not",
		},
		"without an image": {
			3, func(f *observe.CheckFacts) { f.Image = "" }, metav1.ConditionFalse, v1alpha1.ReasonNoImage,
			"no image with iperf3 is known",
		},
		"with too many pairs": {
			40, func(f *observe.CheckFacts) { f.Check.Spec.Pairs = v1alpha1.PairsAll }, metav1.ConditionFalse, v1alpha1.ReasonTooManyPairs,
			"40 nodes have 1560 pairs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.nodes, v1alpha1.NetworkCheckSpec{})
			c.change(w.facts)
			w.g.Expect(w.pass().Create).To(BeEmpty())
			w.g.Expect(w.condition(v1alpha1.ConditionReady).Message).To(HavePrefix(c.starts))
			w.expectEnded(c.status, c.reason, w.condition(v1alpha1.ConditionReady).Message)
			w.g.Expect(w.pass().Create).To(BeEmpty(), "and that is all")
		})
	}
}

func TestPairsThatDoNotPass(t *testing.T) {
	blocked := `{"error":"unable to read from stream socket: Resource temporarily unavailable"}`
	lossy := `{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":51},"sum_received":{"bytes":971776}}}`
	for name, c := range map[string]struct {
		spec            v1alpha1.NetworkCheckSpec
		tcp, udp        string
		reason, message string
	}{
		"TCP is refused": {
			v1alpha1.NetworkCheckSpec{},
			printed(t, "refused"), printed(t, "refused"), v1alpha1.ReasonTCPBlocked,
			"2 of 2 pairs failed; node1 → node2: TCP does not pass: unable to connect to server: Connection refused",
		},
		"UDP is dropped": {
			v1alpha1.NetworkCheckSpec{},
			printed(t, "tcp"), blocked, v1alpha1.ReasonUDPBlocked,
			"2 of 2 pairs failed; node1 → node2: UDP does not pass: unable to read from stream socket: Resource temporarily unavailable (TCP does, at 12248 Mbit/s)",
		},
		"UDP loses too much": {
			v1alpha1.NetworkCheckSpec{},
			printed(t, "tcp"), lossy, v1alpha1.ReasonUDPLoss,
			"2 of 2 pairs failed; node1 → node2: UDP lost 5.10% of its packets, 5% are allowed",
		},
		"UDP may lose nothing": {
			v1alpha1.NetworkCheckSpec{Thresholds: v1alpha1.NetworkCheckThresholds{MaxUDPLossPercent: new(int32(0))}},
			printed(t, "tcp"), lossy,
			v1alpha1.ReasonUDPLoss, "2 of 2 pairs failed; node1 → node2: UDP lost 5.10% of its packets, 0% are allowed",
		},
		"TCP is slow": {
			v1alpha1.NetworkCheckSpec{Thresholds: v1alpha1.NetworkCheckThresholds{MinTCPMegabitsPerSecond: 20000}},
			printed(t, "tcp"), printed(t, "udp"),
			v1alpha1.ReasonTCPTooSlow, "2 of 2 pairs failed; node1 → node2: TCP has 12248 Mbit/s, 20000 Mbit/s are wanted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2, c.spec)
			w.tcp, w.udp = c.tcp, c.udp
			w.start()
			for _, pod := range w.pass().Create {
				w.end(w.facts.Pods[pod.Name])
			}
			w.pass()
			w.expectEnded(metav1.ConditionFalse, c.reason, c.message)
		})
	}
}

func TestPodsThatDoNotRun(t *testing.T) {
	pulling := corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "server", Image: "iperf3", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "manifest unknown"}},
	}}}
	unscheduled := corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/2 nodes are available",
	}}}
	t.Run("the server's", func(t *testing.T) {
		w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{})
		w.pass()
		w.pass()
		for _, pod := range w.facts.Pods {
			pod.Status = pulling
		}
		w.facts.Now = noon.Add(time.Minute)
		w.g.Expect(w.pass().Next).To(Equal(time.Minute), "an image's pull is waited for")
		w.facts.Now = noon.Add(2 * time.Minute)
		w.pass()
		w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonNotMeasured,
			`2 of 2 pairs failed; node1 → node2: the pod that receives did not run in time: image "iperf3" cannot be pulled: manifest unknown`)
	})
	t.Run("the client's", func(t *testing.T) {
		w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{Seconds: 10})
		w.start()
		for _, pod := range w.pass().Create {
			w.facts.Pods[pod.Name].Status = unscheduled
		}
		w.facts.Now = noon.Add(79 * time.Second)
		w.g.Expect(w.pass().Next).To(Equal(time.Second))
		w.facts.Now = noon.Add(80 * time.Second)
		w.pass()
		w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonNotMeasured,
			"2 of 2 pairs failed; node1 → node2: its pod did not run in time: cannot be scheduled: 0/2 nodes are available")
	})
	t.Run("the client's, which a node ends", func(t *testing.T) {
		w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{})
		w.start()
		for _, pod := range w.pass().Create {
			w.facts.Pods[pod.Name].Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}
		}
		w.pass()
		w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonNotMeasured, "2 of 2 pairs failed; node1 → node2: its pod was ended before it had measured")
	})
	t.Run("in the whole check's time", func(t *testing.T) {
		w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{TimeoutSeconds: 100})
		w.pass()
		w.pass()
		w.facts.Pods["nightly-server-0"].DeletionTimestamp = new(metav1.NewTime(noon))
		w.facts.Now = noon.Add(100 * time.Second)
		w.pass()
		w.expectEnded(metav1.ConditionFalse, v1alpha1.ReasonNotMeasured, "2 of 2 pairs failed; node1 → node2: it was not measured within the check's 100 s")
	})
}

// A server takes one client at a time; one that was busy has not measured the network.
func TestABusyServerIsAskedAgain(t *testing.T) {
	w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{})
	w.start()
	client := w.pass().Create[0]
	w.udp = `{"error":"the server is busy running a test. try again later"}`
	w.end(w.facts.Pods[client.Name])
	soon := w.pass()
	w.g.Expect(soon.Delete).To(BeEmpty(), "not in a storm")
	w.g.Expect(soon.Next).To(Equal(15 * time.Second))
	w.facts.Now = noon.Add(15 * time.Second)
	again := w.pass()
	w.g.Expect(again.Delete).To(HaveLen(1))
	w.g.Expect(again.Results).To(BeEmpty())
	next := w.pass().Create
	w.g.Expect(next).To(HaveLen(1))
	w.g.Expect(next[0].Name).To(Equal(client.Name))
}

// Whatever order pods run, end and vanish in, and however often the operator starts anew: a node measures one pair at a
// time, and the check ends with each pair measured once.
func TestAnyOrderOfEvents(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t, 2+random.IntN(8), v1alpha1.NetworkCheckSpec{Pairs: []v1alpha1.NetworkCheckPairs{"", v1alpha1.PairsRing, v1alpha1.PairsAll}[random.IntN(3)]})
		if random.IntN(2) == 0 {
			w.overlay(1 + random.IntN(2))
		}
		for range 2000 {
			w.pass()
			w.expectOnePairANode()
			if meta.IsStatusConditionTrue(w.facts.Check.Status.Conditions, v1alpha1.ConditionComplete) {
				break
			}
			w.happen(random)
		}
		w.g.Expect(w.condition(v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue), "seed %d: %+v", seed, w.facts.Check.Status)
		w.g.Expect(w.facts.Check.Status.Pairs.Finished).To(Equal(w.facts.Check.Status.Pairs.Total))
		for _, result := range w.facts.Check.Status.Results {
			w.g.Expect(result.Host != nil).To(Equal(slices.ContainsFunc(w.facts.Overlay, func(node v1alpha1.NetworkCheckOverlay) bool { return node.Node == result.To })))
		}
	}
}

// happen has one thing happen to one pod.
func (w *world) happen(random *rand.Rand) {
	for name, pod := range w.facts.Pods {
		if random.IntN(4) > 0 {
			continue
		}
		switch server := pod.Labels[names.LabelRole] != names.CheckClient; {
		case random.IntN(20) == 0 && pod.Status.Phase != corev1.PodSucceeded:
			delete(w.facts.Pods, name)
		case server:
			ready(pod)
		case pod.Status.Phase == corev1.PodPending:
			pod.Status.Phase = corev1.PodRunning
		default:
			w.end(pod)
		}
	}
}

func (w *world) expectOnePairANode() {
	w.Helper()
	busy := map[string]Pair{}
	pairs, err := Pairs(w.facts.Check, w.facts.Check.Status.Nodes)
	w.g.Expect(err).NotTo(HaveOccurred())
	for _, pair := range pairs {
		pod := w.facts.Pods[names.CheckClientName("nightly", pair.Index)]
		if pod == nil || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		for _, node := range []string{pair.From, pair.To} {
			if other, found := busy[node]; found {
				w.g.Expect([]string{other.To, other.From}).To(Equal([]string{pair.From, pair.To}), "two nodes may only send to each other")
			}
			busy[node] = pair
		}
	}
}

func TestNoMorePairsAtOnceThanTheNetworkCanSpare(t *testing.T) {
	w := newWorld(t, 100, v1alpha1.NetworkCheckSpec{})
	w.start()
	w.g.Expect(w.pass().Create).To(HaveLen(atOnce))
	w.g.Expect(w.pass().Create).To(BeEmpty())
}

// A status holds a few results one by one, and among them all that are worst.
func TestTheWorstResultsAreKept(t *testing.T) {
	w := newWorld(t, 100, v1alpha1.NetworkCheckSpec{})
	w.start()
	good := w.udp
	for w.condition(v1alpha1.ConditionComplete).Status == metav1.ConditionFalse {
		for _, pod := range w.pass().Create {
			w.udp = good
			if pod.Name == "nightly-client-77" {
				w.udp = `{"error":"no UDP"}`
			}
			w.end(w.facts.Pods[pod.Name])
		}
	}
	status := w.facts.Check.Status
	w.g.Expect(status.Results).To(HaveLen(maxResults))
	w.g.Expect(status.Results[0].Reason).To(Equal(v1alpha1.ReasonUDPBlocked))
	w.g.Expect(status.Pairs).To(Equal(v1alpha1.NetworkCheckCounts{Total: 100, Finished: 100, Failed: 1}))
	w.g.Expect(status.Summary.WorstPair).To(Equal(status.Results[0].From + " → " + status.Results[0].To))
}

func TestThePods(t *testing.T) {
	w := newWorld(t, 2, v1alpha1.NetworkCheckSpec{
		Seconds: 7, UDPMegabitsPerSecond: 50, ImagePullPolicy: corev1.PullNever,
		ImagePullSecrets: []v1alpha1.LocalSecretReference{{Name: "registry"}},
		Placement:        v1alpha1.NetworkCheckPlacement{Tolerations: []corev1.Toleration{{Key: "grid"}}},
	})
	w.start()
	client := w.pass().Create[0]
	w.g.Expect(client.Name).To(Equal("nightly-client-0"))
	w.g.Expect(client.Spec.InitContainers[0].Command).To(Equal(strings.Fields(
		"/usr/bin/iperf3 -c 10.0.0.1 -p 5201 -t 7 -J -i 0 --connect-timeout 5000 --logfile /dev/termination-log")))
	w.g.Expect(client.Spec.Containers[0].Command).To(Equal(strings.Fields(
		"/usr/bin/iperf3 -c 10.0.0.1 -p 5201 -t 7 -J -i 0 --connect-timeout 5000 --logfile /dev/termination-log -u -b 50M -l 1024")))
	w.g.Expect(*client.Spec.ActiveDeadlineSeconds).To(BeEquivalentTo(74))
	server := w.facts.Pods["nightly-server-1"]
	w.g.Expect(server.Spec.Containers[0].Command).To(Equal(strings.Fields("/usr/bin/iperf3 -s -p 5201")))
	w.g.Expect(server.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields[0].Values).
		To(Equal([]string{"node2"}))
	for _, pod := range []*corev1.Pod{client, server} {
		w.g.Expect(pod.OwnerReferences[0].UID).To(BeEquivalentTo("uid"))
		w.g.Expect(pod.Spec.Tolerations).To(HaveLen(1))
		w.g.Expect(pod.Spec.ImagePullSecrets).To(HaveLen(1))
		w.g.Expect(pod.Spec.Containers[0].ImagePullPolicy).To(Equal(corev1.PullNever))
		w.g.Expect(*pod.Spec.SecurityContext.RunAsNonRoot).To(BeTrue())
		w.g.Expect(*pod.Spec.AutomountServiceAccountToken).To(BeFalse())
	}
}
