// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// unmet is what of spec.network is not met.
func unmet(missing plan.Network) edit {
	return func(in *status.Input) { in.Plan.Network = missing }
}

// asksForWeave has this read of it; what is missing follows from it.
func asksForWeave(read observe.WeaveRead) edit {
	return func(in *status.Input) {
		in.Facts.Cluster.Spec.Network.Mode, in.Facts.Weave = v1alpha1.NetworkWeave, &read
		if !read.Ready() {
			in.Plan.Network = plan.NoWeave
		}
	}
}

// weave is a WeaveNetwork with this condition Ready.
func weave(ready metav1.ConditionStatus, reason, message string, edits ...func(*v1alpha1.WeaveNetwork)) observe.WeaveRead {
	network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: "default", Generation: 4}}
	network.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: ready, Reason: reason, Message: message, ObservedGeneration: 4,
	}}
	for _, change := range edits {
		change(network)
	}
	return observe.WeaveRead{Network: network}
}

// asksForCheck has a check that says this of itself, none for "".
func asksForCheck(ready metav1.ConditionStatus, message string, edits ...func(*v1alpha1.NetworkCheck)) edit {
	return func(in *status.Input) {
		in.Facts.Cluster.Spec.Network.Check = true
		if ready == "" {
			return
		}
		in.Facts.NetworkCheck = &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Name: "prod-network"}}
		if message != "" {
			in.Facts.NetworkCheck.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: ready, Message: message}}
		}
		for _, change := range edits {
			change(in.Facts.NetworkCheck)
		}
	}
}

// first is before compute was created, with the master's address known.
func first(in *status.Input) { noCompute(in) }

// later is after compute was created.
func later(in *status.Input) { in.Plan.Compute.Began = true }

func none(in *status.Input) { in.Plan.Compute.Replicas = 0 }

var (
	forbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "weavenetworks"}, "default", errors.New("no rule"))
	timeout   = apierrors.NewTimeoutError("request 4711 took too long", 1)
	sleeve    = weave("False", "PeersFailed", "3 of 6 pairs are not connected")
	healthy   = weave("True", "AllGood", "all is well")
)

func leaves(w *v1alpha1.WeaveNetwork) { w.DeletionTimestamp = new(metav1.Now()) }

// networkSituation is what a person sees of the network, and of what waits for it.
type networkSituation struct {
	in *status.Input
	// network is the verdict of NetworkReady, message what it says.
	network, message string
	// ready and compute are the verdicts of Ready and ComputeReady; other is Stalled or Reconciling, the one that must be there.
	ready, compute, other string
}

func (s *networkSituation) check(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	after := status.Of(s.in)
	g.Expect(verdict(&after, v1alpha1.ConditionNetworkReady)).To(Equal(s.network))
	if found := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionNetworkReady); found != nil {
		g.Expect(found.Message).To(Equal(s.message))
	}
	rest := situation{s.in, s.ready, good, s.compute, s.other, meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady).Message}
	rest.check(t)
}

