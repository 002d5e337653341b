// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func host1(f *observe.WeaveFacts) *v1alpha1.WeaveHost { return &f.Reports["node1"].Status.Host }

func TestConflictsKeepWeaveFromBeingInstalled(t *testing.T) {
	cases := map[string]struct {
		conflict func(*observe.WeaveFacts)
		reason   string
		// name is what gets past it; "" if nothing does.
		name string
		says []string
	}{
		"a DaemonSet": {
			func(f *observe.WeaveFacts) {
				f.Elsewhere = []observe.Sign{{Kind: observe.SignDaemonSet, Name: "kube-system/kindnet"}}
			},
			v1alpha1.ReasonExistingCNI, "DaemonSet/kube-system/kindnet",
			[]string{"kube-system/kindnet"},
		},
		"an API group": {
			func(f *observe.WeaveFacts) {
				f.Elsewhere = []observe.Sign{{Kind: observe.SignAPIGroup, Name: "cilium.io"}}
			},
			v1alpha1.ReasonExistingCNI, "APIGroup/cilium.io",
			[]string{"cilium.io"},
		},
		"pods of another network": {
			func(f *observe.WeaveFacts) {
				f.Elsewhere = []observe.Sign{{Kind: observe.SignPods, Name: "default, shop"}}
			},
			v1alpha1.ReasonPodsOutsideRange, "PodsOutsideRange",
			[]string{"default, shop"},
		},
		"a node's condition": {
			func(f *observe.WeaveFacts) { f.Nodes[1].Network = "CalicoIsUp" },
			v1alpha1.ReasonExistingCNI, "NodeCondition/CalicoIsUp",
			[]string{"CalicoIsUp", "node2"},
		},
		"a file": {
			func(f *observe.WeaveFacts) { host1(f).CNIFiles = []string{"05-cilium.conflist"} },
			v1alpha1.ReasonExistingCNI, "CNIFile/05-cilium.conflist",
			[]string{"05-cilium.conflist", "node1"},
		},
		"a route": {
			func(f *observe.WeaveFacts) { host1(f).Routes = []string{"10.0.0.0/8 dev eth0"} },
			v1alpha1.ReasonRangeOverlap, "Route/10.0.0.0/8 dev eth0",
			[]string{"10.0.0.0/8 dev eth0", "node1"},
		},
		"a port": {
			func(f *observe.WeaveFacts) { host1(f).Ports = []string{"tcp/6783"} },
			v1alpha1.ReasonPortTaken, "Port/tcp/6783",
			[]string{"tcp/6783", "node1"},
		},
		"a kernel": {
			func(f *observe.WeaveFacts) { host1(f).Missing = []string{"kernel: dummy"} },
			v1alpha1.ReasonNodeUnfit, "Missing/kernel: dummy",
			[]string{"dummy", "node1"},
		},
		"leftovers": {
			func(f *observe.WeaveFacts) { host1(f).Links = []string{"weave"} },
			v1alpha1.ReasonLeftovers, "Link/weave",
			[]string{"weave", "node1"},
		},
		"copies of a machine": {
			func(f *observe.WeaveFacts) { host1(f).Machine = "machine2" },
			v1alpha1.ReasonDuplicateMachineID, "DuplicateMachineID",
			[]string{"node1, node2"},
		},
		"a missing password": {
			func(f *observe.WeaveFacts) { host1(f).Password = v1alpha1.SecretMissing },
			v1alpha1.ReasonPasswordMissing, "",
			[]string{"Secret", "kube-system"},
		},
		"somebody else's Weave": {
			func(f *observe.WeaveFacts) {
				other := installed(2).Routers
				other.Labels = map[string]string{"name": "weave-net"}
				f.Routers = other
			},
			v1alpha1.ReasonForeignWeave, "",
			[]string{"kube-system/weave-net", "Observe"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := world(2)
			c.conflict(facts)
			plan := Make(facts)
			g.Expect(plan.Install).To(BeFalse())
			routers, err := Routers(facts, &plan, installation)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(routers).To(BeNil())
			g.Expect(Bookkeeping(facts, &plan)).To(BeNil())
			after, _ := Status(facts, &plan, nil)
			for _, kind := range []string{v1alpha1.ConditionPreflight, v1alpha1.ConditionReady} {
				found := condition(&after, kind)
				g.Expect(found.Status).To(Equal(metav1.ConditionFalse))
				g.Expect(found.Reason).To(Equal(c.reason))
				for _, text := range append(c.says, c.name) {
					g.Expect(found.Message).To(ContainSubstring(text))
				}
			}
			g.Expect(condition(&after, v1alpha1.ConditionStalled).Reason).To(Equal(c.reason), "a person must act")

			facts.Network.Spec.AllowConflicts = []string{c.name, "DaemonSet/another"}
			g.Expect(Make(facts).Install).To(Equal(c.name != ""), "the very conflict is named")
		})
	}
}

