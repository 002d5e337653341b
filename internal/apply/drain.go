// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// comment tells EGO's administrators who closed a host and why.
const comment = "symphony-operator: its pod is to go"

// drain takes the steps. What one of them notes on a pod is seen by a later pass, which takes the next: no step depends on another
// of the same pass. First comes what is noted, then EGO's commands, then what deletes.
func (a *Applier) drain(ctx context.Context, facts *observe.Facts, decided *plan.Plan, steps []plan.Step, out *Outcome) {
	now := a.Clock.Now().UTC().Format(time.RFC3339)
	for _, do := range []plan.Do{plan.Unmark, plan.Mark, plan.NoteClose, plan.Release} {
		err := a.notes(ctx, do, of(steps, do), now, out)
		out.note(problem("noting on compute pods that they are to go", observe.ChildKey{}, err)...)
	}
	for _, label := range []struct {
		value any
		pods  []*corev1.Pod
	}{{names.Idle, decided.Compute.Labels.Idle}, {nil, decided.Compute.Labels.Busy}} {
		_, err := inParallel(label.pods, func(pod *corev1.Pod) error {
			return a.patchPod(ctx, pod, map[string]any{"labels": map[string]any{names.LabelIdle: label.value}})
		})
		out.note(problem("labelling compute pods", observe.ChildKey{}, err)...)
	}
	if decided.Master != nil {
		a.hosts(ctx, facts, decided, steps, now, out)
	}
	for _, do := range []plan.Do{plan.Delete, plan.Hasten} {
		done, err := inParallel(pods(of(steps, do)), func(pod *corev1.Pod) error {
			if do == plan.Hasten {
				return a.deleteExactly(ctx, pod, client.GracePeriodSeconds(plan.HastenedGraceSeconds))
			}
			return a.deleteExactly(ctx, pod)
		})
		out.did(do, done)
		out.note(problem("deleting compute pods", observe.ChildKey{}, err)...)
	}
}

// notes writes what a step notes on its pods.
func (a *Applier) notes(ctx context.Context, do plan.Do, steps []plan.Step, now string, out *Outcome) error {
	done, err := inParallel(pods(steps), func(pod *corev1.Pod) error {
		// This version of the pod: what is noted follows from what was noted before.
		return a.patchPod(ctx, pod, map[string]any{"annotations": noteOf(do, pod, now), "resourceVersion": pod.ResourceVersion})
	})
	out.did(do, done)
	if err == nil && do == plan.Release {
		out.Forced += forced(steps)
	}
	return err
}

// noteOf are the annotations that a step sets, or takes away.
func noteOf(do plan.Do, pod *corev1.Pod, now string) map[string]any {
	switch do {
	case plan.Mark:
		return map[string]any{
			names.AnnotationDrain: names.Draining, names.AnnotationDrainSince: now,
			corev1.PodDeletionCost: strconv.Itoa(plan.DrainingCost),
		}
	case plan.NoteClose:
		return map[string]any{names.AnnotationHostClosed: now}
	case plan.Reclaim:
		return map[string]any{names.AnnotationHostReclaimed: now}
	case plan.Release:
		note := map[string]any{names.AnnotationDrain: names.Released, corev1.PodDeletionCost: strconv.Itoa(plan.ReleasedCost)}
		if pod.Annotations[names.AnnotationDrainSince] == "" {
			note[names.AnnotationDrainSince] = now
		}
		return note
	default:
		return map[string]any{
			names.AnnotationDrain: nil, names.AnnotationDrainSince: nil, names.AnnotationHostClosed: nil,
			names.AnnotationHostReclaimed: nil, corev1.PodDeletionCost: nil,
		}
	}
}

