// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// start is when the pods of these tests begin to be created, a second apart.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// pod is one that runs, as old as its number is low.
func pod(number int, name string, edits ...func(*corev1.Pod)) *corev1.Pod {
	made := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:              name,
			CreationTimestamp: metav1.NewTime(start.Add(time.Duration(number) * time.Second)),
			Labels:            map[string]string{},
			Annotations:       map[string]string{},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	for _, edit := range edits {
		edit(made)
	}
	return made
}

func at(ip string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Status.PodIP = ip } }

func told(line string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations[names.AnnotationMasterHosts] = line }
}

func ending(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(start)) }

func finished(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }

// facts are a cluster called prod with a compute ReplicaSet of the revision "new".
func facts(edits ...func(*observe.Facts)) *observe.Facts {
	found := &observe.Facts{
		Cluster: &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Name: "prod"}},
		ComputeSet: &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{names.LabelRevision: "new"},
			Annotations: map[string]string{names.AnnotationMasterHosts: "10.0.0.1 prod-master"},
		}}}},
	}
	for _, edit := range edits {
		edit(found)
	}
	return found
}

func masters(pods ...*corev1.Pod) func(*observe.Facts) {
	return func(f *observe.Facts) { f.MasterPods = pods }
}

func computes(pods ...*corev1.Pod) func(*observe.Facts) {
	return func(f *observe.Facts) { f.ComputePods = pods }
}

func noComputeSet(f *observe.Facts) { f.ComputeSet = nil }

func TestTheMasterThatCounts(t *testing.T) {
	for name, c := range map[string]struct {
		pods []*corev1.Pod
		ip   string
	}{
		"none":                                 {nil, ""},
		"one without an address":               {[]*corev1.Pod{pod(1, "a")}, ""},
		"one with an address":                  {[]*corev1.Pod{pod(1, "a", at("10.0.0.1"))}, "10.0.0.1"},
		"one on its way out":                   {[]*corev1.Pod{pod(1, "a", at("10.0.0.1"), ending)}, ""},
		"one that failed":                      {[]*corev1.Pod{pod(1, "a", at("10.0.0.1"), finished)}, ""},
		"its successor, older one first":       {[]*corev1.Pod{pod(1, "a", at("10.0.0.1")), pod(2, "b", at("10.0.0.2"))}, "10.0.0.2"},
		"its successor, older one last":        {[]*corev1.Pod{pod(2, "b", at("10.0.0.2")), pod(1, "a", at("10.0.0.1"))}, "10.0.0.2"},
		"its successor without an address":     {[]*corev1.Pod{pod(1, "a", at("10.0.0.1")), pod(2, "b")}, "10.0.0.1"},
		"its successor while the old one ends": {[]*corev1.Pod{pod(1, "a", at("10.0.0.1"), ending), pod(2, "b", at("10.0.0.2"))}, "10.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			made := plan.Make(facts(masters(c.pods...)))
			if c.ip == "" {
				g.Expect(made.Master).To(BeNil())
				g.Expect(made.Address).To(BeNil())
				return
			}
			g.Expect(made.Master.Status.PodIP).To(Equal(c.ip))
			g.Expect(made.Address.HostsLine()).To(Equal(c.ip + " prod-master"))
		})
	}
}

func TestTheMasterThatLeaves(t *testing.T) {
	lives, leaves := pod(2, "b", at("10.0.0.2")), pod(1, "a", at("10.0.0.1"), ending)
	for name, c := range map[string]struct {
		pods    []*corev1.Pod
		leaving *corev1.Pod
	}{
		"one that runs":                           {[]*corev1.Pod{lives}, nil},
		"one that leaves, and no other":           {[]*corev1.Pod{leaves}, nil},
		"one that leaves while another runs":      {[]*corev1.Pod{leaves, lives}, leaves},
		"one that leaves while another starts":    {[]*corev1.Pod{pod(3, "c"), leaves}, leaves},
		"one that leaves while another has ended": {[]*corev1.Pod{pod(3, "c", finished), leaves}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(plan.Make(facts(masters(c.pods...))).LeavingMaster).To(Equal(c.leaving))
		})
	}
}

