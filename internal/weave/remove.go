// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"fmt"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// remove is for a WeaveNetwork that is being deleted. With Clean: every router hands its addresses over (a rest of the
// network that stays, somebody else's, would count them as lost), then Weave ends, then every node is cleaned, and then the
// WeaveNetwork may go. Which step is next can be seen from what there is, so a restarted operator goes on.
func (p *Plan) remove(facts *observe.WeaveFacts) {
	if !p.WantFinalizer {
		return
	}
	if ours(facts.Routers) {
		p.Task = v1alpha1.AgentLeave
		p.AgentRevision = agentRevision(facts.Network, p.Task)
		if left := p.unfinished(facts, v1alpha1.CleanupLeft); left != nil {
			p.Waiting = left
			return
		}
		p.RemoveRouters = true
		p.Waiting = &Waiting{v1alpha1.ReasonCleaning, "Weave ends"}
		return
	}
	if facts.Routers == nil {
		// Somebody else's Weave is none of the operator's to clean away.
		p.Task = v1alpha1.AgentClean
		p.AgentRevision = agentRevision(facts.Network, p.Task)
		var running []string
		for i := range facts.Nodes {
			if facts.RouterPods[facts.Nodes[i].Name] != nil && !facts.Nodes[i].Lost {
				running = append(running, facts.Nodes[i].Name)
			}
		}
		if len(running) > 0 {
			p.Task, p.AgentRevision = v1alpha1.AgentLeave, agentRevision(facts.Network, v1alpha1.AgentLeave)
			p.Waiting = &Waiting{v1alpha1.ReasonCleaning, "Weave ends on " + someOf(running)}
			return
		}
		if p.Waiting = p.unfinished(facts, v1alpha1.CleanupCleaned); p.Waiting != nil {
			return
		}
		p.RemoveBookkeeping = true
	}
	p.WantFinalizer = p.RemoveBookkeeping && facts.Bookkeeping != nil
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
	const past = "; delete a node that will not come back, or set spec.cleanupPolicy to Retain to leave things as they are"
	switch {
	case len(failed) > 0:
		return &Waiting{reason, fmt.Sprintf("%s: it failed on %s: %s%s", doing, someOf(failed), message, past)}
	case len(waiting) > 0:
		return &Waiting{reason, fmt.Sprintf("%s: not done yet on %s%s", doing, someOf(waiting), past)}
	}
	return nil
}
