// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// Each case spoils one thing of a network of three nodes that is in order, for longer than the operator's patience.
func TestWhatIsWrongIsTold(t *testing.T) {
	cases := map[string]struct {
		spoil        func(*observe.WeaveFacts)
		kind, reason string
		says         []string
	}{
		"a failed peer": {
			func(f *observe.WeaveFacts) {
				one := between(f, "node1", "node2")
				one.State, one.Message = "failed", "dial tcp4: connect: connection refused"
				between(f, "node2", "node1").State = "retrying"
			},
			v1alpha1.ConditionPeersConnected, v1alpha1.ReasonPeersFailed,
			[]string{"node1 ↔ node2", "1 of 3 pairs", "UDP port 6783"},
		},
		"UDP blocked in one direction": {
			func(f *observe.WeaveFacts) { between(f, "node3", "node2").State = pending },
			v1alpha1.ConditionPeersConnected, v1alpha1.ReasonUDPBlocked,
			[]string{"node2 ↔ node3", "UDP", "6783"},
		},
		"UDP blocked in both": {
			func(f *observe.WeaveFacts) {
				between(f, "node3", "node2").State = pending
				between(f, "node2", "node3").State = pending
			},
			v1alpha1.ConditionPeersConnected, v1alpha1.ReasonUDPBlocked,
			[]string{"node2 ↔ node3"},
		},
		"different passwords": {
			func(f *observe.WeaveFacts) {
				one := between(f, "node1", "node2")
				one.State, one.Message = "failed", "password specified, but peer requested an unencrypted connection"
				between(f, "node2", "node1").State = "failed"
				between(f, "node1", "node3").State = pending // less telling
			},
			v1alpha1.ConditionPeersConnected, v1alpha1.ReasonPasswordMismatch,
			[]string{"node1 ↔ node2", "different passwords"},
		},
		"the same name twice": {
			func(f *observe.WeaveFacts) {
				one := between(f, "node1", "node2")
				one.State, one.Message = "failed", "peer names collision"
			},
			v1alpha1.ConditionPeersConnected, v1alpha1.ReasonPeerNameCollision,
			[]string{"machine-id"},
		},
		"a connection that neither end has": {
			func(f *observe.WeaveFacts) {
				f.Reports["node1"].Status.Connections = f.Reports["node1"].Status.Connections[:1]
				f.Reports["node3"].Status.Connections = f.Reports["node3"].Status.Connections[1:]
			},
			v1alpha1.ConditionPeersConnected, v1alpha1.ReasonPeersFailed,
			[]string{"node1 ↔ node3"},
		},
		"a quorum that is missing": {
			func(f *observe.WeaveFacts) {
				f.Reports["node1"].Status.IPAM = v1alpha1.WeaveIPAM{
					State: v1alpha1.IPAMAwaitingConsensus, Quorum: 2, KnownNodes: 1, Since: longAgo,
				}
			},
			v1alpha1.ConditionIPAMReady, v1alpha1.ReasonAwaitingConsensus,
			[]string{"node1", "at most 1 nodes see each other and 2 must", "6783"},
		},
		"a split brain": {
			func(f *observe.WeaveFacts) {
				f.Reports["node1"].Status.IPAM.Owners = []string{"02:00:00:00:00:01"}
				f.Reports["node2"].Status.IPAM.Owners = []string{"02:00:00:00:00:02", "02:00:00:00:00:03"}
				f.Reports["node3"].Status.IPAM.Owners = []string{"02:00:00:00:00:02", "02:00:00:00:00:03"}
			},
			v1alpha1.ConditionIPAMReady, v1alpha1.ReasonSplitBrain,
			[]string{"node2, node3 | node1", "networking.md"},
		},
		"another range": {
			func(f *observe.WeaveFacts) { f.Reports["node2"].Status.IPAM.Range = "10.128.0.0/12" },
			v1alpha1.ConditionIPAMReady, v1alpha1.ReasonRangeMismatch,
			[]string{"node2", "10.128.0.0/12", "10.32.0.0/12"},
		},
		"a stale address on the bridge": {
			func(f *observe.WeaveFacts) { f.Reports["node2"].Status.Overlay.Address = "10.99.0.1/12" },
			v1alpha1.ConditionHostsExposed, v1alpha1.ReasonStaleBridgeAddress,
			[]string{"node2", "10.99.0.1/12", "10.33.0.1/12"},
		},
		"the same address twice": {
			func(f *observe.WeaveFacts) { f.Reports["node2"].Status.Overlay.Address = "10.32.0.1/12" },
			v1alpha1.ConditionHostsExposed, v1alpha1.ReasonDuplicateAddress,
			[]string{"node1, node2 all have 10.32.0.1"},
		},
		"a host that is not exposed": {
			func(f *observe.WeaveFacts) {
				f.Reports["node3"].Status.Overlay = v1alpha1.WeaveOverlay{Since: longAgo}
			},
			v1alpha1.ConditionHostsExposed, v1alpha1.ReasonNotExposed,
			[]string{"node3"},
		},
		"a router that does not run": {
			func(f *observe.WeaveFacts) {
				f.Routers.Status.NumberReady = 2
				f.RouterPods["node2"] = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "weave-net-abcde", Labels: f.Routers.Spec.Template.Labels}, Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
					Name: "weave", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}},
				}}}}
			},
			v1alpha1.ConditionRoutersReady, "ImagePullBackOff",
			[]string{"2 of 3", "node2", "no such image"},
		},
		"a rolling update that is stuck": {
			func(f *observe.WeaveFacts) {
				outdate(f, "node1", "node3")
				f.RouterPods["node2"] = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "weave-net-abcde", Labels: f.Routers.Spec.Template.Labels}, Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
					Name: "weave", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}},
				}}}}
			},
			v1alpha1.ConditionRoutersReady, "ImagePullBackOff",
			[]string{"1 of 3 routers have the new template", "node2", "no such image"},
		},
		"a rolling update": {
			func(f *observe.WeaveFacts) { outdate(f, "node2", "node3") },
			v1alpha1.ConditionRoutersReady, v1alpha1.ReasonProgressing,
			[]string{"1 of 3 routers have the new template"},
		},
		"an update that waits for a person": {
			func(f *observe.WeaveFacts) {
				f.Routers.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
				outdate(f, "node2", "node3")
			},
			v1alpha1.ConditionRoutersReady, v1alpha1.ReasonWaitingForDeletedPods,
			[]string{"delete pod -l name=weave-net"},
		},
		"a node that has not reported": {
			func(f *observe.WeaveFacts) { delete(f.Reports, "node2") },
			v1alpha1.ConditionIPAMReady, v1alpha1.ReasonWaitingForReports,
			[]string{"node2"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := installed(3)
			sayBefore(facts)
			c.spoil(facts)
			plan := Make(facts)
			after, _ := Status(facts, &plan, nil)
			found := condition(&after, c.kind)
			g.Expect(found.Reason).To(Equal(c.reason), "%s: %s", c.kind, found.Message)
			g.Expect(found.Status).NotTo(Equal(metav1.ConditionTrue))
			for _, text := range c.says {
				g.Expect(found.Message).To(ContainSubstring(text))
			}
			ready := condition(&after, v1alpha1.ConditionReady)
			g.Expect(ready.Status).To(Equal(metav1.ConditionFalse))
			g.Expect(ready.Reason).To(Equal(c.reason))
			g.Expect(oneOf(&after, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled)).To(BeTrue())
			for _, other := range []string{
				v1alpha1.ConditionRoutersReady, v1alpha1.ConditionIPAMReady, v1alpha1.ConditionPeersConnected, v1alpha1.ConditionHostsExposed,
			} {
				if other != c.kind && c.reason != v1alpha1.ReasonWaitingForReports {
					g.Expect(condition(&after, other).Status).To(Equal(metav1.ConditionTrue), other)
				}
			}
		})
	}
}

