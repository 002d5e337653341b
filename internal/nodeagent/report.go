// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// States of a connection, as Weave calls them.
const (
	stateEstablished = "established"
	statePending     = "pending"
	stateConnecting  = "connecting"
	stateRetrying    = "retrying"
	stateFailed      = "failed"
)

// messageLimit keeps a status readable: a message is an error of Weave's, which may quote what it was sent.
const messageLimit = 300

// report is what of a router's /report the operator uses. Lists are null when they are empty; peers' UIDs need 64 bits
// without a sign and are left out.
type report struct {
	Version string
	Router  *router
	IPAM    *ipam
}

type router struct {
	Name        string
	Encryption  bool
	Peers       []peer
	Connections []connection
}

type peer struct {
	Name        string
	Connections []struct {
		Name     string
		NickName string
		Address  string
	}
}

type connection struct {
	Address string
	State   string
	Info    string
	Attrs   map[string]any // null while there is no data path
}

type ipam struct {
	Paxos *struct {
		KnownNodes int32
		Quorum     int32
	}
	Range   string
	Entries []struct {
		Peer        string
		IsKnownPeer bool
	}
	PendingAllocates []string
}

// parseReport refuses what is no report of Weave's, because anything may listen on its port.
func parseReport(data []byte) (*report, error) {
	parsed := &report{}
	if err := json.Unmarshal(data, parsed); err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	if parsed.Router == nil || parsed.Router.Name == "" {
		return nil, errors.New("reading the report: it names no peer")
	}
	return parsed, nil
}

// fill writes the report's parts of a status.
func (r *report) fill(status *v1alpha1.WeaveNodeStatus) {
	status.Router = v1alpha1.RouterRunning
	status.PeerName = r.Router.Name
	status.Version = r.Version
	status.Encrypted = r.Router.Encryption
	status.IPAM = r.IPAM.status()
	status.Connections = r.Router.connections()
	established := 0
	for i := range status.Connections {
		if status.Connections[i].State == stateEstablished {
			established++
		}
	}
	status.Connected = strconv.Itoa(established) + "/" + strconv.Itoa(len(status.Connections))
}

func (i *ipam) status() v1alpha1.WeaveIPAM {
	if i == nil {
		return v1alpha1.WeaveIPAM{} // A router that somebody runs without a range.
	}
	owners, unreachable := map[string]bool{}, map[string]bool{}
	for _, entry := range i.Entries {
		owners[entry.Peer] = true
		if !entry.IsKnownPeer {
			unreachable[entry.Peer] = true
		}
	}
	status := v1alpha1.WeaveIPAM{
		State:       v1alpha1.IPAMIdle,
		Range:       i.Range,
		Owners:      slices.Sorted(maps.Keys(owners)),
		Unreachable: slices.Sorted(maps.Keys(unreachable)),
	}
	if len(i.PendingAllocates) > 0 {
		// Not how many: each retry of the kubelet's is one more, and would be a change of the object.
		status.Pending = 1
	}
	switch {
	case len(owners) > len(unreachable):
		status.State = v1alpha1.IPAMReady
	case i.Paxos != nil:
		status.State = v1alpha1.IPAMAwaitingConsensus
		status.Quorum, status.KnownNodes = i.Paxos.Quorum, i.Paxos.KnownNodes
	}
	return status
}

// connections has one connection for each other node. Weave lists two for an address when a node that is connected is
// dialled as well: the better one counts.
func (r *router) connections() []v1alpha1.WeaveConnection {
	best := map[string]v1alpha1.WeaveConnection{}
	for _, listed := range r.Connections {
		if listed.Address == "" || strings.Contains(listed.Info, "cannot connect to ourself") {
			continue // Weave is given the addresses of all nodes, its own among them.
		}
		found := r.connection(&listed)
		if kept, ok := best[found.Address]; !ok || better(&found, &kept) < 0 {
			best[found.Address] = found
		}
	}
	sorted := make([]v1alpha1.WeaveConnection, 0, len(best))
	for _, address := range slices.Sorted(maps.Keys(best)) {
		sorted = append(sorted, best[address])
	}
	return sorted
}

