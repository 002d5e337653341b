// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const suffixLetters = "bcdfghjklmnpqrstvwxz2456789"

// replicaSet is one pass of the ReplicaSet controller, on the pods as they are, and on the ReplicaSet as it is or as it was before the last
// event: these are two watches.
func (f *farm) replicaSet() {
	f.seen = f.set.DeepCopy()
	if f.older.set != nil {
		f.seen = f.older.set
	}
	live := f.live()
	switch missing := int(*f.seen.Spec.Replicas) - len(live); {
	case missing > 0:
		for range missing {
			f.create()
		}
	case missing < 0:
		f.deleteSome(live, -missing)
	}
	f.set.Status.ObservedGeneration, f.set.Status.ReadyReplicas = f.seen.Generation, 0
	for _, p := range live {
		if observe.PodReady(p.Pod) {
			f.set.Status.ReadyReplicas++
		}
	}
}

func (f *farm) create() {
	f.made++
	name := []byte("prod-compute-")
	for left, i := f.made, 0; i < 5; i++ {
		name = append(name, suffixLetters[left%len(suffixLetters)])
		left /= len(suffixLetters)
	}
	made := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: string(name), UID: types.UID(fmt.Sprintf("%08x", f.random.Uint32())), CreationTimestamp: metav1.NewTime(f.now),
		Labels:      map[string]string{names.LabelRevision: f.seen.Spec.Template.Labels[names.LabelRevision]},
		Annotations: map[string]string{names.AnnotationMasterHosts: "10.0.0.1 prod-master"},
	}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	f.pods = append(f.pods, &farmPod{Pod: made})
	f.logf("the ReplicaSet creates %s of %s", made.Name, made.Labels[names.LabelRevision])
}

func (f *farm) deleteSome(live []*farmPod, tooMany int) {
	active := make([]*corev1.Pod, 0, len(live))
	for _, p := range live {
		active = append(active, p.Pod)
	}
	f.random.Shuffle(len(active), func(i, j int) { active[i], active[j] = active[j], active[i] })
	for _, chosen := range deletedByReplicaSet(active, tooMany, f.now) {
		p := f.find(chosen.Name)
		f.logf("the ReplicaSet (told %d) deletes %s", *f.seen.Spec.Replicas, p.Name)
		// What the plan cannot foresee, and what is a matter of milliseconds in a real cluster: a pod became unready after it had looked,
		// and comes before those that have not become unready yet; or it was on a cache that did not show a pod that had just been made.
		expected := f.expected[f.seen.Generation]
		surprise := !expected.chosen[p.UID] && (expected.ready[p.UID] && !observe.PodReady(p.Pod) || expected.misses(live))
		f.loses(p, "the ReplicaSet", expected.atOnce || surprise)
		f.end(p)
	}
}

// misses reports whether one of these pods was not seen.
func (e *expectation) misses(pods []*farmPod) bool {
	return slices.ContainsFunc(pods, func(p *farmPod) bool {
		_, wasSeen := e.chosen[p.UID]
		return !wasSeen
	})
}

// end puts a pod on its way out.
func (f *farm) end(p *farmPod) {
	if p.DeletionTimestamp == nil {
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = new(metav1.NewTime(f.now)), new(int64(600))
	}
}

// kubelet is something that a pod's kubelet, or the scheduler, does next.
func (f *farm) kubelet(p *farmPod) {
	switch {
	case p.DeletionTimestamp != nil:
		f.stop(p)
		f.pods = slices.DeleteFunc(f.pods, func(other *farmPod) bool { return other == p })
		f.logf("%s is gone", p.Name)
	case p.Status.Phase == corev1.PodFailed:
	case p.Spec.NodeName == "":
		p.Spec.NodeName = fmt.Sprintf("node-%d", f.random.IntN(4))
	case p.Status.Phase == corev1.PodPending || len(p.Status.ContainerStatuses) == 0:
		p.Status.Phase = corev1.PodRunning
		f.container(p, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
	case p.Status.ContainerStatuses[0].State.Waiting != nil:
		f.container(p, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
		p.Status.ContainerStatuses[0].RestartCount++
	case f.bad[p.Labels[names.LabelRevision]]:
		f.container(p, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}})
	case !p.lim:
		p.lim = true
	default:
		f.probe(p)
	}
}

func (f *farm) container(p *farmPod, state corev1.ContainerState) {
	restarts := int32(0)
	if len(p.Status.ContainerStatuses) > 0 {
		restarts = p.Status.ContainerStatuses[0].RestartCount
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: names.Container, State: state, RestartCount: restarts}}
}

// probe is the readiness probe: LIM listens, and the pod is not released.
func (f *farm) probe(p *farmPod) {
	isReady := p.lim && !p.flapping && p.Annotations[names.AnnotationDrain] != names.Released
	if isReady == observe.PodReady(p.Pod) {
		return
	}
	status := corev1.ConditionFalse
	if isReady {
		status = corev1.ConditionTrue
	}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.NewTime(f.now)}}
	f.logf("%s ready=%t", p.Name, isReady)
}

// stop is the end of a pod's LIM. EGO notices when the host's heartbeats are missed.
func (f *farm) stop(p *farmPod) {
	p.lim = false
	if host := f.ego.hosts[p.Name]; host != nil {
		host.task, host.held = false, false
	}
}

// join is a LIM's heartbeat, or the lack of it.
func (f *farm) join(p *farmPod) {
	host := f.ego.hosts[p.Name]
	switch {
	case f.master == nil:
	case p.lim && host == nil:
		f.ego.hosts[p.Name] = &farmHost{name: p.Name}
		f.logf("%s joins", p.Name)
	case p.lim && host.silent:
		host.silent = false
		f.logf("%s answers EGO again", p.Name)
	default:
		return
	}
	if p.Annotations[names.AnnotationDrain] == names.Released {
		p.cameLate = true
	}
}

// heartbeats silences the hosts whose LIM does not run.
func (f *farm) heartbeats() {
	for _, host := range f.ego.sorted() {
		if p := f.find(host.name); p == nil || !p.lim {
			f.ego.silence(host.name)
		}
	}
}

// trouble is something that goes wrong with one of the pods that run.
func (f *farm) trouble() {
	running := slices.DeleteFunc(f.live(), func(p *farmPod) bool { return len(p.Status.ContainerStatuses) == 0 })
	if len(running) == 0 {
		return
	}
	p := running[f.random.IntN(len(running))]
	switch f.random.IntN(6) {
	case 0, 1, 2:
		p.flapping = !p.flapping
		f.probe(p)
	case 3:
		f.stop(p)
		f.container(p, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}})
		f.probe(p)
		f.logf("the container of %s ends", p.Name)
	case 4:
		f.stop(p)
		p.Status.Phase = corev1.PodFailed
		f.logf("%s fails", p.Name)
	case 5:
		f.logf("somebody deletes %s", p.Name)
		f.end(p)
	}
}