func TestWhatHappensToTheComputeReplicaSet(t *testing.T) {
	known := masters(pod(1, "a", at("10.0.0.2")))
	for name, c := range map[string]struct {
		facts   *observe.Facts
		verdict plan.Verdict
		hosts   string
	}{
		"it is not created before the address is known": {facts(noComputeSet), plan.Wait, ""},
		"it is created with the address":                {facts(noComputeSet, known), plan.Follow, "10.0.0.2 prod-master"},
		"it is held while the address is unknown":       {facts(), plan.Hold, "10.0.0.1 prod-master"},
		"it follows the master":                         {facts(known), plan.Follow, "10.0.0.2 prod-master"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			made := plan.Make(c.facts).Compute
			g.Expect(made.Verdict).To(Equal(c.verdict))
			g.Expect(made.MasterHosts).To(Equal(c.hosts))
		})
	}
}

func TestReplicas(t *testing.T) {
	for name, c := range map[string]struct {
		spec   v1alpha1.SymphonyClusterSpec
		wanted int32
	}{
		"left out":            {v1alpha1.SymphonyClusterSpec{}, 1},
		"a number":            {v1alpha1.SymphonyClusterSpec{Compute: v1alpha1.ComputeSpec{Replicas: new(int32(7))}}, 7},
		"zero":                {v1alpha1.SymphonyClusterSpec{Compute: v1alpha1.ComputeSpec{Replicas: new(int32(0))}}, 0},
		"less than none":      {v1alpha1.SymphonyClusterSpec{Compute: v1alpha1.ComputeSpec{Replicas: new(int32(-1 << 31))}}, 0},
		"a number, suspended": {v1alpha1.SymphonyClusterSpec{Suspend: true, Compute: v1alpha1.ComputeSpec{Replicas: new(int32(7))}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			// The user's number counts also while the master's address is unknown.
			for _, found := range []*observe.Facts{facts(), facts(masters(pod(1, "a", at("10.0.0.1"))))} {
				found.Cluster.Spec = c.spec
				NewWithT(t).Expect(plan.Make(found).Compute.Replicas).To(Equal(c.wanted))
			}
		})
	}
}

func TestWhoIsToldTheAddress(t *testing.T) {
	g := NewWithT(t)
	made := plan.Make(facts(masters(pod(1, "m", at("10.0.0.2"))), computes(
		pod(1, "c", told("10.0.0.1 prod-master")),
		pod(2, "b", told("10.0.0.2 prod-master")),
		pod(3, "a"),
		pod(4, "d", told("10.0.0.1 prod-master"), ending),
		pod(5, "e", told("10.0.0.1 prod-master"), finished),
	)))
	g.Expect(namesOf(made.Compute.Tell)).To(Equal([]string{"a", "c"}), "live pods that do not know it, always in the same order")

	held := plan.Make(facts(computes(pod(1, "c", told("10.0.0.9 prod-master")))))
	g.Expect(held.Compute.Tell).To(BeEmpty(), "nobody is told an address that is not known")
}

func namesOf(pods []*corev1.Pod) []string {
	all := make([]string, 0, len(pods))
	for _, pod := range pods {
		all = append(all, pod.Name)
	}
	return all
}

// Times have seconds only, and the cache lists in no order: the address must not change from pass to pass.
func TestOfTwoMastersOfOneSecondAlwaysTheSameCounts(t *testing.T) {
	g := NewWithT(t)
	pods := []*corev1.Pod{pod(1, "a", at("10.0.0.1")), pod(1, "b", at("10.0.0.2"))}
	first := plan.Make(facts(masters(pods...))).Address.IP
	slices.Reverse(pods)
	g.Expect(plan.Make(facts(masters(pods...))).Address.IP).To(Equal(first))
}
