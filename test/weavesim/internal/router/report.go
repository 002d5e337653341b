// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"fmt"
	"slices"
	"strings"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
	"github.com/symphony-operator/symphony-operator/test/weavesim/internal/install"
)

// The types are the JSON of `GET /report` as it was measured, in its order (facts 3.4). Empty lists are null.
type report struct {
	Ready   bool
	Version string
	Router  routerStatus
	IPAM    ipamStatus
}

type routerStatus struct {
	Protocol           string
	Encryption         bool
	PeerDiscovery      bool
	Name               string
	NickName           string
	Port               int
	Peers              []peerStatus
	Connections        []connectionStatus
	TerminationCount   int
	Targets            []string
	OverlayDiagnostics map[string]any
	TrustedSubnets     []string
	Interface          string
}

type peerStatus struct {
	Name        string
	NickName    string
	UID         uint64
	ShortID     uint16
	Version     uint64
	Connections []peerConnection
}

type peerConnection struct {
	Name        string
	NickName    string
	Address     string
	Outbound    bool
	Established bool
}

type connectionStatus struct {
	Address  string
	Outbound bool
	State    string
	Info     string
	Attrs    map[string]any
}

type ipamStatus struct {
	Paxos            *paxosStatus
	Range            string
	RangeNumIPs      uint32
	ActiveIPs        int
	DefaultSubnet    string
	Entries          []entryStatus
	PendingClaims    []string
	PendingAllocates []string
}

type paxosStatus struct {
	Elector    bool
	KnownNodes int
	Quorum     int
}

type entryStatus struct {
	Token       string
	Size        uint32
	Peer        string
	Nickname    string
	IsKnownPeer bool
	Version     uint32
}

func (v *view) report() *report {
	self := v.self()
	status := routerStatus{
		Protocol: "weave", Encryption: v.config.password, PeerDiscovery: true, Name: self.peer, NickName: self.name, Port: 6783,
		Peers: v.peers(), Targets: v.targets(), TrustedSubnets: []string{},
		OverlayDiagnostics: map[string]any{"sleeve": nil}, Interface: "vethwe-pcap (via pcap)",
	}
	if v.config.fastdp {
		status.OverlayDiagnostics["fastdp"] = map[string]any{"Vports": nil, "Flows": nil}
		status.Interface = "datapath (via ODP)"
	}
	others := v.others()
	for i := range others {
		status.Connections = append(status.Connections, v.connection(&others[i]))
	}
	return &report{Ready: true, Version: install.Version, Router: status, IPAM: v.ipam()}
}

func (v *view) ipam() ipamStatus {
	ipRange := v.ipRange()
	status := ipamStatus{
		Range: ipRange.String(), RangeNumIPs: size(ipRange), DefaultSubnet: ipRange.String(), Entries: v.entries(),
	}
	if v.claim() != "" {
		status.ActiveIPs = 1
	}
	if agreement := v.paxos(); agreement != nil {
		status.Paxos = &paxosStatus{Elector: true, KnownNodes: agreement.Known, Quorum: agreement.Quorum}
		if !v.left {
			status.PendingAllocates = []string{"weave:expose " + ipRange.String()}
		}
	}
	return status
}

// targets are the addresses that the router was started with.
func (v *view) targets() []string {
	if len(v.config.peers) > 0 {
		return v.config.peers
	}
	var targets []string
	for _, other := range v.others() {
		targets = append(targets, other.address)
	}
	return targets
}

// peers are this node and those that it knows a way to. What the others connect to is the stand-in's invention: they
// do not tell each other.
func (v *view) peers() []peerStatus {
	self := v.self()
	known := slices.DeleteFunc(v.others(), func(n node) bool { return v.unreachable(&n) && !v.live(&n) })
	mine := peer(self)
	for i := range known {
		other := &known[i]
		if !v.live(other) {
			continue
		}
		address, outbound := v.ends(other)
		mine.Connections = append(mine.Connections, peerConnection{
			Name: other.peer, NickName: other.name, Address: address, Outbound: outbound, Established: v.established(other),
		})
	}
	peers := []peerStatus{mine}
	for i := range known {
		status := peer(known[i])
		if v.live(&known[i]) {
			status.Connections = append(status.Connections, v.inverse(&known[i], self))
		}
		from := view{config: config{node: known[i].name}}
		for j := range known {
			if i == j {
				continue
			}
			address, outbound := from.ends(&known[j])
			status.Connections = append(status.Connections, peerConnection{
				Name: known[j].peer, NickName: known[j].name, Address: address, Outbound: outbound, Established: true,
			})
		}
		peers = append(peers, status)
	}
	return peers
}

