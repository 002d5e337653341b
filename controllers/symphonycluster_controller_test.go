// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// What no event tells is looked at again after a while; what a person must mend is not tried again in a storm.
func TestTheNextPass(t *testing.T) {
	problem := func(kinds ...apply.ProblemKind) []apply.Problem {
		var all []apply.Problem
		for _, kind := range kinds {
			found := apply.Problem{Kind: kind}
			if kind == apply.Transient {
				found.Err = errors.New("broken")
			}
			all = append(all, found)
		}
		return all
	}
	ready := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	for name, c := range map[string]struct {
		master   *corev1.Pod
		answers  bool
		problems []apply.Problem
		after    time.Duration
		fails    bool
	}{
		"at rest":                              {ready, true, nil, time.Minute, false},
		"without a master":                     {nil, false, nil, time.Minute, false},
		"while EGO starts":                     {&corev1.Pod{}, false, nil, time.Minute, false},
		"while the web console starts":         {ready, false, nil, 5 * time.Second, false},
		"a name that somebody else has":        {ready, true, problem(apply.Conflict), time.Minute, false},
		"a child that is rejected":             {ready, true, problem(apply.Rejected), time.Minute, false},
		"a node port that is taken":            {ready, true, problem(apply.NodePort), time.Minute, false},
		"a quota that is used up":              {ready, true, problem(apply.Forbidden), time.Minute, false},
		"an earlier cluster that is leaving":   {ready, true, problem(apply.Leaving), 5 * time.Second, false},
		"the soonest counts":                   {ready, true, problem(apply.Conflict, apply.Leaving), 5 * time.Second, false},
		"a right that may be there soon":       {ready, true, []apply.Problem{{Kind: apply.Forbidden, Soon: true, Err: errors.New("no role yet")}}, 0, true},
		"a failure that passes":                {ready, true, problem(apply.Transient), 0, true},
		"a failure that passes beside another": {ready, true, problem(apply.Conflict, apply.Transient), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pass := &status.Input{
				Facts:   &observe.Facts{Cluster: &v1alpha1.SymphonyCluster{}, GUIAnswers: c.answers},
				Plan:    &plan.Plan{Master: c.master},
				Outcome: apply.Outcome{Problems: c.problems},
			}
			result, err := (&SymphonyClusterReconciler{}).nextPass(pass, 0)
			g.Expect(result.RequeueAfter).To(Equal(c.after))
			g.Expect(err != nil).To(Equal(c.fails), "%v", err)
		})
	}
}

// A web console that a policy hides answers never.
func TestASilentWebConsoleIsAskedLessAndLess(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		ready, silent time.Duration
		again         time.Duration
	}{
		"at first":                 {time.Second, time.Hour, 5 * time.Second},
		"after a while":            {5 * time.Minute, time.Hour, 30 * time.Second},
		"in the end":               {time.Hour, 2 * time.Hour, time.Minute},
		"when it answered before":  {time.Hour, time.Second, 5 * time.Second},
		"by a clock that is ahead": {-time.Minute, time.Hour, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := &v1alpha1.SymphonyCluster{Status: v1alpha1.SymphonyClusterStatus{Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionMasterReady, Status: metav1.ConditionTrue, LastTransitionTime: metav1.NewTime(now.Add(-c.ready))},
				{Type: v1alpha1.ConditionGUIReady, Status: metav1.ConditionFalse, LastTransitionTime: metav1.NewTime(now.Add(-c.silent))},
			}}}
			master := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
			pass := &status.Input{Facts: &observe.Facts{Cluster: cluster, Now: now}, Plan: &plan.Plan{Master: master}}
			result, err := (&SymphonyClusterReconciler{}).nextPass(pass, 0)
			g := NewWithT(t)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(result.RequeueAfter).To(Equal(c.again))
		})
	}
}