// outdate gives routers another template.
func outdate(facts *observe.WeaveFacts, nodes ...string) {
	for _, node := range nodes {
		facts.RouterPods[node].Labels = map[string]string{names.LabelRevision: "before"}
	}
}

func oneOf(status *v1alpha1.WeaveNetworkStatus, kinds ...string) bool {
	count := 0
	for _, kind := range kinds {
		if condition(status, kind).Status == metav1.ConditionTrue {
			count++
		}
	}
	return count == 1
}

// One machine that dies must not make the network of all others bad, nor what it said before be believed.
func TestALostNodeIsDegraded(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	sayBefore(facts)
	facts.Agents = &appsv1.DaemonSet{}
	facts.Nodes[1].Lost = true
	facts.Routers.Status.NumberReady, facts.Routers.Status.UpdatedNumberScheduled = 2, 2
	facts.RouterPods["node2"].Status.Conditions[0].Status = corev1.ConditionFalse
	facts.AgentPods["node2"].Status.Conditions[0].Status = corev1.ConditionFalse
	between(facts, "node1", "node2").State = "failed"
	between(facts, "node3", "node2").State = "failed"
	plan := Make(facts)
	after, _ := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue), condition(&after, v1alpha1.ConditionReady).Message)
	g.Expect(condition(&after, v1alpha1.ConditionDegraded).Reason).To(Equal(v1alpha1.ReasonNoReport))
	g.Expect(condition(&after, v1alpha1.ConditionDegraded).Message).To(ContainSubstring("node2"))
	g.Expect(after.Nodes.Exposed).To(BeEquivalentTo(2))
	g.Expect(after.Pairs.Expected).To(BeEquivalentTo(1))
}

