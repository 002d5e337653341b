// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const (
	// labelsAtOnce bounds how many pods get or lose their label in one pass: a grid whose work ends writes 30,000 of them.
	labelsAtOnce = 200
	// labelsAgain is when the next ones follow.
	labelsAgain = time.Second
)

// Labels are the compute pods whose label LabelIdle changes.
type Labels struct {
	Idle, Busy []*corev1.Pod
}

// labels protects the pods that have or may have work: the disruption budget covers all pods without the label. What EGO said
// before the operator's own last change is no reason to change any.
func (d *drain) labels() Labels {
	var all Labels
	if d.grid.unasked || d.grid.answers() && !d.grid.current() {
		return all
	}
	for _, pod := range livePods(d.facts.ComputePods) {
		switch idle, was := d.isIdle(pod), pod.Labels[names.LabelIdle] == names.Idle; {
		case idle && !was:
			all.Idle = append(all.Idle, pod)
		case was && !idle:
			all.Busy = append(all.Busy, pod)
		}
	}
	// First those that get protection: the others only lose it.
	busy := min(len(all.Busy), labelsAtOnce)
	idle := min(len(all.Idle), labelsAtOnce-busy)
	if busy+idle < len(all.Busy)+len(all.Idle) {
		d.next.passed(d.facts.Now.Add(labelsAgain))
	}
	all.Busy, all.Idle = all.Busy[:busy], all.Idle[:idle]
	return all
}

func (d *drain) isIdle(pod *corev1.Pod) bool {
	if !d.grid.current() {
		return false
	}
	host := d.grid.host(pod)
	if host.Work == NothingRuns {
		return true
	}
	if host.Name == "" {
		// One that is ready is about to join, and to get work.
		return host.Work == NoWork && !observe.PodReady(pod)
	}
	enough := observe.EnoughIdleLooks
	if pod.Labels[names.LabelIdle] == names.Idle {
		enough = 1 // A new operator has looked once when it first decides.
	}
	return (host.Work == NoWork || host.Work == LeftOver) && d.grid.read.IdleLooks[host.Name] >= enough
}

// deadHosts are the hosts of compute pods that are gone. Without their removal they would stay in EGO's table as unavailable, for as long
// as EGO_DYNAMIC_HOST_TIMEOUT says. A host that is ok runs, whatever the cache says, and removing it would bring it back.
func (d *drain) deadHosts() []string {
	if !d.grid.current() || d.facts.ComputeSet == nil {
		// Pods whose ReplicaSet somebody deleted alone run on, unseen, until the next one adopts them.
		return nil
	}
	there := make(map[string]bool, len(d.facts.ComputePods))
	for _, pod := range d.facts.ComputePods {
		if pod.DeletionTimestamp != nil || observe.PodLive(pod) {
			there[pod.Name] = true
		}
	}
	var dead []string
	for i := range d.grid.read.Hosts {
		host := &d.grid.read.Hosts[i]
		short, _, _ := strings.Cut(strings.ToLower(host.Name), ".")
		if host.State != ego.StateOK && names.IsComputeHost(d.facts.Cluster.Name, short) && !there[short] {
			dead = append(dead, host.Name)
		}
	}
	return dead
}