func TestAFirstInstallWaits(t *testing.T) {
	cases := map[string]struct {
		change func(*observe.WeaveFacts)
		reason string
		next   time.Duration
	}{
		"for every node's report":                    {func(f *observe.WeaveFacts) { delete(f.Reports, "node2") }, v1alpha1.ReasonWaitingForReports, 0},
		"for reports about the present spec":         {func(f *observe.WeaveFacts) { f.Reports["node2"].Status.AgentRevision = "old" }, v1alpha1.ReasonWaitingForReports, 0},
		"for an agent that does not run":             {func(f *observe.WeaveFacts) { delete(f.AgentPods, "node2") }, v1alpha1.ReasonWaitingForReports, 0},
		"until it has looked for other pod networks": {func(f *observe.WeaveFacts) { f.LookedElsewhere = false }, v1alpha1.ReasonWaitingForReports, 0},
		"until the number of nodes has been the same for a minute": {func(f *observe.WeaveFacts) {
			f.Network.Status.Counted.Since = metav1.NewTime(now.Add(-20 * time.Second))
		}, v1alpha1.ReasonWaitingForNodes, 40 * time.Second},
		"for a minute after it has changed": {func(f *observe.WeaveFacts) { f.Network.Status.Counted.Nodes = 2 }, v1alpha1.ReasonWaitingForNodes, time.Minute},
		"for a minute from the first look":  {func(f *observe.WeaveFacts) { f.Network.Status.Counted = nil }, v1alpha1.ReasonWaitingForNodes, time.Minute},
		"for nodes":                         {func(f *observe.WeaveFacts) { f.Nodes = nil }, v1alpha1.ReasonWaitingForNodes, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := world(3)
			c.change(facts)
			plan := Make(facts)
			g.Expect(plan.Install).To(BeFalse())
			g.Expect(plan.Waiting).NotTo(BeNil())
			g.Expect(plan.Waiting.Reason).To(Equal(c.reason))
			g.Expect(plan.Next).To(Equal(c.next))
			after, _ := Status(facts, &plan, nil)
			g.Expect(condition(&after, v1alpha1.ConditionReady).Reason).To(Equal(c.reason))
			g.Expect(condition(&after, v1alpha1.ConditionReconciling).Status).To(Equal(metav1.ConditionTrue))
		})
	}
}

func TestAFirstInstallDoesNotWaitForALostNode(t *testing.T) {
	g := NewWithT(t)
	facts := world(3)
	delete(facts.Reports, "node2")
	facts.Nodes[1].Lost = true
	plan := Make(facts)
	g.Expect(plan.Install).To(BeTrue())
	g.Expect(plan.Frozen.InitialPeerCount).To(BeEquivalentTo(3), "it counts all the same")
}

// A first apply that is refused decides nothing: by the next attempt there may be other nodes.
func TestWhatWasNotInstalledIsNotDecided(t *testing.T) {
	g := NewWithT(t)
	facts := world(3)
	plan := Make(facts)
	after, _ := Status(facts, &plan, &Failure{Reason: v1alpha1.ReasonForbidden, Message: "quota"})
	g.Expect(after.Frozen).To(BeZero())
	g.Expect(after.Counted.Nodes).To(BeEquivalentTo(3))
	after, _ = Status(facts, &plan, nil)
	g.Expect(after.Frozen.InitialPeerCount).To(BeEquivalentTo(3))
}

