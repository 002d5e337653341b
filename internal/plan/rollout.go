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

// replacements are the compute pods of an older revision to delete now. The ReplicaSet replaces them from its
// template, so none is chosen before the ReplicaSet controller has seen that template: it would come back old.
//
// Outdated pods that are not ready go at once: they serve nobody, and a broken template heals by them. Ready
// ones go only as far as the budget allows, and pods that are missing or not ready count against it: a new
// template that does not become ready stops here.
func replacements(facts *observe.Facts) []*corev1.Pod {
	set := facts.ComputeSet
	if set == nil || facts.Cluster.Spec.Compute.Update.Type == v1alpha1.OnDelete ||
		set.Status.ObservedGeneration < set.Generation {
		return nil
	}
	revision := set.Spec.Template.Labels[names.LabelRevision]
	if revision == "" {
		// Somebody took the label away: every pod would look outdated until it is back.
		return nil
	}
	var waiting, serving []*corev1.Pod
	ready := 0
	for _, pod := range facts.ComputePods {
		isReady := observe.PodReady(pod)
		if isReady {
			ready++
		}
		if !observe.PodLive(pod) || pod.Labels[names.LabelRevision] == revision {
			continue
		}
		if isReady {
			serving = append(serving, pod)
		} else {
			waiting = append(waiting, pod)
		}
	}
	wanted := int(facts.ComputeWanted())
	budget := maxUnavailable(facts.Cluster.Spec.Compute.Update.MaxUnavailable, wanted) - max(0, wanted-ready)
	// The order is the same in every pass: a pass that acts on a cache from before its own deletions
	// chooses the same pods again and not further ones.
	byAge := func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(waiting, byAge)
	slices.SortFunc(serving, byAge)
	return append(waiting, serving[:min(max(0, budget), len(serving))]...)
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