func TestNetworkReadySaysHowWeaveIs(t *testing.T) {
	for name, s := range map[string]networkSituation{
		"nothing is asked": {pass(), "absent", "", good, good, ""},
		"the network that is there is asked for": {
			pass(func(in *status.Input) { in.Facts.Cluster.Spec.Network.Mode = v1alpha1.NetworkExisting }), "absent", "", good, good, "",
		},
		"Weave is Ready": {pass(later, asksForWeave(healthy)), good, "the WeaveNetwork default is Ready", good, good, ""},
		"Weave is not there": {
			pass(first, asksForWeave(observe.WeaveRead{})), "False WeaveNotInstalled",
			"there is no WeaveNetwork: install config/weave and create the WeaveNetwork default (docs/networking.md), or set spec.network.mode to Existing",
			"False WeaveNotInstalled", "False WeaveNotInstalled", busy,
		},
		"Weave is not Ready": {
			pass(first, asksForWeave(sleeve)), "False WeaveNotReady",
			"the WeaveNetwork default is not Ready: PeersFailed: 3 of 6 pairs are not connected", "False WeaveNotReady", "False WeaveNotReady", busy,
		},
		"Weave is not Ready any more, and compute runs": {
			pass(later, asksForWeave(sleeve)), "False WeaveNotReady",
			"the WeaveNetwork default is not Ready: PeersFailed: 3 of 6 pairs are not connected", "False WeaveNotReady", good, busy,
		},
		"Weave was edited a moment ago": {
			pass(later, asksForWeave(weave("True", "AllGood", "", func(w *v1alpha1.WeaveNetwork) { w.Generation++ }))), "False WeaveNotReady",
			"the WeaveNetwork default is not looked at yet: the operator of config/weave does that", "False WeaveNotReady", good, busy,
		},
		"Weave is being deleted": {
			pass(later, asksForWeave(weave("True", "AllGood", "", leaves))), "False WeaveNotReady",
			"the WeaveNetwork default is being deleted", "False WeaveNotReady", good, busy,
		},
		"Weave may not be read": {
			pass(first, asksForWeave(observe.WeaveRead{Err: forbidden})), "False Forbidden",
			"the operator may not read WeaveNetworks: the ClusterRoleBinding symphony-operator-weave-reader of config/weave must be there " +
				"and have the operator's ServiceAccount as its subject (docs/networking.md)", "False Forbidden", "False Forbidden", busy,
		},
		"Weave cannot be read, and compute waits for it": {
			pass(first, asksForWeave(observe.WeaveRead{Err: timeout})), "Unknown ProgressingWithRetry",
			"the WeaveNetwork default cannot be read (Timeout): the operator's log has the error", "False ProgressingWithRetry", "False ProgressingWithRetry", busy,
		},
		"Weave cannot be read, and compute runs": {
			pass(later, asksForWeave(observe.WeaveRead{Err: errors.New("dial tcp 10.0.0.1:4711: broken")})), "Unknown ProgressingWithRetry",
			"the WeaveNetwork default cannot be read (no answer): the operator's log has the error", good, good, "",
		},
		"Weave that nobody needs yet, and that cannot be read": {
			pass(first, none, asksForWeave(observe.WeaveRead{Err: timeout})), "Unknown ProgressingWithRetry",
			"the WeaveNetwork default cannot be read (Timeout): the operator's log has the error", good, good, "",
		},
	} {
		t.Run(name, s.check)
	}
}

