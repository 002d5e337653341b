// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// weave is a WeaveNetwork of generation 2 with this condition Ready.
func weave(ready metav1.ConditionStatus, generation int64) func(*observe.Facts) {
	return func(f *observe.Facts) {
		f.Cluster.Spec.Network.Mode = v1alpha1.NetworkWeave
		network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Generation: 2}}
		network.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: ready, ObservedGeneration: generation}}
		f.Weave = &observe.WeaveRead{Network: network}
	}
}

func weaveRead(read observe.WeaveRead) func(*observe.Facts) {
	return func(f *observe.Facts) { f.Cluster.Spec.Network.Mode, f.Weave = v1alpha1.NetworkWeave, &read }
}

// check has the network measured; the check has these conditions that are True.
func check(are ...string) func(*observe.Facts) {
	return func(f *observe.Facts) {
		f.Cluster.Spec.Network.Check = true
		f.NetworkCheck = &v1alpha1.NetworkCheck{}
		for _, kind := range are {
			f.NetworkCheck.Status.Conditions = append(f.NetworkCheck.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue})
		}
	}
}

func noCheck(f *observe.Facts) { f.Cluster.Spec.Network.Check, f.NetworkCheck = true, nil }

func wanted(replicas int32) func(*observe.Facts) {
	return func(f *observe.Facts) { f.Cluster.Spec.Compute.Replicas = &replicas }
}

// wantedIn has compute pods wanted on the nodes of a pool, and checkedIn the check measure them.
func wantedIn(pool string) func(*observe.Facts) {
	return func(f *observe.Facts) {
		f.Placement = &v1alpha1.NetworkCheckPlacement{NodeSelector: map[string]string{"pool": pool}}
	}
}

func checkedIn(pool string) func(*observe.Facts) {
	return func(f *observe.Facts) { f.NetworkCheck.Spec.Placement.NodeSelector = map[string]string{"pool": pool} }
}

func suspended(f *observe.Facts) { f.Cluster.Spec.Suspend = true }

func TestWhatOfTheNetworkIsNotMet(t *testing.T) {
	good, passed := weave("True", 2), check(v1alpha1.ConditionComplete, v1alpha1.ConditionReady)
	failed, elsewhere := check(v1alpha1.ConditionComplete), wantedIn("b")
	leaving := func(f *observe.Facts) { f.NetworkCheck.DeletionTimestamp = new(metav1.NewTime(start)) }
	weaveLeaving := func(f *observe.Facts) { f.Weave.Network.DeletionTimestamp = new(metav1.NewTime(start)) }
	for name, c := range map[string]struct {
		facts *observe.Facts
		unmet plan.Network
	}{
		"nothing is asked":                         {facts(noComputeSet), plan.NetworkMet},
		"Weave is Ready":                           {facts(noComputeSet, good), plan.NetworkMet},
		"Weave is not there":                       {facts(noComputeSet, weaveRead(observe.WeaveRead{})), plan.NoWeave},
		"Weave cannot be read":                     {facts(noComputeSet, weaveRead(observe.WeaveRead{Err: errors.New("broken")})), plan.NoWeave},
		"Weave is not Ready":                       {facts(noComputeSet, weave("False", 2)), plan.NoWeave},
		"Weave was Ready before an edit":           {facts(noComputeSet, weave("True", 1)), plan.NoWeave},
		"Weave is being deleted":                   {facts(noComputeSet, good, weaveLeaving), plan.NoWeave},
		"Weave is not Ready, and compute is there": {facts(weave("False", 2)), plan.NoWeave},
		"Weave before the check":                   {facts(noComputeSet, weave("False", 2), noCheck), plan.NoWeave},
		"there is no check":                        {facts(noComputeSet, noCheck), plan.Measure},
		"the check after Weave":                    {facts(noComputeSet, good, noCheck), plan.Measure},
		"there is no check, and no host is wanted": {facts(noComputeSet, noCheck, wanted(0)), plan.MeasureLater},
		"there is no check of a suspended cluster": {facts(noComputeSet, noCheck, suspended), plan.MeasureLater},
		"the check is new":                         {facts(noComputeSet, check()), plan.Measuring},
		"the check runs":                           {facts(noComputeSet, check(v1alpha1.ConditionReconciling)), plan.Measuring},
		"the check is being deleted":               {facts(noComputeSet, failed, leaving), plan.Measuring},
		"the check has failed":                     {facts(noComputeSet, failed), plan.NotPassed},
		"the check has failed, none is wanted now": {facts(noComputeSet, failed, wanted(0)), plan.MeasureLater},
		"the check has failed, suspended":          {facts(noComputeSet, failed, suspended), plan.MeasureLater},
		"the check has passed, none is wanted now": {facts(noComputeSet, passed, wanted(0)), plan.MeasureLater},
		"the check runs, none is wanted now":       {facts(noComputeSet, check(), wanted(0)), plan.MeasureLater},
		"the check has passed":                     {facts(noComputeSet, passed), plan.NetworkMet},
		"it has passed elsewhere":                  {facts(noComputeSet, passed, elsewhere), plan.OtherPlacement},
		"it has failed elsewhere":                  {facts(noComputeSet, failed, elsewhere), plan.OtherPlacement},
		"it runs elsewhere":                        {facts(noComputeSet, check(), elsewhere), plan.OtherPlacement},
		"it is being deleted, elsewhere":           {facts(noComputeSet, passed, elsewhere, leaving), plan.Measuring},
		"elsewhere, none is wanted now":            {facts(noComputeSet, passed, elsewhere, wanted(0)), plan.MeasureLater},
		"elsewhere, compute is there":              {facts(passed, elsewhere), plan.NetworkMet},
		"elsewhere, after Weave":                   {facts(noComputeSet, weave("False", 2), passed, elsewhere), plan.NoWeave},
		"it has passed here":                       {facts(noComputeSet, passed, elsewhere, checkedIn("b")), plan.NetworkMet},
		"it has failed here":                       {facts(noComputeSet, failed, elsewhere, checkedIn("b")), plan.NotPassed},
		"the check has failed, compute is there":   {facts(failed), plan.NetworkMet},
		"there is no check, compute is there":      {facts(noCheck), plan.NetworkMet},
		"a failed check that nobody asks about": {facts(noComputeSet, failed, func(f *observe.Facts) {
			f.Cluster.Spec.Network.Check = false
		}), plan.NetworkMet},
	} {
		t.Run(name, func(t *testing.T) { NewWithT(t).Expect(plan.Make(c.facts).Network).To(Equal(c.unmet)) })
	}
}

