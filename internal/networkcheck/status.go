// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// maxResults is how many pairs the status tells one by one.
const maxResults = 64

// Status is what users read after a pass; problem is why a pod could not be created, "" if none. One that has ended is
// never changed again: its pods, which held the results, are gone.
func Status(facts *observe.CheckFacts, decided *Decision, problem string) v1alpha1.NetworkCheckStatus {
	check := facts.Check
	if meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionComplete) {
		return check.Status
	}
	now := metav1.NewTime(facts.Now)
	after := v1alpha1.NetworkCheckStatus{
		ObservedGeneration: check.Generation,
		StartTime:          check.Status.StartTime,
		Nodes:              decided.Nodes,
		Overlay:            decided.Overlay,
		Pairs: v1alpha1.NetworkCheckCounts{
			Total: int32(len(decided.Pairs)), Finished: int32(len(decided.Results)), Failed: int32(countFailed(decided.Results)),
		},
	}
	if after.StartTime == nil {
		after.StartTime = &now
	}
	if decided.Ended {
		after.CompletionTime = &now
		ordered := worstFirst(decided.Results)
		after.Summary = summarize(ordered)
		after.Results = ordered[:min(len(ordered), maxResults)]
	}
	after.Conditions = conditionsOf(check, decided, &after, problem)
	return after
}

func conditionsOf(check *v1alpha1.NetworkCheck, decided *Decision, after *v1alpha1.NetworkCheckStatus, problem string) []metav1.Condition {
	set := conditions.New(check.Status.Conditions, check.Generation)
	reason, message := outcome(decided, after, problem)
	good := metav1.ConditionFalse
	if decided.Ended && decided.Refused == nil && after.Pairs.Failed == 0 {
		good = metav1.ConditionTrue
	}
	set.Add(v1alpha1.ConditionReady, good, reason, message)
	complete := metav1.ConditionFalse
	if decided.Ended {
		complete = metav1.ConditionTrue
	}
	set.Add(v1alpha1.ConditionComplete, complete, reason, message)
	switch {
	case !decided.Ended:
		set.Add(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason, message)
	case good == metav1.ConditionFalse:
		set.Add(v1alpha1.ConditionStalled, metav1.ConditionTrue, reason, message)
	}
	return set.All
}

func outcome(decided *Decision, after *v1alpha1.NetworkCheckStatus, problem string) (reason, message string) {
	counts := after.Pairs
	switch {
	case decided.Refused != nil:
		return decided.Refused.Reason, decided.Refused.Message
	case decided.Ended && counts.Total == 0:
		return v1alpha1.ReasonNothingToMeasure, "there is one node to measure, and no other: " + decided.Nodes[0]
	case decided.Ended && counts.Failed == 0:
		return v1alpha1.ReasonPassed, fmt.Sprintf("%d of %d pairs passed: TCP at least %s, UDP loss at most %s",
			counts.Total, counts.Total, after.Summary.MinTCP, after.Summary.MaxUDPLoss)
	case decided.Ended:
		worst := &after.Results[0]
		return worst.Reason, fmt.Sprintf("%d of %d pairs failed; %s → %s: %s", counts.Failed, counts.Total, worst.From, worst.To, worst.Message)
	case problem != "":
		return v1alpha1.ReasonRetrying, problem
	}
	message = fmt.Sprintf("%d of %d pairs are measured", counts.Finished, counts.Total)
	if counts.Failed > 0 {
		message += fmt.Sprintf(", %d of them failed", counts.Failed)
	}
	return v1alpha1.ReasonMeasuring, message
}

func countFailed(results []v1alpha1.PairResult) int {
	failed := 0
	for i := range results {
		if !passed(&results[i]) {
			failed++
		}
	}
	return failed
}
