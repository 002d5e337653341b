// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// was is the condition Ready before the pass.
func was(value metav1.ConditionStatus, reason string) edit {
	return func(in *status.Input) {
		in.Facts.Cluster.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: value, Reason: reason}}
	}
}

func starting(in *status.Input) { in.Plan.Master.Status.Conditions = nil }

func published(line string) edit {
	return func(in *status.Input) { in.Facts.Hosts.Data[names.HostsKey] = line }
}

func TestEventsTellTransitions(t *testing.T) {
	for name, c := range map[string]struct {
		in *status.Input
		// told are type and reason of each event.
		told []string
	}{
		"ready for the first time":      {pass(), []string{"Normal Ready"}},
		"ready as before":               {pass(was("True", "Ready")), nil},
		"ready again":                   {pass(was("False", "MasterStarting")), []string{"Normal Ready"}},
		"not ready any more":            {pass(was("True", "Ready"), starting), []string{"Normal MasterStarting"}},
		"one step further on the way":   {pass(was("False", "MasterPending"), starting), nil},
		"on the way for the first time": {pass(starting), nil},
		"trouble":                       {pass(was("False", "MasterStarting"), problem(apply.Conflict)), []string{"Warning NameConflict"}},
		"the same trouble as before":    {pass(was("False", "NameConflict"), problem(apply.Conflict)), nil},
		"other trouble":                 {pass(was("False", "NameConflict"), problem(apply.NodePort)), []string{"Warning NodePortUnavailable"}},
		"a master that moved":           {pass(was("True", "Ready"), published("10.0.0.9 prod-master\n")), []string{"Normal MasterMoved"}},
		"a master for the first time":   {pass(was("True", "Ready"), published("")), nil},
		"a master that was lost":        {pass(was("False", "MasterPending"), noMaster), nil},
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

func TestAMoveIsToldWithItsAddress(t *testing.T) {
	g := NewWithT(t)
	in := pass(was("True", "Ready"), published("10.0.0.9 prod-master\n"), func(in *status.Input) { in.Outcome.Told = 12 })
	after := status.Of(in)
	g.Expect(status.Events(in, &after)).To(Equal([]status.Event{{
		Type: corev1.EventTypeNormal, Reason: "MasterMoved", Action: "UpdateHosts",
		Note: "the master's address is now 10.0.0.1; 12 running compute pods were told",
	}}))
}
