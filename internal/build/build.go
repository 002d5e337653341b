// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package build turns spec, facts and plan into the children as they should be: pure functions, one file a
// child, each returning an apply configuration that holds exactly the fields the operator owns.
package build

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// Children are the objects of one cluster as they should be. A nil child means "not yet": whatever exists
// stays as it is. No child of a living cluster must not exist; on its deletion the garbage collector acts.
type Children struct {
	// Revisions are pod templates to keep before anything is created from them.
	Revisions []*appsv1ac.ControllerRevisionApplyConfiguration
	// Obsolete are kept pod templates that nothing refers to any more.
	Obsolete []ObsoleteRevision

	// ImageChecks are the pods to create that are not there yet, and ObsoleteChecks those to delete.
	ImageChecks    []*ImageCheck
	ObsoleteChecks []*corev1.Pod

	MasterService    *corev1ac.ServiceApplyConfiguration
	MasterDeployment *appsv1ac.DeploymentApplyConfiguration
	Hosts            *corev1ac.ConfigMapApplyConfiguration
	ComputeSet       *appsv1ac.ReplicaSetApplyConfiguration
	GUI              *corev1ac.ServiceApplyConfiguration

	// MasterRevision and ComputeRevision are the wanted revisions, "" when there is none (a first
	// template that could not be built).
	MasterRevision, ComputeRevision string
	// Invalid are the overlays that could not be merged. What runs keeps its last good template.
	Invalid []*OverlayError
}

// ObsoleteRevision is a kept pod template to delete.
type ObsoleteRevision struct {
	Name string
	UID  types.UID
}

// All builds the children. It never fails as a whole: an overlay that cannot be merged is in Invalid, and all
// other children are built. An error is a bug in the operator.
func All(facts *observe.Facts, decided *plan.Plan) (*Children, error) {
	cluster := facts.Cluster
	children := &Children{
		MasterService: masterService(cluster),
		GUI:           guiService(cluster),
	}
	if decided.Address != nil {
		children.Hosts = hostsConfigMap(cluster, decided.Address)
	}

	master, err := chooseTemplate(facts, names.Master)
	if err != nil {
		return nil, err
	}
	children.note(cluster, master)
	children.MasterRevision = master.wanted
	children.noteCheck(master)
	if master.template != nil {
		children.MasterDeployment = masterDeployment(cluster, master)
	}

	compute, err := chooseTemplate(facts, names.Compute)
	if err != nil {
		return nil, err
	}
	children.ComputeRevision = compute.wanted
	children.noteCheck(compute)
	if decided.Compute.Verdict == plan.Hold {
		compute, err = compute.as(facts, names.Compute, liveRevision(facts))
		if err != nil {
			return nil, err
		}
	}
	children.note(cluster, compute)
	if compute.template != nil && decided.Compute.Verdict != plan.Wait {
		children.ComputeSet = computeReplicaSet(cluster, compute, &decided.Compute)
	}
	children.Obsolete = obsolete(facts, master, compute)
	children.ObsoleteChecks = obsoleteChecks(facts, children.ImageChecks)
	return children, nil
}

// note takes over what choosing a template brought up.
func (c *Children) note(cluster *v1alpha1.SymphonyCluster, chosen *chosenTemplate) {
	if chosen.invalid != nil {
		c.Invalid = append(c.Invalid, chosen.invalid)
	}
	if chosen.isNew {
		c.Revisions = append(c.Revisions, controllerRevision(cluster, chosen))
	}
}

// noteCheck takes over the check of a template. It stays also when it has just passed, until the new template is
// seen to be kept: a pass that saw neither would take the old template for the one in force.
func (c *Children) noteCheck(chosen *chosenTemplate) {
	if chosen.check != nil {
		c.ImageChecks = append(c.ImageChecks, chosen.check)
	}
}

// ownedBy is the controller reference of every child. blockOwnerDeletion is not set: it needs a right on
// finalizers that OpenShift checks and no audit log shows.
func ownedBy(cluster *v1alpha1.SymphonyCluster) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(v1alpha1.SchemeGroupVersion.String()).
		WithKind("SymphonyCluster").
		WithName(cluster.Name).
		WithUID(cluster.UID).
		WithController(true)
}
