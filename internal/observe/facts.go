// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package observe reads the world once per pass. It is the only reader: what it returns, Facts, is all that
// the pure packages plan, build and status know.
package observe

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// Facts are what one pass knows. Objects come from the cache and must not be changed. Identity is the owner's
// UID: an object of the right name that another owner controls is never among the children.
type Facts struct {
	// Cluster is the object that is reconciled.
	Cluster *v1alpha1.SymphonyCluster

	// Now is when the pass looked: deciding has no clock of its own.
	Now time.Time

	// MasterDeployment is nil when there is none of this cluster; so for every child below.
	MasterDeployment *appsv1.Deployment
	MasterService    *corev1.Service
	Hosts            *corev1.ConfigMap
	ComputeSet       *appsv1.ReplicaSet
	GUI              *corev1.Service
	ComputeBudget    *policyv1.PodDisruptionBudget
	MasterPolicy     *networkingv1.NetworkPolicy
	ComputePolicy    *networkingv1.NetworkPolicy

	// ComputeHosts are the lists of compute hosts, by number.
	ComputeHosts [names.ComputeHostsShards]*corev1.ConfigMap

	// MasterClaim is the claim that the operator made for the master. It is looked at while one is wanted.
	MasterClaim *corev1.PersistentVolumeClaim

	// Revisions are the kept pod templates of both roles.
	Revisions []*appsv1.ControllerRevision

	// OrphanRevisions are those of Revisions that lost their owner, and are to get this one.
	OrphanRevisions []*appsv1.ControllerRevision

	// MasterPods are the pods of the master Deployment, ComputePods those of the compute ReplicaSet,
	// terminating ones included.
	MasterPods  []*corev1.Pod
	ComputePods []*corev1.Pod

	// ImageChecks are the pods that find out whether new images can be pulled.
	ImageChecks []*corev1.Pod

	// OrphanChecks are those of an earlier cluster of this name that was deleted without its children.
	OrphanChecks []*corev1.Pod

	// Weave is what was read of the WeaveNetwork, nil unless spec.network.mode is Weave.
	Weave *WeaveRead

	// NetworkCheck is the one that spec.network.check asked for, nil when there is none or spec.network.check is false.
	NetworkCheck *v1alpha1.NetworkCheck

	// Placement is where compute pods may run as they are wanted now, nil unless NetworkCheck is to say whether they may be
	// created. It is derived and not read.
	Placement *v1alpha1.NetworkCheckPlacement

	// Taken are child names that an object of somebody else has.
	Taken []TakenName

	// Unseen has the UIDs of children that exist although the cache does not show them.
	Unseen map[ChildKey]types.UID

	// Lagging are those of Unseen that wear the operator's labels: the cache will show them. The others it never will, before they
	// get their labels back.
	Lagging map[ChildKey]bool

	// unanswered is what the API server has yet to be asked.
	unanswered []question

	// EGO is what EGO said last, nil while it has said nothing since the master, or the operator, was started.
	EGO *EGORead

	// GUIAnswers says whether the web console answered just now.
	GUIAnswers bool
}

// ChildKey names a child within a cluster's namespace.
type ChildKey struct {
	// Kind is the Kubernetes kind, such as Deployment.
	Kind string
	// Name is the object's name.
	Name string
}

// TakenName is a child's name that is in use by an object that is not a child of this cluster.
type TakenName struct {
	ChildKey
	// Leaving is true when the object belongs to an earlier cluster of the same name: the garbage collector
	// is about to delete it, and nobody has to act.
	Leaving bool
}

// UID returns a child's UID, or "" when there is no such child.
func (f *Facts) UID(key ChildKey) types.UID {
	for _, child := range f.children() {
		if child.key == key {
			return child.uid
		}
	}
	return f.Unseen[key]
}

// ImageCheck returns the image check of this name, or nil.
func (f *Facts) ImageCheck(name string) *corev1.Pod {
	for _, pod := range f.ImageChecks {
		if pod.Name == name {
			return pod
		}
	}
	return nil
}

// ComputeBegan reports whether compute was created before: its ReplicaSet is there, perhaps unseen, or its pod template was kept,
// which happens only when the ReplicaSet may be created. Without the second, a ReplicaSet that somebody deletes by hand would
// be taken for one that never was, and a network in trouble would keep it from coming back.
func (f *Facts) ComputeBegan() bool {
	return f.ComputeSet != nil || f.Unseen[ChildKey{Kind: "ReplicaSet", Name: names.ComputeName(f.Cluster.Name)}] != "" ||
		slices.ContainsFunc(f.Revisions, func(kept *appsv1.ControllerRevision) bool { return kept.Labels[names.LabelRole] == names.Compute })
}

// IsTaken reports whether somebody else's object has the name of this child.
func (f *Facts) IsTaken(key ChildKey) bool { return f.TakenName(key) != nil }

// TakenName says who has the name of this child, nil if nobody else.
func (f *Facts) TakenName(key ChildKey) *TakenName {
	for i := range f.Taken {
		if f.Taken[i].ChildKey == key {
			return &f.Taken[i]
		}
	}
	return nil
}

type childID struct {
	key ChildKey
	uid types.UID
}

func (f *Facts) children() []childID {
	var ids []childID
	add := func(kind, name string, uid types.UID) { ids = append(ids, childID{ChildKey{kind, name}, uid}) }
	if o := f.MasterDeployment; o != nil {
		add("Deployment", o.Name, o.UID)
	}
	if o := f.MasterClaim; o != nil {
		add(ClaimKind, o.Name, o.UID)
	}
	if o := f.MasterService; o != nil {
		add("Service", o.Name, o.UID)
	}
	if o := f.Hosts; o != nil {
		add("ConfigMap", o.Name, o.UID)
	}
	if o := f.ComputeSet; o != nil {
		add("ReplicaSet", o.Name, o.UID)
	}
	if o := f.GUI; o != nil {
		add("Service", o.Name, o.UID)
	}
	if o := f.ComputeBudget; o != nil {
		add("PodDisruptionBudget", o.Name, o.UID)
	}
	for _, o := range []*networkingv1.NetworkPolicy{f.MasterPolicy, f.ComputePolicy} {
		if o != nil {
			add("NetworkPolicy", o.Name, o.UID)
		}
	}
	for _, o := range f.ComputeHosts {
		if o != nil {
			add("ConfigMap", o.Name, o.UID)
		}
	}
	return ids
}
