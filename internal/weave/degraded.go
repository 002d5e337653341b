// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// stalePatience is for how long Weave itself may take to forget a node that was deleted.
const stalePatience = 3 * time.Minute

// degraded is everything that is not as it should be while the network works, the most urgent first.
func degraded(seen *view, plan *Plan, stale []v1alpha1.WeaveStalePeer) []finding {
	var found []finding
	for _, one := range []finding{
		noReport(seen), passwordGone(seen, plan), unfit(seen, plan), sleeve(seen, plan), stalePeers(seen, stale), lostOwners(seen),
	} {
		if one.bad() {
			found = append(found, one)
		}
	}
	return found
}

// noReport: what an agent that does not run has said may have changed since.
func noReport(seen *view) finding {
	facts := seen.facts
	if facts.Agents == nil {
		return finding{}
	}
	replaced := facts.Agents.Status.CurrentNumberScheduled >= facts.Agents.Status.DesiredNumberScheduled
	found := finding{reason: v1alpha1.ReasonNoReport}
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		pod := facts.AgentPods[node.Name]
		switch {
		case !node.Wanted || pod != nil && !node.Lost && observe.PodReady(pod):
		case node.Lost:
			found.on(node.Name, "the node is lost", time.Time{})
		case pod == nil && replaced: // This moment: the next one is about to come.
		case pod != nil && pod.Status.Phase == corev1.PodRunning:
			found.on(node.Name, "its agent cannot see all of the node: its log says why, and often the router hangs", notReadySince(facts, node, pod))
		default:
			found.on(node.Name, "its agent does not run", notReadySince(facts, node, pod))
		}
	}
	if len(found.problems) == 0 {
		return finding{}
	}
	found.message = nodesOf(&found) + ": no report, so what is known of these nodes may have changed: " + found.problems[0].Message + " (kubectl -n " +
		names.WeaveNamespace + " get pods -l " + names.LabelWeave + "=" + names.WeaveAgents + " -o wide)"
	return found
}

// passwordGone: routers that run have it; one that restarts would not.
func passwordGone(seen *view, plan *Plan) finding {
	if !plan.Install || plan.KeepTemplate || seen.facts.Routers == nil {
		return finding{}
	}
	nodes := plan.passwordMissing(seen.facts)
	if len(nodes) == 0 {
		return finding{}
	}
	return finding{reason: v1alpha1.ReasonPasswordMissing, message: someOf(nodes) + ": the Secret of spec.password, or its key, has gone from " +
		names.WeaveNamespace + ": a router that restarts cannot start without it"}
}

// unfit: nodes that came later are looked at too, and Weave is not kept from them: the others need it there.
func unfit(seen *view, plan *Plan) finding {
	if !plan.Install {
		return finding{}
	}
	allowed := seen.facts.Network.Spec.AllowConflicts
	found := finding{reason: v1alpha1.ReasonNodeUnfit}
	for i := range seen.hosts {
		host := &seen.hosts[i]
		for _, file := range host.report.Host.CNIFiles {
			if !slices.Contains(allowed, "CNIFile/"+file) {
				found.on(host.name, "the container runtime has another network in "+file, host.met)
			}
		}
		for _, missing := range host.report.Host.Missing {
			if !slices.Contains(allowed, "Missing/"+missing) {
				found.on(host.name, "missing: "+missing, host.met)
			}
		}
		if plan.Frozen.FastDatapath == v1alpha1.FastDatapathEnabled && !host.report.Host.OpenVSwitch {
			found.on(host.name, "its kernel has no openvswitch, which the fast datapath of the others needs: its router cannot restart", host.met)
		}
	}
	if len(found.problems) == 0 {
		return finding{}
	}
	found.message = nodesOf(&found) + ": " + found.problems[0].Message
	return found
}

func sleeve(seen *view, plan *Plan) finding {
	pairs := seen.pairs
	fast := func(p pair) bool { return p.connected() && p.onFastDatapath() }
	if plan.Frozen.FastDatapath != v1alpha1.FastDatapathEnabled && !slices.ContainsFunc(pairs, fast) {
		return finding{} // It was chosen so.
	}
	found := finding{reason: v1alpha1.ReasonSleeve}
	var told []string
	for i := range pairs {
		one := &pairs[i]
		if one.connected() && !one.onFastDatapath() {
			told = append(told, one.a.name+" ↔ "+one.b.name)
			found.on(one.a.name, "not on the fast datapath with "+one.b.name, one.since())
		}
	}
	if len(told) == 0 {
		return finding{}
	}
	found.message = someOf(told) + ": not on the fast datapath but in Weave's process, which is slower: UDP port 6784 or the machines' MTU keeps them off it"
	return found
}

