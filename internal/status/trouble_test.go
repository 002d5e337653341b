// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/status"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// of is one condition after a pass.
func of(in *status.Input, kind string) *metav1.Condition {
	after := status.Of(in)
	return meta.FindStatusCondition(after.Conditions, kind)
}

// container gives the master's container a state; the master is not ready then.
func container(state corev1.ContainerStatus) edit {
	return func(in *status.Input) { notReady(state, in.Plan.Master) }
}

func TestWhatAContainerSays(t *testing.T) {
	terminated := func(code int32, reason, message string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "symphony", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message},
		}}
	}
	for name, c := range map[string]struct {
		state           corev1.ContainerStatus
		reason, message string
	}{
		"it is being created":    {waiting("ContainerCreating", ""), v1alpha1.ReasonMasterStarting, "the master pod runs; EGO does not answer yet"},
		"its pod is set up":      {waiting("PodInitializing", ""), v1alpha1.ReasonMasterStarting, "the master pod runs; EGO does not answer yet"},
		"it waits for no reason": {waiting("", ""), v1alpha1.ReasonMasterStarting, "the master pod runs; EGO does not answer yet"},
		"it has just ended": {
			terminated(2, "Error", "the profile is not readable"), v1alpha1.ReasonMasterFailed,
			`the master pod: the container "symphony" ended with exit code 2: the profile is not readable`,
		},
		"it ended without a word": {
			terminated(137, "OOMKilled", " \n"), v1alpha1.ReasonMasterFailed,
			`the master pod: the container "symphony" ended with exit code 137: OOMKilled`,
		},
		"it ended well": {terminated(0, "Completed", ""), v1alpha1.ReasonMasterStarting, "the master pod runs; EGO does not answer yet"},
		"it cannot be started": {
			waiting("CreateContainerError", "no command specified"), "CreateContainerError", "the master pod: no command specified",
		},
		"it waits without a word": {
			waiting("InvalidImageName", ""), "InvalidImageName", "the master pod: the container symphony waits",
		},
		// The source port is another one at every attempt: with it the condition would be written every time.
		"the registry refuses the connection": {
			waiting("ErrImagePull", `rpc error: code = Unknown desc = dial tcp 10.0.0.5:41234->10.0.0.6:5000: connect: connection refused`),
			"ImagePullBackOff",
			`the master pod: image "sym712" cannot be pulled: code = Unknown desc = dial tcp 10.0.0.6:5000: connect: connection refused`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := of(pass(container(c.state)), v1alpha1.ConditionMasterReady)
			g.Expect(found.Status).To(Equal(metav1.ConditionFalse))
			g.Expect(found.Reason).To(Equal(c.reason))
			g.Expect(found.Message).To(Equal(c.message))
		})
	}
}

// A side-car that serves counts no old failures against the pod.
func TestAContainerThatIsReadyIsInNoTrouble(t *testing.T) {
	in := pass(func(in *status.Input) {
		state := ended(1, "an old failure")
		state.Ready, state.State = true, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		in.Plan.Master.Status.ContainerStatuses = []corev1.ContainerStatus{state}
	})
	NewWithT(t).Expect(of(in, v1alpha1.ConditionMasterReady).Status).To(Equal(metav1.ConditionTrue))
}

func TestAnInitContainersFailureIsTold(t *testing.T) {
	in := pass(func(in *status.Input) {
		in.Plan.Master.Status.Conditions = nil
		failed := ended(1, "no route to the licence server")
		failed.Name = "fetch"
		in.Plan.Master.Status.InitContainerStatuses = []corev1.ContainerStatus{failed}
		in.Plan.Master.Status.ContainerStatuses = []corev1.ContainerStatus{waiting("PodInitializing", "")}
	})
	NewWithT(t).Expect(of(in, v1alpha1.ConditionMasterReady).Message).To(Equal(
		`the master pod: the container "fetch" ended with exit code 1: no route to the licence server`))
}

