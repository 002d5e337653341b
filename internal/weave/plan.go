// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package weave decides what is done about Weave Net, builds it, and says how it is: pure functions of the WeaveNetwork,
// the nodes and what their agents report.
package weave

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// settled is for how long no node may have come before their number is taken for the size of the cluster: counted too
// early, the first nodes would agree without the others, and the others without them.
const settled = time.Minute

// Plan is what one pass does.
type Plan struct {
	// Invalid is what is wrong with the spec; nothing is done then.
	Invalid string
	// Task is what the agents do.
	Task v1alpha1.WeaveAgentTask
	// AgentRevision is of the agents whose reports count.
	AgentRevision string

	// Install says that Weave is to be there as the spec says.
	Install bool
	// Conflicts keep it from being installed, and Waiting is what a first install or a removal waits for.
	Conflicts []Conflict
	Waiting   *Waiting
	// KeepTemplate leaves the pod template as it is, because what the new one needs is missing.
	KeepTemplate bool
	// Frozen is what was decided once.
	Frozen v1alpha1.WeaveFrozen

	// WantFinalizer says that a deletion has to wait until the nodes are clean.
	WantFinalizer bool
	// RemoveRouters ends Weave, RemoveBookkeeping deletes its ConfigMap, both while the WeaveNetwork is deleted.
	RemoveRouters, RemoveBookkeeping bool
	// Forget are the reports of nodes that are gone.
	Forget []*v1alpha1.WeaveNode
	// Next is when to look again if nothing changes; 0: no need.
	Next time.Duration
}

// Waiting is what has to happen first.
type Waiting struct{ Reason, Message string }

// Make says what is to be done.
func Make(facts *observe.WeaveFacts) Plan {
	plan := Plan{Task: v1alpha1.AgentReport, Invalid: invalid(facts.Network), Frozen: frozen(facts)}
	plan.WantFinalizer = facts.Network.Spec.ManagementPolicy == v1alpha1.WeaveManaged &&
		facts.Network.Spec.CleanupPolicy == v1alpha1.CleanupClean
	for name, report := range facts.Reports {
		if !slices.ContainsFunc(facts.Nodes, func(n observe.WeaveHostNode) bool { return n.Name == name }) {
			plan.Forget = append(plan.Forget, report)
		}
	}
	switch {
	case facts.Network.DeletionTimestamp != nil:
		plan.remove(facts)
	case plan.Invalid != "":
	case facts.Network.Spec.ManagementPolicy != v1alpha1.WeaveManaged:
	case ours(facts.Routers):
		plan.keep(facts)
	default:
		plan.install(facts)
	}
	if plan.AgentRevision == "" {
		plan.AgentRevision = agentRevision(facts.Network, plan.Task)
	}
	return plan
}

// ours reports whether the operator has installed this Weave.
func ours(routers *appsv1.DaemonSet) bool {
	return routers != nil && routers.Labels[names.LabelManagedBy] == names.FieldManager
}

// install is for a cluster without Weave: it waits for every node's agent, looks for conflicts, and waits for the nodes.
func (p *Plan) install(facts *observe.WeaveFacts) {
	p.AgentRevision = agentRevision(facts.Network, p.Task)
	p.Conflicts = preflight(facts)
	if len(p.Conflicts) > 0 {
		p.Next = time.Minute // Nothing tells when another pod network has gone.
		return
	}
	if silent := p.silent(facts); len(silent) > 0 {
		p.Waiting = &Waiting{v1alpha1.ReasonWaitingForReports, "the agents have not reported yet from " + someOf(silent)}
		return
	}
	count, youngest := 0, time.Time{}
	for i := range facts.Nodes {
		if node := &facts.Nodes[i]; node.Wanted {
			count++
			if node.Created.After(youngest) {
				youngest = node.Created
			}
		}
	}
	if count == 0 {
		p.Waiting = &Waiting{v1alpha1.ReasonWaitingForNodes, "no node has the labels of spec.nodeSelector"}
		return
	}
	if p.Frozen.InitialPeerCount == 0 {
		if left := settled - facts.Now.Sub(youngest); left > 0 && facts.Network.Spec.InitialPeerCount == 0 {
			p.Next = left
			p.Waiting = &Waiting{v1alpha1.ReasonWaitingForNodes, fmt.Sprintf(
				"Weave is installed when no node has come for %.0f s, because their number decides how many must agree; spec.initialPeerCount says it at once", settled.Seconds())}
			return
		}
		p.Frozen.InitialPeerCount = int32(count)
		if given := facts.Network.Spec.InitialPeerCount; given != 0 {
			p.Frozen.InitialPeerCount = given
		}
	}
	if p.Frozen.FastDatapath == "" {
		p.Frozen.FastDatapath = fastDatapath(facts)
	}
	p.Install = true
}

// keep is for a cluster with the operator's Weave.
func (p *Plan) keep(facts *observe.WeaveFacts) {
	p.Install = true
	p.AgentRevision = agentRevision(facts.Network, p.Task)
	password := facts.Network.Spec.Password
	if password == nil || passwordOf(facts.Routers) == passwordID(password) {
		return
	}
	// Another password: no router may be replaced before every node can have it.
	if silent := p.silent(facts); len(silent) > 0 {
		p.KeepTemplate = true
		p.Waiting = &Waiting{v1alpha1.ReasonWaitingForReports, "whether the new password is there is not known yet from " + someOf(silent)}
		return
	}
	if missing := passwordMissing(facts); len(missing) > 0 {
		p.KeepTemplate = true
		p.Next = time.Minute
		p.Waiting = &Waiting{v1alpha1.ReasonPasswordMissing, "the Secret of spec.password, or its key, is missing in " + names.WeaveNamespace + "; what runs stays as it is"}
	}
}

// silent are the nodes whose agent has not reported for the spec as it is. Lost ones cannot, and are not waited for.
func (p *Plan) silent(facts *observe.WeaveFacts) []string {
	var silent []string
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		report := facts.Reports[node.Name]
		if node.Wanted && !node.Lost && (report == nil || report.Status.AgentRevision != p.AgentRevision) {
			silent = append(silent, node.Name)
		}
	}
	return silent
}

// frozen is what was decided at the first install: as Weave runs, or as the status remembers it.
func frozen(facts *observe.WeaveFacts) v1alpha1.WeaveFrozen {
	if ours(facts.Routers) {
		return frozenIn(facts.Routers)
	}
	return facts.Network.Status.Frozen
}

func fastDatapath(facts *observe.WeaveFacts) v1alpha1.WeaveFastDatapath {
	if facts.Network.Spec.FastDatapath == v1alpha1.FastDatapathDisabled {
		return v1alpha1.FastDatapathDisabled
	}
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		report := facts.Reports[node.Name]
		if node.Wanted && (report == nil || !report.Status.Host.OpenVSwitch) {
			return v1alpha1.FastDatapathDisabled
		}
	}
	return v1alpha1.FastDatapathEnabled
}

func passwordMissing(facts *observe.WeaveFacts) []string {
	var nodes []string
	for i := range facts.Nodes {
		report := facts.Reports[facts.Nodes[i].Name]
		if facts.Nodes[i].Wanted && report != nil && report.Status.Host.Password == v1alpha1.SecretMissing {
			nodes = append(nodes, facts.Nodes[i].Name)
		}
	}
	return nodes
}
