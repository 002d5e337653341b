// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// defaultMaxUnavailable is what spec.compute.update.maxUnavailable documents as its default.
const defaultMaxUnavailable = 25 // percent

// updateDecided reports whether this pass decides which pods an update replaces. The ReplicaSet replaces them from its template, so none
// is chosen before the ReplicaSet controller has seen that template: it would come back old. It is not seen for a moment after
// every change of the ReplicaSet's, such as of its number while other pods go.
func (d *drain) updateDecided(updates bool) bool {
	set := d.facts.ComputeSet
	if set == nil || d.facts.Cluster.Spec.Compute.Update.Type == v1alpha1.OnDelete {
		return true
	}
	return updates && set.Status.ObservedGeneration >= set.Generation && set.Spec.Template.Labels[names.LabelRevision] != ""
}

// outdated are the compute pods of an older revision that are to be replaced now.
//
// Those that are not ready and cannot have work are chosen at once: they serve nobody, and a broken template heals by them.
// All others are chosen only as far as the budget allows, and pods that are missing, not ready or draining count against it: a
// new template that does not become ready stops here, and pods that a node's trouble makes unready for a moment are not all drained for it.
func (d *drain) outdated(live []*corev1.Pod, going map[*corev1.Pod]bool, wanted int) []*corev1.Pod {
	update := &d.facts.Cluster.Spec.Compute.Update
	if update.Type == v1alpha1.OnDelete {
		return nil
	}
	var chosen []*corev1.Pod
	var marked, unready, serving []candidate
	available := 0
	for _, pod := range live {
		if going[pod] {
			continue
		}
		isAvailable := observe.PodReady(pod) && !isMarked(pod)
		if isAvailable {
			available++
		}
		// At rest there is none, and tens of thousands need not be looked up in EGO's list.
		if !d.isOutdated(pod) {
			continue
		}
		switch c := d.candidate(pod); {
		case isAvailable:
			serving = append(serving, c)
		case isUseless(&c):
			chosen = append(chosen, pod)
		case isMarked(pod):
			marked = append(marked, c)
		default:
			unready = append(unready, c)
		}
	}
	most := maxUnavailable(update.MaxUnavailable, wanted)
	room := most - max(0, wanted-available)
	// The orders are the same in every pass: a pass that acts on a cache from before its own deletions
	// chooses the same pods again and not further ones.
	slices.SortFunc(chosen, compareAge)
	// What was marked stays so when others become unready: its drain would never end. More of them than the budget come of a scale-in
	// that the user took back.
	chosen = first(chosen, marked, most, compareMarked)
	// They are missed already.
	chosen = first(chosen, unready, room+len(unready), func(a, b candidate) int { return compareAge(a.pod, b.pod) })
	return first(chosen, serving, room, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.host.Work, b.host.Work), cmp.Compare(a.host.Slots, b.host.Slots), compareAge(a.pod, b.pod))
	})
}

// isUseless reports whether a pod has no work and is not about to get any: it is not ready, and nothing in it runs or EGO does not
// know it. One that EGO knows may be ready again in a moment.
func isUseless(c *candidate) bool {
	return !c.ready && (c.host.Work == NothingRuns || c.host.Work == NoWork && c.host.Name == "")
}

// first adds the first few of the candidates in an order.
func first(chosen []*corev1.Pod, all []candidate, few int, order func(a, b candidate) int) []*corev1.Pod {
	slices.SortFunc(all, order)
	for i := range min(max(0, few), len(all)) {
		chosen = append(chosen, all[i].pod)
	}
	return chosen
}

// isOutdated reports whether a pod is of an older revision than the ReplicaSet's.
func (d *drain) isOutdated(pod *corev1.Pod) bool {
	// Without the label, which somebody took away, every pod would look outdated until it is back.
	set := d.facts.ComputeSet
	return set != nil && set.Spec.Template.Labels[names.LabelRevision] != "" && d.mayBeOutdated(pod)
}

func (d *drain) mayBeOutdated(pod *corev1.Pod) bool {
	set := d.facts.ComputeSet
	return set != nil && set.Spec.Template.Labels[names.LabelRevision] != pod.Labels[names.LabelRevision]
}

// maxUnavailable is the budget of a rolling update, at least 1: with 0 it would never move.
func maxUnavailable(value *intstr.IntOrString, wanted int) int {
	percent := defaultMaxUnavailable
	if value != nil {
		if value.Type == intstr.Int {
			return max(1, int(value.IntVal))
		}
		parsed, err := strconv.Atoi(strings.TrimSuffix(value.StrVal, "%"))
		if err == nil {
			percent = parsed
		}
	}
	return max(1, wanted*percent/100)
}