// With thousands of hosts, the trouble that most of them have is the one to tell; the order in which the cache lists
// them must not choose.
func TestTheTroubleOfMostHostsIsTold(t *testing.T) {
	crowd := func(order ...string) edit {
		return func(in *status.Input) {
			in.Facts.ComputePods, in.Plan.Compute.Replicas = nil, 6
			for _, message := range order {
				p := pod("prod-compute-"+message, "c1")
				if message != "ready" {
					notReady(ended(1, message), p)
				}
				in.Facts.ComputePods = append(in.Facts.ComputePods, p)
			}
		}
	}
	for name, c := range map[string]struct {
		in   *status.Input
		told string
	}{
		"the most frequent":             {pass(crowd("b", "a", "b", "ready")), "1 of 6 compute pods are ready: 2: the container \"symphony\" ended with exit code 1: b"},
		"of two as frequent, the first": {pass(crowd("b", "a")), "0 of 6 compute pods are ready: 1: the container \"symphony\" ended with exit code 1: a"},
		"in another order":              {pass(crowd("a", "b")), "0 of 6 compute pods are ready: 1: the container \"symphony\" ended with exit code 1: a"},
		"of live hosts only": {pass(crowd("b", "b", "a"), func(in *status.Input) {
			for _, p := range in.Facts.ComputePods[:2] {
				p.DeletionTimestamp = new(metav1.Now())
			}
		}), "0 of 6 compute pods are ready: 1: the container \"symphony\" ended with exit code 1: a"},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(of(c.in, v1alpha1.ConditionComputeReady).Message).To(Equal(c.told))
		})
	}
}

// A number of busy hosts from a moment ago beside fewer hosts from now would be a lie.
func TestBusyIsAsOldAsTheOtherCountsAtMost(t *testing.T) {
	g := NewWithT(t)
	read := &observe.EGORead{Hosts: []ego.Host{{Name: "prod-compute-x", State: ego.StateOK}}}
	in := pass(func(in *status.Input) {
		in.Facts.EGO = read
		in.Plan.Compute.Settled = true
		in.Facts.Cluster.Status.Compute.Hosts = &v1alpha1.HostCounts{
			Joined: 2, OK: 2, Busy: new(int32(2)), BusyTime: new(metav1.NewTime(in.Facts.Now.Add(-time.Second))),
		}
	})
	g.Expect(*status.Of(in).Compute.Hosts.Busy).To(BeEquivalentTo(0), "one host less")
	in.Facts.Cluster.Status.Compute.Hosts.Joined, in.Facts.Cluster.Status.Compute.Hosts.OK = 1, 1
	g.Expect(*status.Of(in).Compute.Hosts.Busy).To(BeEquivalentTo(2), "nothing else to write")
	in.Facts.Now = in.Facts.Now.Add(time.Minute)
	g.Expect(*status.Of(in).Compute.Hosts.Busy).To(BeEquivalentTo(0), "a minute later")
}

func TestHostsAreCountedByWhatTheyAre(t *testing.T) {
	mixed := func(in *status.Input) {
		starting, old, leaving, failed := pod("s", "c1"), pod("o", "c0"), pod("l", "c1"), pod("f", "c1")
		starting.Status.Conditions = nil
		leaving.DeletionTimestamp = new(metav1.Now())
		failed.Status.Phase = corev1.PodFailed
		in.Facts.ComputePods = append(in.Facts.ComputePods, starting, old, leaving, failed)
	}
	counts := func(in *status.Input) [3]int32 {
		compute := status.Of(in).Compute
		return [3]int32{compute.Replicas, compute.ReadyReplicas, compute.UpdatedReplicas}
	}
	g := NewWithT(t)
	g.Expect(counts(pass(mixed))).To(Equal([3]int32{4, 3, 3}), "live, ready, of the wanted revision")
	g.Expect(counts(pass(mixed, func(in *status.Input) { in.Children.ComputeRevision = "" }))).To(Equal([3]int32{4, 3, 4}),
		"while nobody knows the wanted revision, none is outdated")
	g.Expect(counts(pass(noCompute))).To(Equal([3]int32{}), "an autoscaler needs the zeros")
}

