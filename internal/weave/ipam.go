// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// ipamReady: do all nodes agree on who owns which addresses? Weave's own health says nothing of it.
func ipamReady(seen *view) finding {
	for _, check := range []func(*view) finding{rangeMismatch, awaitingConsensus, splitBrain, nothingYet} {
		if found := check(seen); found.bad() {
			return found
		}
	}
	return seen.unseen()
}

func rangeMismatch(seen *view) finding {
	found := finding{reason: v1alpha1.ReasonRangeMismatch}
	wanted := seen.facts.Network.Spec.IPRange
	for i := range seen.hosts {
		host := &seen.hosts[i]
		if has := host.report.IPAM.Range; has != "" && has != wanted {
			found.on(host.name, "its router has the range "+has, since(host.report.IPAM.Since.Time, host.met))
		}
	}
	if len(found.problems) == 0 {
		return finding{}
	}
	found.message = fmt.Sprintf("%s: %s, spec.ipRange is %s; nodes with different ranges refuse each other", nodesOf(&found), found.problems[0].Message, wanted)
	return found
}

func awaitingConsensus(seen *view) finding {
	found := finding{reason: v1alpha1.ReasonAwaitingConsensus}
	most, quorum := int32(0), int32(0)
	for i := range seen.hosts {
		host := &seen.hosts[i]
		ipam := &host.report.IPAM
		if ipam.State == v1alpha1.IPAMAwaitingConsensus {
			most, quorum = max(most, ipam.KnownNodes), max(quorum, ipam.Quorum)
			found.on(host.name, fmt.Sprintf("it sees %d of the %d nodes that must agree before there are addresses", ipam.KnownNodes, ipam.Quorum),
				since(ipam.Since.Time, host.met))
		}
	}
	if len(found.problems) == 0 {
		return finding{}
	}
	found.message = fmt.Sprintf("%s: at most %d nodes see each other and %d must before there are addresses: start the missing nodes, or mend TCP port 6783 between them",
		nodesOf(&found), most, quorum)
	return found
}

// splitBrain: nodes that own addresses and do not know of each other as owners give out the same ones.
func splitBrain(seen *view) finding {
	groups := groupsOf(seen)
	if len(groups) < 2 {
		return finding{}
	}
	slices.SortStableFunc(groups, func(a, b []*host) int { return len(b) - len(a) })
	found := finding{reason: v1alpha1.ReasonSplitBrain}
	latest := time.Time{}
	var told []string
	for i, group := range groups {
		var nodes []string
		for _, host := range group {
			nodes = append(nodes, host.name)
			if i > 0 {
				found.on(host.name, "it owns addresses that other nodes do not know of", time.Time{})
			}
			if at := since(host.report.IPAM.Since.Time, host.met); at.After(latest) {
				latest = at
			}
		}
		told = append(told, someOf(nodes))
	}
	found.since = latest // Which of them does not know yet cannot be told.
	found.message = "these groups of nodes do not know of each other and give out the same addresses: " +
		strings.Join(told[:min(len(told), maxTold)], " | ") + ". They do not heal by themselves: docs/networking.md has the way out"
	return found
}

// groupsOf puts the nodes that own addresses into groups that know of each other.
func groupsOf(seen *view) [][]*host {
	var owners []*host
	knows := map[*host]map[string]bool{}
	for i := range seen.hosts {
		host := &seen.hosts[i]
		if host.running() && slices.Contains(host.report.IPAM.Owners, host.report.PeerName) {
			owners = append(owners, host)
			knows[host] = map[string]bool{}
			for _, peer := range host.report.IPAM.Owners {
				knows[host][peer] = true
			}
		}
	}
	var groups [][]*host
	left := owners
	for len(left) > 0 {
		group, rest := left[:1:1], left[1:]
		for i := 0; i < len(group); i++ {
			var others []*host
			for _, other := range rest {
				if knows[group[i]][other.report.PeerName] && knows[other][group[i].report.PeerName] {
					group = append(group, other)
				} else {
					others = append(others, other)
				}
			}
			rest = others
		}
		groups = append(groups, group)
		left = rest
	}
	return groups
}

func nothingYet(seen *view) finding {
	latest := time.Time{}
	for i := range seen.hosts {
		ipam := &seen.hosts[i].report.IPAM
		if ipam.State == v1alpha1.IPAMReady {
			return finding{}
		}
		if at := since(ipam.Since.Time, seen.hosts[i].met); at.After(latest) {
			latest = at
		}
	}
	if len(seen.hosts) == 0 {
		return finding{}
	}
	return finding{reason: v1alpha1.ReasonProgressing, message: "no node has addresses to give yet", since: latest}
}
