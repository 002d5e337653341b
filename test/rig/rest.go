// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const (
	// step is how far the time goes on when nothing moves: what is due in it is done together.
	step = 5 * time.Second
	// Quiet is for how long nothing may have moved when a world is at rest: longer than an operator at rest waits between two looks.
	Quiet = 70 * time.Second
	// passesAMinute is how many passes over one object a minute of the world's clock may have, far above what a workload takes.
	passesAMinute = 60
)

// Converge makes passes until nothing moves any more, and returns how long that took on the world's clock. An operator that crashes
// is followed by a new one.
func (w *World) Converge() time.Duration {
	w.t.Helper()
	began := w.Clock.Now()
	w.last = began
	for {
		w.settle()
		due, next := w.operator.dueActors()
		if len(due) > 0 {
			w.run(due)
			if !w.endless(due) {
				continue
			}
			return w.last.Sub(began)
		}
		now := w.Clock.Now()
		if now.Sub(w.last) >= w.Quiet {
			w.guard.atRest()
			return w.last.Sub(began)
		}
		by := step
		if !next.IsZero() && next.Sub(now) < by {
			by = next.Sub(now)
		}
		w.Clock.Step(by)
		w.operator.wait()
	}
}

// endless notes that there are too many passes, and reports it: the world is never at rest.
func (w *World) endless(due []*actor) bool {
	for _, a := range due {
		if a.isTooFast(w.Clock.Now()) {
			w.guard.broken(Retries, "more than %d passes over %s %s in a minute, the last writes %s", passesAMinute, a.key.Kind, a.key.Name, tail(w.Writes(), 3))
			return true
		}
	}
	return false
}

// pace counts the passes over an object in a minute of the clock.
type pace struct {
	minute   time.Time
	inMinute int
}

// isTooFast counts one more.
func (p *pace) isTooFast(now time.Time) bool {
	if minute := now.Truncate(time.Minute); !p.minute.Equal(minute) {
		p.minute, p.inMinute = minute, 0
	}
	p.inMinute++
	return p.inMinute > passesAMinute
}

func tail[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// run makes passes over what is due.
func (w *World) run(due []*actor) {
	for _, a := range due {
		before := len(w.Writes())
		if w.onPass != nil {
			w.onPass(w.cachedObjects())
		}
		late := w.operator.way.takeLate()
		err := w.operator.pass(w.t.Context(), a)
		for _, do := range late {
			do()
		}
		if errors.Is(err, ErrCrashed) {
			w.Restart()
			w.last = w.Clock.Now()
			return
		}
		if len(w.Writes()) > before {
			w.last = w.Clock.Now()
		}
		w.settle()
	}
}

// Restart has a new operator, with empty memory, go on.
func (w *World) Restart() {
	w.operator.stop()
	w.operator = w.newOperator()
}

// Pass makes n passes over everything, whether there is a reason or not.
func (w *World) Pass(n int) {
	w.t.Helper()
	for range n {
		due, _ := w.operator.dueActors()
		w.run(due)
		for _, known := range w.operator.actors {
			known.seen = nil
		}
	}
}

// Again has everything passed over by a new operator, twice, and returns what that wrote: nothing, if the one before was done.
func (w *World) Again() []*Write {
	w.t.Helper()
	w.Restart()
	before := len(w.Writes())
	w.Pass(2)
	return w.Writes()[before:]
}

// reconciled are the keys of the objects that are reconciled, and of those that were and are gone.
func (w *World) reconciled(known map[Key]*actor) []Key {
	keys := slices.Collect(maps.Keys(known))
	for key := range w.cachedObjects() {
		if (key.Kind == "SymphonyCluster" || key.Kind == "NetworkCheck") && known[key] == nil {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return keys
}

// deleted stands for every version of an object that is on its way out.
const deleted = "deleted"

// expect has the world not be at rest before this version of an object, or a later one, is seen.
func (w *World) expect(uid types.UID, version string) {
	if uid == "" || version == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote[uid] = version
}

// settle waits until everybody but the operator has done what there is to do.
func (w *World) settle() {
	w.t.Helper()
	what := ""
	if err := w.waitFor("the world is at rest", func() bool { what = w.moving(); return what == "" }); err != nil {
		w.t.Fatalf("the world does not come to rest: %s", what)
	}
}

// waitFor looks whenever something was seen, and every few milliseconds, because caches tell of nothing.
func (w *World) waitFor(what string, done func() bool) error {
	return waitFor(w.history.moved, what, done)
}

// waitFor looks whenever there is something in moved, and every few milliseconds.
func waitFor(moved <-chan struct{}, what string, done func() bool) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-moved:
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("waiting until %s takes too long", what)
		}
	}
	return nil
}