// A deleted WeaveNetwork leaves Weave running, and another one can have any spec.
func TestAnotherWeaveNetworkDoesNotChangeWhatCannotBeChanged(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.WeaveNetworkSpec){
		"ipRange":          func(s *v1alpha1.WeaveNetworkSpec) { s.IPRange = "10.48.0.0/12" },
		"hostPaths.data":   func(s *v1alpha1.WeaveNetworkSpec) { s.HostPaths.Data = "/data" },
		"hostPaths.cniBin": func(s *v1alpha1.WeaveNetworkSpec) { s.HostPaths.CNIBin = "/usr/libexec/cni" },
		"initialPeerCount": func(s *v1alpha1.WeaveNetworkSpec) { s.InitialPeerCount = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := installed(3)
			facts.Network.Status = v1alpha1.WeaveNetworkStatus{}
			change(&facts.Network.Spec)
			plan := Make(facts)
			g.Expect(live(facts, &plan).Spec.Template).To(Equal(facts.Routers.Spec.Template))
			after, _ := Status(facts, &plan, nil)
			found := condition(&after, v1alpha1.ConditionStalled)
			g.Expect(found.Reason).To(Equal(v1alpha1.ReasonIncompatible))
			g.Expect(found.Message).To(And(HavePrefix("What runs stays as it is"), ContainSubstring("spec."+name)))
		})
	}
	g := NewWithT(t)
	facts := installed(3)
	facts.Network.Status = v1alpha1.WeaveNetworkStatus{}
	plan := Make(facts)
	g.Expect(plan.Conflicts).To(BeEmpty(), "the same spec takes it over")
}

// Its own links and ports are on the nodes then.
func TestRoutersThatWereDeletedByHandComeBack(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	sayBefore(facts)
	facts.Routers = nil
	plan := Make(facts)
	g.Expect(plan.Conflicts).To(BeEmpty())
	g.Expect(plan.Install).To(BeTrue())
	facts.Network.Status = v1alpha1.WeaveNetworkStatus{}
	g.Expect(Make(facts).Conflicts).NotTo(BeEmpty(), "of a Weave that it has not installed")
}

func TestAChangeByHandDecidesNothing(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	before := facts.Routers.Spec.Template.DeepCopy()
	container := &facts.Routers.Spec.Template.Spec.Containers[0]
	container.Env = container.Env[:1]
	plan := Make(facts)
	g.Expect(plan.Frozen.InitialPeerCount).To(BeEquivalentTo(3))
	g.Expect(plan.Frozen.FastDatapath).To(Equal(v1alpha1.FastDatapathDisabled))
	g.Expect(live(facts, &plan).Spec.Template).To(Equal(*before))
}

// Cleaning up is for what was installed: what refuses an installation is somebody else's.
func TestARefusedWeaveNetworkCleansNothing(t *testing.T) {
	g := NewWithT(t)
	facts := world(3)
	facts.Network.Spec.CleanupPolicy = v1alpha1.CleanupClean
	host1(facts).Links = []string{"weave"}
	plan := Make(facts)
	g.Expect(plan.WantFinalizer).To(BeFalse())
	deleting(facts)
	plan = Make(facts)
	g.Expect(plan.WantFinalizer).To(BeFalse())
	g.Expect(plan.Task).To(Equal(v1alpha1.AgentReport))
}

// deleting has the WeaveNetwork be deleted, with the finalizer.
func deleting(facts *observe.WeaveFacts) {
	facts.Network.DeletionTimestamp = &longAgo
	facts.Network.Finalizers = []string{names.WeaveFinalizer}
}

func TestWhatIsDecidedOnceStays(t *testing.T) {
	g := NewWithT(t)
	facts := world(3)
	facts.Network.Status.Counted = nil
	facts.Network.Spec.InitialPeerCount = 5
	plan := Make(facts)
	g.Expect(plan.Install).To(BeTrue(), "a given number is waited for by nobody")
	g.Expect(plan.Frozen).To(Equal(v1alpha1.WeaveFrozen{InitialPeerCount: 5, FastDatapath: v1alpha1.FastDatapathDisabled}))

	facts = world(3)
	for _, report := range facts.Reports {
		report.Status.Host.OpenVSwitch = true
	}
	plan = Make(facts)
	g.Expect(plan.Frozen).To(Equal(v1alpha1.WeaveFrozen{InitialPeerCount: 3, FastDatapath: v1alpha1.FastDatapathEnabled}))

	// More nodes, of another kind, after the install.
	facts.Routers = live(facts, &plan)
	addNode(facts, 4)
	g.Expect(Make(facts).Frozen).To(Equal(plan.Frozen), "as Weave runs")
	facts.Routers = nil
	facts.Network.Status.Frozen = plan.Frozen
	g.Expect(Make(facts).Frozen).To(Equal(plan.Frozen), "as the status remembers when Weave was deleted by hand")
}

