// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// list is a live list of compute hosts, written so long before the tests look.
func list(number int, text string, ago time.Duration) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: names.ComputeHostsName("prod", number), UID: "uid", Labels: names.Labels("prod", names.Compute),
			Annotations:     map[string]string{names.AnnotationWritten: start.Add(-ago).Format(metav1.RFC3339Micro)},
			OwnerReferences: []metav1.OwnerReference{{UID: "prod-uid", Controller: new(true)}},
		},
		Data: map[string]string{names.HostsKey: text},
	}
}

// withHosts are facts at the time start, with these pods and lists.
func withHosts(pods []*corev1.Pod, lists ...*corev1.ConfigMap) *observe.Facts {
	found := facts()
	found.Now, found.Cluster.UID, found.ComputePods = start, "prod-uid", pods
	copy(found.ComputeHosts[:], lists)
	return found
}

var twoHosts = []*corev1.Pod{pod(1, "prod-compute-b", at("10.32.0.2")), pod(2, "prod-compute-a", at("10.32.0.1"))}

const twoLines = "10.32.0.1 prod-compute-a\n10.32.0.2 prod-compute-b\n"

func TestComputeHostsAreListedInTheOrderOfTheirNames(t *testing.T) {
	g := NewWithT(t)
	pods := append([]*corev1.Pod{
		pod(3, "prod-compute-c", at("10.32.0.3"), ending), pod(4, "without-address"), pod(5, "finished", at("10.32.0.1"), finished),
	}, twoHosts...)
	decided := plan.Make(withHosts(pods))
	g.Expect(decided.ComputeHosts).To(Equal([]plan.HostsShard{{Number: 0, Text: twoLines + "10.32.0.3 prod-compute-c\n"}}))
	g.Expect(decided.NextPass).To(BeZero())
}

func TestAListIsWrittenWhenItChanges(t *testing.T) {
	one := []plan.HostsShard{{Number: 0, Text: twoLines}}
	without := func(change func(*corev1.ConfigMap)) *corev1.ConfigMap {
		live := list(0, twoLines, time.Hour)
		change(live)
		return live
	}
	for name, c := range map[string]struct {
		facts *observe.Facts
		due   []plan.HostsShard
		wait  time.Duration
	}{
		"there is none":                  {withHosts(twoHosts), one, 0},
		"it is as it should be":          {withHosts(twoHosts, list(0, twoLines, time.Minute)), nil, 0},
		"it is old":                      {withHosts(twoHosts, list(0, "old", time.Minute)), one, 0},
		"it was written long enough ago": {withHosts(twoHosts, list(0, "old", 10*time.Second)), one, 0},
		"it was written a moment ago":    {withHosts(twoHosts, list(0, "old", 1200*time.Millisecond)), nil, 8800 * time.Millisecond},
		"another was written a moment ago": {
			withHosts(twoHosts, list(0, "old", time.Minute), list(1, "", time.Second)), nil, 9 * time.Second,
		},
		"it may have changed since a moment ago": {withHosts(twoHosts, list(0, twoLines, time.Second)), nil, 9 * time.Second},
		"it is of the future":                    {withHosts(twoHosts, list(0, "old", -time.Hour)), one, 0},
		"nobody knows its age":                   {withHosts(twoHosts, without(func(l *corev1.ConfigMap) { l.Annotations, l.Data = nil, nil })), one, 0},
		"somebody took its owner":                {withHosts(twoHosts, without(func(l *corev1.ConfigMap) { l.OwnerReferences = nil })), one, 0},
		"somebody changed its label":             {withHosts(twoHosts, without(func(l *corev1.ConfigMap) { l.Labels[names.LabelRole] = "x" })), one, 0},
		"somebody took its owner a moment after it was written": {
			withHosts(twoHosts, list(0, "old", time.Second), without(func(l *corev1.ConfigMap) { l.OwnerReferences = nil })),
			[]plan.HostsShard{{Number: 0, Text: twoLines}, {Number: 1}},
			0,
		},
		"no host is left":         {withHosts(nil, list(0, twoLines, time.Minute)), []plan.HostsShard{{Number: 0}}, 0},
		"no host was there":       {withHosts(nil), nil, 0},
		"no host was left before": {withHosts(nil, list(0, "", time.Minute)), nil, 0},
		"a later list has lines still": {
			withHosts(twoHosts, list(0, twoLines, time.Minute), list(1, "old", time.Minute)), []plan.HostsShard{{Number: 1}}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			decided := plan.Make(c.facts)
			g.Expect(decided.ComputeHosts).To(Equal(c.due))
			g.Expect(decided.NextPass).To(Equal(c.wait))
		})
	}
}

