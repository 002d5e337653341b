// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

// view is everything that a report is made of, at one moment.
type view struct {
	config   config
	nodes    []node
	document *control.Document
	kept     record
	// left is true after `DELETE /peer`.
	left bool
	now  time.Time
}

// self is this node's peer, under the name that the test wants.
func (v *view) self() node {
	peer := cmp.Or(v.document.PeerName, v.kept.Peer)
	return node{name: v.config.node, peer: peer}
}

// others are the nodes that somebody connects to.
func (v *view) others() []node {
	return slices.DeleteFunc(slices.Clone(v.nodes), func(n node) bool { return n.name == v.config.node || n.address == "" })
}

func (v *view) ipRange() netip.Prefix {
	// Validate has looked at it.
	if other, err := netip.ParsePrefix(v.document.Range); err == nil {
		return other.Masked()
	}
	return v.config.ipRange
}

// paxos is the agreement that this node waits for: what the test says, or what IPALLOC_INIT and the nodes come to (facts
// 0.2 and 1.6). It was needed only once.
func (v *view) paxos() *control.Paxos {
	if v.document.Paxos != nil {
		return v.document.Paxos
	}
	others := v.others()
	// An error has ended the router at its start.
	electors, err := v.config.electors(len(others))
	if err != nil || electors == 0 || v.kept.Claim != "" {
		return nil
	}
	agreement := &control.Paxos{Quorum: electors/2 + 1, Known: 1}
	for i := range others {
		// Who cannot be reached by UDP can be by TCP, and agrees.
		if v.live(&others[i]) {
			agreement.Known++
		}
	}
	if agreement.Known >= agreement.Quorum {
		return nil
	}
	return agreement
}

// claim is what IPAM says that the node has.
func (v *view) claim() string {
	switch {
	case v.document.Claim != nil:
		return *v.document.Claim
	case v.paxos() != nil:
		return ""
	}
	return v.kept.Claim
}

// bridge is what the link has.
func (v *view) bridge() string {
	switch {
	case v.document.Bridge != nil:
		return *v.document.Bridge
	case v.paxos() != nil:
		return ""
	}
	return v.kept.Claim
}

func (v *view) unreachable(n *node) bool {
	return slices.Contains(v.document.Unreachable, n.name) || slices.Contains(v.document.Unreachable, n.peer)
}

// live is whether two peers have a TCP connection.
func (v *view) live(n *node) bool {
	state := v.document.Connections[n.name].State
	return state == "" || state == control.Established || state == control.Pending
}

func (v *view) established(n *node) bool {
	return v.live(n) && v.document.Connections[n.name].State != control.Pending
}

// connection is this node's end of a connection (facts 3.4 and 3.5).
func (v *view) connection(n *node) connectionStatus {
	wanted := v.document.Connections[n.name]
	if !v.live(n) {
		// A target that is not connected: no data path yet.
		info := wanted.Info
		switch wanted.State {
		case control.Failed:
			info = fmt.Sprintf("%s, retry: %s", cmp.Or(info, refused(n)), v.now.Add(40*time.Second))
		case control.Retrying:
			info = cmp.Or(info, refused(n))
		default:
		}
		return connectionStatus{Address: n.address + ":6783", Outbound: true, State: string(wanted.State), Info: info}
	}
	datapath := wanted.Datapath
	if datapath == "" {
		datapath = "sleeve"
		if v.config.fastdp {
			datapath = "fastdp"
		}
	}
	info := fmt.Sprintf("%-6s %s(%s)", datapath, n.peer, n.name)
	attributes := map[string]any{"name": datapath, "mtu": cmp.Or(wanted.MTU, v.mtu(datapath, v.established(n)))}
	if v.config.password {
		info = fmt.Sprintf("%-11s %s", "encrypted", info)
		attributes["encrypted"] = true
	}
	address, outbound := v.ends(n)
	return connectionStatus{
		Address: address, Outbound: outbound, State: string(cmp.Or(wanted.State, control.Established)),
		Info: cmp.Or(wanted.Info, info), Attrs: attributes,
	}
}

// refused is what a Go program says; the facts have its last words only.
func refused(n *node) string {
	return fmt.Sprintf("dial tcp4 :0->%s:6783: connect: connection refused", n.address)
}

func (v *view) mtu(datapath string, established bool) int {
	switch {
	case datapath == "fastdp":
		return cmp.Or(v.config.mtu, fastdpMTU)
	case !established:
		return unverifiedMTU
	case v.config.password:
		return encryptedSleeveMTU
	}
	return sleeveMTU
}

// ends says who has connected to whom, so that both nodes tell the same: the one whose name comes later to the other. An
// inbound connection has the other node's ephemeral port.
func (v *view) ends(n *node) (address string, outbound bool) {
	if v.config.node > n.name {
		return n.address + ":6783", true
	}
	port := 32768 + digest(n.name, v.config.node)%28232
	return net.JoinHostPort(n.address, fmt.Sprint(port)), false
}

// entries are the owners of the range. This node's entries are somebody else's after it has left (facts 4.1).
func (v *view) entries() []entryStatus {
	owners := v.owners()
	if v.paxos() != nil || len(owners) == 0 {
		return nil
	}
	self := v.self()
	heir := slices.IndexFunc(owners, func(owner node) bool { return owner.peer != self.peer })
	var entries []entryStatus
	for i, share := range shares(v.ipRange(), len(owners)) {
		owner, version := owners[i], uint32(1)
		if v.left && owner.peer == self.peer && heir >= 0 {
			// Without anybody to give them to, it keeps them.
			owner, version = owners[heir], 2
		}
		if share.size == 0 {
			break // More owners than addresses.
		}
		entries = append(entries, entryStatus{
			Token: at(share.ipRange, share.from).String(), Size: share.size, Peer: owner.peer, Nickname: owner.name,
			IsKnownPeer: v.known(&owner), Version: version,
		})
	}
	return entries
}

func (v *view) owners() []node {
	if v.document.Owners == nil {
		return v.members()
	}
	owners := make([]node, 0, len(v.document.Owners))
	for _, name := range v.document.Owners {
		owners = append(owners, v.owner(name))
	}
	return owners
}

// members are all nodes, this one under the name that it says it has.
func (v *view) members() []node {
	members := slices.Clone(v.nodes)
	if i := slices.IndexFunc(members, func(n node) bool { return n.name == v.config.node }); i >= 0 {
		members[i].peer = v.self().peer
		return members
	}
	return append(members, v.self())
}

// owner finds a peer by its name or its node's. One that is no node of this cluster is a peer that is gone.
func (v *view) owner(name string) node {
	for _, member := range v.members() {
		if member.name == name || member.peer == name {
			return member
		}
	}
	if strings.Contains(name, ":") {
		return node{peer: name}
	}
	return node{name: name, peer: control.PeerName(name)}
}

func (v *view) known(owner *node) bool {
	member := slices.ContainsFunc(v.members(), func(n node) bool { return n.peer == owner.peer })
	return member && !v.unreachable(owner)
}

// digest is any number that is always the same for the same words.
func digest(words ...string) uint64 {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return binary.BigEndian.Uint64(sum[:])
}
