// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// Oracle says what must be true whatever fails.
type Oracle string

// The oracles that every world has.
const (
	// Statuses keep kstatus' invariants, version by version.
	Statuses Oracle = "statuses"
	// Ownership: every write goes to an object of the operator's own, and says so; every delete is of one version of one object.
	Ownership Oracle = "ownership"
	// Retries: no more passes than a minute can need, whatever goes on failing.
	Retries Oracle = "retries"
	// Availability: no busy host is let go, no number is lowered while there is no master, and no more hosts are away than may be.
	Availability Oracle = "availability"
)

// Breach is what an oracle has against what happened.
type Breach struct {
	Oracle Oracle
	What   string
}

func (b Breach) String() string { return string(b.Oracle) + ": " + b.What }

// guard holds everything that happens in a world against the oracles.
type guard struct {
	world *World

	mu       sync.Mutex
	breaches []Breach
	last     map[types.UID]*v1alpha1.SymphonyCluster
	// forced is true while work may be lost, because the user has asked for it or its time is over; floor is how many compute hosts must be
	// ready at any time.
	forced bool
	floor  int
}

func newGuard(w *World) *guard {
	return &guard{world: w, last: map[types.UID]*v1alpha1.SymphonyCluster{}}
}

// Breaches are those so far.
func (w *World) Breaches() []Breach {
	w.guard.mu.Lock()
	defer w.guard.mu.Unlock()
	return slices.Clone(w.guard.breaches)
}

// Force says that work may be lost from now on: the user wants it, or its time is over.
func (w *World) Force() {
	w.guard.mu.Lock()
	defer w.guard.mu.Unlock()
	w.guard.forced = true
}

// Floor says how many compute hosts must be ready at any time from now on.
func (w *World) Floor(hosts int) {
	w.guard.mu.Lock()
	defer w.guard.mu.Unlock()
	w.guard.floor = hosts
}

func (g *guard) broken(which Oracle, format string, arguments ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.breaches = append(g.breaches, Breach{which, fmt.Sprintf(format, arguments...)})
}

func (g *guard) isForced() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.forced
}

// version checks a version of an object, in the goroutine of its watch.
func (g *guard) version(version Version) {
	switch object := version.Object.(type) {
	case *v1alpha1.SymphonyCluster:
		if version.Gone {
			return
		}
		g.mu.Lock()
		before := g.last[object.UID]
		g.last[object.UID] = object
		g.mu.Unlock()
		for _, problem := range append(oracle.CheckStatus(object), oracle.CheckStep(before, object)...) {
			g.broken(Statuses, "%s at version %s: %s", object.Name, object.ResourceVersion, problem)
		}
	case *corev1.Pod:
		g.mu.Lock()
		floor := g.floor
		g.mu.Unlock()
		if floor == 0 || object.Labels[names.LabelRole] != names.Compute {
			return
		}
		if ready := g.ready(object.Labels[names.LabelCluster], names.Compute); ready < floor {
			g.broken(Availability, "%d compute hosts are ready, and at least %d must be", ready, floor)
		}
	}
}

// atRest compares what statuses say with what there is, when nothing moves.
func (g *guard) atRest() {
	for key, object := range g.world.Objects() {
		cluster, ok := object.(*v1alpha1.SymphonyCluster)
		if !ok || cluster.Status.ObservedGeneration != cluster.Generation {
			continue
		}
		for _, part := range []struct {
			condition, role string
			wanted          int
		}{{v1alpha1.ConditionMasterReady, names.Master, 1}, {v1alpha1.ConditionComputeReady, names.Compute, wanted(cluster)}} {
			ready := g.ready(key.Name, part.role)
			if is := meta.IsStatusConditionTrue(cluster.Status.Conditions, part.condition); is != (ready >= part.wanted) && (is || !g.alters(cluster)) {
				g.broken(Statuses, "%s: %s is True: %t, and %d of %d pods are ready", key.Name, part.condition, is, ready, part.wanted)
			}
		}
	}
}

// alters reports whether a cluster is on its way somewhere, which is a reason not to be ready although all pods are.
func (g *guard) alters(cluster *v1alpha1.SymphonyCluster) bool {
	return meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionReconciling) ||
		meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionStalled)
}

func wanted(cluster *v1alpha1.SymphonyCluster) int {
	switch {
	case cluster.Spec.Suspend:
		return 0
	case cluster.Spec.Compute.Replicas == nil:
		return 1
	default:
		return int(*cluster.Spec.Compute.Replicas)
	}
}

func (g *guard) ready(cluster, role string) int {
	ready := 0
	for _, pod := range g.world.Pods(cluster, role) {
		if observe.PodReady(pod) {
			ready++
		}
	}
	return ready
}

