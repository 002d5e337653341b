// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// victimsOf are the pods that go when so few are wanted: the others are kept, or nothing is done to them.
func victimsOf(wanted int, pods []*corev1.Pod, edits ...func(*observe.Facts)) []string {
	var victims []string
	for _, text := range stepsOf(drained(wanted, pods, edits...)) {
		what, who, _ := strings.Cut(text, " ")
		if what != "Unmark" && what != "Open" {
			who, _, _ = strings.Cut(who, " ")
			victims = append(victims, who)
		}
	}
	return victims
}

// In each case the pods go in the order of their names, however many go.
func TestWhoGoesFirst(t *testing.T) {
	draining := func(ago time.Duration, edits ...func(*corev1.Pod)) []func(*corev1.Pod) {
		return append([]func(*corev1.Pod){chosen(names.Draining, ago)}, edits...)
	}
	ok := func(name string, held int) ego.Host { return hostOf(name, ego.StateOK, held) }
	for name, c := range map[string]struct {
		pods  []*corev1.Pod
		hosts []ego.Host
		facts factsEdits
	}{
		"who has no place, then who is pending, then who does not run, then who has not joined": {[]*corev1.Pod{
			member(1, "a", on(""), unready, phase(corev1.PodPending)), member(2, "b", phase(corev1.PodPending), unready, container(corev1.ContainerState{})),
			member(3, "c", crashed), member(4, "d", unready), member(5, "e"),
		}, []ego.Host{ok("e", nothing)}, nil},
		"who is not ready and idle, then who is idle, then who has something left, then who works, the least first": {[]*corev1.Pod{
			member(1, "a", unready), member(2, "b"), member(3, "c"), member(4, "d"), member(5, "e"),
		}, []ego.Host{ok("a", nothing), ok("b", nothing), ok("c", leftOver), ok("d", 1), ok("e", 2)}, nil},
		"of equals, the youngest": {
			[]*corev1.Pod{member(3, "a"), member(2, "b"), member(1, "c")},
			[]ego.Host{ok("a", 1), ok("b", 1), ok("c", 1)},
			nil,
		},
		"of equals, those of an old revision":          {[]*corev1.Pod{member(1, "a", revision("old")), member(2, "b")}, []ego.Host{ok("a", 1), ok("b", 1)}, nil},
		"of equals, those that are not ready":          {[]*corev1.Pod{member(1, "a", unready), member(2, "b")}, []ego.Host{ok("a", 1), ok("b", 1)}, nil},
		"nobody's work is known: the youngest":         {[]*corev1.Pod{member(2, "a"), member(1, "b")}, nil, factsEdits{failing}},
		"whose work is not known goes after who works": {[]*corev1.Pod{member(1, "a"), member(2, "b")}, []ego.Host{ok("a", 9), hostOf("b", ego.StateUnknown, 0)}, nil},
		"who was chosen, whoever is idle by now": {
			[]*corev1.Pod{member(1, "a", draining(minute, hostClosed)...), member(2, "c"), member(3, "b", unready)},
			[]ego.Host{hostOf("a", ego.StateClosed, 5), ok("b", nothing), ok("c", nothing)},
			nil,
		},
		"who was chosen, but for those that the ReplicaSet takes before": {
			[]*corev1.Pod{member(1, "b", draining(minute, hostClosed)...), member(2, "a", on(""), phase(corev1.PodPending), unready)},
			[]ego.Host{hostOf("b", ego.StateClosed, 5)},
			nil,
		},
		"who was released, then whose host was closed, then who was chosen first, ready or not": {[]*corev1.Pod{
			member(1, "a", chosen(names.Released, minute), hostClosed), member(2, "b", draining(minute, hostClosed)...),
			member(3, "c", draining(3*minute)...), member(4, "d", draining(2*minute, unready)...), member(5, "e"),
		}, []ego.Host{
			hostOf("a", ego.StateClosed, 0), hostOf("b", ego.StateClosed, 9), hostOf("c", ego.StateClosed, 9), hostOf("d", ego.StateClosed, 1), ok("e", 0),
		}, nil},
		"not who was chosen while nobody knew who works": {
			[]*corev1.Pod{member(1, "b", draining(minute)...), member(2, "a")}, []ego.Host{ok("b", 5), ok("a", nothing)}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			order := podNames(c.pods)
			slices.Sort(order)
			for n := range order {
				g.Expect(victimsFully(n+1, c.pods, c.hosts, c.facts)).To(ConsistOf(order[:n+1]), "the first %d", n+1)
			}
		})
	}
}