func TestNetworkReadySaysWhatWasMeasured(t *testing.T) {
	for name, s := range map[string]networkSituation{
		"the network is to be measured": {
			pass(first, asksForCheck("", ""), unmet(plan.Measure)), "False NetworkCheckRunning", "NetworkCheck prod-network is not created yet",
			"False NetworkCheckRunning", "False NetworkCheckRunning", busy,
		},
		"the network cannot be measured": {
			pass(first, asksForCheck("", ""), unmet(plan.Measure), func(in *status.Input) {
				in.Outcome.Problems = []apply.Problem{{Kind: apply.Forbidden, Child: observe.ChildKey{Kind: "NetworkCheck"}, Message: "a quota"}}
			}), "False NetworkCheckRunning", "NetworkCheck prod-network is not created yet: a quota", "False Forbidden", "False NetworkCheckRunning", busy,
		},
		"the check is new": {
			pass(first, asksForCheck("False", ""), unmet(plan.Measuring)), "False NetworkCheckRunning", "NetworkCheck prod-network: it has not begun yet",
			"False NetworkCheckRunning", "False NetworkCheckRunning", busy,
		},
		"the network is being measured": {
			pass(first, asksForCheck("False", "3 of 6 pairs are measured"), unmet(plan.Measuring)), "False NetworkCheckRunning",
			"NetworkCheck prod-network: 3 of 6 pairs are measured", "False NetworkCheckRunning", "False NetworkCheckRunning", busy,
		},
		"the check is being deleted": {
			pass(first, asksForCheck("False", "2 of 2 pairs failed", func(c *v1alpha1.NetworkCheck) { c.DeletionTimestamp = new(metav1.Now()) }),
				unmet(plan.Measuring)), "False NetworkCheckRunning",
			"NetworkCheck prod-network: it is being deleted; another one is created when it is gone", "False NetworkCheckRunning", "False NetworkCheckRunning", busy,
		},
		"the check has failed": {
			pass(first, asksForCheck("False", "2 of 2 pairs failed; a → b: UDP does not pass"), unmet(plan.NotPassed)), "False NetworkCheckFailed",
			"no compute pods are created: mend the network and delete NetworkCheck prod-network to measure again, or set spec.network.check to false: " +
				"2 of 2 pairs failed; a → b: UDP does not pass", "False NetworkCheckFailed", "False NetworkCheckFailed", hurt,
		},
		"the check is of other nodes": {
			pass(first, asksForCheck("True", "6 of 6 pairs passed"), unmet(plan.OtherPlacement)), "False NetworkCheckOutdated",
			"no compute pods are created: the network was measured for another placement: delete NetworkCheck prod-network to have it " +
				"measured for the present one, or set spec.network.check to false", "False NetworkCheckOutdated", "False NetworkCheckOutdated", hurt,
		},
		"the network has passed": {
			pass(later, asksForCheck("True", "6 of 6 pairs passed")), good, "NetworkCheck prod-network: 6 of 6 pairs passed", good, good, "",
		},
		"the network has passed, over Weave": {
			pass(later, asksForWeave(healthy), asksForCheck("True", "6 of 6 pairs passed")), good,
			"the WeaveNetwork default is Ready; NetworkCheck prod-network: 6 of 6 pairs passed", good, good, "",
		},
		"the record of a check that failed": {
			pass(later, asksForCheck("False", "2 of 2 pairs failed")), good, "compute pods were created before, so nothing is measured any more", good, good, "",
		},
		"a check that is asked for too late": {
			pass(later, asksForCheck("", "")), good, "compute pods were created before, so nothing is measured any more", good, good, "",
		},
		"a check that nobody needs yet": {
			pass(first, none, asksForCheck("", ""), unmet(plan.MeasureLater)), "Unknown NotMeasured",
			"the network is measured when compute pods are wanted for the first time, and none are", good, good, "",
		},
		"a check that failed and that nobody needs now": {
			pass(first, none, asksForCheck("False", "2 of 2 pairs failed"), unmet(plan.MeasureLater)), "Unknown NotMeasured",
			"no compute pods are wanted; what NetworkCheck prod-network says counts when some are", good, good, "",
		},
	} {
		t.Run(name, s.check)
	}
}

