// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package weave decides what is done about Weave Net, builds it, and says how it is: pure functions of the WeaveNetwork,
// the nodes and what their agents report.
package weave

import (
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// settled is for how long the number of nodes must have been the same before it is taken for the size of the cluster:
// counted too early, the first nodes would agree without the others, and the others without them.
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
	// Frozen is what was decided once, and Counted how many nodes there are while that is not decided yet.
	Frozen  v1alpha1.WeaveFrozen
	Counted *v1alpha1.WeaveNodesCounted

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
	plan.AgentRevision = agentRevision(facts.Network, plan.Task)
	// In their order: what is written must not depend on chance.
	for _, name := range slices.Sorted(maps.Keys(facts.Reports)) {
		// Also of nodes that were deselected: nobody keeps these up to date.
		if !slices.ContainsFunc(facts.Nodes, func(n observe.WeaveHostNode) bool { return n.Name == name && n.Wanted }) {
			plan.Forget = append(plan.Forget, facts.Reports[name])
		}
	}
	switch {
	case facts.Network.DeletionTimestamp != nil:
		plan.remove(facts)
		return plan
	case plan.Invalid != "" || facts.Network.Spec.ManagementPolicy != v1alpha1.WeaveManaged:
	case ours(facts.Routers):
		plan.keep(facts)
	default:
		plan.install(facts)
	}
	// A finalizer on what installed nothing would only be in the way.
	plan.WantFinalizer = cleans(facts) && (plan.Install || isInstalled(facts))
	return plan
}

// ours reports whether the operator has installed this Weave.
func ours(routers *appsv1.DaemonSet) bool {
	return routers != nil && routers.Labels[names.LabelManagedBy] == names.FieldManager
}

// cleans reports whether a deletion is to clean the nodes.
func cleans(facts *observe.WeaveFacts) bool {
	return facts.Network.Spec.ManagementPolicy == v1alpha1.WeaveManaged && facts.Network.Spec.CleanupPolicy == v1alpha1.CleanupClean
}

// isInstalled reports whether this WeaveNetwork's Weave is, or was, on the nodes.
func isInstalled(facts *observe.WeaveFacts) bool {
	return ours(facts.Routers) || wasInstalled(facts)
}

// wasInstalled reports whether this WeaveNetwork has installed Weave before.
func wasInstalled(facts *observe.WeaveFacts) bool {
	return facts.Network.Status.Frozen.InitialPeerCount != 0
}

// install is for a cluster without Weave: it waits for every node's agent, looks for conflicts, and waits for the nodes.
func (p *Plan) install(facts *observe.WeaveFacts) {
	p.Conflicts = preflight(facts)
	p.Counted = counted(facts)
	if len(p.Conflicts) > 0 {
		p.Next = time.Minute // Nothing tells when another pod network has gone.
		return
	}
	// One that was installed before is missed: it waits for no agent but those that never looked.
	if silent := p.silent(facts, !wasInstalled(facts)); len(silent) > 0 || !facts.LookedElsewhere {
		p.Waiting = &Waiting{v1alpha1.ReasonWaitingForReports, "the agents have not reported yet from " + someOf(silent)}
		return
	}
	if p.Counted.Nodes == 0 {
		p.Waiting = &Waiting{v1alpha1.ReasonWaitingForNodes, "no node has the labels of spec.nodeSelector"}
		return
	}
	given := facts.Network.Spec.InitialPeerCount
	if p.Frozen.InitialPeerCount == 0 && given == 0 {
		if left := settled - facts.Now.Sub(p.Counted.Since.Time); left > 0 {
			p.Next = left
			p.Waiting = &Waiting{v1alpha1.ReasonWaitingForNodes, fmt.Sprintf(
				"Weave is installed when the number of nodes, now %d, has been the same for %.0f s, because it decides how many must agree; spec.initialPeerCount says it at once",
				p.Counted.Nodes, settled.Seconds())}
			return
		}
		given = p.Counted.Nodes
	}
	if p.Frozen.InitialPeerCount == 0 {
		p.Frozen.InitialPeerCount = given
	}
	if p.Frozen.FastDatapath == "" {
		p.Frozen.FastDatapath = fastDatapath(facts)
	}
	p.Install = true
}

// counted is how many nodes there are to run on, and since when.
func counted(facts *observe.WeaveFacts) *v1alpha1.WeaveNodesCounted {
	count := int32(0)
	for i := range facts.Nodes {
		if facts.Nodes[i].Wanted {
			count++
		}
	}
	if before := facts.Network.Status.Counted; before != nil && before.Nodes == count {
		return before
	}
	return &v1alpha1.WeaveNodesCounted{Nodes: count, Since: metav1.NewTime(facts.Now)}
}

// keep is for a cluster with the operator's Weave.
func (p *Plan) keep(facts *observe.WeaveFacts) {
	p.Install = true
	if p.Frozen.InitialPeerCount == 0 {
		p.Frozen.InitialPeerCount = counted(facts).Nodes // Somebody has taken it away by hand; nothing must guess it.
	}
	if what := incompatible(facts, p.Frozen); what != "" {
		p.KeepTemplate = true
		p.Conflicts = []Conflict{{Reason: v1alpha1.ReasonIncompatible, What: what}}
		return
	}
	password := facts.Network.Spec.Password
	if password == nil || passwordOf(facts.Routers) == passwordID(password) {
		return
	}
	// Another password: no router may be replaced before every node can have it.
	if silent := p.silent(facts, false); len(silent) > 0 {
		p.KeepTemplate = true
		p.Waiting = &Waiting{v1alpha1.ReasonWaitingForReports, "whether the new password is there is not known yet from " + someOf(silent)}
		return
	}
	if missing := p.passwordMissing(facts); len(missing) > 0 {
		p.KeepTemplate = true
		p.Next = time.Minute
		p.Waiting = &Waiting{v1alpha1.ReasonPasswordMissing, fmt.Sprintf("%s: the Secret of spec.password, or its key, is missing in %s; what runs stays as it is",
			someOf(missing), names.WeaveNamespace)}
	}
}

// silent are the nodes whose agent has not reported for the spec as it is or, if it is to be alive, does not run now. Lost
// nodes cannot, and are not waited for.
func (p *Plan) silent(facts *observe.WeaveFacts, alive bool) []string {
	var silent []string
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		if !node.Wanted || node.Lost {
			continue
		}
		report, pod := facts.Reports[node.Name], facts.AgentPods[node.Name]
		if report == nil || report.Status.AgentRevision != p.AgentRevision || alive && (pod == nil || !observe.PodReady(pod)) {
			silent = append(silent, node.Name)
		}
	}
	return silent
}

// frozen is what was decided at the first install: as the status remembers it, or else as Weave was installed.
func frozen(facts *observe.WeaveFacts) v1alpha1.WeaveFrozen {
	if facts.Network.Status.Frozen.InitialPeerCount != 0 || !ours(facts.Routers) {
		return facts.Network.Status.Frozen
	}
	return frozenIn(facts.Routers)
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

// passwordMissing are the nodes that lack the password of the spec as it is. Lost ones cannot tell.
func (p *Plan) passwordMissing(facts *observe.WeaveFacts) []string {
	var nodes []string
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		report := facts.Reports[node.Name]
		if node.Wanted && !node.Lost && report != nil && report.Status.AgentRevision == p.AgentRevision && report.Status.Host.Password == v1alpha1.SecretMissing {
			nodes = append(nodes, node.Name)
		}
	}
	return nodes
}
