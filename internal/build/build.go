// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package build turns spec, facts and plan into the children as they should be: pure functions, one file a
// child, each returning an apply configuration that holds exactly the fields the operator owns.
package build

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// Children are the objects of one cluster as they should be. A nil child means "not yet": whatever exists
// stays as it is. No child of a living cluster must not exist, except the budget and the policies; on its deletion the garbage
// collector acts.
type Children struct {
	// Revisions are pod templates to keep before anything is created from them.
	Revisions []*appsv1ac.ControllerRevisionApplyConfiguration
	// Adopted are kept pod templates that lost their owner, with the new one.
	Adopted []*appsv1ac.ControllerRevisionApplyConfiguration
	// Obsolete are kept pod templates that nothing refers to any more.
	Obsolete []*appsv1.ControllerRevision

	// ImageChecks are the pods to create that are not there yet, and ObsoleteChecks those to delete.
	ImageChecks    []*ImageCheck
	ObsoleteChecks []*corev1.Pod

	// NetworkCheck is the one to create that is not there yet, and AdoptedCheck one that lost its owner, with the new one.
	NetworkCheck *v1alpha1.NetworkCheck
	AdoptedCheck *applyv1alpha1.NetworkCheckApplyConfiguration

	// MasterClaim is nil when the master has no storage, or an existing claim.
	MasterClaim      *corev1ac.PersistentVolumeClaimApplyConfiguration
	MasterService    *corev1ac.ServiceApplyConfiguration
	MasterDeployment *appsv1ac.DeploymentApplyConfiguration
	Hosts            *corev1ac.ConfigMapApplyConfiguration
	ComputeSet       *appsv1ac.ReplicaSetApplyConfiguration
	GUI              *corev1ac.ServiceApplyConfiguration

	// ComputeBudget covers compute pods with work; ObsoleteBudget is the one to delete because nothing waits for work any more.
	ComputeBudget  *policyv1ac.PodDisruptionBudgetApplyConfiguration
	ObsoleteBudget *policyv1.PodDisruptionBudget

	// MasterPolicy and ComputePolicy limit who reaches the pods; ObsoletePolicies are those to delete because nobody asks for
	// them any more.
	MasterPolicy, ComputePolicy *networkingv1ac.NetworkPolicyApplyConfiguration
	ObsoletePolicies            []*networkingv1.NetworkPolicy

	// ComputeHosts are the lists of compute hosts to write now.
	ComputeHosts []*corev1ac.ConfigMapApplyConfiguration

	// MasterAsIs and ComputeAsIs are the same with the pod template that is in force, for when the API server rejects
	// the wanted one: the rest must go on being true. Nil when the wanted template is in force already.
	MasterAsIs  *appsv1ac.DeploymentApplyConfiguration
	ComputeAsIs *appsv1ac.ReplicaSetApplyConfiguration

	// Steps are what is done to the compute pods that are to go, and to those that no longer are.
	Steps []plan.Step

	// MasterRevision and ComputeRevision are the wanted revisions, "" when there is none (a first
	// template that could not be built).
	MasterRevision, ComputeRevision string
	// Invalid are the overlays that could not be merged. What runs keeps its last good template.
	Invalid []*OverlayError
}

// All builds the children. It never fails as a whole: an overlay that cannot be merged is in Invalid, and all
// other children are built. An error is a bug in the operator.
func All(facts *observe.Facts, decided *plan.Plan) (*Children, error) {
	cluster := facts.Cluster
	children := &Children{
		MasterClaim:   masterClaim(facts),
		MasterService: masterService(cluster),
		GUI:           guiService(cluster),
	}
	if decided.Address != nil {
		children.Hosts = hostsConfigMap(cluster, decided.Address)
	}

	master, err := children.master(facts, decided)
	if err != nil {
		return nil, err
	}
	compute, err := children.compute(facts, decided)
	if err != nil {
		return nil, err
	}
	children.budget(facts, decided.Compute.Verdict)
	children.policies(facts)
	children.ComputeHosts = computeHosts(facts, decided.ComputeHosts)
	for _, orphan := range facts.OrphanRevisions {
		children.Adopted = append(children.Adopted, appsv1ac.ControllerRevision(orphan.Name, orphan.Namespace).
			WithUID(orphan.UID).WithOwnerReferences(ownedBy(cluster)))
	}
	children.AdoptedCheck = adoptedCheck(facts)
	children.Obsolete = obsolete(facts, master, compute)
	children.ObsoleteChecks = obsoleteChecks(facts, children.ImageChecks)
	return children, nil
}