func TestAnotherPasswordWaitsUntilItIsThere(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	before := facts.Routers.Spec.Template
	facts.Network.Spec.Password = &v1alpha1.WeavePassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "weave", Key: "password"}}

	plan := Make(facts)
	g.Expect(plan.Waiting.Reason).To(Equal(v1alpha1.ReasonWaitingForReports), "the agents know nothing of it yet")
	g.Expect(live(facts, &plan).Spec.Template).To(Equal(before))

	for _, report := range facts.Reports {
		report.Status.AgentRevision = plan.AgentRevision
		report.Status.Host.Password = v1alpha1.SecretMissing
	}
	plan = Make(facts)
	g.Expect(plan.Waiting.Reason).To(Equal(v1alpha1.ReasonPasswordMissing))
	g.Expect(live(facts, &plan).Spec.Template).To(Equal(before))
	after, _ := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonPasswordMissing))

	for _, report := range facts.Reports {
		report.Status.Host.Password = v1alpha1.SecretPresent
	}
	plan = Make(facts)
	wanted := live(facts, &plan)
	g.Expect(wanted.Spec.Template).NotTo(Equal(before))
	g.Expect(wanted.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.String()).To(Equal("100%"), "all at once")

	// While they are replaced, and when they are.
	facts.Routers = wanted
	plan = Make(facts)
	g.Expect(live(facts, &plan).Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.String()).To(Equal("100%"))
	after, _ = Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonPasswordChanging))
	for _, pod := range facts.RouterPods {
		pod.Labels = facts.Routers.Spec.Template.Labels
	}
	plan = Make(facts)
	again := live(facts, &plan)
	g.Expect(again.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.String()).To(Equal("1"))
	g.Expect(again.Annotations).NotTo(HaveKey(annotationAllAtOnce))
	g.Expect(again.Spec.Template).To(Equal(wanted.Spec.Template))

	// The same Secret with other contents.
	facts.Routers = again
	facts.Network.Spec.Password.Revision = "2"
	plan = Make(facts)
	g.Expect(live(facts, &plan).Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.String()).To(Equal("100%"))
}

// A deletion goes step by step, each of which can be seen from what is there.
func TestCleaningUp(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	facts.Network.Spec.CleanupPolicy = v1alpha1.CleanupClean
	g.Expect(Make(facts).WantFinalizer).To(BeTrue())
	sayBefore(facts)
	deleting(facts)

	plan := Make(facts)
	g.Expect(plan.Task).To(Equal(v1alpha1.AgentLeave))
	g.Expect(plan.RemoveRouters).To(BeFalse(), "not before every router has left")
	g.Expect(plan.Waiting.Message).To(ContainSubstring("node1, node2"))

	report := func(node string, phase v1alpha1.WeaveCleanupState) {
		facts.Reports[node].Status.AgentRevision = plan.AgentRevision
		facts.Reports[node].Status.Cleanup = &v1alpha1.WeaveCleanup{State: phase, Message: "device or resource busy"}
	}
	report("node1", v1alpha1.CleanupLeft)
	plan = Make(facts)
	g.Expect(plan.RemoveRouters).To(BeFalse())
	report("node2", v1alpha1.CleanupLeft)
	plan = Make(facts)
	g.Expect(plan.RemoveRouters).To(BeTrue())

	facts.Routers = nil
	plan = Make(facts)
	g.Expect(plan.Task).To(Equal(v1alpha1.AgentLeave), "its pods are still there")
	facts.RouterPods = map[string]*corev1.Pod{}
	plan = Make(facts)
	g.Expect(plan.Task).To(Equal(v1alpha1.AgentClean))
	g.Expect(plan.RemoveBookkeeping).To(BeFalse())
	report("node1", v1alpha1.CleanupCleaned)
	report("node2", v1alpha1.CleanupFailed)
	plan = Make(facts)
	g.Expect(plan.Waiting.Message).To(And(ContainSubstring("node2"), ContainSubstring("device or resource busy"), ContainSubstring("Retain")))
	g.Expect(plan.WantFinalizer).To(BeTrue())
	report("node2", v1alpha1.CleanupCleaned)
	plan = Make(facts)
	g.Expect(plan.RemoveBookkeeping).To(BeTrue())
	g.Expect(plan.WantFinalizer).To(BeTrue())
	facts.Bookkeeping = nil
	plan = Make(facts)
	g.Expect(plan.WantFinalizer).To(BeFalse())
}

