// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// connectionLimit is Weave's own: a node with more peers does not connect to all of them, and need not.
const connectionLimit = 200

const (
	established = "established"
	pending     = "pending"
	fastdp      = "fastdp"
)

// pair is two nodes and what each says of its connection to the other; nil when it says nothing.
type pair struct {
	a, b     *host
	fromA    *v1alpha1.WeaveConnection
	fromB    *v1alpha1.WeaveConnection
	expected bool
}

// connected reports whether both ends are: with UDP blocked in one direction, one end goes on saying that it is.
func (p *pair) connected() bool {
	return p.fromA != nil && p.fromB != nil && p.fromA.State == established && p.fromB.State == established
}

// onFastDatapath reports whether the kernel forwards.
func (p *pair) onFastDatapath() bool { return p.fromA.Datapath == fastdp && p.fromB.Datapath == fastdp }

// since is when the pair became what it is: when the later of its ends did.
func (p *pair) since() time.Time {
	// Of one that is down, the end that first said so: the other one may come and go at each attempt.
	down := time.Time{}
	for _, end := range p.ends() {
		if end.State != established && (down.IsZero() || end.Since.Time.Before(down)) {
			down = end.Since.Time
		}
	}
	if !down.IsZero() {
		return down
	}
	latest := time.Time{}
	for _, end := range []struct {
		says *v1alpha1.WeaveConnection
		host *host
	}{{p.fromA, p.a}, {p.fromB, p.b}} {
		began := end.host.started()
		if end.says != nil {
			began = since(end.says.Since.Time, end.host.met)
		}
		if began.After(latest) {
			latest = began
		}
	}
	return latest
}

// ends are what the two say, for nodes that said something.
func (p *pair) ends() []*v1alpha1.WeaveConnection {
	return slices.DeleteFunc([]*v1alpha1.WeaveConnection{p.fromA, p.fromB}, func(c *v1alpha1.WeaveConnection) bool { return c == nil })
}

// pairsOf are all pairs of nodes that have reported.
func pairsOf(seen *view) []pair {
	says := make([]map[string]*v1alpha1.WeaveConnection, len(seen.hosts))
	for i := range seen.hosts {
		says[i] = map[string]*v1alpha1.WeaveConnection{}
		for j := range seen.hosts[i].report.Connections {
			connection := &seen.hosts[i].report.Connections[j]
			node := seen.nodeOf(connection)
			// A machine with several addresses can have a connection that is up beside one that is given up.
			if former := says[i][node]; former == nil || former.State != established {
				says[i][node] = connection
			}
		}
	}
	var pairs []pair
	for i := range seen.hosts {
		for j := i + 1; j < len(seen.hosts); j++ {
			a, b := &seen.hosts[i], &seen.hosts[j]
			one := pair{a: a, b: b, fromA: says[i][b.name], fromB: says[j][a.name]}
			one.expected = (one.fromA != nil || one.fromB != nil || len(seen.hosts)-1 <= connectionLimit) && !atLimit(&one)
			pairs = append(pairs, one)
		}
	}
	return pairs
}

// cause is why pairs are not connected, and what to do about it.
type cause struct {
	reason, what, remedy string
	is                   func(*pair) bool
}

// atLimit: a node that has as many connections as it may lists the others as failed.
var atLimit = saying("Connection limit reached")

// causes are in the order of how much they tell; the last one is always true.
var causes = []cause{
	{
		v1alpha1.ReasonPasswordMismatch, "they have different passwords",
		"docs/networking.md says how to change it", saying("password spec"),
	},
	{
		v1alpha1.ReasonPeerNameCollision, "they have the same name in Weave",
		"give them different /etc/machine-id, and restart them", saying("peer names collision"),
	},
	{
		v1alpha1.ReasonSplitBrain, "they were started apart and own the same addresses",
		"docs/networking.md has the way out", saying("seeded by different peers", "update for IP range I own"),
	},
	{
		v1alpha1.ReasonRangeMismatch, "they have different ranges of addresses",
		"only one can be right", saying("Incompatible IP allocation ranges"),
	},
	{
		v1alpha1.ReasonUDPBlocked, "TCP passes between them and UDP does not, in one direction at least",
		"open UDP ports 6783 and 6784 between the machines", udpBlocked,
	},
	{
		v1alpha1.ReasonPeersFailed, "they are not connected",
		"open TCP and UDP port 6783 and UDP port 6784 between the machines; Weave tries again after up to 6 minutes", func(*pair) bool { return true },
	},
}

// saying makes a cause of Weave's own words.
func saying(words ...string) func(*pair) bool {
	return func(p *pair) bool {
		for _, end := range p.ends() {
			if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(end.Message, w) }) {
				return true
			}
		}
		return false
	}
}

// udpBlocked: an end stays pending until the other's UDP has come through, and is dialled anew each minute. That the other
// one is established, or only waits for UDP as well, shows that TCP passes.
func udpBlocked(p *pair) bool {
	if !p.a.running() || !p.b.running() {
		return false // What is known is from before the router ended.
	}
	if saying("UDP heartbeat")(p) {
		return true
	}
	ends := p.ends()
	is := func(state string) bool {
		return slices.ContainsFunc(ends, func(c *v1alpha1.WeaveConnection) bool { return c.State == state })
	}
	return is(established) || is(pending) && !is("failed")
}

// peersConnected: are both ends of every pair connected?
func peersConnected(seen *view) finding {
	worst, rank := finding{}, len(causes)
	pairs := seen.pairs
	var told []string
	for i := range pairs {
		one := &pairs[i]
		if one.connected() || !one.expected {
			continue
		}
		at := slices.IndexFunc(causes, func(c cause) bool { return c.is(one) })
		if at < rank {
			worst, rank, told = finding{reason: causes[at].reason}, at, nil
		}
		if at > rank {
			continue
		}
		told = append(told, one.a.name+" ↔ "+one.b.name)
		if len(worst.problems) > maxProblems {
			worst.began(one.since())
			continue // In an outage there are thousands.
		}
		for _, end := range []*host{one.a, one.b} {
			other := one.a.name
			if end == one.a {
				other = one.b.name
			}
			worst.on(end.name, "with "+other+": "+causes[rank].what+words(one), one.since())
		}
	}
	if rank == len(causes) {
		return seen.unseen()
	}
	worst.message = fmt.Sprintf("%d of %d pairs of nodes are not connected: %s: %s; %s",
		len(pairs)-connectedOf(pairs), len(pairs), someOf(told), causes[rank].what, causes[rank].remedy)
	return worst
}

// words are what Weave itself says about a pair, for those who look closer.
func words(p *pair) string {
	for _, end := range p.ends() {
		if end.Message != "" {
			return " (" + end.Message + ")"
		}
	}
	return ""
}

func connectedOf(pairs []pair) int {
	count := 0
	for i := range pairs {
		if pairs[i].connected() || !pairs[i].expected {
			count++
		}
	}
	return count
}

// countPairs is for the status.
func countPairs(seen *view) v1alpha1.WeavePairCounts {
	var count v1alpha1.WeavePairCounts
	pairs := seen.pairs
	for i := range pairs {
		if !pairs[i].expected {
			continue
		}
		count.Expected++
		if pairs[i].connected() {
			count.Connected++
			if !pairs[i].onFastDatapath() {
				count.Sleeve++
			}
		}
	}
	return count
}

// byNode sorts problems for people.
func byNode(problems []v1alpha1.WeaveProblem) {
	slices.SortStableFunc(problems, func(a, b v1alpha1.WeaveProblem) int { return cmp.Compare(a.Node, b.Node) })
}