// better orders two connections to one address. Weave's own order is random: equal states must not be told apart by it.
func better(a, b *v1alpha1.WeaveConnection) int {
	order := []string{stateEstablished, statePending, stateConnecting, stateFailed}
	rank := func(state string) int {
		if at := slices.Index(order, state); at >= 0 {
			return at
		}
		return len(order)
	}
	return cmp.Or(
		cmp.Compare(rank(a.State), rank(b.State)),
		cmp.Compare(a.PeerName, b.PeerName),
		cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.State, b.State),
		cmp.Compare(a.Node, b.Node),
		cmp.Compare(a.Datapath, b.Datapath),
	)
}

func (r *router) connection(listed *connection) v1alpha1.WeaveConnection {
	found := v1alpha1.WeaveConnection{Address: withoutPort(listed.Address), State: listed.State}
	found.PeerName, found.Node = r.otherEnd(listed)
	if name, ok := listed.Attrs["name"].(string); ok {
		found.Datapath = name
	}
	switch listed.State {
	case stateRetrying:
		// A failed one in the seconds of its next attempt. It would otherwise change the status twice for each attempt.
		found.State = stateFailed
		found.Message = steady(listed.Info)
	case stateEstablished, statePending:
		// Their text is the data path and the other end, which the status has in fields.
	default:
		found.Message = steady(listed.Info)
	}
	return found
}

// describedPeer is how Weave writes the other end into a connection's text: 02:00:00:00:00:02(node2).
var describedPeer = regexp.MustCompile(`\b([0-9a-f]{2}(?::[0-9a-f]{2}){5})\(([^)]*)\)`)

// otherEnd is a connection's other end: the peer's name and the node's. Both are empty while the two have not spoken.
func (r *router) otherEnd(listed *connection) (peerName, node string) {
	for i := range r.Peers {
		if r.Peers[i].Name != r.Name {
			continue
		}
		for _, own := range r.Peers[i].Connections {
			if own.Address == listed.Address {
				return own.Name, own.NickName
			}
		}
	}
	if listed.State != stateEstablished && listed.State != statePending {
		return "", "" // The text of an error can name any peer.
	}
	if match := describedPeer.FindStringSubmatch(listed.Info); match != nil {
		return match[1], match[2]
	}
	return "", ""
}

func withoutPort(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

var (
	// nextAttempt is when Weave tries again: `, retry: 2024-12-22 10:00:00.123456789 +0000 UTC m=+12.3`, or never.
	nextAttempt = regexp.MustCompile(`(, )?\b(retry|until): .*$`)
	// ownEnd is the near end of a connection: `:0->` or `192.0.2.1:55575->`.
	ownEnd = regexp.MustCompile(`\S*:\d+->`)
	// anyEnd is an address with a port.
	anyEnd = regexp.MustCompile(`\b\d+(?:\.\d+){3}:\d+\b`)
	// ringVersion counts up while two nodes claim the same addresses: `own at 10.40.0.0 v2: incoming message says …`.
	ringVersion = regexp.MustCompile(` v\d+\b`)
)

// weavePort is where every router listens.
const weavePort = "6783"

// steady is a text of Weave's without what is different each time: a status that changes when nothing has is written, and
// told to everybody who watches, for nothing.
func steady(text string) string {
	text = nextAttempt.ReplaceAllString(text, "")
	text = ownEnd.ReplaceAllString(text, "")
	text = anyEnd.ReplaceAllStringFunc(text, func(end string) string {
		if strings.HasSuffix(end, ":"+weavePort) {
			return end
		}
		return withoutPort(end)
	})
	text = strings.TrimSpace(ringVersion.ReplaceAllString(text, ""))
	if runes := []rune(text); len(runes) > messageLimit {
		return string(runes[:messageLimit-1]) + "…"
	}
	return text
}