// victimsFully are the victims of a pass, with those that are waited for: all that are not kept.
func victimsFully(n int, pods []*corev1.Pod, hosts []ego.Host, edits factsEdits) []string {
	// An unmarked pod is a victim if something is done to it, a marked one if it is neither opened nor unmarked.
	made := drained(len(pods)-n, pods, append(factsEdits{says(hosts...), onDelete}, edits...)...)
	does := map[string]string{}
	for _, text := range stepsOf(made) {
		what, who, _ := strings.Cut(text, " ")
		who, _, _ = strings.Cut(who, " ")
		does[who] = what
	}
	var victims []string
	for _, p := range pods {
		name := strings.TrimPrefix(p.Name, "prod-compute-")
		marked := p.Annotations[names.AnnotationDrain] != ""
		// A released one that stays drains again before its host is opened.
		back := p.Annotations[names.AnnotationDrain] == names.Released && does[name] == "Mark"
		kept := does[name] == "Open" || does[name] == "Unmark" || back
		if marked && !kept || !marked && does[name] != "" {
			victims = append(victims, name)
		}
	}
	return victims
}

func podNames(pods []*corev1.Pod) []string {
	all := make([]string, 0, len(pods))
	for _, p := range pods {
		all = append(all, strings.TrimPrefix(p.Name, "prod-compute-"))
	}
	return all
}

// What is marked by one pass is what the next one chooses, whatever order the cache lists them in.
func TestTheNextPassGoesOnWithTheSamePods(t *testing.T) {
	g := NewWithT(t)
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		var pods []*corev1.Pod
		var hosts []ego.Host
		for i := range 12 {
			name := string(rune('a' + i))
			pods = append(pods, member(random.IntN(3), name))
			hosts = append(hosts, hostOf(name, ego.StateOK, random.IntN(4)-1))
		}
		wanted := random.IntN(12)
		marked := victimsOf(wanted, pods, says(hosts...))
		g.Expect(marked).To(HaveLen(12 - wanted))
		for _, p := range pods {
			if slices.Contains(marked, strings.TrimPrefix(p.Name, "prod-compute-")) {
				chosen(names.Draining, 0)(p)
			}
		}
		random.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
		g.Expect(victimsOf(wanted, pods, says(hosts...))).To(ConsistOf(marked), "seed %d", seed)
	}
}

// Whenever the ReplicaSet is told fewer, its own order, with its own ties, is one in which exactly the released pods go.
func TestTheReplicaSetDeletesExactlyWhomThePlanExpects(t *testing.T) {
	g := NewWithT(t)
	lowered, held := 0, 0
	for seed := range uint64(5000) {
		random := rand.New(rand.NewPCG(seed, 3))
		pods := make([]*corev1.Pod, 0, 8)
		for i := range 3 + random.IntN(6) {
			pods = append(pods, anyPod(random, i))
		}
		wanted := random.IntN(len(pods))
		made := drained(wanted, pods, onDelete)
		fewer := len(pods) - int(made.SetReplicas)
		if made.Draining.Held > 0 {
			held++
		}
		if fewer == 0 {
			continue
		}
		lowered++
		for range 5 {
			random.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
			for _, p := range deletedByReplicaSet(pods, fewer, later) {
				g.Expect(p.Annotations).To(HaveKeyWithValue(names.AnnotationDrain, names.Released), "seed %d: %s", seed, p.Name)
			}
		}
	}
	g.Expect(lowered).To(BeNumerically(">", 500))
	g.Expect(held).To(BeNumerically(">", 500))
}

// anyPod is a pod of which anything can be true. Nobody's host is known, so those that are released stay so.
func anyPod(random *rand.Rand, number int) *corev1.Pod {
	made := member(number, fmt.Sprintf("p%d", number), func(p *corev1.Pod) {
		p.UID = types.UID(fmt.Sprintf("%08x", random.Uint32()))
		p.Status.ContainerStatuses[0].RestartCount = int32(random.IntN(2))
		p.Status.Conditions[0].LastTransitionTime = metav1.NewTime(start.Add(time.Duration(random.IntN(3000)) * time.Second))
		p.Spec.NodeName = fmt.Sprintf("node-%d", random.IntN(3))
	})
	if random.IntN(3) == 0 {
		unready(made)
	}
	switch random.IntN(12) {
	case 0:
		made.Status.Phase, made.Spec.NodeName = corev1.PodPending, ""
	case 1:
		made.Status.Phase = corev1.PodPending
	case 2:
		made.Status.Phase = corev1.PodUnknown
	case 3:
		made.Annotations[corev1.PodDeletionCost] = []string{"-2147483648", "+7", "007", "-7", "0", "much", "2147483648"}[random.IntN(7)]
	}
	if random.IntN(2) == 0 {
		chosen(names.Released, minute)(made)
	}
	return made
}
