// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// patience is for how long something must be bad before a condition that was good says so: a heartbeat late, a router that
// restarts, or two reports that are seconds apart, are no news.
const patience = time.Minute

// maxProblems bounds the problems in the status.
const maxProblems = 20

// Failure is a write that did not succeed.
type Failure struct {
	Reason, Message string
	// Stalled says that a person has to act.
	Stalled bool
}

// Status is the status after a pass, and when to look again if nothing changes (0: no need).
func Status(facts *observe.WeaveFacts, plan *Plan, failed *Failure) (v1alpha1.WeaveNetworkStatus, time.Duration) {
	seen := look(facts)
	writer := &statusWriter{
		facts: facts, seen: seen, plan: plan, failed: failed,
		nodes: countNodes(seen), pairs: countPairs(seen),
		set:  conditions.New(facts.Network.Status.Conditions, facts.Network.Generation),
		next: plan.Next,
	}
	stale := staleNow(facts)
	writer.conditions(stale)
	for i := range stale {
		if left := stalePatience - facts.Now.Sub(stale[i].Since.Time); left > 0 {
			writer.lookAgain(left)
		}
	}
	if len(writer.problems) > maxProblems {
		writer.problems = writer.problems[:maxProblems]
	}
	frozen := plan.Frozen
	if facts.Routers == nil && (failed != nil || !plan.Install) {
		frozen = facts.Network.Status.Frozen // Nothing was installed: it is decided anew next time.
	}
	return v1alpha1.WeaveNetworkStatus{
		ObservedGeneration: facts.Network.Generation,
		Conditions:         writer.set.All,
		Frozen:             frozen,
		Counted:            plan.Counted,
		Nodes:              writer.nodes,
		Pairs:              writer.pairs,
		StalePeers:         stale,
		Problems:           writer.problems,
	}, writer.next
}

type statusWriter struct {
	facts    *observe.WeaveFacts
	seen     *view
	plan     *Plan
	failed   *Failure
	nodes    v1alpha1.WeaveNodeCounts
	pairs    v1alpha1.WeavePairCounts
	set      *conditions.Set
	problems []v1alpha1.WeaveProblem
	next     time.Duration
}

// forPeople are reasons that no waiting mends.
var forPeople = []string{
	v1alpha1.ReasonNoWeave, v1alpha1.ReasonSplitBrain, v1alpha1.ReasonRangeMismatch, v1alpha1.ReasonPasswordMissing,
	v1alpha1.ReasonPasswordMismatch, v1alpha1.ReasonPeerNameCollision, v1alpha1.ReasonStaleBridgeAddress,
	v1alpha1.ReasonWaitingForDeletedPods,
}

// check is one condition's question, with what it says when all is well.
type check struct {
	kind, good string
	found      finding
}

func (w *statusWriter) conditions(stale []v1alpha1.WeaveStalePeer) {
	nodes, pairs := w.nodes, w.pairs
	checks := []check{
		{v1alpha1.ConditionRoutersReady, fmt.Sprintf("%d of %d routers are ready", nodes.Ready, nodes.Desired), routersReady(w.seen, w.plan)},
		{v1alpha1.ConditionIPAMReady, "the nodes agree on who owns which addresses", ipamReady(w.seen)},
		{v1alpha1.ConditionPeersConnected, fmt.Sprintf("%d of %d pairs of nodes are connected", pairs.Connected, pairs.Expected), peersConnected(w.seen)},
		{v1alpha1.ConditionHostsExposed, fmt.Sprintf("%d of %d nodes have their address on the overlay", nodes.Exposed, nodes.Desired), hostsExposed(w.seen)},
	}
	first := w.preflight()
	stalled := first.bad() && (len(w.plan.Conflicts) > 0 || w.plan.Invalid != "")
	if w.failed != nil {
		first = finding{reason: w.failed.Reason, message: w.failed.Message}
		stalled = w.failed.Stalled
	}
	if w.failed == nil && w.facts.Network.DeletionTimestamp != nil && w.plan.Waiting != nil {
		first = finding{reason: w.plan.Waiting.Reason, message: w.plan.Waiting.Message}
		stalled = false
	}
	for _, one := range checks {
		if told := w.judge(one); told.bad() && !first.bad() {
			first = told
		}
	}
	// Ready comes first, and is known last.
	others := w.set.All
	w.set.All = nil
	w.ready(first)
	w.set.All = append(w.set.All, others...)
	w.degraded(stale)
	switch {
	case stalled || first.bad() && slices.Contains(forPeople, first.reason):
		w.set.Add(v1alpha1.ConditionStalled, metav1.ConditionTrue, first.reason, first.message)
	case first.bad():
		w.set.Add(v1alpha1.ConditionReconciling, metav1.ConditionTrue, first.reason, first.message)
	}
}

