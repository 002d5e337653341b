// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// Deletion costs (controller.kubernetes.io/pod-deletion-cost): of pods that are level in all that a ReplicaSet looks at before, it
// deletes those with the lowest.
const (
	ReleasedCost = math.MinInt32
	DrainingCost = math.MinInt32 + 1
)

// surplus are the pods to go because there are more than wanted. Those whose hosts were closed stay chosen, except that pods which
// have no place yet, or do not run, go first: they have no work, and are what the ReplicaSet would delete before all others.
func (d *drain) surplus(live []*corev1.Pod, wanted int) []*corev1.Pod {
	if len(live) <= wanted {
		return nil
	}
	ranked := make([]candidate, 0, len(live))
	for _, pod := range live {
		ranked = append(ranked, d.candidate(pod))
	}
	slices.SortFunc(ranked, compareVictims)
	chosen := make([]*corev1.Pod, 0, len(live)-wanted)
	for i := range ranked[:len(live)-wanted] {
		chosen = append(chosen, ranked[i].pod)
	}
	return chosen
}

func compareVictims(a, b candidate) int {
	if a.group == marked && b.group == marked {
		return compareMarked(a, b)
	}
	return cmp.Or(
		cmp.Compare(a.group, b.group),
		cmp.Compare(a.host.Work, b.host.Work),
		cmp.Compare(a.host.Slots, b.host.Slots),
		compareBool(isMarked(b.pod), isMarked(a.pod)),
		compareBool(b.outdated, a.outdated),
		compareBool(a.ready, b.ready),
		compareAge(b.pod, a.pod))
}

// compareMarked puts those first that are furthest on their way. Nothing in it comes and goes: of two that are waited for, a pod
// that is ready and not ready in turns must not have the host of the other opened and closed each time.
func compareMarked(a, b candidate) int {
	return cmp.Or(
		compareBool(b.pod.Annotations[names.AnnotationDrain] == names.Released, a.pod.Annotations[names.AnnotationDrain] == names.Released),
		compareBool(b.pod.Annotations[names.AnnotationHostClosed] != "", a.pod.Annotations[names.AnnotationHostClosed] != ""),
		cmp.Compare(a.pod.Annotations[names.AnnotationDrainSince], b.pod.Annotations[names.AnnotationDrainSince]),
		compareAge(b.pod, a.pod))
}

// candidate is a pod with all that it is ranked by.
type candidate struct {
	pod             *corev1.Pod
	host            Host
	group           int
	ready, outdated bool
}

// Groups, in the order in which they go.
const (
	unassigned = iota
	pending
	released
	lifeless
	marked
	useless
	others
)

func (d *drain) candidate(pod *corev1.Pod) candidate {
	c := candidate{pod: pod, host: d.grid.host(pod), ready: observe.PodReady(pod), outdated: d.isOutdated(pod)}
	switch {
	case pod.Spec.NodeName == "":
		c.group = unassigned
	case pod.Status.Phase == corev1.PodPending:
		c.group = pending
	case pod.Annotations[names.AnnotationDrain] == names.Released:
		c.group = released
	case c.host.Work == NothingRuns:
		c.group = lifeless
	case isMarked(pod) && (!d.grid.settled || pod.Annotations[names.AnnotationHostClosed] != "" || c.host.State != ego.StateOK):
		c.group = marked
	case c.host.Work == NoWork && (!c.ready || c.host.Name == ""):
		c.group = useless
	default:
		c.group = others
	}
	return c
}

// deletedFirst reports whether the ReplicaSet, told to have that many pods less, will delete exactly these: whether they come
// before all others in what it looks at first (its order is that of ActivePodsWithRanks in k8s.io/kubernetes/pkg/controller).
func deletedFirst(live, these []*corev1.Pod) bool {
	last := slices.MaxFunc(these, compareDeletion)
	among := make(map[*corev1.Pod]bool, len(these))
	for _, pod := range these {
		among[pod] = true
	}
	for _, pod := range live {
		if !among[pod] && compareDeletion(last, pod) >= 0 {
			return false
		}
	}
	return true
}

// compareDeletion is negative when the ReplicaSet deletes a before b whatever else is true of them, and 0 when that is not known.
func compareDeletion(a, b *corev1.Pod) int {
	return cmp.Or(
		compareBool(a.Spec.NodeName != "", b.Spec.NodeName != ""),
		cmp.Compare(phaseOrder(a), phaseOrder(b)),
		compareBool(observe.PodReady(a), observe.PodReady(b)),
		cmp.Compare(deletionCost(a), deletionCost(b)))
}

func phaseOrder(pod *corev1.Pod) int {
	switch pod.Status.Phase {
	case corev1.PodPending, "":
		return 0
	case corev1.PodUnknown:
		return 1
	default:
		return 2
	}
}

// deletionCost reads it as the ReplicaSet does: what is no number is 0.
func deletionCost(pod *corev1.Pod) int32 {
	cost, err := strconv.ParseInt(pod.Annotations[corev1.PodDeletionCost], 10, 32)
	if err != nil {
		return 0
	}
	return int32(cost)
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// compareAge puts the oldest first. Times have seconds only, and the cache lists in no order: names make it one order.
func compareAge(a, b *corev1.Pod) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}
