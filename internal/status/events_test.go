// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// was is the condition Ready before the pass.
func was(value metav1.ConditionStatus, reason string) edit {
	return func(in *status.Input) {
		in.Facts.Cluster.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: value, Reason: reason}}
	}
}

func starting(in *status.Input) { in.Plan.Master.Status.Conditions = nil }

// masterWas has the last status name this address; the master pod of now is younger than the compute set by so much.
func masterWas(address string, younger time.Duration) edit {
	return func(in *status.Input) {
		in.Facts.Cluster.Status.Master.PodIP = address
		in.Facts.ComputeSet.CreationTimestamp = metav1.NewTime(noon)
		in.Plan.Master.CreationTimestamp = metav1.NewTime(noon.Add(younger))
	}
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

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
		"a master that moved":           {pass(was("True", "Ready"), masterWas("10.0.0.9", time.Minute)), []string{"Normal MasterMoved"}},
		"a master that was away":        {pass(was("True", "Ready"), masterWas("", time.Minute)), []string{"Normal MasterMoved"}},
		"a master where it was":         {pass(was("True", "Ready"), masterWas("10.0.0.1", time.Minute)), nil},
		"a master for the first time":   {pass(was("True", "Ready"), masterWas("", -time.Minute)), nil},
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
	in := pass(was("True", "Ready"), masterWas("10.0.0.9", time.Minute))
	after := status.Of(in)
	g.Expect(status.Events(in, &after)).To(Equal([]status.Event{{
		Type: corev1.EventTypeNormal, Reason: "MasterMoved", Action: "UpdateHosts",
		Note: "the master's address is now 10.0.0.1; running compute pods are told",
	}}))
}

// The API server refuses an event with a note of more than 1,024 bytes, and then nobody hears of it.
func TestNotesFitIntoEvents(t *testing.T) {
	g := NewWithT(t)
	in := pass(was("True", "Ready"), func(in *status.Input) { in.InvalidSpec = strings.Repeat("é", 2000) })
	after := status.Of(in)
	told := status.Events(in, &after)
	g.Expect(told).To(HaveLen(1))
	g.Expect(len(told[0].Note)).To(BeNumerically("<=", 1024))
	g.Expect(told[0].Note).To(HavePrefix("éé"))
	g.Expect(told[0].Note).To(HaveSuffix("é …"))
}
