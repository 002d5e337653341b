// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

const (
	peer1 = "02:00:00:00:00:01"
	peer2 = "02:00:00:00:00:02"
	peer3 = "02:00:00:00:00:03"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return data
}

func filled(t *testing.T, data []byte) v1alpha1.WeaveNodeStatus {
	t.Helper()
	parsed, err := parseReport(data)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var status v1alpha1.WeaveNodeStatus
	parsed.fill(&status)
	return status
}

func TestReports(t *testing.T) {
	shared := v1alpha1.WeaveIPAM{State: v1alpha1.IPAMReady, Range: "10.32.0.0/12", Owners: []string{peer1, peer2}}
	node2 := func(state, datapath string) v1alpha1.WeaveConnection {
		return v1alpha1.WeaveConnection{
			Address: "192.0.2.2", Node: "node2", PeerName: peer2, State: state, Datapath: datapath,
		}
	}
	for name, want := range map[string]struct {
		connected   string
		encrypted   bool
		ipam        v1alpha1.WeaveIPAM
		connections []v1alpha1.WeaveConnection
	}{
		"established": {connected: "1/1", ipam: shared, connections: []v1alpha1.WeaveConnection{node2("established", "sleeve")}},
		"encrypted":   {connected: "1/1", encrypted: true, ipam: shared, connections: []v1alpha1.WeaveConnection{node2("established", "sleeve")}},
		"fastdp":      {connected: "1/1", ipam: shared, connections: []v1alpha1.WeaveConnection{node2("established", "fastdp")}},
		"pending":     {connected: "0/1", ipam: shared, connections: []v1alpha1.WeaveConnection{node2("pending", "sleeve")}},
		"empty":       {connected: "0/0", ipam: v1alpha1.WeaveIPAM{State: v1alpha1.IPAMIdle, Range: "10.32.0.0/12"}},
		"failed": {
			connected: "1/4",
			ipam: v1alpha1.WeaveIPAM{
				State: v1alpha1.IPAMReady, Range: "10.32.0.0/12",
				Owners: []string{peer1, peer2, peer3}, Unreachable: []string{peer3},
			},
			connections: []v1alpha1.WeaveConnection{
				node2("established", "sleeve"),
				{Address: "192.0.2.3", State: "failed", Message: "dial tcp4 192.0.2.3:6783: connect: connection refused"},
				{Address: "192.0.2.4", State: "failed", Message: "read tcp4 192.0.2.4:6783: read: connection reset by peer"},
				{Address: "192.0.2.5", State: "connecting"},
			},
		},
		"quorum": {
			connected: "0/1",
			ipam: v1alpha1.WeaveIPAM{
				State: v1alpha1.IPAMAwaitingConsensus, Range: "10.32.0.0/12", Quorum: 2, KnownNodes: 1, Pending: 1,
			},
			connections: []v1alpha1.WeaveConnection{
				{Address: "192.0.2.2", State: "failed", Message: "dial tcp4 192.0.2.2:6783: i/o timeout"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got := filled(t, fixture(t, name))
			g.Expect(got.Router).To(Equal(v1alpha1.RouterRunning))
			g.Expect(got.PeerName).To(Equal(peer1))
			g.Expect(got.Version).To(Equal("2.9.0"))
			g.Expect(got.Connected).To(Equal(want.connected))
			g.Expect(got.Encrypted).To(Equal(want.encrypted))
			g.Expect(got.IPAM).To(BeComparableTo(want.ipam))
			g.Expect(got.Connections).To(HaveExactElements(want.connections))
		})
	}
}

func TestTheOrderOfConnectionsDoesNotMatter(t *testing.T) {
	g := NewWithT(t)
	var document map[string]any
	g.Expect(json.Unmarshal(fixture(t, "failed"), &document)).To(Succeed())
	want := filled(t, fixture(t, "failed"))
	slices.Reverse(document["Router"].(map[string]any)["Connections"].([]any))
	reversed, err := json.Marshal(document)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(filled(t, reversed)).To(Equal(want))
}

func TestOwnersWithoutAnyKnownPeerAreNotReady(t *testing.T) {
	g := NewWithT(t)
	parsed, err := parseReport([]byte(`{"Router":{"Name":"` + peer1 + `"},"IPAM":{"Entries":[{"Peer":"` + peer2 + `"}]}}`))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(parsed.IPAM.status()).To(Equal(v1alpha1.WeaveIPAM{
		State: v1alpha1.IPAMIdle, Owners: []string{peer2}, Unreachable: []string{peer2},
	}))
}

func TestRequestsThatWaitAreNotCounted(t *testing.T) {
	g := NewWithT(t)
	for waiting, want := range map[string]int32{`null`: 0, `["a"]`: 1, `["a","b","c"]`: 1} {
		parsed, err := parseReport([]byte(`{"Router":{"Name":"` + peer1 + `"},"IPAM":{"PendingAllocates":` + waiting + `}}`))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(parsed.IPAM.status().Pending).To(Equal(want), waiting)
	}
}

func TestWhatIsNoReportIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a page": "<html>", "another's": `{"Router":{}}`, "a list": `[]`, "null": `null`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseReport([]byte(text))
			NewWithT(t).Expect(err).To(HaveOccurred())
		})
	}
}

func TestMessagesDoNotChangeByThemselves(t *testing.T) {
	for text, want := range map[string]string{
		"dial tcp4 :0->192.0.2.2:6783: connect: no route to host, retry: 2024-12-22 10:00:00 +0000 UTC":      "dial tcp4 192.0.2.2:6783: connect: no route to host",
		"dial tcp4 0.0.0.0:0->192.0.2.2:6783: i/o timeout, retry: never":                                     "dial tcp4 192.0.2.2:6783: i/o timeout",
		"read tcp4 192.0.2.1:6783->192.0.2.2:55575: read: connection reset by peer":                          "read tcp4 192.0.2.2: read: connection reset by peer",
		"write tcp [2001:db8::1]:55575->192.0.2.2:6783: broken pipe":                                         "write tcp 192.0.2.2:6783: broken pipe",
		"until: 2024-12-22 10:00:00 +0000 UTC":                                                               "",
		"Received update for IP range I own at 10.40.0.0 v2: incoming message says owner " + peer2 + " v103": "Received update for IP range I own at 10.40.0.0: incoming message says owner " + peer2,
		"Incompatible IP allocation ranges (received: 10.0.0.0/8, ours: 10.32.0.0/12), retry: never":         "Incompatible IP allocation ranges (received: 10.0.0.0/8, ours: 10.32.0.0/12)",
		"password specified, but peer requested an unencrypted connection, retry: never":                     "password specified, but peer requested an unencrypted connection",
	} {
		t.Run(text, func(t *testing.T) {
			NewWithT(t).Expect(steady(text)).To(Equal(want))
		})
	}
	long := make([]byte, 10*messageLimit)
	for i := range long {
		long[i] = 'x'
	}
	NewWithT(t).Expect([]rune(steady(string(long)))).To(HaveLen(messageLimit))
}