func TestTheMostTellingFindingIsReadys(t *testing.T) {
	starting := func(in *status.Input) { in.Plan.Master.Status.Conditions = nil }
	more := func(in *status.Input) { in.Plan.Compute.Replicas = 9 }
	broken := func(in *status.Input) {
		in.Children.Invalid = []*build.OverlayError{{Role: names.Compute, Problem: "does not parse"}}
	}
	for name, c := range map[string]struct {
		in     *status.Input
		reason string
	}{
		"the master before compute":               {pass(starting, more), v1alpha1.ReasonMasterStarting},
		"compute before a write that is repeated": {pass(more, problem(apply.Transient)), v1alpha1.ReasonScaling},
		"a name that is leaving before both":      {pass(starting, more, problem(apply.Leaving)), v1alpha1.ReasonWaitingForDeletion},
		"a person's work before the operator's":   {pass(starting, problem(apply.Rejected)), v1alpha1.ReasonRejected},
		"a name that is taken before an overlay":  {pass(broken, problem(apply.Conflict)), v1alpha1.ReasonNameConflict},
		"an overlay before a rejected child":      {pass(broken, problem(apply.Rejected)), v1alpha1.ReasonInvalidPodTemplate},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(of(c.in, v1alpha1.ConditionReady).Reason).To(Equal(c.reason))
		})
	}
}

// A lost master does not make its hosts unready: they run on, and find its successor.
func TestALostMasterIsNoFaultOfCompute(t *testing.T) {
	g := NewWithT(t)
	in := pass(noMaster)
	g.Expect(of(in, v1alpha1.ConditionComputeReady).Status).To(Equal(metav1.ConditionTrue))
	g.Expect(of(in, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonMasterPending))
}

// Suspended is what compute is when its pods are gone, not when they are on their way.
func TestComputeIsSuspendedWhenItsPodsAreGone(t *testing.T) {
	g := NewWithT(t)
	in := pass(func(in *status.Input) { in.Facts.Cluster.Spec.Suspend, in.Plan.Compute.Replicas = true, 0 })
	found := of(in, v1alpha1.ConditionComputeReady)
	g.Expect(found.Status).To(Equal(metav1.ConditionFalse))
	g.Expect(found.Reason).To(Equal(v1alpha1.ReasonScaling))
	g.Expect(found.Message).To(Equal("2 compute pods are being deleted, 0 are wanted"))
}

// The same world must give the same status: otherwise every pass would write one, and every write start a pass.
func TestAPassOverAnUnchangedWorldChangesNothing(t *testing.T) {
	for name, change := range map[string]edit{
		"ready":     func(*status.Input) {},
		"starting":  func(in *status.Input) { in.Plan.Master.Status.Conditions = nil },
		"no master": noMaster,
		"new":       func(in *status.Input) { noMaster(in); noCompute(in) },
		"failing":   container(ended(1, "set spec.adminPassword")),
		"conflict":  problem(apply.Conflict),
		"retrying":  problem(apply.Transient),
		"suspended": func(in *status.Input) {
			in.Facts.Cluster.Spec.Suspend, in.Facts.ComputePods, in.Plan.Compute.Replicas = true, nil, 0
		},
		"invalid": func(in *status.Input) { in.InvalidSpec, in.Children = "spec.image: Required value", nil },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			first := pass(change)
			after := status.Of(first)
			stamp(&after)
			before := first.Facts.Cluster.DeepCopy()
			before.Status = after

			again := pass(change, func(in *status.Input) { in.Facts.Cluster.Status = after })
			repeated := status.Of(again)
			g.Expect(repeated).To(Equal(after))
			g.Expect(status.Events(again, &repeated)).To(BeEmpty())
			now := before.DeepCopy()
			now.Status = repeated
			g.Expect(oracle.CheckStep(before, now)).To(BeEmpty())
		})
	}
}
