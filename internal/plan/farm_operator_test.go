// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"errors"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// pass is one of the operator's, in the order of internal/apply, and returns how much it had to do. With killed it ends after some of it;
// the next operator has asked EGO nothing yet.
func (f *farm) pass(killed bool) int {
	seen := f.older
	if seen.set == nil {
		seen = f.snapshot()
	}
	facts := f.facts(seen)
	made := plan.Make(facts)
	f.checkBudget(facts, &made.Compute)
	todo := f.writes(facts, &made.Compute)
	done := len(todo)
	if killed {
		done = f.random.IntN(len(todo) + 1)
		f.logf("the operator is killed after %d of %d", done, len(todo))
	}
	for _, do := range todo[:done] {
		do()
	}
	if killed {
		f.read = nil
	}
	return len(todo)
}

// writes are what a pass does, one by one.
func (f *farm) writes(facts *observe.Facts, compute *plan.Compute) []func() {
	var todo []func()
	do := func(one func()) { todo = append(todo, one) }
	if write := f.setWrite(facts, compute); write != nil {
		do(write)
	}
	// Pods of a template that is not the wanted one replace no others: build leaves the steps out.
	isWanted := facts.ComputeSet.Spec.Template.Labels[names.LabelRevision] == f.revision
	of := func(what plan.Do) []plan.Step {
		var chosen []plan.Step
		for _, step := range compute.Steps {
			if step.Do == what && (isWanted || !step.Update) {
				chosen = append(chosen, step)
			}
		}
		return chosen
	}
	for _, what := range []plan.Do{plan.Unmark, plan.Mark, plan.NoteClose, plan.Release} {
		for _, step := range of(what) {
			do(func() { f.note(what, step) })
		}
	}
	for _, pod := range compute.Labels.Idle {
		do(func() { f.label(pod, names.Idle) })
	}
	for _, pod := range compute.Labels.Busy {
		do(func() { f.label(pod, "") })
	}
	if f.master != nil {
		todo = append(todo, f.commands(of, compute.DeadHosts)...)
	}
	atOnce := f.atOnce()
	for _, step := range of(plan.Delete) {
		do(func() { f.delete(step, atOnce) })
	}
	for _, step := range of(plan.Hasten) {
		do(func() {
			if p := f.find(step.Pod.Name); p != nil {
				p.DeletionGracePeriodSeconds = new(int64(plan.HastenedGraceSeconds))
			}
		})
	}
	return todo
}

// setWrite applies the ReplicaSet: its number, and its template unless that is held.
func (f *farm) setWrite(facts *observe.Facts, compute *plan.Compute) func() {
	revision := f.revision
	if compute.Verdict != plan.Follow {
		revision = f.set.Spec.Template.Labels[names.LabelRevision]
	}
	now := expectation{chosen: map[types.UID]bool{}, ready: map[types.UID]bool{}, atOnce: f.atOnce()}
	for _, pod := range facts.ComputePods {
		now.chosen[pod.UID] = pod.Annotations[names.AnnotationDrain] == names.Released
		now.ready[pod.UID] = observe.PodReady(pod)
	}
	if *f.set.Spec.Replicas == compute.SetReplicas && f.set.Spec.Template.Labels[names.LabelRevision] == revision {
		now.atOnce = now.atOnce || f.expected[f.set.Generation].atOnce
		f.expected[f.set.Generation] = now
		return nil
	}
	return func() {
		f.set.Generation++
		f.set.Spec.Replicas, f.expected[f.set.Generation] = new(compute.SetReplicas), now
		f.set.Spec.Template.Labels[names.LabelRevision] = revision
		f.logf("the ReplicaSet is told %d of %s", compute.SetReplicas, revision)
	}
}

func (f *farm) label(pod *corev1.Pod, value string) {
	p := f.find(pod.Name)
	switch {
	case p == nil:
	case value == "":
		delete(p.Labels, names.LabelIdle)
	default:
		p.Labels[names.LabelIdle] = value
	}
}

// note is what internal/apply notes on a pod.
func (f *farm) note(what plan.Do, step plan.Step) {
	p := f.find(step.Pod.Name)
	if p == nil {
		return
	}
	f.logf("%s %s update=%t forced=%t", what, p.Name, step.Update, step.Forced)
	now := f.now.UTC().Format(time.RFC3339)
	switch what {
	case plan.Mark:
		p.Annotations[names.AnnotationDrain], p.Annotations[names.AnnotationDrainSince] = names.Draining, now
		p.Annotations[corev1.PodDeletionCost] = strconv.Itoa(plan.DrainingCost)
	case plan.NoteClose:
		p.Annotations[names.AnnotationHostClosed] = now
		if host := f.ego.hosts[p.Name]; host != nil {
			// It was ok when the operator looked.
			host.disputed = true
		}
	case plan.Reclaim:
		p.Annotations[names.AnnotationHostReclaimed] = now
	case plan.Release:
		f.checkRelease(p, step)
		p.Annotations[names.AnnotationDrain], p.Annotations[corev1.PodDeletionCost] = names.Released, strconv.Itoa(plan.ReleasedCost)
		if step.Pod.Annotations[names.AnnotationDrainSince] == "" {
			p.Annotations[names.AnnotationDrainSince] = now
		}
	default:
		for _, key := range []string{
			names.AnnotationDrain, names.AnnotationDrainSince, names.AnnotationHostClosed, names.AnnotationHostReclaimed, corev1.PodDeletionCost,
		} {
			delete(p.Annotations, key)
		}
		p.cameLate = false
	}
}

