// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"net/netip"
	"time"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// finding is what is wrong: nothing ("" reason) when all is well.
type finding struct {
	reason, message string
	// since is when it began; zero when that is not known, or does not matter.
	since time.Time
	// unknown says that it cannot be told whether something is wrong.
	unknown bool
	// problems are the nodes that it is about.
	problems []v1alpha1.WeaveProblem
}

func (f *finding) bad() bool { return f.reason != "" }

// on says what is wrong with a node. The finding began when the first of its nodes' problems did.
func (f *finding) on(node, message string, since time.Time) {
	f.problems = append(f.problems, v1alpha1.WeaveProblem{Node: node, Reason: f.reason, Message: message})
	if len(f.problems) == 1 {
		f.since = since
	}
	f.began(since)
}

// began says that one of the problems began then.
func (f *finding) began(since time.Time) {
	if since.Before(f.since) {
		f.since = since
	}
}

// host is a node with its report.
type host struct {
	name   string
	report *v1alpha1.WeaveNodeStatus
	// met is when it first reported.
	met time.Time
}

// started is when the router as it is began to be seen: with it come its address and its owners.
func (h *host) started() time.Time {
	latest := h.met
	for _, at := range []time.Time{h.report.Overlay.Since.Time, h.report.IPAM.Since.Time} {
		if at.After(latest) {
			latest = at
		}
	}
	return latest
}

// running reports whether a router answers on it.
func (h *host) running() bool { return h.report.Router == v1alpha1.RouterRunning }

// view is the network as the agents see it.
type view struct {
	facts *observe.WeaveFacts
	// hosts are the wanted nodes that have reported, sorted by name. Lost ones are not among them: what they said is what
	// was before.
	hosts []host
	// pairs are all pairs of them.
	pairs []pair
	// silent are the wanted nodes that have not reported, and are not lost; since is when the first of them came.
	silent []string
	since  time.Time
	// byAddress are nodes' names by their addresses.
	byAddress map[string]string
}

func look(facts *observe.WeaveFacts) *view {
	seen := &view{facts: facts, byAddress: map[string]string{}}
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		seen.byAddress[node.Address] = node.Name
		report := facts.Reports[node.Name]
		switch {
		case !node.Wanted || node.Lost:
		case report != nil && report.Status.Agent != "":
			seen.hosts = append(seen.hosts, host{node.Name, &report.Status, report.CreationTimestamp.Time})
		default:
			seen.silent = append(seen.silent, node.Name)
			if len(seen.silent) == 1 || node.Created.Before(seen.since) {
				seen.since = node.Created
			}
		}
	}
	seen.pairs = pairsOf(seen)
	return seen
}

// nodeOf is the node at a connection's other end.
func (v *view) nodeOf(connection *v1alpha1.WeaveConnection) string {
	if connection.Node != "" {
		return connection.Node
	}
	return v.byAddress[connection.Address]
}

// unseen says that nothing can be told while nodes have not reported.
func (v *view) unseen() finding {
	switch {
	case len(v.silent) > 0:
		return finding{
			reason: v1alpha1.ReasonWaitingForReports, unknown: true, since: v.since,
			message: "the agents have not reported yet from " + someOf(v.silent),
		}
	case len(v.hosts) == 0:
		return finding{reason: v1alpha1.ReasonWaitingForReports, unknown: true, message: "no agent has reported"}
	}
	return finding{}
}

// ip is an address in CIDR notation without its mask.
func ip(cidr string) string {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return cidr
	}
	return prefix.Addr().String()
}