// kept has the pod templates of a role.
func kept(role string) func(*observe.Facts) {
	return func(f *observe.Facts) {
		f.Revisions = append(f.Revisions, &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{names.LabelRole: role}}})
	}
}

func unseen(f *observe.Facts) {
	f.ComputeSet = nil
	f.Unseen = map[observe.ChildKey]types.UID{{Kind: "ReplicaSet", Name: "prod-compute"}: "uid"}
}

// A network in trouble keeps compute from being created for the first time, and from nothing else.
func TestTheNetworkHoldsUpOnlyComputesFirstPods(t *testing.T) {
	known := masters(pod(1, "a", at("10.0.0.2")))
	for name, c := range map[string]struct {
		facts   *observe.Facts
		verdict plan.Verdict
	}{
		"before compute": {facts(noComputeSet, known), plan.Wait},
		"before compute, the master's template kept":  {facts(noComputeSet, known, kept(names.Master)), plan.Wait},
		"before compute, and before the master":       {facts(noComputeSet), plan.Wait},
		"with compute":                                {facts(known), plan.Follow},
		"with compute, while the master is away":      {facts(), plan.Hold},
		"with compute that the cache does not show":   {facts(unseen, known), plan.Follow},
		"with compute whose ReplicaSet was deleted":   {facts(noComputeSet, known, kept(names.Compute)), plan.Follow},
		"with that, and while the master is away too": {facts(noComputeSet, kept(names.Compute)), plan.Wait},
	} {
		t.Run(name, func(t *testing.T) {
			for what, trouble := range map[string]func(*observe.Facts){
				"no Weave": weaveRead(observe.WeaveRead{}), "no check": noCheck, "a failed check": check(v1alpha1.ConditionComplete),
				"a check of other nodes": func(f *observe.Facts) {
					check(v1alpha1.ConditionComplete, v1alpha1.ConditionReady)(f)
					wantedIn("b")(f)
				},
			} {
				trouble(c.facts)
				made := plan.Make(c.facts).Compute
				NewWithT(t).Expect(made.Verdict).To(Equal(c.verdict), what)
				c.facts.Cluster.Spec.Network, c.facts.Weave, c.facts.NetworkCheck = v1alpha1.NetworkSpec{}, nil, nil
				c.facts.Placement = nil
			}
		})
	}
}

