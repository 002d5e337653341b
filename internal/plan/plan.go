// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides, from the spec and the facts, what to do next: a pure function without client and
// clock. Nothing is remembered between passes; the first pass after a restart decides the same.
package plan

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// Plan is what one pass wants to happen.
type Plan struct {
	// Master is the master pod that counts, nil while there is none with an address.
	Master *corev1.Pod
	// Address is the master's address; nil while it is unknown.
	Address *Address
	// LeavingMaster is an earlier master pod that is on its way out while another one runs, nil when there is none. Until
	// it is gone the master keeps its template: the strategy Recreate would end the one that runs, and then wait for the
	// one that leaves, for ever if its node is lost.
	LeavingMaster *corev1.Pod
	// Network is what spec.network asks for and is not met.
	Network Network
	// Compute says what happens to the compute ReplicaSet.
	Compute Compute
	// ComputeHosts are the lists of compute hosts to write in this pass.
	ComputeHosts []HostsShard
	// NextPass is when something falls due that no event will tell; 0 when nothing does.
	NextPass time.Duration
}

// Address is how compute hosts find the master.
type Address struct {
	IP       string
	Hostname string
}

// HostsLine is the address as a line of a hosts file, without a line end.
func (a *Address) HostsLine() string { return a.IP + " " + a.Hostname }

// Verdict says what happens to the compute ReplicaSet's template.
type Verdict string

const (
	// Wait means that there is no ReplicaSet, and none is created before the master's address is known and, the first time,
	// what spec.network asks for is met.
	Wait Verdict = "Wait"
	// Hold means that the ReplicaSet keeps the template it has, because the master's address is unknown. Only the
	// number of pods follows the spec.
	Hold Verdict = "Hold"
	// Follow means that template and number follow the spec.
	Follow Verdict = "Follow"
)

// Compute is the plan for compute pods.
type Compute struct {
	Verdict Verdict
	// Replicas is the wanted number of pods.
	Replicas int32
	// SetReplicas is the number that the ReplicaSet is told: more while pods that are to go still work.
	SetReplicas int32
	// Began is true when compute was created before. From then on the network holds nothing up.
	Began bool
	// MasterHosts is the hosts line that new pods start with.
	MasterHosts string
	// Tell are the running pods whose hosts line is old, by name.
	Tell []*corev1.Pod
	// Steps are what to do to the pods that are to go, and to those that no longer are. Those of an update count only if the
	// ReplicaSet's revision is the one that is wanted.
	Steps []Step
	// Draining sums them up.
	Draining Draining
	// Labels are the pods whose disruption the budget begins or ceases to prevent.
	Labels Labels
	// DeadHosts are hosts, by EGO's names, to remove from EGO's table.
	DeadHosts []string
	// Settled is false while EGO's lists do not tell what hosts do, because EGO does not answer or was just started.
	Settled bool

	// Due is when the first thing that is waited for falls due; 0 when nothing does.
	Due time.Duration
}

// Make decides.
func Make(facts *observe.Facts) Plan {
	master := currentMaster(facts.MasterPods)
	plan := Plan{Master: master, LeavingMaster: leavingMaster(facts.MasterPods)}
	if master != nil {
		plan.Address = &Address{IP: master.Status.PodIP, Hostname: names.MasterHostname(facts.Cluster.Name)}
	}
	plan.Network = network(facts)
	plan.Compute = compute(facts, master, plan.Address, plan.Network)
	plan.ComputeHosts, plan.NextPass = computeHosts(facts)
	if due := plan.Compute.Due; due > 0 && (plan.NextPass == 0 || due < plan.NextPass) {
		plan.NextPass = due
	}
	return plan
}

// currentMaster is the youngest live master pod that has an address. A pod on its way out is never the
// master: its address is about to vanish, and its successor's is what compute hosts need.
func currentMaster(pods []*corev1.Pod) *corev1.Pod {
	var current *corev1.Pod
	for _, pod := range pods {
		if !observe.PodLive(pod) || pod.Status.PodIP == "" {
			continue
		}
		if current == nil || observe.YoungerPod(pod, current) {
			current = pod
		}
	}
	return current
}

// leavingMaster is the youngest terminating master pod, if another one lives.
func leavingMaster(pods []*corev1.Pod) *corev1.Pod {
	var leaving *corev1.Pod
	lives := false
	for _, pod := range pods {
		lives = lives || observe.PodLive(pod)
		if pod.DeletionTimestamp != nil && (leaving == nil || observe.YoungerPod(pod, leaving)) {
			leaving = pod
		}
	}
	if !lives {
		return nil
	}
	return leaving
}

func compute(facts *observe.Facts, master *corev1.Pod, address *Address, missing Network) Compute {
	wanted := facts.ComputeWanted()
	result := Compute{Verdict: Follow, Replicas: wanted, SetReplicas: wanted, Began: facts.ComputeBegan()}
	switch {
	case !result.Began && missing != NetworkMet:
		result.Verdict = Wait
		return result
	case address != nil:
		result.MasterHosts = address.HostsLine()
		result.Tell = outOfDate(facts.ComputePods, result.MasterHosts)
	case facts.ComputeSet == nil:
		result.Verdict = Wait
		return result
	default:
		result.Verdict = Hold
		result.MasterHosts = facts.ComputeSet.Spec.Template.Annotations[names.AnnotationMasterHosts]
	}
	going := newDrain(facts, master)
	result.SetReplicas = int32(going.all(int(wanted), address != nil))
	result.Steps, result.Draining, result.Settled = going.steps, going.sum, going.grid.settled
	result.Labels, result.DeadHosts = going.labels(), going.deadHosts()
	if !result.Settled && !going.grid.settlesAt.IsZero() {
		going.next.passed(going.grid.settlesAt)
	}
	result.Due = going.next.in
	return result
}

// outOfDate are the pods that must be told the master's address. It is read from the pods themselves, so
// what an operator that died had left to do is done by the next one.
func outOfDate(pods []*corev1.Pod, hosts string) []*corev1.Pod {
	var old []*corev1.Pod
	for _, pod := range pods {
		if observe.PodLive(pod) && pod.Annotations[names.AnnotationMasterHosts] != hosts {
			old = append(old, pod)
		}
	}
	slices.SortFunc(old, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return old
}