// While nodes join, one knows of the other before that one says so.
func TestASplitBrainHasToLast(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	facts.Reports["node1"].Status.IPAM.Owners = []string{"02:00:00:00:00:01"}
	facts.Reports["node1"].Status.IPAM.Since = justNow
	facts.Reports["node2"].Status.IPAM.Since = justNow
	plan := Make(facts)
	after, next := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionIPAMReady).Reason).To(Equal(v1alpha1.ReasonProgressing))
	facts.Now = facts.Now.Add(next)
	after, _ = Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionIPAMReady).Reason).To(Equal(v1alpha1.ReasonSplitBrain))
}

// A node's clock may be wrong.
func TestAClockThatIsAheadHidesNothing(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	sayBefore(facts)
	one := between(facts, "node1", "node2")
	one.State, one.Since = pending, metav1.NewTime(now.Add(time.Hour))
	plan := Make(facts)
	after, _ := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionPeersConnected).Reason).To(Equal(v1alpha1.ReasonUDPBlocked))
}

func TestAPairBeyondWeavesLimitIsNotMissed(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	one := between(facts, "node1", "node2")
	one.State, one.Message = "failed", "Connection limit reached (200)"
	facts.Reports["node2"].Status.Connections = facts.Reports["node2"].Status.Connections[1:]
	plan := Make(facts)
	after, _ := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionPeersConnected).Status).To(Equal(metav1.ConditionTrue))
	g.Expect(after.Pairs.Expected).To(BeEquivalentTo(2))
}

func TestWhatIsInOrderIsTold(t *testing.T) {
	for _, nodes := range []int{1, 2, 3, 50} {
		g := NewWithT(t)
		facts := installed(nodes)
		plan := Make(facts)
		after, next := Status(facts, &plan, nil)
		for _, kind := range []string{
			v1alpha1.ConditionReady, v1alpha1.ConditionPreflight, v1alpha1.ConditionRoutersReady, v1alpha1.ConditionIPAMReady,
			v1alpha1.ConditionPeersConnected, v1alpha1.ConditionHostsExposed,
		} {
			g.Expect(condition(&after, kind).Status).To(Equal(metav1.ConditionTrue), condition(&after, kind).Message)
		}
		g.Expect(condition(&after, v1alpha1.ConditionDegraded).Status).To(Equal(metav1.ConditionFalse), condition(&after, v1alpha1.ConditionDegraded).Message)
		g.Expect(after.Problems).To(BeEmpty())
		g.Expect(after.Nodes).To(Equal(v1alpha1.WeaveNodeCounts{
			Desired: int32(nodes), Ready: int32(nodes), Updated: int32(nodes), Reporting: int32(nodes), Exposed: int32(nodes),
		}))
		g.Expect(after.Pairs.Connected).To(Equal(int32(nodes * (nodes - 1) / 2)))
		g.Expect(next).To(BeZero())
	}
}

func TestWhatIsBadForAMomentIsNotTold(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	sayBefore(facts)
	one := between(facts, "node3", "node2")
	one.State, one.Since = pending, justNow
	plan := Make(facts)
	after, next := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionPeersConnected)).To(Equal(condition(&facts.Network.Status, v1alpha1.ConditionPeersConnected)))
	g.Expect(condition(&after, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
	g.Expect(after.Problems).To(BeEmpty())
	g.Expect(next).To(Equal(55*time.Second), "when it will have lasted")

	facts.Now = facts.Now.Add(next)
	facts.Network.Status = after
	after, next = Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionPeersConnected).Reason).To(Equal(v1alpha1.ReasonUDPBlocked))
	g.Expect(after.Problems).To(HaveLen(2))
	g.Expect(next).To(BeZero())

	one.State = established
	facts.Network.Status = after
	after, _ = Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue), "at once")
}