func TestADeletionThatRetainsTouchesNothing(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	deleting(facts)
	plan := Make(facts)
	g.Expect(plan.WantFinalizer).To(BeFalse())
	g.Expect(plan.RemoveRouters).To(BeFalse())
	g.Expect(plan.Install).To(BeFalse())
	// Also when it was to be clean, and somebody has thought better of it.
	facts.Network.Spec.CleanupPolicy = v1alpha1.CleanupRetain
	g.Expect(Make(facts).WantFinalizer).To(BeFalse())
	// Nor is somebody else's Weave cleaned away.
	facts.Network.Spec.CleanupPolicy = v1alpha1.CleanupClean
	facts.Routers.Labels = nil
	plan = Make(facts)
	g.Expect(plan.WantFinalizer).To(BeFalse())
	g.Expect(plan.RemoveRouters).To(BeFalse())
}

func TestNothingIsRemovedWhileANodeIsLost(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	facts.Network.Spec.CleanupPolicy = v1alpha1.CleanupClean
	deleting(facts)
	facts.Nodes[1].Lost = true
	plan := Make(facts)
	g.Expect(plan.Task).To(Equal(v1alpha1.AgentReport), "a router that has left gives out no addresses")
	g.Expect(plan.Waiting.Message).To(ContainSubstring("node2: lost"))
	g.Expect(plan.WantFinalizer).To(BeTrue())
}

func TestReportsOfGoneNodesAreForgotten(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	facts.Nodes = facts.Nodes[:2]
	plan := Make(facts)
	g.Expect(plan.Forget).To(HaveLen(1))
	g.Expect(plan.Forget[0].Name).To(Equal("node3"))
}

func TestASpecThatGotPastAdmission(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	facts.Network.Spec.IPRange = "10.32.0.1/12"
	plan := Make(facts)
	g.Expect(plan.Install).To(BeFalse())
	after, _ := Status(facts, &plan, nil)
	g.Expect(condition(&after, v1alpha1.ConditionStalled).Reason).To(Equal(v1alpha1.ReasonInvalidSpec))
}

// It would clean the directories of its own spec, and leave those of the Weave that runs.
func TestAnIncompatibleWeaveNetworkRemovesNothing(t *testing.T) {
	g := NewWithT(t)
	facts := installed(2)
	facts.Network.Spec.CleanupPolicy = v1alpha1.CleanupClean
	facts.Network.Spec.HostPaths.Data = "/data"
	deleting(facts)
	plan := Make(facts)
	g.Expect(plan.Task).To(Equal(v1alpha1.AgentReport))
	g.Expect(plan.RemoveRouters).To(BeFalse())
	g.Expect(plan.WantFinalizer).To(BeTrue())
	g.Expect(plan.Waiting.Message).To(And(ContainSubstring("hostPaths.data"), ContainSubstring("Retain")))
}

// Lost nodes' routers must not keep the others from being replaced, nor count as replaced.
func TestLostNodesDoNotHoldAnUpdateUp(t *testing.T) {
	g := NewWithT(t)
	facts := installed(3)
	facts.Nodes[2].Lost = true
	outdate(facts, "node2", "node3")
	plan := Make(facts)
	g.Expect(live(facts, &plan).Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.IntValue()).To(Equal(2))
	g.Expect(rolledOut(facts)).To(BeFalse())
	facts.RouterPods["node2"].Labels = facts.Routers.Spec.Template.Labels
	g.Expect(rolledOut(facts)).To(BeTrue())
}