// With the first host alone the first list would be written twice.
func TestTheFirstListOfANewReplicaSetWaitsForAllHosts(t *testing.T) {
	for name, c := range map[string]struct {
		age    time.Duration
		wanted int32
		wait   time.Duration
	}{
		"all are there":             {age: time.Second, wanted: 2},
		"more than all":             {age: time.Second, wanted: 1},
		"one is missing":            {age: time.Second, wanted: 3, wait: 9 * time.Second},
		"one is missing for long":   {age: 10 * time.Second, wanted: 3},
		"one is missing since ages": {age: time.Hour, wanted: 3},
		"it is of the future":       {age: -time.Second, wanted: 3},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := withHosts(twoHosts)
			found.Cluster.Spec.Compute.Replicas = &c.wanted
			found.ComputeSet.CreationTimestamp = metav1.NewTime(start.Add(-c.age))
			decided := plan.Make(found)
			g.Expect(decided.ComputeHosts).To(HaveLen(map[bool]int{true: 1}[c.wait == 0]))
			g.Expect(decided.NextPass).To(Equal(c.wait))
		})
	}
}

func TestListsStayWhileThePodsAreNotKnown(t *testing.T) {
	g := NewWithT(t)
	found := withHosts(nil, list(0, twoLines, time.Minute))
	found.ComputeSet = nil
	decided := plan.Make(found)
	g.Expect(decided.ComputeHosts).To(BeEmpty())
	g.Expect(decided.NextPass).To(BeZero())
}

func TestAListWhoseNameIsTakenIsNotWritten(t *testing.T) {
	found := withHosts(twoHosts)
	found.Taken = []observe.TakenName{{ChildKey: observe.ChildKey{Kind: "ConfigMap", Name: "prod-compute-hosts-0"}}}
	NewWithT(t).Expect(plan.Make(found).ComputeHosts).To(BeEmpty())
}

// manyHosts are pods with the longest names that there are, as the ReplicaSet controller makes them.
func manyHosts(count int, address func(int) string) []*corev1.Pod {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	random := rand.New(rand.NewPCG(1, 2))
	taken := map[string]bool{}
	pods := make([]*corev1.Pod, 0, count)
	for len(pods) < count {
		suffix := make([]byte, 5)
		for i := range suffix {
			suffix[i] = letters[random.IntN(len(letters))]
		}
		name := names.ComputeName(strings.Repeat("c", 40)) + "-" + string(suffix)
		if !taken[name] {
			taken[name] = true
			pods = append(pods, pod(0, name, at(address(len(pods)))))
		}
	}
	return pods
}

func version6(i int) string {
	return fmt.Sprintf("2001:0db8:aaaa:bbbb:cccc:dddd:%04x:%04x", i>>16, i&0xffff)
}

// placed is the list that each host is in.
func placed(g *WithT, due []plan.HostsShard, hosts int) map[string]int {
	found := map[string]int{}
	for _, shard := range due {
		g.Expect(len(shard.Text)).To(BeNumerically("<=", 1<<20), "a ConfigMap takes no more")
		for line := range strings.Lines(shard.Text) {
			found[strings.Fields(line)[1]] = shard.Number
		}
	}
	g.Expect(found).To(HaveLen(hosts))
	return found
}

func TestThirtyThousandHostsFit(t *testing.T) {
	g := NewWithT(t)
	pods := manyHosts(30000, version6)
	due := plan.Make(withHosts(pods)).ComputeHosts
	g.Expect(due).To(HaveLen(3))
	placed(g, due, 30000)
	for _, shard := range due {
		g.Expect(strings.Count(shard.Text, "\n")).To(BeNumerically("~", 10000, 400))
	}
	// The same pods in another order are the same lists.
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	g.Expect(plan.Make(withHosts(pods)).ComputeHosts).To(Equal(due))
}

func TestMoreHostsThanAListIsMeantForStillFit(t *testing.T) {
	g := NewWithT(t)
	version4 := func(i int) string { return fmt.Sprintf("100.%d.%d.%d", 100+i>>16, 100+i>>8%100, i&0xff) }
	placed(g, plan.Make(withHosts(manyHosts(55000, version4))).ComputeHosts, 55000)
}

func TestHostsThatFitNowhereAreLeftOut(t *testing.T) {
	g := NewWithT(t)
	due := plan.Make(withHosts(manyHosts(60000, version6))).ComputeHosts
	g.Expect(due).To(HaveLen(4))
	for _, shard := range due {
		g.Expect(len(shard.Text)).To(BeNumerically("~", 1<<20, 200))
	}
}

// A line that moves is written twice, and is in no list for a moment if the master's kubelet reads them apart.
func TestOneMoreListMovesHostsToItAndNoOthers(t *testing.T) {
	g := NewWithT(t)
	pods := manyHosts(20001, version6)
	before := placed(g, plan.Make(withHosts(pods[:20000])).ComputeHosts, 20000)
	after := placed(g, plan.Make(withHosts(pods)).ComputeHosts, 20001)
	moved := 0
	for name, was := range before {
		if after[name] != was {
			g.Expect(after[name]).To(Equal(2))
			moved++
		}
	}
	g.Expect(moved).To(BeNumerically("~", 20000/3, 400))
}

// It is part of every pass, and a pass follows every change of a pod.
func BenchmarkThirtyThousandHostsAtRest(b *testing.B) {
	found := withHosts(manyHosts(30000, version6))
	for _, shard := range plan.Make(found).ComputeHosts {
		found.ComputeHosts[shard.Number] = list(shard.Number, shard.Text, time.Hour)
	}
	for b.Loop() {
		if decided := plan.Make(found); decided.ComputeHosts != nil {
			b.Fatal("nothing has changed")
		}
	}
}
