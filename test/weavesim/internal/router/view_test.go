// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

// measured is the report of facts 3.4.
const measured = `{"Ready":true,"Version":"2.9.0","Router":{"Protocol":"weave","Encryption":false,"PeerDiscovery":true,"Name":"02:00:00:00:00:01","NickName":"node1","Port":6783,
 "Peers":[{"Name":"02:00:00:00:00:01","NickName":"node1","UID":15290610153970686951,"ShortID":991,"Version":2,
   "Connections":[{"Name":"02:00:00:00:00:02","NickName":"node2","Address":"192.0.2.2:55575","Outbound":false,"Established":true}]}],
 "Connections":[{"Address":"192.0.2.2:55575","Outbound":false,"State":"established","Info":"sleeve 02:00:00:00:00:02(node2)","Attrs":{"mtu":1438,"name":"sleeve"}}],
 "TerminationCount":0,"Targets":["192.0.2.2"],"OverlayDiagnostics":{"sleeve":null},"TrustedSubnets":[],"Interface":"vethwe-pcap (via pcap)"},
 "IPAM":{"Paxos":null,"Range":"10.32.0.0/12","RangeNumIPs":1048576,"ActiveIPs":1,"DefaultSubnet":"10.32.0.0/12",
  "Entries":[{"Token":"10.32.0.0","Size":524288,"Peer":"02:00:00:00:00:01","Nickname":"node1","IsKnownPeer":true,"Version":1}],
  "PendingClaims":null,"PendingAllocates":null}}`

// look is what the node of that name sees of as many nodes, in a network without openvswitch.
func look(t *testing.T, name string, count int, environment map[string]string) *view {
	t.Helper()
	values := map[string]string{"HOSTNAME": name, "WEAVE_NO_FASTDP": "1"}
	maps.Copy(values, environment)
	settings, err := configuration(func(name string) string { return values[name] })
	if err != nil {
		t.Fatal(err)
	}
	v := &view{config: settings, document: &control.Document{}, now: time.Now()}
	for i := 1; i <= count; i++ {
		name := fmt.Sprintf("node%d", i)
		v.nodes = append(v.nodes, node{name: name, peer: control.PeerName(name), address: fmt.Sprintf("192.0.2.%d", i)})
	}
	v.kept = record{Peer: control.PeerName(name), Range: settings.ipRange.String()}
	if share, found := v.share(); found {
		v.kept.Claim = share.first(func(string) bool { return true })
	}
	return v
}

func TestAReportHasTheMeasuredShape(t *testing.T) {
	v := look(t, "node1", 2, nil)
	data, err := json.Marshal(v.report())
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	for text, into := range map[string]*any{string(data): &got, measured: &want} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if differences := compare("", got, want); len(differences) > 0 {
		t.Errorf("the shape differs:\n%s\n%s", strings.Join(differences, "\n"), data)
	}
	// And the other way round: what was measured fits into the types, with nothing left over.
	decoder := json.NewDecoder(strings.NewReader(measured))
	decoder.DisallowUnknownFields()
	var parsed report
	if err := decoder.Decode(&parsed); err != nil {
		t.Fatal(err)
	}
	var again, compact bytes.Buffer
	if err := json.NewEncoder(&again).Encode(parsed); err != nil {
		t.Fatal(err)
	}
	if err := json.Compact(&compact, []byte(measured)); err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(again.String()) != compact.String() {
		t.Errorf("got %s\nwant %s", again.String(), compact.String())
	}
}