// content is what the guard reads of a request's body.
type content struct {
	Metadata struct {
		UID             types.UID               `json:"uid"`
		ResourceVersion string                  `json:"resourceVersion"`
		Annotations     map[string]*string      `json:"annotations"`
		OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
		Labels          map[string]*string      `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Replicas *int32 `json:"replicas"`
	} `json:"spec"`
	Preconditions *metav1.Preconditions `json:"preconditions"`
}

// sent checks what a write would do, before anybody has acted on it.
func (g *guard) sent(write *Write) {
	if body := g.read(write); body != nil && !g.isForced() {
		g.spares(write, body)
	}
}

// answered checks what a write was done to.
func (g *guard) answered(write *Write) {
	if body := g.read(write); body != nil && write.Failed != CrashBefore {
		g.owned(write, body)
	}
	if write.committed() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.breaches = append(g.breaches, write.would...)
		write.would = nil
	}
}

func (g *guard) read(write *Write) *content {
	if write.Command != "" {
		return nil
	}
	body := &content{}
	if err := json.Unmarshal([]byte(write.Body), body); err != nil {
		g.broken(Ownership, "%s has a body that is no JSON: %v", write, err)
		return nil
	}
	return body
}

// owned checks that a write is to an object of the operator's own.
func (g *guard) owned(write *Write, body *content) {
	_, labelled := body.Metadata.Labels[names.LabelCluster]
	switch owned := len(body.Metadata.OwnerReferences) > 0; {
	case write.Method == http.MethodDelete:
		if !exact(body.Preconditions) {
			g.broken(Ownership, "%s names no UID and resourceVersion: %s", write, write.Body)
		}
		return
	case write.Method == http.MethodPost && !owned, write.Code == http.StatusCreated && !owned && !labelled:
		// A claim that outlives its cluster has no owner, and its label.
		g.broken(Ownership, "%s creates what has no owner", write)
	case write.Method == http.MethodPatch && body.Metadata.UID == "" && write.Code == http.StatusOK && write.Failed != Late:
		// An apply that is to create has no UID to name. One that comes late changes what was created since, which is the same.
		g.broken(Ownership, "%s changes an object and names no UID", write)
	}
	if write.committed() && strings.Contains(write.Path, "/pods/") && !g.isOurPod(path.Base(write.Path)) {
		g.broken(Ownership, "%s changes a pod of somebody else", write)
	}
}

func exact(p *metav1.Preconditions) bool {
	return p != nil && p.UID != nil && *p.UID != "" && p.ResourceVersion != nil && *p.ResourceVersion != ""
}

func (g *guard) isOurPod(name string) bool {
	objects := g.world.Objects()
	pod := objects[Key{"Pod", name}]
	if pod == nil {
		return true // It has gone since.
	}
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return false
	}
	for _, object := range objects {
		switch object.(type) {
		case *appsv1.ReplicaSet, *v1alpha1.SymphonyCluster, *v1alpha1.NetworkCheck:
			if object.GetUID() == owner.UID {
				return true
			}
		}
	}
	return false
}

// spares checks that a write lets no busy host go.
func (g *guard) spares(write *Write, body *content) {
	name := path.Base(write.Path)
	released := body.Metadata.Annotations[names.AnnotationDrain]
	switch {
	case strings.Contains(write.Path, "/pods/") && (write.Method == http.MethodDelete || released != nil && *released == names.Released):
		if pod, ok := g.world.Objects()[Key{"Pod", name}].(*corev1.Pod); ok && g.busy(pod) {
			write.would = append(write.would, Breach{Availability, write.String() + " lets a busy host go"})
		}
	case strings.Contains(write.Path, "/replicasets/") && body.Spec.Replicas != nil:
		write.would = append(write.would, g.lowered(name, *body.Spec.Replicas)...)
	}
}

// lowered is what is wrong with a number of compute hosts that is applied.
func (g *guard) lowered(name string, to int32) []Breach {
	objects := g.world.Objects()
	set, ok := objects[Key{"ReplicaSet", name}].(*appsv1.ReplicaSet)
	if !ok || *set.Spec.Replicas <= to {
		return nil
	}
	var found []Breach
	cluster, from := set.Labels[names.LabelCluster], *set.Spec.Replicas
	if masters := g.world.Pods(cluster, names.Master); !slices.ContainsFunc(masters, func(pod *corev1.Pod) bool { return pod.Status.PodIP != "" }) {
		found = append(found, Breach{Availability, fmt.Sprintf("compute is lowered from %d to %d while there is no master", from, to)})
	}
	released := int32(0)
	for _, pod := range g.world.Pods(cluster, names.Compute) {
		if pod.Annotations[names.AnnotationDrain] == names.Released {
			released++
		}
	}
	if released < from-to {
		found = append(found, Breach{Availability, fmt.Sprintf("compute is lowered from %d to %d while %d pods were released", from, to, released)})
	}
	return found
}

func (g *guard) busy(pod *corev1.Pod) bool {
	if pod.Labels[names.LabelRole] != names.Compute {
		return false
	}
	hosts, err := g.world.Grids.Of(pod.Labels[names.LabelCluster]).Hosts(g.world.t.Context())
	return err == nil && slices.ContainsFunc(hosts, func(host ego.Host) bool { return host.Name == pod.Name && host.Slots() > 0 })
}
