// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

const networkCheck = "create *v1alpha1.NetworkCheck prod-network"

var networkCheckKey = observe.ChildKey{Kind: "NetworkCheck", Name: "prod-network"}

// unmeasured is the plan before the network was measured.
func unmeasured() *plan.Plan {
	decided := newPlan()
	decided.Network, decided.Compute.Verdict = plan.Measure, plan.Wait
	return decided
}

func TestTheNetworkIsMeasuredWhileTheMasterStarts(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{}
	g.Expect(everything(t, written.client(), newFacts(), unmeasured())).To(Equal(apply.Outcome{}))
	g.Expect(written.whats()).To(HaveExactElements(
		Equal(networkCheck), HavePrefix(keepTemplates+"master-"), Equal(masterService), Equal(hostsMap), Equal(guiService), Equal(masterDeploy)))
}

func TestACheckThatCannotBeCreatedKeepsNothingElseAway(t *testing.T) {
	for name, c := range map[string]struct {
		written *recorder
		taken   bool
		told    apply.Problem
	}{
		"its name is taken": {&recorder{}, true, apply.Problem{Kind: apply.Conflict, Child: networkCheckKey, Message: `NetworkCheck "prod-network" exists and ` +
			"does not belong to this cluster: delete or rename it, or give the cluster another name"}},
		"it was created a moment ago": {&recorder{exists: networkCheck}, false, apply.Problem{
			Kind: apply.Unseen, Child: networkCheckKey, Message: "waiting until the NetworkCheck prod-network is seen",
		}},
		"the API server is in trouble": {&recorder{fail: networkCheck}, false, apply.Problem{
			Kind: apply.Transient, Child: networkCheckKey, Message: "creating the NetworkCheck prod-network: the API server could not be reached",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := newFacts()
			if c.taken {
				facts.Taken = []observe.TakenName{{ChildKey: networkCheckKey}}
			}
			out := everything(t, c.written.client(), facts, unmeasured())
			g.Expect(out.Problems).To(HaveLen(1))
			c.told.Err = out.Problems[0].Err
			g.Expect(out.Problems[0]).To(Equal(c.told))
			g.Expect(errors.Unwrap(c.told.Err) != nil).To(Equal(c.told.Kind == apply.Transient))
			g.Expect(c.written.whats()).NotTo(ContainElement(networkCheck))
			g.Expect(c.written.whats()).To(ContainElements(masterDeploy, guiService))
		})
	}
}

func TestACheckThatLostItsOwnerIsTakenBackByItsUID(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.NetworkCheck = &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-network", UID: "check-uid"}}
	written := &recorder{}
	g.Expect(everything(t, written.client(), facts, newPlan()).Problems).To(BeEmpty())
	g.Expect(written.writes[0].what).To(Equal("patch grid/prod-network application/merge-patch+json"))
	g.Expect(written.writes[0].body).To(MatchJSON(`{"apiVersion":"symphony-operator.io/v1alpha1","kind":"NetworkCheck","metadata":{
		"namespace":"grid","name":"prod-network","uid":"check-uid","ownerReferences":[{"apiVersion":"symphony-operator.io/v1alpha1",
		"kind":"SymphonyCluster","name":"prod","uid":"cluster-uid","controller":true}]}}`))
	g.Expect(strings.Join(written.whats(), "\n")).NotTo(ContainSubstring(networkCheck))
}