// compare tells where two JSON documents differ in their fields or in the types of those. Lists are compared by their
// first element: the measured ones were cut.
func compare(path string, got, want any) []string {
	if reflect.TypeOf(got) != reflect.TypeOf(want) {
		return []string{fmt.Sprintf("%s is %T, measured was %T", path, got, want)}
	}
	var differences []string
	switch want := want.(type) {
	case map[string]any:
		have := got.(map[string]any)
		for key, value := range want {
			inner, found := have[key]
			if !found {
				differences = append(differences, path+"."+key+" is missing")
				continue
			}
			differences = append(differences, compare(path+"."+key, inner, value)...)
		}
		for key := range have {
			if _, found := want[key]; !found {
				differences = append(differences, path+"."+key+" was not measured")
			}
		}
	case []any:
		have := got.([]any)
		if len(have) > 0 && len(want) > 0 {
			differences = append(differences, compare(path+"[0]", have[0], want[0])...)
		}
	}
	return differences
}

func TestTwoHealthyNodes(t *testing.T) {
	first, second := look(t, "node1", 2, nil), look(t, "node2", 2, nil)
	if first.claim() != "10.32.0.1/12" || second.claim() != "10.40.0.0/12" {
		t.Errorf("got %s and %s", first.claim(), second.claim())
	}
	here, there := first.report(), second.report()
	if len(here.Router.Connections) != 1 || len(there.Router.Connections) != 1 {
		t.Fatalf("got %+v and %+v", here.Router.Connections, there.Router.Connections)
	}
	inbound, outbound := here.Router.Connections[0], there.Router.Connections[0]
	want := connectionStatus{
		Address: inbound.Address, State: "established", Info: "sleeve " + control.PeerName("node2") + "(node2)",
		Attrs: map[string]any{"mtu": 1438, "name": "sleeve"},
	}
	if !reflect.DeepEqual(inbound, want) || !strings.HasPrefix(inbound.Address, "192.0.2.2:") || inbound.Address == "192.0.2.2:6783" {
		t.Errorf("got %+v", inbound)
	}
	if !outbound.Outbound || outbound.Address != "192.0.2.1:6783" {
		t.Errorf("got %+v", outbound)
	}
}

func TestTwoHealthyNodesAgreeOnTheRest(t *testing.T) {
	first, second := look(t, "node1", 2, nil), look(t, "node2", 2, nil)
	for _, one := range []*report{first.report(), second.report()} {
		entries := one.IPAM.Entries
		if len(entries) != 2 || entries[0].Token != "10.32.0.0" || entries[1].Token != "10.40.0.0" || entries[1].Size != 524288 ||
			entries[0].Peer != control.PeerName("node1") || !entries[0].IsKnownPeer || !entries[1].IsKnownPeer {
			t.Errorf("got %+v", entries)
		}
		if len(one.Router.Peers) != 2 || one.Router.Peers[0].Name != one.Router.Name {
			t.Errorf("got %+v", one.Router.Peers)
		}
	}
	if status := first.status(); !strings.Contains(status, "Status: ready") || !strings.Contains(status, "1 established") {
		t.Error(status)
	}
	if metrics := first.metrics(); !strings.Contains(metrics, `weave_connections{encryption="",state="established",type="sleeve"} 1`) {
		t.Error(metrics)
	}
}

func TestDatapaths(t *testing.T) {
	for _, test := range []struct {
		environment map[string]string
		info        string
		attributes  map[string]any
	}{
		{map[string]string{"WEAVE_NO_FASTDP": ""}, "fastdp %s(node2)", map[string]any{"mtu": 1376, "name": "fastdp"}},
		{map[string]string{"WEAVE_NO_FASTDP": "", "WEAVE_MTU": "8000"}, "fastdp %s(node2)", map[string]any{"mtu": 8000, "name": "fastdp"}},
		{
			map[string]string{"WEAVE_PASSWORD": "secret"},
			"encrypted   sleeve %s(node2)",
			map[string]any{"mtu": 1414, "name": "sleeve", "encrypted": true},
		},
	} {
		got := look(t, "node1", 2, test.environment).report()
		connection := got.Router.Connections[0]
		if want := fmt.Sprintf(test.info, control.PeerName("node2")); connection.Info != want || !reflect.DeepEqual(connection.Attrs, test.attributes) {
			t.Errorf("%v: got %+v", test.environment, connection)
		}
		if got.Router.Encryption != (test.environment["WEAVE_PASSWORD"] != "") {
			t.Errorf("%v: got %+v", test.environment, got.Router)
		}
	}
}