// moving says what somebody is still about to do, "" if nothing.
func (w *World) moving() string {
	now := w.history.objects()
	if unseen := w.unseen(now); unseen != "" {
		return unseen
	}
	uids := map[types.UID]bool{}
	for _, object := range now {
		uids[object.GetUID()] = true
	}
	for key, object := range now {
		if what := w.movingObject(now, uids, object); what != "" {
			return key.Kind + " " + key.Name + ": " + what
		}
	}
	return ""
}

// unseen is what was written and has not been seen.
func (w *World) unseen(now map[Key]client.Object) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, object := range now {
		version, wrote := w.wrote[object.GetUID()]
		if wrote && (version == deleted && object.GetDeletionTimestamp() != nil || version != deleted && later(object.GetResourceVersion(), version)) {
			delete(w.wrote, object.GetUID())
		}
	}
	for uid, version := range w.wrote {
		if w.history.gone(uid) {
			delete(w.wrote, uid)
			continue
		}
		return fmt.Sprintf("%s at version %s is not seen", uid, version)
	}
	return ""
}

func (h *history) gone(uid types.UID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known[uid] {
		return false
	}
	for _, object := range h.now {
		if object.GetUID() == uid {
			return false
		}
	}
	return true
}

func later(a, b string) bool {
	x, _ := strconv.ParseUint(a, 10, 64)
	y, _ := strconv.ParseUint(b, 10, 64)
	return x >= y
}

// movingObject is what is still to be done to one object.
func (w *World) movingObject(now map[Key]client.Object, uids map[types.UID]bool, object client.Object) string {
	for _, owner := range object.GetOwnerReferences() {
		if !uids[owner.UID] {
			return "the garbage collector has not deleted it"
		}
	}
	switch typed := object.(type) {
	case *corev1.Pod:
		if !w.Kubelet.Tended(typed) {
			return "the kubelet has not tended it"
		}
	case *appsv1.Deployment:
		return movingDeployment(now, typed)
	case *appsv1.ReplicaSet:
		return movingReplicaSet(now, typed)
	}
	if object.GetDeletionTimestamp() != nil {
		return "it is on its way out"
	}
	return ""
}

func movingDeployment(now map[Key]client.Object, deployment *appsv1.Deployment) string {
	if deployment.Status.ObservedGeneration != deployment.Generation {
		return "the deployment controller has not seen it"
	}
	var sets []*appsv1.ReplicaSet
	leaving := false
	for _, object := range now {
		switch typed := object.(type) {
		case *appsv1.ReplicaSet:
			if metav1.IsControlledBy(typed, deployment) {
				sets = append(sets, typed)
			}
		case *corev1.Pod:
			leaving = leaving || typed.DeletionTimestamp != nil && typed.Labels[names.LabelRole] == names.Master &&
				typed.Labels[names.LabelCluster] == deployment.Labels[names.LabelCluster]
		}
	}
	// With Recreate the next pod comes only when the last has gone.
	if leaving {
		return ""
	}
	if !hasCounted(deployment, sets) {
		return "the deployment controller is at work"
	}
	return ""
}

// hasCounted reports whether a Deployment's status says of its ReplicaSets what these say.
func hasCounted(deployment *appsv1.Deployment, sets []*appsv1.ReplicaSet) bool {
	replicas, ready, terminating := int32(0), int32(0), int32(0)
	for _, set := range sets {
		replicas += *set.Spec.Replicas
		ready += set.Status.ReadyReplicas
		terminating += ptr.Deref(set.Status.TerminatingReplicas, 0)
	}
	status, wanted := &deployment.Status, *deployment.Spec.Replicas
	return replicas == wanted && status.Replicas == wanted && status.UpdatedReplicas == wanted && status.ReadyReplicas == ready &&
		ptr.Deref(status.TerminatingReplicas, terminating) == terminating
}

func movingReplicaSet(now map[Key]client.Object, set *appsv1.ReplicaSet) string {
	status := &set.Status
	if status.ObservedGeneration != set.Generation {
		return "the ReplicaSet controller has not seen it"
	}
	live, ready, leaving := int32(0), int32(0), int32(0)
	for _, object := range now {
		pod, ok := object.(*corev1.Pod)
		if !ok || !metav1.IsControlledBy(pod, set) {
			continue
		}
		if pod.DeletionTimestamp != nil {
			leaving++
			continue
		}
		if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		live++
		if observe.PodReady(pod) {
			ready++
		}
	}
	if live != *set.Spec.Replicas || status.Replicas != live || status.ReadyReplicas != ready ||
		status.TerminatingReplicas != nil && *status.TerminatingReplicas != leaving {
		return "the ReplicaSet controller is at work"
	}
	return ""
}

func compareNames(a, b client.Object) int { return cmp.Compare(a.GetName(), b.GetName()) }