// inverse is the other node's end of a connection to this one.
func (v *view) inverse(other *node, self node) peerConnection {
	if i := slices.IndexFunc(v.nodes, func(n node) bool { return n.name == self.name }); i >= 0 {
		self.address = v.nodes[i].address
	}
	from := view{config: config{node: other.name}}
	address, outbound := from.ends(&self)
	return peerConnection{
		Name: self.peer, NickName: self.name, Address: address, Outbound: outbound, Established: v.established(other),
	}
}

func peer(n node) peerStatus {
	number := digest(n.peer)
	return peerStatus{Name: n.peer, NickName: n.name, UID: number, ShortID: uint16(number % 4096), Version: 2}
}

// status is the text of `GET /status` (facts 3.1): its layout is weave's, from memory.
func (v *view) status() string {
	all := v.report()
	counts := map[string]int{}
	for _, connection := range all.Router.Connections {
		counts[connection.State]++
	}
	states := make([]string, 0, len(counts))
	for _, state := range []control.State{control.Established, control.Pending, control.Retrying, control.Failed, control.Connecting} {
		if count := counts[string(state)]; count > 0 {
			states = append(states, fmt.Sprintf("%d %s", count, state))
		}
	}
	ready := "idle"
	switch {
	case all.IPAM.Paxos != nil:
		ready = fmt.Sprintf("awaiting consensus (quorum: %d, known: %d)", all.IPAM.Paxos.Quorum, all.IPAM.Paxos.KnownNodes)
	case len(all.IPAM.Entries) > 0:
		ready = "ready"
	}
	encryption := "disabled"
	if all.Router.Encryption {
		encryption = "enabled"
	}
	var text strings.Builder
	line := func(name, value string) { fmt.Fprintf(&text, "%15s: %s\n", name, value) }
	line("Version", all.Version+" (weavesim, a stand-in for weave-net)")
	text.WriteString("\n")
	line("Service", "router")
	line("Protocol", "weave 1..2")
	line("Name", fmt.Sprintf("%s(%s)", all.Router.Name, all.Router.NickName))
	line("Encryption", encryption)
	line("PeerDiscovery", "enabled")
	line("Targets", fmt.Sprint(len(all.Router.Targets)))
	line("Connections", fmt.Sprintf("%d (%s)", len(all.Router.Connections), strings.Join(states, ", ")))
	line("Peers", fmt.Sprint(len(all.Router.Peers)))
	line("TrustedSubnets", "none")
	text.WriteString("\n")
	line("Service", "ipam")
	line("Status", ready)
	line("Range", all.IPAM.Range)
	line("DefaultSubnet", all.IPAM.DefaultSubnet)
	return text.String()
}

// metrics are the router's on port 6782 (facts 3.3), as far as the stand-in has anything to count.
func (v *view) metrics() string {
	all := v.report()
	counts := map[string]int{}
	for _, connection := range all.Router.Connections {
		kind, encryption := "unknown", ""
		if name, ok := connection.Attrs["name"].(string); ok {
			kind = name
		}
		if connection.Attrs["encrypted"] == true {
			encryption = "yes"
		}
		counts[fmt.Sprintf(`weave_connections{encryption=%q,state=%q,type=%q}`, encryption, connection.State, kind)]++
	}
	unreachable, lost := 0, uint32(0)
	for _, entry := range all.IPAM.Entries {
		if !entry.IsKnownPeer {
			unreachable++
			lost += entry.Size
		}
	}
	counts["weave_ipam_unreachable_count"] = unreachable
	counts["weave_ipam_unreachable_percentage"] = int(uint64(lost) * 100 / uint64(all.IPAM.RangeNumIPs))
	counts["weave_ipam_pending_allocates"] = len(all.IPAM.PendingAllocates)
	lines := make([]string, 0, len(counts))
	for name, count := range counts {
		lines = append(lines, fmt.Sprintf("%s %d\n", name, count))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