func TestConnectionsThatAreNotEstablished(t *testing.T) {
	v := look(t, "node1", 6, nil)
	v.document.Connections = map[string]control.Connection{
		"node2": {State: control.Pending},
		"node3": {State: control.Failed},
		"node4": {State: control.Failed, Info: "no route to host"},
		"node5": {State: control.Retrying, Info: "Incompatible IP allocation ranges"},
		"node6": {State: control.Connecting},
	}
	got := v.report().Router
	pending := got.Connections[0]
	if pending.State != "pending" || !reflect.DeepEqual(pending.Attrs, map[string]any{"mtu": 65535, "name": "sleeve"}) {
		t.Errorf("got %+v", pending)
	}
	for i, want := range []connectionStatus{
		{State: "failed", Info: "dial tcp4 :0->192.0.2.3:6783: connect: connection refused, retry: "},
		{State: "failed", Info: "no route to host, retry: "},
		{State: "retrying", Info: "Incompatible IP allocation ranges"},
		{State: "connecting"},
	} {
		target := got.Connections[i+1]
		if target.State != want.State || !strings.HasPrefix(target.Info, want.Info) || target.Attrs != nil || !target.Outbound ||
			target.Address != fmt.Sprintf("192.0.2.%d:6783", i+3) {
			t.Errorf("got %+v", target)
		}
	}
	if mine := got.Peers[0].Connections; len(mine) != 1 || mine[0].NickName != "node2" || mine[0].Established {
		t.Errorf("got %+v", mine)
	}
	before := got.Connections[1].Info
	v.now = v.now.Add(time.Second)
	if after := v.report().Router.Connections[1].Info; after == before {
		t.Error("the time of the next try stands still")
	}
}

func TestOwners(t *testing.T) {
	v := look(t, "node1", 2, nil)
	gone := "02:aa:bb:cc:dd:ee"
	v.document.Owners = []string{"node2", gone, "node9"}
	v.document.Unreachable = []string{control.PeerName("node2")}
	entries := v.report().IPAM.Entries
	want := []entryStatus{
		{Token: "10.32.0.0", Size: 349526, Peer: control.PeerName("node2"), Nickname: "node2", Version: 1},
		{Token: "10.37.85.86", Size: 349525, Peer: gone, Version: 1},
		{Token: "10.42.170.171", Size: 349525, Peer: control.PeerName("node9"), Nickname: "node9", Version: 1},
	}
	if !slices.Equal(entries, want) {
		t.Errorf("got %+v", entries)
	}
	if metrics := v.metrics(); !strings.Contains(metrics, "weave_ipam_unreachable_count 3\nweave_ipam_unreachable_percentage 100\n") {
		t.Error(metrics)
	}
	v.document.Owners = []string{}
	if got := v.report().IPAM; got.Entries != nil || got.Paxos != nil || !strings.Contains(v.status(), "Status: idle") {
		t.Errorf("got %+v", got)
	}
}

func TestLeaving(t *testing.T) {
	v := look(t, "node1", 3, nil)
	v.left = true
	for _, entry := range v.report().IPAM.Entries {
		if entry.Peer == control.PeerName("node1") {
			t.Errorf("got %+v", entry)
		}
	}
	// weave picks no heir where there is none.
	alone := look(t, "node1", 1, nil)
	alone.left = true
	if entries := alone.report().IPAM.Entries; len(entries) != 1 || entries[0].Peer != control.PeerName("node1") {
		t.Errorf("got %+v", entries)
	}
}