// preflight is the condition of what is done before anything is installed.
func (w *statusWriter) preflight() finding {
	found := finding{}
	good, message := v1alpha1.ReasonPreflightPassed, "nothing speaks against installing Weave"
	switch {
	case w.plan.Invalid != "":
		found = finding{reason: v1alpha1.ReasonInvalidSpec, message: w.plan.Invalid}
	case len(w.plan.Conflicts) > 0:
		found = finding{reason: w.plan.Conflicts[0].Reason, message: tell(w.plan.Conflicts, ours(w.facts.Routers))}
	case w.facts.Network.Spec.ManagementPolicy != v1alpha1.WeaveManaged:
		good, message = v1alpha1.ReasonObserved, "the operator reports on Weave and changes nothing of it"
	case ours(w.facts.Routers):
		good, message = v1alpha1.ReasonInstalled, "Weave is installed"
	case w.plan.Waiting != nil:
		found = finding{reason: w.plan.Waiting.Reason, message: w.plan.Waiting.Message, unknown: true}
	}
	w.add(v1alpha1.ConditionPreflight, &found, good, message)
	return found
}

// judge adds a condition. One that was good stays so until what is bad has been so for a while.
func (w *statusWriter) judge(one check) finding {
	before := meta.FindStatusCondition(w.facts.Network.Status.Conditions, one.kind)
	if left := w.left(&one.found); left > 0 {
		switch {
		case before != nil && before.Status == metav1.ConditionTrue:
			w.lookAgain(left)
			w.set.Add(one.kind, metav1.ConditionTrue, before.Reason, before.Message)
			return finding{}
		case one.found.reason == v1alpha1.ReasonSplitBrain:
			// Reports are seconds apart: while nodes join, one knows of the other before that one says so.
			w.lookAgain(left)
			one.found = finding{reason: v1alpha1.ReasonProgressing, message: "the nodes share out the addresses", unknown: true}
		}
	}
	w.add(one.kind, &one.found, v1alpha1.ReasonAllGood, one.good)
	return one.found
}

// left is how much longer something has to be bad before it is told; 0 or less if it is told now. A node whose clock is ahead
// must not keep it back for ever.
func (w *statusWriter) left(found *finding) time.Duration {
	if !found.bad() || found.since.IsZero() || found.since.After(w.facts.Now.Add(patience)) {
		return 0
	}
	return patience - w.facts.Now.Sub(found.since)
}

func (w *statusWriter) add(kind string, found *finding, reason, message string) {
	byNode(found.problems)
	w.problems = append(w.problems, found.problems...)
	switch {
	case !found.bad():
		w.set.Add(kind, metav1.ConditionTrue, reason, message)
	case found.unknown:
		w.set.Add(kind, metav1.ConditionUnknown, found.reason, found.message)
	default:
		w.set.Add(kind, metav1.ConditionFalse, found.reason, found.message)
	}
}

func (w *statusWriter) ready(first finding) {
	if first.bad() {
		w.set.Add(v1alpha1.ConditionReady, metav1.ConditionFalse, first.reason, first.message)
		return
	}
	w.set.Add(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady,
		fmt.Sprintf("Weave connects %d nodes", w.nodes.Desired))
}

// degraded has the opposite sense: it is True when something is wrong, and as patient.
func (w *statusWriter) degraded(stale []v1alpha1.WeaveStalePeer) {
	before := meta.FindStatusCondition(w.facts.Network.Status.Conditions, v1alpha1.ConditionDegraded)
	reason, message := "", ""
	for _, one := range degraded(w.seen, w.plan, stale) {
		if left := w.left(&one); left > 0 && (before == nil || before.Status == metav1.ConditionFalse) {
			w.lookAgain(left)
			continue
		}
		byNode(one.problems)
		w.problems = append(w.problems, one.problems...)
		if reason == "" {
			reason, message = one.reason, one.message
		} else {
			message += "; " + one.message
		}
	}
	if reason == "" {
		w.set.Add(v1alpha1.ConditionDegraded, metav1.ConditionFalse, v1alpha1.ReasonAllGood, "nothing is known to be amiss")
		return
	}
	w.set.Add(v1alpha1.ConditionDegraded, metav1.ConditionTrue, reason, message)
}

func (w *statusWriter) lookAgain(left time.Duration) {
	if w.next == 0 || left < w.next {
		w.next = left
	}
}

func countNodes(seen *view) v1alpha1.WeaveNodeCounts {
	var count v1alpha1.WeaveNodeCounts
	for i := range seen.facts.Nodes {
		if seen.facts.Nodes[i].Wanted {
			count.Desired++
		}
	}
	if routers := seen.facts.Routers; routers != nil {
		count.Desired = routers.Status.DesiredNumberScheduled
		count.Ready = routers.Status.NumberReady
		count.Updated = routers.Status.UpdatedNumberScheduled
	}
	for i := range seen.hosts {
		host := &seen.hosts[i]
		if pod := seen.facts.AgentPods[host.name]; pod != nil && observe.PodReady(pod) {
			count.Reporting++
		}
		if overlay := &host.report.Overlay; host.running() && overlay.Address != "" && overlay.Address == overlay.Claim {
			count.Exposed++
		}
	}
	return count
}