// What has never been good is told at once: who waits for a first install wants to know.
func TestWhatWasNeverGoodIsToldAtOnce(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	one := between(facts, "node3", "node2")
	one.State, one.Since = pending, justNow
	plan := Make(facts)
	after, _ := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionPeersConnected).Reason).To(Equal(v1alpha1.ReasonUDPBlocked))
}

func TestWhatIsDegradedIsToldBesideReady(t *testing.T) {
	cases := map[string]struct {
		spoil  func(*observe.WeaveFacts)
		reason string
		says   string
	}{
		"sleeve where the fast datapath is wanted": {
			func(f *observe.WeaveFacts) {
				for _, ends := range [][2]string{{"node1", "node2"}, {"node2", "node1"}} {
					between(f, ends[0], ends[1]).Datapath = fastdp
				}
			},
			v1alpha1.ReasonSleeve, "node1 ↔ node3",
		},
		"a deleted node that Weave has not forgotten": {
			func(f *observe.WeaveFacts) {
				f.Bookkeeping = bookkeeping(peer{"02:00:00:00:00:01", "node1"}, peer{"02:00:00:00:00:09", "gone"})
				f.Network.Status.StalePeers = []v1alpha1.WeaveStalePeer{{PeerName: "02:00:00:00:00:09", NodeName: "gone", Since: longAgo}}
			},
			v1alpha1.ReasonStalePeers, "delete one healthy router's pod",
		},
		"addresses of a peer that nobody is": {
			func(f *observe.WeaveFacts) {
				f.Reports["node1"].Status.IPAM.Unreachable = []string{"02:00:00:00:00:77"}
			},
			v1alpha1.ReasonOwnersUnreachable, "rmpeer 02:00:00:00:00:77",
		},
		"an agent that does not run": {
			func(f *observe.WeaveFacts) {
				f.Agents = &appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3, CurrentNumberScheduled: 2}}
				delete(f.AgentPods, "node2")
			},
			v1alpha1.ReasonNoReport, "node2",
		},
		"a later node with another network": {
			func(f *observe.WeaveFacts) { f.Reports["node3"].Status.Host.CNIFiles = []string{"05-cilium.conflist"} },
			v1alpha1.ReasonNodeUnfit, "05-cilium.conflist",
		},
		"a password that has gone": {
			func(f *observe.WeaveFacts) { f.Reports["node3"].Status.Host.Password = v1alpha1.SecretMissing },
			v1alpha1.ReasonPasswordMissing, "cannot start without it",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := installed(3)
			c.spoil(facts)
			plan := Make(facts)
			after, _ := Status(facts, &plan, nil)
			found := condition(&after, v1alpha1.ConditionDegraded)
			g.Expect(found.Status).To(Equal(metav1.ConditionTrue))
			g.Expect(found.Reason).To(Equal(c.reason))
			g.Expect(found.Message).To(ContainSubstring(c.says))
			g.Expect(condition(&after, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
		})
	}
}

func TestAStalePeerKeepsItsTime(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	facts.Bookkeeping = bookkeeping(peer{"02:00:00:00:00:09", "gone"})
	plan := Make(facts)
	after, next := Status(facts, &plan, nil)
	g.Expect(after.StalePeers).To(HaveLen(1))
	g.Expect(after.StalePeers[0].Since.Time).To(Equal(now))
	g.Expect(condition(&after, v1alpha1.ConditionDegraded).Status).To(Equal(metav1.ConditionFalse), "Weave has time to forget it")
	g.Expect(next).To(Equal(stalePatience))

	facts.Network.Status, facts.Now = after, now.Add(next)
	after, _ = Status(facts, &plan, nil)
	g.Expect(after.StalePeers[0].Since.Time).To(Equal(now))
	g.Expect(condition(&after, v1alpha1.ConditionDegraded).Reason).To(Equal(v1alpha1.ReasonStalePeers))
}

func TestObserving(t *testing.T) {
	g := NewWithT(t)
	facts := world(2)
	facts.Network.Spec.ManagementPolicy = v1alpha1.WeaveObserve
	plan := Make(facts)
	after, _ := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonNoWeave))
	g.Expect(condition(&after, v1alpha1.ConditionPreflight).Reason).To(Equal(v1alpha1.ReasonObserved))

	facts = installed(2)
	facts.Network.Spec.ManagementPolicy = v1alpha1.WeaveObserve
	facts.Routers.Labels = map[string]string{"name": "weave-net"}
	plan = Make(facts)
	g.Expect(plan.Install).To(BeFalse())
	after, _ = Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
}
