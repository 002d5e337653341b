// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"

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
	for name, c := range map[string]struct {
		problems []apply.Problem
		after    time.Duration
		fails    bool
	}{
		"at rest":                              {nil, time.Minute, false},
		"a name that somebody else has":        {problem(apply.Conflict), time.Minute, false},
		"a child that is rejected":             {problem(apply.Rejected), time.Minute, false},
		"a node port that is taken":            {problem(apply.NodePort), time.Minute, false},
		"a quota that is used up":              {problem(apply.Forbidden), time.Minute, false},
		"an earlier cluster that is leaving":   {problem(apply.Leaving), 5 * time.Second, false},
		"the soonest counts":                   {problem(apply.Conflict, apply.Leaving), 5 * time.Second, false},
		"a right that may be there soon":       {[]apply.Problem{{Kind: apply.Forbidden, Soon: true, Err: errors.New("no role yet")}}, 0, true},
		"a failure that passes":                {problem(apply.Transient), 0, true},
		"a failure that passes beside another": {problem(apply.Conflict, apply.Transient), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pass := &status.Input{
				Facts:   &observe.Facts{Cluster: &v1alpha1.SymphonyCluster{}},
				Plan:    &plan.Plan{},
				Outcome: apply.Outcome{Problems: c.problems},
			}
			result, err := (&SymphonyClusterReconciler{}).nextPass(pass, 0)
			g.Expect(result.RequeueAfter).To(Equal(c.after))
			g.Expect(err != nil).To(Equal(c.fails), "%v", err)
			if !c.fails {
				g.Expect(result.Priority).To(HaveValue(BeZero()), "what comes by the clock is not urgent because this pass was")
			}
		})
	}
}
