// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

func ready(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
}

func revision(label string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels[names.LabelRevision] = label }
}

// hosts are n compute pods of a revision, called by a letter and their number.
func hosts(n int, letter, label string, edits ...func(*corev1.Pod)) []*corev1.Pod {
	all := make([]*corev1.Pod, 0, n)
	for number := range n {
		edits := append([]func(*corev1.Pod){revision(label), told("10.0.0.1 prod-master")}, edits...)
		all = append(all, pod(number, fmt.Sprintf("%s%d", letter, number), edits...))
	}
	return all
}

// rollout is a plan for these pods, with a master that has not moved.
func rollout(replicas int, update v1alpha1.ComputeUpdate, pods []*corev1.Pod, edits ...func(*observe.Facts)) []string {
	found := facts(append([]func(*observe.Facts){masters(pod(1, "m", at("10.0.0.1"))), computes(pods...)}, edits...)...)
	found.Cluster.Spec.Compute.Replicas, found.Cluster.Spec.Compute.Update = new(int32(replicas)), update
	// What drains wait for is drain_test.go's.
	found.Cluster.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate
	return namesOf(deleted(plan.Make(found).Compute.Steps))
}

func deleted(steps []plan.Step) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, step := range steps {
		if step.Do == plan.Delete {
			pods = append(pods, step.Pod)
		}
	}
	return pods
}

func budget(value intstr.IntOrString) v1alpha1.ComputeUpdate {
	return v1alpha1.ComputeUpdate{MaxUnavailable: &value}
}

func TestWhoIsReplaced(t *testing.T) {
	number := func(n int32) v1alpha1.ComputeUpdate { return budget(intstr.FromInt32(n)) }
	percent := func(text string) v1alpha1.ComputeUpdate { return budget(intstr.FromString(text)) }
	serving, broken := hosts(4, "old", "old", ready), hosts(2, "broken", "old")
	notSeen := func(f *observe.Facts) { f.ComputeSet.Generation = 2; f.ComputeSet.Status.ObservedGeneration = 1 }
	for name, c := range map[string]struct {
		replicas int
		update   v1alpha1.ComputeUpdate
		pods     []*corev1.Pod
		edits    []func(*observe.Facts)
		replaced []string
	}{
		"nobody when all are new":                        {4, number(2), hosts(4, "new", "new", ready), nil, nil},
		"the oldest, as many as may be away":             {4, number(2), serving, nil, []string{"old0", "old1"}},
		"a quarter by default":                           {4, v1alpha1.ComputeUpdate{}, serving, nil, []string{"old0"}},
		"a percentage, rounded down":                     {4, percent("70%"), serving, nil, []string{"old0", "old1"}},
		"at least one":                                   {4, percent("1%"), serving, nil, []string{"old0"}},
		"all, when all may be away":                      {4, percent("100%"), serving, nil, []string{"old0", "old1", "old2", "old3"}},
		"nobody more while one is away":                  {5, number(1), serving, nil, nil},
		"those that serve nobody, at once":               {6, number(1), slices.Concat(serving, broken), nil, []string{"broken0", "broken1"}},
		"nobody while a new template does not get ready": {6, number(2), slices.Concat(serving, hosts(2, "new", "new")), nil, nil},
		"nobody when people do it":                       {4, v1alpha1.ComputeUpdate{Type: v1alpha1.OnDelete}, serving, nil, nil},
		"nobody who is on the way out already":           {4, number(4), hosts(4, "old", "old", ready, ending), nil, nil},
		"nobody while somebody has taken the revision off the template": {4, number(2), serving, []func(*observe.Facts){func(f *observe.Facts) {
			delete(f.ComputeSet.Spec.Template.Labels, names.LabelRevision)
		}}, nil},
		"nobody before the template was seen, or they would come back old": {
			4, number(2), serving, []func(*observe.Facts){notSeen}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(rollout(c.replicas, c.update, c.pods, c.edits...)).To(HaveExactElements(c.replaced))
		})
	}
}

// A whole update, with a ReplicaSet that makes a new pod for each that is deleted, and pods that get ready one at a
// time.
func TestAnUpdateNeverHasMoreAwayThanItMay(t *testing.T) {
	for _, c := range []struct {
		replicas, away int
		update         v1alpha1.ComputeUpdate
	}{
		{1, 1, v1alpha1.ComputeUpdate{}},
		{4, 1, v1alpha1.ComputeUpdate{}},
		{10, 3, budget(intstr.FromInt32(3))},
		{17, 5, budget(intstr.FromString("33%"))},
		{100, 25, v1alpha1.ComputeUpdate{}},
	} {
		t.Run(fmt.Sprintf("%d of %d", c.away, c.replicas), func(t *testing.T) {
			g := NewWithT(t)
			pods := hosts(c.replicas, "old", "old", ready)
			for step := 0; slices.ContainsFunc(pods, outdatedOrNotReady); step++ {
				g.Expect(step).To(BeNumerically("<", 10*c.replicas), "it comes to an end")
				for _, name := range rollout(c.replicas, c.update, pods) {
					at := slices.IndexFunc(pods, func(p *corev1.Pod) bool { return p.Name == name })
					pods[at] = hosts(1, fmt.Sprintf("new%d-", step*c.replicas+at), "new")[0]
				}
				away := slices.DeleteFunc(slices.Clone(pods), observe.PodReady)
				g.Expect(len(away)).To(BeNumerically("<=", c.away))
				if len(away) > 0 {
					ready(away[0])
				}
			}
		})
	}
}

func outdatedOrNotReady(p *corev1.Pod) bool {
	return p.Labels[names.LabelRevision] != "new" || !observe.PodReady(p)
}
