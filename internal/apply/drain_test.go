// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// told notes what it is told of changes of hosts.
type told []error

func (t *told) HostsChanging(*v1alpha1.SymphonyCluster) {}

func (t *told) HostsChange(_ *v1alpha1.SymphonyCluster, failed error) { *t = append(*t, failed) }

// A close whose answer was lost is done: nothing is left to do, and the status must not say until the drain's end, hours later, that EGO does not answer.
func TestAFailureIsForgottenWhenNothingIsLeftToDo(t *testing.T) {
	step := func(do plan.Do) []plan.Step { return []plan.Step{{Do: do, Pod: &corev1.Pod{}, Host: "prod-compute-1"}} }
	refused := &observe.EGORead{Refused: v1alpha1.ReasonEGOUnreachable}
	for name, c := range map[string]struct {
		read   *observe.EGORead
		steps  []plan.Step
		forget bool
	}{
		"nothing is left":                {refused, nil, true},
		"what is left is not EGO's":      {refused, step(plan.Hasten), true},
		"nothing has failed":             {&observe.EGORead{}, nil, false},
		"EGO has said nothing":           {nil, nil, false},
		"EGO does not answer":            {&observe.EGORead{Refused: v1alpha1.ReasonEGOUnreachable, Err: errors.New("broken")}, nil, false},
		"what EGO said is old":           {&observe.EGORead{Refused: v1alpha1.ReasonEGOUnreachable, Stale: true}, nil, false},
		"a host is still to be closed":   {refused, step(plan.Close), false},
		"a host is still to be opened":   {refused, step(plan.Open), false},
		"work is still to be taken back": {refused, step(plan.Reclaim), false},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := &told{}
			// No pod is there: what a step is about is another one by now, and is left for a later pass.
			none := fake.NewClientBuilder().Build()
			a := &Applier{Client: none, Live: none, Hosts: hosts, Clock: clocktesting.NewFakePassiveClock(time.Now())}
			facts := &observe.Facts{Cluster: &v1alpha1.SymphonyCluster{}, EGO: c.read}
			decided := &plan.Plan{Master: &corev1.Pod{}, Compute: plan.Compute{Steps: c.steps}}
			a.hosts(t.Context(), facts, decided, c.steps, "", &Outcome{})
			if c.forget {
				NewWithT(t).Expect(*hosts).To(Equal(told{nil}))
			} else {
				NewWithT(t).Expect(*hosts).To(BeEmpty())
			}
		})
	}
}
