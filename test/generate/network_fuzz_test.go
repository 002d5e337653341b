// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate_test

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/utils/dump"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/networkcheck"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/weave"
	"github.com/symphony-operator/symphony-operator/test/generate"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// madeOfWeave is all that comes of a pass.
type madeOfWeave struct {
	Plan        weave.Plan
	Agents      *appsv1ac.DaemonSetApplyConfiguration
	Bookkeeping *corev1.ConfigMap
	Routers     *appsv1ac.DaemonSetApplyConfiguration
	Status      v1alpha1.WeaveNetworkStatus
}

func passOfWeave(t *testing.T, facts *observe.WeaveFacts) *madeOfWeave {
	t.Helper()
	settings := weave.Settings{AgentImage: "symphony-operator:dev"}
	result := &madeOfWeave{Plan: weave.Make(facts)}
	if result.Plan.Invalid == "" && (facts.Network.DeletionTimestamp == nil || result.Plan.WantFinalizer) {
		result.Agents, result.Bookkeeping = weave.Agents(facts, &result.Plan, settings), weave.Bookkeeping(facts, &result.Plan)
		var err error
		if result.Routers, err = weave.Routers(facts, &result.Plan, settings); err != nil {
			t.Fatal(err)
		}
	}
	result.Status, _ = weave.Status(facts, &result.Plan, nil)
	conditions.Stamp(result.Status.Conditions, metav1.NewTime(facts.Now))
	return result
}

// FuzzWeaveNetwork runs any spec through several passes over nodes that say anything.
func FuzzWeaveNetwork(f *testing.F) {
	admission := judge(f, "networks")
	seed(f, 100)
	f.Fuzz(func(t *testing.T, data []byte) {
		one, two := generate.FromBytes(data).Wild().WeaveWorld(), generate.FromBytes(data).Wild().WeaveWorld()
		for range 2 * passes {
			seen, same := one.Facts(), two.Facts()
			first := passOfWeave(t, seen)
			if !reflect.DeepEqual(seen, same) {
				t.Errorf("what was seen was changed: %s", difference(dump.Pretty(seen), dump.Pretty(same)))
			}
			second := passOfWeave(t, same)
			if !reflect.DeepEqual(first, second) {
				t.Errorf("not the same twice: %s", difference(dump.Pretty(first), dump.Pretty(second)))
			}
			one.Keep(first.Agents, first.Bookkeeping, first.Routers, first.Plan.WantFinalizer, &first.Status)
			two.Keep(second.Agents, second.Bookkeeping, second.Routers, second.Plan.WantFinalizer, &second.Status)
			for _, sentence := range oracle.CheckWeaveNetwork(one.Network) {
				t.Errorf("%s: %+v", sentence, one.Network.Status.Conditions)
			}
			one.Edit()
			two.Edit()
		}
		if _, errs := admission.Create(sent(t, admission, one.Network)); ofStatus(errs) != "" {
			t.Errorf("the status cannot be written: %s", ofStatus(errs))
		}
	})
}

// FuzzNetworkCheck runs any spec through several passes over pods in any state.
func FuzzNetworkCheck(f *testing.F) {
	admission := judge(f, "checks")
	seed(f, 100)
	f.Fuzz(func(t *testing.T, data []byte) {
		one, two := generate.FromBytes(data).Wild().CheckWorld(), generate.FromBytes(data).Wild().CheckWorld()
		for range 2 * passes {
			seen, same := one.Facts(), two.Facts()
			first := networkcheck.Decide(seen)
			after := networkcheck.Status(seen, &first, "")
			if !reflect.DeepEqual(seen, same) {
				t.Errorf("what was seen was changed: %s", difference(dump.Pretty(seen), dump.Pretty(same)))
			}
			second := networkcheck.Decide(same)
			again := networkcheck.Status(same, &second, "")
			if !reflect.DeepEqual(first, second) || !reflect.DeepEqual(after, again) {
				t.Errorf("not the same twice: %s%s", difference(dump.Pretty(first), dump.Pretty(second)), difference(dump.Pretty(after), dump.Pretty(again)))
			}
			conditions.Stamp(after.Conditions, metav1.NewTime(seen.Now))
			conditions.Stamp(again.Conditions, metav1.NewTime(seen.Now))
			for _, pod := range first.Create {
				for _, problem := range validation.IsDNS1123Label(pod.Name) {
					t.Errorf("pod %q: %s", pod.Name, problem)
				}
			}
			one.Keep(first.Create, first.Delete, &after)
			two.Keep(second.Create, second.Delete, &again)
			for _, sentence := range oracle.CheckNetworkCheck(one.Check) {
				t.Errorf("%s: %+v", sentence, one.Check.Status.Conditions)
			}
		}
		if _, errs := admission.Create(sent(t, admission, one.Check)); ofStatus(errs) != "" {
			t.Errorf("the status cannot be written: %s", ofStatus(errs))
		}
	})
}
