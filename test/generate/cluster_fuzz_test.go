// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/dump"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
	"github.com/symphony-operator/symphony-operator/test/admission"
	"github.com/symphony-operator/symphony-operator/test/generate"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// seed is n times the shortest bytes, from which all follows.
func seed(f *testing.F, n byte) {
	f.Helper()
	f.Add([]byte(nil))
	for i := range n {
		f.Add([]byte{i})
	}
}

// passes are enough for a master, compute pods that join it, a change, and its end.
const passes = 5

// made is all that comes of a pass.
type made struct {
	Plan     plan.Plan
	Children *build.Children
	Status   v1alpha1.SymphonyClusterStatus
	Events   []status.Event
}

// pass is what the controller does between reading and writing.
func pass(t *testing.T, facts *observe.Facts, outcome apply.Outcome) *made {
	t.Helper()
	facts.Placement = build.Placement(facts)
	result := &made{Plan: plan.Make(facts)}
	in := &status.Input{Facts: facts, Plan: &result.Plan, Outcome: outcome}
	if invalid := facts.Cluster.Validate().ToAggregate(); invalid != nil {
		in.InvalidSpec, in.Outcome = invalid.Error(), apply.Outcome{}
	} else {
		var err error
		if result.Children, err = build.All(facts, &result.Plan); err != nil {
			t.Fatal(err)
		}
		in.Children = result.Children
		result.Events = status.Deeds(in)
	}
	result.Status = status.Of(in)
	conditions.Stamp(result.Status.Conditions, metav1.NewTime(facts.Now))
	result.Events = append(result.Events, status.Events(in, &result.Status)...)
	return result
}

// FuzzSymphonyCluster runs any spec through several passes in any state of the world. Two operators that see the same do the
// same, neither changes what it sees (it is the caches'), and whatever it says and builds can be written.
func FuzzSymphonyCluster(f *testing.F) {
	clusters := judge(f, "clusters")
	seed(f, 16)
	f.Fuzz(func(t *testing.T, data []byte) { lifeOfCluster(t, clusters, data) })
}

// lifeOfCluster is several passes of two operators that see the same.
func lifeOfCluster(t *testing.T, judge *admission.Judge, data []byte) {
	t.Helper()
	one, two := generate.FromBytes(data).Wild().World(), generate.FromBytes(data).Wild().World()
	for range passes {
		seen, same := one.Facts(), two.Facts()
		before := one.Cluster
		first := pass(t, seen, one.Outcome())
		same.Placement = build.Placement(same)
		if !reflect.DeepEqual(seen, same) {
			t.Errorf("what was seen was changed: %s", difference(dump.Pretty(seen), dump.Pretty(same)))
		}
		second := pass(t, same, two.Outcome())
		if !reflect.DeepEqual(first, second) {
			t.Errorf("not the same twice: %s", difference(dump.Pretty(first), dump.Pretty(second)))
		}
		one.Keep(first.Children, &first.Status)
		two.Keep(second.Children, &second.Status)
		checkStatus(t, before, one.Cluster)
		checkChildren(t, one.Cluster, first.Children)
		one.Edit()
		two.Edit()
	}
	_, errs := judge.Create(sent(t, judge, one.Cluster))
	if about := ofStatus(errs); about != "" {
		t.Errorf("the status cannot be written: %s", about)
	}
}

func checkStatus(t *testing.T, before, after *v1alpha1.SymphonyCluster) {
	t.Helper()
	broken := append(oracle.CheckStatus(after), oracle.CheckStep(before, after)...)
	if after.Validate().ToAggregate() != nil && !slices.ContainsFunc(after.Status.Conditions, func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionStalled && c.Reason == v1alpha1.ReasonInvalidSpec
	}) {
		broken = append(broken, "an invalid spec is not told")
	}
	for _, sentence := range broken {
		t.Errorf("%s: %+v", sentence, after.Status.Conditions)
	}
}

// checkChildren looks at what the operator decides of its children: names and labels that exist, and owners.
func checkChildren(t *testing.T, cluster *v1alpha1.SymphonyCluster, children *build.Children) {
	t.Helper()
	for _, child := range objects(t, children) {
		checkName(t, child)
		for key, value := range child.GetLabels() {
			for _, problem := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
				t.Errorf("label %q=%q of %s: %s", key, value, child.GetName(), problem)
			}
		}
		for key := range child.GetAnnotations() {
			if _, users := cluster.Spec.GUI.Annotations[key]; !users && len(validation.IsQualifiedName(key)) > 0 {
				t.Errorf("annotation %q of %s", key, child.GetName())
			}
		}
		template, _, _ := unstructured.NestedStringMap(child.Object, "spec", "template", "metadata", "labels")
		for key, value := range names.Selector(cluster.Name, template[names.LabelRole]) {
			if len(template) > 0 && template[key] != value {
				t.Errorf("pods of %s do not have %s=%s", child.GetName(), key, value)
			}
		}
	}
}

func checkName(t *testing.T, child *unstructured.Unstructured) {
	t.Helper()
	legal := validation.IsDNS1123Label(child.GetName())
	switch child.GetKind() {
	case "Service":
		legal = validation.IsDNS1035Label(child.GetName())
	case "Pod":
		// Of an image check: no host is called so, and pods' names may be longer than labels.
		legal = validation.IsDNS1123Subdomain(child.GetName())
	}
	for _, problem := range legal {
		t.Errorf("%s %q: %s", child.GetKind(), child.GetName(), problem)
	}
}

// objects are all that is created or applied.
func objects(t *testing.T, children *build.Children) []*unstructured.Unstructured {
	t.Helper()
	if children == nil {
		return nil
	}
	all := []any{
		children.MasterClaim, children.MasterService, children.MasterDeployment, children.Hosts, children.ComputeSet, children.GUI,
		children.ComputeBudget, children.NetworkCheck, children.MasterAsIs, children.ComputeAsIs,
	}
	for _, revision := range children.Revisions {
		all = append(all, revision)
	}
	for _, list := range children.ComputeHosts {
		all = append(all, list)
	}
	for _, check := range children.ImageChecks {
		pod := check.Pod.DeepCopy()
		pod.Kind = "Pod"
		all = append(all, pod)
	}
	var found []*unstructured.Unstructured
	for _, one := range all {
		content := map[string]any{}
		if err := json.Unmarshal([]byte(text(t, one)), &content); err != nil {
			t.Fatal(err)
		}
		if len(content) > 0 {
			found = append(found, &unstructured.Unstructured{Object: content})
		}
	}
	return found
}

// difference shows where two long texts part.
func difference(one, two string) string {
	at := 0
	for at < len(one) && at < len(two) && one[at] == two[at] {
		at++
	}
	around := func(text string) string { return text[max(0, at-200):min(len(text), at+200)] }
	return fmt.Sprintf("\n%q\n%q", around(one), around(two))
}

func text(t *testing.T, object any) string {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