func TestComputeIsCreatedWhenTheNetworkIsThere(t *testing.T) {
	g := NewWithT(t)
	made := plan.Make(facts(noComputeSet, masters(pod(1, "a", at("10.0.0.2"))), weave("True", 2), check(v1alpha1.ConditionComplete, v1alpha1.ConditionReady)))
	g.Expect(made.Compute.Verdict).To(Equal(plan.Follow))
	g.Expect(made.Compute.Began).To(BeFalse())
	g.Expect(made.Compute.MasterHosts).To(Equal("10.0.0.2 prod-master"))
}

// What means the same must not make anybody measure twice, and what does not must not let a pod onto a node that was not measured.
func TestPlacementsAreComparedByWhatTheyMean(t *testing.T) {
	required := func(zone string) string {
		return `"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"zone","operator":"In","values":["` + zone + `"]}]}]}`
	}
	preferred := `"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"preference":{"matchExpressions":[{"key":"disk","operator":"Exists"}]}}]`
	for name, c := range map[string]struct {
		checked, wanted string
		same            bool
	}{
		"nothing":                     {`{}`, `{}`, true},
		"nothing, in other words":     {`{}`, `{"nodeSelector":{},"tolerations":[],"nodeAffinity":{}}`, true},
		"the same":                    {`{"nodeSelector":{"a":"1","b":"2"}}`, `{"nodeSelector":{"b":"2","a":"1"}}`, true},
		"another label":               {`{"nodeSelector":{"a":"1"}}`, `{"nodeSelector":{"a":"2"}}`, false},
		"one label more":              {`{"nodeSelector":{"a":"1"}}`, `{"nodeSelector":{"a":"1","b":"2"}}`, false},
		"no label any more":           {`{"nodeSelector":{"a":"1"}}`, `{}`, false},
		"the same toleration":         {`{"tolerations":[{"key":"a","operator":"Exists"}]}`, `{"tolerations":[{"key":"a","operator":"Exists"}]}`, true},
		"another toleration":          {`{"tolerations":[{"key":"a","operator":"Exists"}]}`, `{"tolerations":[{"key":"b","operator":"Exists"}]}`, false},
		"the same requirement":        {`{"nodeAffinity":{` + required("a") + `}}`, `{"nodeAffinity":{` + required("a") + `}}`, true},
		"another requirement":         {`{"nodeAffinity":{` + required("a") + `}}`, `{"nodeAffinity":{` + required("b") + `}}`, false},
		"no requirement any more":     {`{"nodeAffinity":{` + required("a") + `}}`, `{}`, false},
		"a preference":                {`{}`, `{"nodeAffinity":{` + preferred + `}}`, true},
		"a preference, a requirement": {`{"nodeAffinity":{` + required("a") + `}}`, `{"nodeAffinity":{` + preferred + `,` + required("a") + `}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := facts(noComputeSet, check(v1alpha1.ConditionComplete, v1alpha1.ConditionReady))
			found.Placement = &v1alpha1.NetworkCheckPlacement{}
			g.Expect(json.Unmarshal([]byte(c.checked), &found.NetworkCheck.Spec.Placement)).To(Succeed())
			g.Expect(json.Unmarshal([]byte(c.wanted), found.Placement)).To(Succeed())
			g.Expect(plan.Make(found).Network == plan.NetworkMet).To(Equal(c.same))
			before := found.Placement.DeepCopy()
			plan.Make(found)
			g.Expect(found.Placement).To(Equal(before), "facts are not changed")
		})
	}
}

// A check that has passed makes compute begin only when hosts are wanted: where, may change until then.
func TestComputeDoesNotBeginWhileNoneIsWanted(t *testing.T) {
	passed := check(v1alpha1.ConditionComplete, v1alpha1.ConditionReady)
	made := plan.Make(facts(noComputeSet, masters(pod(1, "a", at("10.0.0.2"))), passed, wanted(0)))
	NewWithT(t).Expect(made.Compute.Verdict).To(Equal(plan.Wait))
}