func (c *Children) master(facts *observe.Facts, decided *plan.Plan) (*chosenTemplate, error) {
	// A master must not start on a claim that is somebody else's: what runs goes on, and nothing is created.
	taken := c.MasterClaim != nil && facts.IsTaken(claimKey(facts.Cluster))
	chosen, inForce, err := c.choose(facts, names.Master, taken || decided.LeavingMaster != nil)
	if err != nil {
		return nil, err
	}
	c.MasterRevision = chosen.wanted
	c.keep(facts.Cluster, chosen)
	if chosen.template != nil && (!taken || chosen.revision == liveRevision(facts, names.Master)) {
		c.MasterDeployment = masterDeployment(facts.Cluster, chosen)
	}
	if inForce != nil {
		c.MasterAsIs = masterDeployment(facts.Cluster, inForce)
	}
	return chosen, nil
}

func (c *Children) compute(facts *observe.Facts, decided *plan.Plan) (*chosenTemplate, error) {
	chosen, inForce, err := c.choose(facts, names.Compute, decided.Compute.Verdict == plan.Hold)
	if err != nil {
		return nil, err
	}
	c.ComputeRevision = chosen.wanted
	if decided.Network == plan.Measure && chosen.template != nil {
		if c.NetworkCheck, err = networkCheck(facts.Cluster, chosen.data); err != nil {
			return nil, err
		}
	}
	if decided.Compute.Verdict != plan.Wait || decided.Compute.Began {
		// Not before compute may be created: later passes know by the kept template that it was.
		c.keep(facts.Cluster, chosen)
	}
	if decided.Compute.Verdict == plan.Wait {
		return chosen, nil
	}
	if chosen.template != nil {
		c.ComputeSet = computeReplicaSet(facts.Cluster, chosen, &decided.Compute)
	}
	if inForce != nil {
		c.ComputeAsIs = computeReplicaSet(facts.Cluster, inForce, &decided.Compute)
	}
	// Pods made from a template that is not wanted any more (after a way back, say, whose image is still being checked)
	// must not replace others.
	isWanted := c.ComputeRevision != "" && c.ComputeRevision == liveRevision(facts, names.Compute)
	for _, step := range decided.Compute.Steps {
		if isWanted || !step.Update {
			c.Steps = append(c.Steps, step)
		}
	}
	return chosen, nil
}

// choose is a role's template for this pass, and the one in force if that is another and is kept; with hold, the one in force is
// chosen.
func (c *Children) choose(facts *observe.Facts, role string, hold bool) (chosen, inForce *chosenTemplate, err error) {
	if chosen, err = chooseTemplate(facts, role); err != nil {
		return nil, nil, err
	}
	c.noteCheck(chosen)
	if inForce, err = chosen.asIs(facts); err != nil {
		return nil, nil, err
	}
	if hold && inForce != nil {
		chosen, inForce = inForce, nil
	}
	c.note(chosen)
	if inForce != nil && inForce.template == nil {
		inForce = nil
	}
	return chosen, inForce, nil
}

// note takes over why a template could not be built.
func (c *Children) note(chosen *chosenTemplate) {
	if chosen.invalid != nil {
		c.Invalid = append(c.Invalid, chosen.invalid)
	}
}

// keep has a new template kept.
func (c *Children) keep(cluster *v1alpha1.SymphonyCluster, chosen *chosenTemplate) {
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

// controlledBy is the same for what is created and not applied.
func controlledBy(cluster *v1alpha1.SymphonyCluster) []metav1.OwnerReference {
	return []metav1.OwnerReference{{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "SymphonyCluster",
		Name: cluster.Name, UID: cluster.UID, Controller: new(true),
	}}
}
