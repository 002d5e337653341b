// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// later is when the passes of the tests of drains look: the master was started an hour ago. A drain has ten minutes, and what is taken
// back two.
var later = start.Add(time.Hour)

// member is a compute pod that serves, as old as its number is low; a host of EGO's has the same name.
func member(number int, name string, edits ...func(*corev1.Pod)) *corev1.Pod {
	edits = append([]func(*corev1.Pod){revision("new"), told("10.0.0.1 prod-master"), on("node"), ready, container(corev1.ContainerState{})}, edits...)
	return pod(number, "prod-compute-"+name, edits...)
}

func on(node string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Spec.NodeName = node } }

func phase(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase = phase }
}

func unready(p *corev1.Pod) { p.Status.Conditions = nil }

func container(state corev1.ContainerState) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: names.Container, State: state}}
	}
}

var crashed = container(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}})

// chosen pods are Draining or Released since so long.
func chosen(state string, ago time.Duration) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Annotations[names.AnnotationDrain] = state
		p.Annotations[names.AnnotationDrainSince] = later.Add(-ago).Format(time.RFC3339)
		p.Annotations[corev1.PodDeletionCost] = strconv.Itoa(plan.DrainingCost)
		if state == names.Released {
			p.Annotations[corev1.PodDeletionCost] = strconv.Itoa(plan.ReleasedCost)
		}
	}
}

func hostClosed(p *corev1.Pod) {
	p.Annotations[names.AnnotationHostClosed] = later.Format(time.RFC3339)
}

func hostReclaimed(ago time.Duration) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Annotations[names.AnnotationHostReclaimed] = later.Add(-ago).Format(time.RFC3339)
	}
}

// What consumers hold of a host: nothing, idle instances, or so many slots that work.
const (
	nothing  = 0
	leftOver = -1
)

func hostOf(name string, state ego.State, held int) ego.Host {
	host := ego.Host{Name: "prod-compute-" + name, State: state}
	switch {
	case held == leftOver:
		host.Allocations = []ego.Allocation{{Consumer: "/idle", Slots: 1}}
	case held > nothing:
		host.Allocations = []ego.Allocation{{Consumer: "/busy", Slots: held}}
	}
	return host
}

// says is what EGO said.
func says(hosts ...ego.Host) func(*observe.Facts) {
	return func(f *observe.Facts) {
		f.EGO = &observe.EGORead{
			At: later, Hosts: hosts, SessionDirector: true, IdleLooks: map[string]int{},
			Workloads: []ego.Workload{{Application: "idle", Consumer: "/idle"}, {Application: "busy", Consumer: "/busy", Running: 1}},
		}
	}
}

func stale(f *observe.Facts) { f.EGO.Stale = true }

func refused(f *observe.Facts) { f.EGO.Refused = v1alpha1.ReasonEGORefused }

func failing(f *observe.Facts) { f.EGO = &observe.EGORead{At: later, Err: ego.ErrUnreachable} }

func unasked(f *observe.Facts) { f.EGO = nil }

func noMaster(f *observe.Facts) { f.MasterPods, f.EGO = nil, nil }

// restarted is a master that was started a minute ago and whose session director does not answer.
func restarted(f *observe.Facts) {
	f.MasterPods[0].Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(later.Add(-time.Minute))
	f.EGO.SessionDirector = false
}

func immediate(f *observe.Facts) { f.Cluster.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate }

func onDelete(f *observe.Facts) { f.Cluster.Spec.Compute.Update.Type = v1alpha1.OnDelete }

// notSeenYet is a ReplicaSet whose controller has not seen its last change.
func notSeenYet(f *observe.Facts) {
	f.ComputeSet.Generation = 2
	f.ComputeSet.Status.ObservedGeneration = 1
}

// counted is a ReplicaSet whose controller has seen which pods are ready.
func counted(f *observe.Facts) {
	f.ComputeSet.Status.ReadyReplicas = 0
	for _, p := range f.ComputePods {
		if observe.PodReady(p) {
			f.ComputeSet.Status.ReadyReplicas++
		}
	}
}

// setOf is a ReplicaSet that was told this number.
func setOf(replicas int32) func(*observe.Facts) {
	return func(f *observe.Facts) { f.ComputeSet.Spec.Replicas = &replicas }
}

// drained is the plan for these pods when so many are wanted.
func drained(wanted int, pods []*corev1.Pod, edits ...func(*observe.Facts)) plan.Compute {
	master := pod(1, "m", at("10.0.0.1"), container(corev1.ContainerState{
		Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(start)},
	}))
	found := facts(append([]func(*observe.Facts){masters(master), computes(pods...), says(), counted}, edits...)...)
	found.Now, found.Cluster.Spec.Compute.Replicas = later, new(int32(wanted))
	return plan.Make(found).Compute
}

// stepsOf are a plan's steps as text, without the prefix that all names have.
func stepsOf(compute plan.Compute) []string {
	all := make([]string, 0, len(compute.Steps))
	for _, step := range compute.Steps {
		text := fmt.Sprintf("%s %s", step.Do, strings.TrimPrefix(step.Pod.Name, "prod-compute-"))
		if step.Update {
			text += " for an update"
		}
		if step.Forced {
			text += " by force"
		}
		all = append(all, text)
	}
	return all
}
