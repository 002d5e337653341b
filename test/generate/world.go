// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// World is what one operator finds of one cluster in pass after pass: what was built before is there or is missing, pods are
// in any state, EGO was asked or not.
type World struct {
	// Cluster is the object as it is now, with the status of the last pass.
	Cluster *v1alpha1.SymphonyCluster

	source *Source
	now    time.Time
	// kept is what the operator has applied.
	kept observe.Facts
}

// World begins with a new cluster that nothing was done for.
func (s *Source) World() *World {
	return &World{Cluster: s.Cluster(), source: s, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// Facts are what the next pass sees. What observe never puts together is not in it.
func (w *World) Facts() *observe.Facts {
	s := w.source
	w.now = w.now.Add(oneOf(s, time.Second, time.Minute, time.Hour))
	facts := &observe.Facts{
		Cluster: w.Cluster, Now: w.now, Revisions: w.kept.Revisions, Unseen: map[observe.ChildKey]types.UID{}, GUIAnswers: s.one(2),
	}
	facts.MasterDeployment = there(w, facts, "Deployment", w.kept.MasterDeployment)
	facts.MasterService = there(w, facts, "Service", w.kept.MasterService)
	facts.Hosts = there(w, facts, "ConfigMap", w.kept.Hosts)
	facts.ComputeSet = there(w, facts, "ReplicaSet", w.kept.ComputeSet)
	facts.GUI = there(w, facts, "Service", w.kept.GUI)
	facts.ComputeBudget = there(w, facts, "PodDisruptionBudget", w.kept.ComputeBudget)
	for i := range w.kept.ComputeHosts {
		facts.ComputeHosts[i] = there(w, facts, "ConfigMap", w.kept.ComputeHosts[i])
	}
	if storage := w.Cluster.Spec.Master.Storage; storage != nil && storage.ExistingClaim == "" {
		facts.MasterClaim = there(w, facts, observe.ClaimKind, w.kept.MasterClaim)
	}
	if s.one(8) {
		facts.Revisions = nil
	} else if len(facts.Revisions) > 0 && s.one(8) {
		facts.OrphanRevisions = facts.Revisions[:1]
	}
	if w.source.one(6) {
		facts.MasterDeployment, facts.ComputeSet = withFailure(facts.MasterDeployment), withReplicaFailure(facts.ComputeSet)
	}
	facts.MasterPods, facts.ComputePods = w.masterPods(facts), w.computePods(facts)
	w.imageChecks(facts)
	if len(facts.MasterPods) > 0 || s.one(4) {
		facts.EGO = w.ego(facts)
	}
	w.network(facts)
	return facts
}

const quota = `pods "prod-compute-bcdfg" is forbidden: exceeded quota: small`

func withFailure(deployment *appsv1.Deployment) *appsv1.Deployment {
	if deployment != nil {
		deployment = deployment.DeepCopy()
		deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: quota}}
	}
	return deployment
}

func withReplicaFailure(set *appsv1.ReplicaSet) *appsv1.ReplicaSet {
	if set != nil {
		set = set.DeepCopy()
		set.Status.Conditions = []appsv1.ReplicaSetCondition{{Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Message: quota}}
	}
	return set
}

// there is an object that was applied: seen, not seen yet, taken by another one, or gone.
func there[T any, P interface {
	*T
	metav1.Object
}](w *World, facts *observe.Facts, kind string, object P) P {
	if object == nil {
		return nil
	}
	key := observe.ChildKey{Kind: kind, Name: object.GetName()}
	switch w.source.random.Intn(16) {
	case 0:
		facts.Unseen[key] = object.GetUID()
	case 1:
		facts.Taken = append(facts.Taken, observe.TakenName{ChildKey: key, Leaving: w.source.one(2)})
	case 2:
		// Somebody has deleted it.
	default:
		return object
	}
	return nil
}

// Outcome is how a pass's writes may have ended.
func (w *World) Outcome() apply.Outcome {
	var outcome apply.Outcome
	for w.source.one(3) {
		kind := oneOf(w.source, apply.Conflict, apply.Leaving, apply.Unseen, apply.Rejected, apply.NodePort, apply.Forbidden, apply.Transient)
		outcome.Problems = append(outcome.Problems, apply.Problem{
			Kind: kind, Message: "something is " + string(kind), Err: fmt.Errorf("it is %s", kind),
			Child: observe.ChildKey{Kind: oneOf(w.source, "Deployment", "ReplicaSet", observe.CheckKind, observe.ClaimKind), Name: "prod-x"},
		})
	}
	outcome.Told, outcome.Forced, outcome.Reclaimed = w.source.random.Intn(3), w.source.random.Intn(3), w.source.random.Intn(3)
	return outcome
}

// Keep has the API server keep what a pass has built, and its status.
func (w *World) Keep(children *build.Children, after *v1alpha1.SymphonyClusterStatus) {
	next := w.Cluster.DeepCopy()
	next.Status = *after
	w.Cluster = next
	if children == nil {
		return
	}
	keep(&w.kept.MasterDeployment, children.MasterDeployment)
	keep(&w.kept.MasterService, children.MasterService)
	keep(&w.kept.MasterClaim, children.MasterClaim)
	keep(&w.kept.Hosts, children.Hosts)
	keep(&w.kept.ComputeSet, children.ComputeSet)
	keep(&w.kept.GUI, children.GUI)
	keep(&w.kept.ComputeBudget, children.ComputeBudget)
	if service := w.kept.GUI; service != nil && len(service.Spec.Ports) > 0 && service.Spec.Ports[0].NodePort == 0 && service.Spec.Type != corev1.ServiceTypeClusterIP {
		service.Spec.Ports[0].NodePort = 30443
	}
	for _, list := range children.ComputeHosts {
		var kept *corev1.ConfigMap
		keep(&kept, list)
		for shard := range names.ComputeHostsShards {
			if kept.Name == names.ComputeHostsName(w.Cluster.Name, shard) {
				w.kept.ComputeHosts[shard] = kept
			}
		}
	}
	for _, revision := range children.Revisions {
		if len(revision.Labels) > 0 { // Not one that is there and gets another number.
			var kept *appsv1.ControllerRevision
			keep(&kept, revision)
			w.kept.Revisions = append(slices.Clip(w.kept.Revisions), kept)
		}
	}
	for _, check := range children.ImageChecks {
		w.kept.ImageChecks = append(slices.Clip(w.kept.ImageChecks), check.Pod)
	}
	if children.NetworkCheck != nil {
		w.kept.NetworkCheck = children.NetworkCheck
	}
}

// keep decodes an apply configuration, as the API server does.
func keep[T any, P interface {
	*T
	metav1.Object
}](kept *P, configuration any) {
	data, err := json.Marshal(configuration)
	if err != nil {
		panic(err) // What build makes always encodes.
	}
	if string(data) == "null" {
		return
	}
	object := P(new(T))
	if err := json.Unmarshal(data, object); err != nil {
		panic(fmt.Sprintf("the API server could not decode %s: %v", data, err))
	}
	object.SetUID(types.UID("uid-of-" + object.GetName()))
	object.SetResourceVersion("1")
	*kept = object
}

// Edit has the user replace the spec, or leave it.
func (w *World) Edit() {
	if !w.source.one(3) {
		return
	}
	next := w.Cluster.DeepCopy()
	next.Generation++
	w.source.filler.Fill(&next.Spec)
	w.Cluster = next
}