// Without a network, the master gets no address: that Weave is missing says more. With one, the master's own trouble does.
func TestWhatReadySaysOfTheNetworkFirst(t *testing.T) {
	noAddress := func(in *status.Input) {
		in.Plan.Master, in.Plan.Address = nil, nil
		in.Facts.MasterPods[0].Status.PodIP, in.Facts.MasterPods[0].Status.Conditions = "", nil
	}
	measuring := func(in *status.Input) {
		asksForCheck("False", "it runs")(in)
		unmet(plan.Measuring)(in)
	}
	failed := func(in *status.Input) {
		asksForCheck("False", "it failed")(in)
		unmet(plan.NotPassed)(in)
	}
	for name, c := range map[string]struct {
		in     *status.Input
		reason string
	}{
		"Weave before a master without an address":     {pass(first, noAddress, asksForWeave(sleeve)), v1alpha1.ReasonWeaveNotReady},
		"a master that starts before Weave":            {pass(first, starting, asksForWeave(sleeve)), v1alpha1.ReasonMasterStarting},
		"a master without an address before measuring": {pass(first, noAddress, measuring), v1alpha1.ReasonMasterPending},
		"a master that starts before measuring":        {pass(first, starting, measuring), v1alpha1.ReasonMasterStarting},
		"a failed check before a master that starts":   {pass(first, starting, failed), v1alpha1.ReasonNetworkCheckFailed},
		"a rejected child before a failed check":       {pass(first, failed, problem(apply.Rejected)), v1alpha1.ReasonRejected},
		"an earlier cluster's children before Weave":   {pass(first, asksForWeave(sleeve), problem(apply.Leaving)), v1alpha1.ReasonWaitingForDeletion},
		"Weave before a write that failed":             {pass(first, asksForWeave(sleeve), problem(apply.Transient)), v1alpha1.ReasonWeaveNotReady},
		"Weave before compute that is being scaled":    {pass(later, asksForWeave(sleeve), func(in *status.Input) { in.Plan.Compute.Replicas = 9 }), v1alpha1.ReasonWeaveNotReady},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(of(c.in, v1alpha1.ConditionReady).Reason).To(Equal(c.reason))
		})
	}
	g := NewWithT(t)
	g.Expect(of(pass(first, noAddress, asksForWeave(sleeve)), v1alpha1.ConditionComputeReady).Reason).To(Equal(v1alpha1.ReasonWaitingForMaster))
	g.Expect(of(pass(first, asksForWeave(sleeve)), v1alpha1.ConditionComputeReady).Message).
		To(Equal("compute pods wait for the network: the WeaveNetwork default is not Ready: PeersFailed: 3 of 6 pairs are not connected"))
}

// The message sends people to this binding: it must have that name.
func TestTheBindingThatAllowsToReadWeaveIsNamedRight(t *testing.T) {
	manifest, err := os.ReadFile("../../config/weave/rbac/users.yaml")
	g := NewWithT(t)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(manifest)).To(ContainSubstring("kind: ClusterRoleBinding\nmetadata:\n  name: symphony-operator-weave-reader\n"))
	g.Expect(of(pass(first, asksForWeave(observe.WeaveRead{Err: forbidden})), v1alpha1.ConditionNetworkReady).Message).
		To(ContainSubstring("ClusterRoleBinding symphony-operator-weave-reader "))
}

// A condition holds so many characters: what to do must be among them, however much a check has to say.
func TestTheRemedySurvivesALongMessage(t *testing.T) {
	in := pass(first, asksForCheck("False", strings.Repeat("much to say ", 200)), unmet(plan.NotPassed))
	NewWithT(t).Expect(of(in, v1alpha1.ConditionNetworkReady).Message).To(ContainSubstring("delete NetworkCheck prod-network to measure again"))
}

func TestEventsOfTheNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		in   *status.Input
		told []string
	}{
		"it is measured":       {pass(was("False", "MasterStarting"), first, asksForCheck("False", "it runs"), unmet(plan.Measuring)), nil},
		"it did not pass":      {pass(was("False", "NetworkCheckRunning"), first, asksForCheck("False", "it failed"), unmet(plan.NotPassed)), []string{"Warning NetworkCheckFailed"}},
		"it is of other nodes": {pass(was("True", "Ready"), first, asksForCheck("True", "it passed"), unmet(plan.OtherPlacement)), []string{"Warning NetworkCheckOutdated"}},
		"Weave is not there":   {pass(was("False", "MasterStarting"), first, asksForWeave(observe.WeaveRead{})), []string{"Warning WeaveNotInstalled"}},
		"Weave is in trouble":  {pass(was("True", "Ready"), later, asksForWeave(sleeve)), []string{"Warning WeaveNotReady"}},
		"and still":            {pass(was("False", "WeaveNotReady"), later, asksForWeave(sleeve)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			after := status.Of(c.in)
			var told []string
			for _, event := range status.Events(c.in, &after) {
				told = append(told, event.Type+" "+event.Reason)
			}
			NewWithT(t).Expect(told).To(Equal(c.told))
		})
	}
}