func TestPaxosLeavesNothing(t *testing.T) {
	v := look(t, "node1", 2, nil)
	v.document.Paxos = &control.Paxos{Quorum: 2, Known: 1}
	got := v.report().IPAM
	if *got.Paxos != (paxosStatus{Elector: true, KnownNodes: 1, Quorum: 2}) || got.Entries != nil || got.ActiveIPs != 0 ||
		!slices.Equal(got.PendingAllocates, []string{"weave:expose 10.32.0.0/12"}) {
		t.Errorf("got %+v", got)
	}
	if v.claim() != "" || v.bridge() != "" || !strings.Contains(v.status(), "awaiting consensus (quorum: 2, known: 1)") {
		t.Errorf("claim %q, bridge %q, %s", v.claim(), v.bridge(), v.status())
	}
	v.document.Paxos = nil
	if v.claim() != "10.32.0.1/12" || v.bridge() != "10.32.0.1/12" {
		t.Errorf("claim %q, bridge %q", v.claim(), v.bridge())
	}
}

func TestTheFirstAgreement(t *testing.T) {
	for _, test := range []struct {
		init   string
		failed []string
		nodes  int
		want   *control.Paxos
	}{
		{"consensus=2", nil, 2, nil},
		{"consensus=2", []string{"node2"}, 2, &control.Paxos{Quorum: 2, Known: 1}},
		{"consensus=5", nil, 2, &control.Paxos{Quorum: 3, Known: 2}},
		{"consensus=1", []string{"node2"}, 2, nil},
		// Facts 0.2: without it two nodes become two networks.
		{"", []string{"node2"}, 2, nil},
		{"observer", []string{"node2"}, 2, nil},
		{"consensus=1", nil, 1, nil},
	} {
		v := look(t, "node1", test.nodes, map[string]string{"IPALLOC_INIT": test.init})
		v.kept.Claim = ""
		v.document.Connections = map[string]control.Connection{}
		for _, name := range test.failed {
			v.document.Connections[name] = control.Connection{State: control.Failed}
		}
		if got := v.paxos(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v: got %+v", test, got)
		}
		v.kept.Claim = "10.32.0.1/12"
		if got := v.paxos(); got != nil {
			t.Errorf("%+v: there was an agreement already, got %+v", test, got)
		}
	}
}

func TestNamesAndRangesOfTheTest(t *testing.T) {
	v := look(t, "node2", 2, nil)
	claim, bridge := "10.44.0.0/12", "10.32.0.1/12"
	v.document = &control.Document{Range: "10.64.0.0/16", PeerName: control.PeerName("node1"), Claim: &claim, Bridge: &bridge}
	got := v.report()
	if got.Router.Name != control.PeerName("node1") || got.IPAM.Range != "10.64.0.0/16" || got.IPAM.RangeNumIPs != 65536 ||
		got.IPAM.Entries[1].Token != "10.64.128.0" || got.IPAM.Entries[1].Peer != control.PeerName("node1") {
		t.Errorf("got %+v", got)
	}
	if v.claim() != claim || v.bridge() != bridge {
		t.Errorf("claim %q, bridge %q", v.claim(), v.bridge())
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for want, values := range map[string]map[string]string{
		"HOSTNAME is not set": {},
		"IPALLOC_RANGE":       {"HOSTNAME": "node1", "IPALLOC_RANGE": "10.32.0.1/12"},
		"WEAVE_MTU":           {"HOSTNAME": "node1", "WEAVE_MTU": "big"},
		"IPALLOC_INIT":        {"HOSTNAME": "node1", "IPALLOC_INIT": "consensus=many"},
	} {
		if _, err := configuration(func(name string) string { return values[name] }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSharesOfARangeThatIsTooSmall(t *testing.T) {
	var total uint32
	for _, share := range shares(netip.MustParsePrefix("10.32.0.0/29"), 10) {
		total += share.size
	}
	if total != 8 {
		t.Errorf("got %d addresses", total)
	}
	last := shares(netip.MustParsePrefix("10.32.0.0/29"), 8)
	if got := last[7].first(func(string) bool { return true }); got != "" {
		t.Errorf("got %s, which is the broadcast address", got)
	}
}