// staleNow are the peers of Weave's bookkeeping without a node; those that were there before keep their time.
func staleNow(facts *observe.WeaveFacts) []v1alpha1.WeaveStalePeer {
	var stale []v1alpha1.WeaveStalePeer
	for _, entry := range peers(facts.Bookkeeping) {
		if lives(facts, entry) ||
			slices.ContainsFunc(stale, func(s v1alpha1.WeaveStalePeer) bool { return s.PeerName == entry.PeerName }) {
			continue
		}
		one := v1alpha1.WeaveStalePeer{PeerName: entry.PeerName, NodeName: entry.NodeName, Since: metav1.NewTime(facts.Now)}
		for _, before := range facts.Network.Status.StalePeers {
			if before.PeerName == entry.PeerName {
				one.Since = before.Since
			}
		}
		stale = append(stale, one)
	}
	return stale
}

// lives reports whether a peer of the bookkeeping has its node, and is not the name that a machine had before it was
// installed anew.
func lives(facts *observe.WeaveFacts, entry peer) bool {
	report := facts.Reports[entry.NodeName]
	if report != nil && report.Status.PeerName != "" && report.Status.PeerName != entry.PeerName {
		return false
	}
	return slices.ContainsFunc(facts.Nodes, func(n observe.WeaveHostNode) bool { return n.Name == entry.NodeName })
}

// stalePeers: Weave forgets deleted nodes by itself, unless the process that does so has died. The operator never does it
// in Weave's place: the same peer removed by two nodes, or a living one, breaks who owns what.
func stalePeers(seen *view, stale []v1alpha1.WeaveStalePeer) finding {
	var old []string
	for i := range stale {
		if seen.facts.Now.Sub(stale[i].Since.Time) >= stalePatience {
			old = append(old, stale[i].NodeName)
		}
	}
	if len(old) == 0 {
		return finding{}
	}
	return finding{reason: v1alpha1.ReasonStalePeers, message: fmt.Sprintf(
		"Weave still counts the deleted nodes %s, and their addresses with them: delete one healthy router's pod, which clears them away when it starts "+
			"(kubectl -n %s delete pod -l %s=%s --field-selector spec.nodeName=NODE)",
		someOf(old), names.WeaveNamespace, names.LabelWeave, names.WeaveRouters)}
}

// lostOwners: addresses of peers that neither a node nor the bookkeeping has are lost until a person takes them back.
func lostOwners(seen *view) finding {
	// A peer that is not known yet, or does not run at the moment, is no lost one.
	if len(seen.silent) > 0 || seen.facts.Bookkeeping == nil || lostNodes(seen.facts) > 0 ||
		slices.ContainsFunc(seen.hosts, func(h host) bool { return !h.running() || h.report.PeerName == "" }) {
		return finding{}
	}
	known := map[string]bool{}
	for _, entry := range peers(seen.facts.Bookkeeping) {
		known[entry.PeerName] = true
	}
	for i := range seen.hosts {
		known[seen.hosts[i].report.PeerName] = true
	}
	var lost []string
	began := time.Time{}
	for i := range seen.hosts {
		ipam := &seen.hosts[i].report.IPAM
		for _, owner := range ipam.Unreachable {
			if !known[owner] && !slices.Contains(lost, owner) {
				lost = append(lost, owner)
				began = since(ipam.Since.Time, seen.hosts[i].met)
			}
		}
	}
	if len(lost) == 0 {
		return finding{}
	}
	slices.Sort(lost)
	return finding{reason: v1alpha1.ReasonOwnersUnreachable, since: began, message: fmt.Sprintf(
		"addresses belong to peers that no node is: %s. On one node, and on one only, take them back: "+
			"kubectl -n %s exec POD -c %s -- /home/weave/weave --local rmpeer %s",
		someOf(lost), names.WeaveNamespace, names.RouterContainer, strings.Join(lost[:min(len(lost), maxTold)], " "))}
}