// checkRelease checks that a pod has nothing to lose, as far as the operator could know: its container did not run, or EGO did not
// know its host or had no answer of it, or nobody had opened it since.
func (f *farm) checkRelease(p *farmPod, step plan.Step) {
	if !observe.Runs(step.Pod) || p.opened {
		p.cameLate = true
	}
	if f.read != nil && f.read.Err == nil {
		found, matches := ego.NewIndex(f.read.Hosts).Find(p.Name)
		p.cameLate = p.cameLate || matches == 0 || found.State == ego.StateUnavailable
	}
	f.loses(p, "Release", false)
}

func (f *farm) delete(step plan.Step, atOnce bool) {
	p := f.find(step.Pod.Name)
	if p == nil || p.DeletionTimestamp != nil {
		return
	}
	f.logf("Delete %s update=%t", p.Name, step.Update)
	f.loses(p, "the operator", atOnce)
	f.end(p)
}

// commands are EGO's, between two words to the reads that hosts change.
func (f *farm) commands(of func(plan.Do) []plan.Step, dead []string) []func() {
	opened, closed, reclaimed := of(plan.Open), of(plan.Close), of(plan.Reclaim)
	if len(opened)+len(closed)+len(reclaimed)+len(dead) == 0 {
		if f.read != nil && f.read.Err == nil && !f.read.Stale && f.read.Refused != "" {
			return []func(){func() { f.hostsChange(nil) }}
		}
		return nil
	}
	var failed error
	wasReclaimed := false
	todo := []func(){func() { f.hostsChange(nil) }}
	run := func(one func() error) { todo = append(todo, func() { failed = errors.Join(failed, one()) }) }
	if len(opened) > 0 {
		run(func() error { return f.ego.change(f.hostNames(plan.Open, opened), f.open) })
	}
	if len(closed) > 0 {
		run(func() error {
			return f.ego.change(f.hostNames(plan.Close, closed), func(host *farmHost) { host.closed = true })
		})
	}
	if len(reclaimed) > 0 {
		run(func() error {
			err := f.ego.change(f.hostNames(plan.Reclaim, reclaimed), f.reclaim)
			wasReclaimed = err == nil
			return err
		})
	}
	if len(dead) > 0 {
		run(func() error {
			f.logf("remove %v", dead)
			return f.ego.change(dead, f.remove)
		})
	}
	for _, step := range reclaimed {
		todo = append(todo, func() {
			if wasReclaimed {
				f.note(plan.Reclaim, step)
			}
		})
	}
	return append(todo, func() { f.hostsChange(failed) })
}

func (f *farm) hostNames(what plan.Do, steps []plan.Step) []string {
	all := make([]string, 0, len(steps))
	for _, step := range steps {
		if step.Host == "" {
			f.violate("%s of a host without a name", what)
		}
		f.logf("%s host %s update=%t forced=%t", what, step.Host, step.Update, step.Forced)
		all = append(all, step.Host)
	}
	return all
}

// hostsChange is EGOReads.HostsChange.
func (f *farm) hostsChange(failed error) {
	if f.read == nil {
		return
	}
	old := *f.read
	old.Stale, old.Refused = true, observe.EGOTrouble(failed)
	f.read = &old
}

func (f *farm) open(host *farmHost) {
	if host.administrator && !host.disputed {
		f.violate("the operator opens %s, which an administrator closed", host.name)
	}
	host.closed, host.reclaiming, host.administrator, host.disputed = false, false, false, false
}

func (f *farm) reclaim(host *farmHost) {
	listed, _ := ego.NewIndex(f.read.Hosts).Find(host.name)
	if p := f.find(host.name); p != nil && observe.Working(&listed, f.read.Workloads) && !f.timedOut(p.Pod) {
		f.violate("the operator takes back the task of %s: %s", host.name, p.text())
	}
	host.closed, host.reclaiming = true, host.held
}

func (f *farm) remove(host *farmHost) {
	if p := f.find(host.name); p != nil && p.lim {
		f.violate("the operator removes %s, whose pod lives", host.name)
	}
	delete(f.ego.hosts, host.name)
}