// hosts runs EGO's commands: first what lets work come again, then what keeps it away.
func (a *Applier) hosts(ctx context.Context, facts *observe.Facts, decided *plan.Plan, steps []plan.Step, now string, out *Outcome) {
	// EGO keeps no versions. What a cache that is behind shows as chosen may stay, and would be closed for good, opened to take work before its
	// end, or lose its work.
	opened, closed := a.upToDate(ctx, of(steps, plan.Open)), a.upToDate(ctx, of(steps, plan.Close))
	reclaimed, dead := a.upToDate(ctx, of(steps, plan.Reclaim)), decided.Compute.DeadHosts
	if len(opened)+len(closed)+len(reclaimed)+len(dead) == 0 {
		a.asWanted(facts, decided)
		return
	}
	at := a.EGO(types.NamespacedName{Namespace: decided.Master.Namespace, Name: decided.Master.Name})
	a.Hosts.HostsChanging(facts.Cluster)
	var failed []error
	wasReclaimed := false
	for _, change := range []struct {
		do    plan.Do
		names []string
		run   func([]string) error
	}{
		{plan.Open, hostsOf(opened), func(hosts []string) error { return at.Open(ctx, hosts) }},
		{plan.Close, hostsOf(closed), func(hosts []string) error { return at.Close(ctx, hosts, ego.CloseOptions{Comment: comment}) }},
		{plan.Reclaim, hostsOf(reclaimed), func(hosts []string) error {
			return at.Close(ctx, hosts, ego.CloseOptions{Reclaim: true, Comment: comment})
		}},
		{removeHosts, dead, func(hosts []string) error { return at.Remove(ctx, hosts) }},
	} {
		if len(change.names) == 0 {
			continue
		}
		err := change.run(change.names)
		if _, unknown := errors.AsType[*ego.NotFoundError](err); unknown {
			err = nil // It was done to all others, and the next look tells who is there.
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", change.do, err))
			continue
		}
		if change.do == plan.Reclaim {
			wasReclaimed = true
		} else {
			out.did(change.do, len(change.names))
		}
	}
	if wasReclaimed {
		out.Reclaimed += forced(reclaimed)
		// After it was done: what is noted and not done would let pods go whose work was never asked for.
		err := a.notes(ctx, plan.Reclaim, reclaimed, now, out)
		out.note(problem("noting on compute pods that their work was taken back", observe.ChildKey{}, err)...)
	}
	out.EGO = errors.Join(failed...)
	a.Hosts.HostsChange(facts.Cluster, out.EGO)
}

// asWanted has a failure forgotten when EGO answers and nothing is left to do: the command was done although its answer was lost, or is not
// wanted any more. Otherwise the status would tell of it for as long as hosts drain.
func (a *Applier) asWanted(facts *observe.Facts, decided *plan.Plan) {
	read := facts.EGO
	// All that was planned, and not only what can be done now.
	left := slices.ContainsFunc(decided.Compute.Steps, func(s plan.Step) bool { return s.Do == plan.Open || s.Do == plan.Close || s.Do == plan.Reclaim })
	if read != nil && read.Err == nil && !read.Stale && read.Refused != "" && !left {
		a.Hosts.HostsChange(facts.Cluster, nil)
	}
}

// +kubebuilder:rbac:groups="",resources=pods,verbs=get

// upToDate are the steps whose pods the API server has in the same version.
func (a *Applier) upToDate(ctx context.Context, steps []plan.Step) []plan.Step {
	at := make(map[*corev1.Pod]int, len(steps))
	for i := range steps {
		at[steps[i].Pod] = i
	}
	current := make([]bool, len(steps))
	_, _ = inParallel(pods(steps), func(pod *corev1.Pod) error {
		now := &metav1.PartialObjectMetadata{}
		now.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
		err := a.Live.Get(ctx, client.ObjectKeyFromObject(pod), now)
		current[at[pod]] = err == nil && now.UID == pod.UID && now.ResourceVersion == pod.ResourceVersion
		return nil // What cannot be read now is done in a later pass.
	})
	var kept []plan.Step
	for i, step := range steps {
		if current[i] {
			kept = append(kept, step)
		}
	}
	return kept
}

// stepsWith leaves out what lets pods stay when the ReplicaSet could not be told: one that was told less may still act, and would
// choose others.
func stepsWith(steps []plan.Step, setTold bool) []plan.Step {
	if setTold {
		return steps
	}
	return slices.DeleteFunc(slices.Clone(steps), func(step plan.Step) bool { return step.Do == plan.Open || step.Do == plan.Unmark })
}

// removeHosts is what is done to dead hosts, which have no pod.
const removeHosts plan.Do = "Remove"

// patchPod changes metadata of exactly this pod, as a merge patch: see tell.
func (a *Applier) patchPod(ctx context.Context, pod *corev1.Pod, metadata map[string]any) error {
	// The UID makes the server refuse the patch (409) if the pod is another one by now.
	metadata["uid"] = pod.UID
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	target := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	return gone(a.Client.Patch(ctx, target, client.RawPatch(types.MergePatchType, patch)))
}

func (o *Outcome) did(do plan.Do, times int) {
	if times == 0 {
		return
	}
	if o.Done == nil {
		o.Done = map[plan.Do]int{}
	}
	o.Done[do] += times
}

func of(steps []plan.Step, do plan.Do) []plan.Step {
	var chosen []plan.Step
	for _, step := range steps {
		if step.Do == do {
			chosen = append(chosen, step)
		}
	}
	return chosen
}

// forced counts the steps whose pods have or may have work.
func forced(steps []plan.Step) int {
	count := 0
	for _, step := range steps {
		if step.Forced {
			count++
		}
	}
	return count
}

func pods(steps []plan.Step) []*corev1.Pod {
	all := make([]*corev1.Pod, 0, len(steps))
	for _, step := range steps {
		all = append(all, step.Pod)
	}
	return all
}

func hostsOf(steps []plan.Step) []string {
	all := make([]string, 0, len(steps))
	for _, step := range steps {
		all = append(all, step.Host)
	}
	return all
}
