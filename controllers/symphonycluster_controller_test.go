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

	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/names"
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
				Facts:   &observe.Facts{GUIAnswers: c.answers},
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
	for since, again := range map[time.Duration]time.Duration{
		-time.Second: 5 * time.Second, 0: 5 * time.Second, 50 * time.Second: 5 * time.Second, 5 * time.Minute: 30 * time.Second, time.Hour: time.Minute,
	} {
		now := time.Unix(1_000_000, 0)
		master := &corev1.Pod{Status: corev1.PodStatus{
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: names.Container, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(-since))}},
			}},
		}}
		result, err := (&SymphonyClusterReconciler{}).nextPass(&status.Input{Facts: &observe.Facts{Now: now}, Plan: &plan.Plan{Master: master}}, 0)
		g := NewWithT(t)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(result.RequeueAfter).To(Equal(again), "after %s", since)
	}
}
