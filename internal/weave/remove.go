// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"fmt"
	"slices"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// remove is for a WeaveNetwork that is being deleted. With Clean: every router hands its addresses over (a rest of the
// network that stays, somebody else's, would count them as lost), then Weave ends, then every node is cleaned, and then the
// WeaveNetwork may go. Which step is next can be seen from what there is, so a restarted operator goes on.
func (p *Plan) remove(facts *observe.WeaveFacts) {
	// Without the finalizer the object can go any moment, and leave the rest half done.
	if !cleans(facts) || !slices.Contains(facts.Network.Finalizers, names.WeaveFinalizer) || !isInstalled(facts) {
		return
	}
	switch {
	case ours(facts.Routers):
		p.WantFinalizer = true
		p.leave(facts)
	case facts.Routers == nil:
		p.WantFinalizer = true
		p.clean(facts)
	default:
		// Somebody else's Weave is none of the operator's to clean away.
	}
}

// leave ends Weave when its routers have handed their addresses over.
func (p *Plan) leave(facts *observe.WeaveFacts) {
	if what := incompatible(facts, p.Frozen); what != "" {
		// It would clean the directories of its own spec, and leave those of the Weave that runs.
		p.Waiting = &Waiting{v1alpha1.ReasonIncompatible, "nothing is removed: " + what + "; or set spec.cleanupPolicy to Retain"}
		return
	}
	if lost := lostOf(facts); len(lost) > 0 && !begun(facts) {
		// A router that has left gives out no addresses any more: it must not wait so for a node that may never come back.
		p.Waiting = &Waiting{v1alpha1.ReasonLeaving, someOf(lost) + ": lost, and nothing is removed before the nodes are back" + past}
		return
	}
	p.give(facts, v1alpha1.AgentLeave)
	if p.Waiting = p.unfinished(facts, v1alpha1.CleanupLeft); p.Waiting == nil {
		p.RemoveRouters = true
		p.Waiting = &Waiting{v1alpha1.ReasonCleaning, "Weave ends"}
	}
}

// clean cleans the nodes when no router runs any more, which would make again what is removed.
func (p *Plan) clean(facts *observe.WeaveFacts) {
	var running []string
	for i := range facts.Nodes {
		if facts.RouterPods[facts.Nodes[i].Name] != nil && !facts.Nodes[i].Lost {
			running = append(running, facts.Nodes[i].Name)
		}
	}
	if len(running) > 0 {
		p.give(facts, v1alpha1.AgentLeave)
		p.Waiting = &Waiting{v1alpha1.ReasonCleaning, "Weave ends on " + someOf(running)}
		return
	}
	p.give(facts, v1alpha1.AgentClean)
	if p.Waiting = p.unfinished(facts, v1alpha1.CleanupCleaned); p.Waiting == nil {
		p.RemoveBookkeeping = true
		p.WantFinalizer = facts.Bookkeeping != nil
	}
}

// give gives the agents a task.
func (p *Plan) give(facts *observe.WeaveFacts, task v1alpha1.WeaveAgentTask) {
	p.Task, p.AgentRevision = task, agentRevision(facts.Network, task)
}

// past is what to do about a removal that waits.
const past = "; delete a node that will not come back, or set spec.cleanupPolicy to Retain to leave things as they are, and then restart " +
	"routers that have left, which give out no addresses: kubectl -n " + names.WeaveNamespace + " delete pod -l " + names.LabelWeave + "=" + names.WeaveRouters

func lostOf(facts *observe.WeaveFacts) []string {
	var lost []string
	for i := range facts.Nodes {
		if facts.Nodes[i].Wanted && facts.Nodes[i].Lost {
			lost = append(lost, facts.Nodes[i].Name)
		}
	}
	return lost
}

// begun reports whether a router has left already.
func begun(facts *observe.WeaveFacts) bool {
	for _, report := range facts.Reports {
		if report.Status.Cleanup != nil {
			return true
		}
	}
	return false
}

// unfinished says on which nodes the removal has not come as far as this. A lost node is waited for: what is on it comes
// back with it.
func (p *Plan) unfinished(facts *observe.WeaveFacts, phase v1alpha1.WeaveCleanupState) *Waiting {
	var waiting, failed []string
	message := ""
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		if !node.Wanted {
			continue
		}
		report := facts.Reports[node.Name]
		switch {
		case report == nil || report.Status.AgentRevision != p.AgentRevision || report.Status.Cleanup == nil:
			waiting = append(waiting, node.Name)
		case report.Status.Cleanup.State == v1alpha1.CleanupFailed:
			failed, message = append(failed, node.Name), report.Status.Cleanup.Message
		case report.Status.Cleanup.State != phase:
			waiting = append(waiting, node.Name)
		}
	}
	doing, reason := "the routers hand their addresses over", v1alpha1.ReasonLeaving
	if phase == v1alpha1.CleanupCleaned {
		doing, reason = "the nodes are cleaned", v1alpha1.ReasonCleaning
	}
	switch {
	case len(failed) > 0:
		return &Waiting{reason, fmt.Sprintf("%s: it failed on %s: %s%s", doing, someOf(failed), message, past)}
	case len(waiting) > 0:
		return &Waiting{reason, fmt.Sprintf("%s: not done yet on %s%s", doing, someOf(waiting), past)}
	}
	return nil
}
