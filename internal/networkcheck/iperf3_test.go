// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// printed is what iperf3 3.12 printed.
func printed(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(data)
}

func TestReportsOfIperf3(t *testing.T) {
	g := NewWithT(t)
	tcp, problem := parseTCP(printed(t, "tcp"))
	g.Expect(problem).To(BeEmpty())
	g.Expect(tcp).To(Equal(&v1alpha1.TCPResult{MegabitsPerSecond: 12248, Retransmits: 8}))
	udp, problem := parseUDP(printed(t, "udp"))
	g.Expect(problem).To(BeEmpty())
	g.Expect(udp).To(Equal(&v1alpha1.UDPResult{KilobitsPerSecond: 9993, Packets: 1220, Lost: 0, JitterMicroseconds: 673}))
}

// iperf3's exit status is 0 in all of these.
func TestReportsOfFailures(t *testing.T) {
	for text, want := range map[string]string{
		printed(t, "refused"): "unable to connect to server: Connection refused",
		`{"error":"unable to read from stream socket: Resource temporarily unavailable"}`: "unable to read from stream socket: Resource temporarily unavailable",
		``:              "iperf3 printed no report",
		`{"end":`:       "iperf3 printed no report",
		`iperf3: error`: "iperf3 printed no report",
		`{}`:            "no data went through",
		`{"end":{"sum_received":{"bits_per_second":-1}}}`: "no data went through",
	} {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			result, problem := parseTCP(text)
			g.Expect(result).To(BeNil())
			g.Expect(problem).To(Equal(want))
		})
	}
}

func TestLosses(t *testing.T) {
	for text, c := range map[string]struct {
		result  *v1alpha1.UDPResult
		problem string
	}{
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":250,"jitter_ms":0.5},"sum_received":{"bytes":768000}}}`: {
			&v1alpha1.UDPResult{KilobitsPerSecond: 7500, Packets: 1000, Lost: 250, JitterMicroseconds: 500}, "",
		},
		// The receiver counts gaps: after the last packet that arrived there is none.
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":0},"sum_received":{"bytes":614400}}}`: {
			&v1alpha1.UDPResult{KilobitsPerSecond: 6000, Packets: 1000, Lost: 400}, "",
		},
		// The last packets were still under way.
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":0},"sum_received":{"bytes":1013760}}}`: {
			&v1alpha1.UDPResult{KilobitsPerSecond: 10000, Packets: 1000, Lost: 0}, "",
		},
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":0},"sum_received":{"bytes":0}}}`: {nil, "no packet went through"},
		`{"end":{"sum":{"bits_per_second":1e7,"packets":0}}}`:                                                {nil, "no packet went through"},
		// A sender's clock that was set back.
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"jitter_ms":-2},"sum_received":{"bytes":1024000}}}`: {
			&v1alpha1.UDPResult{KilobitsPerSecond: 10000, Packets: 1000}, "",
		},
		// Packets that came twice.
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":-3},"sum_received":{"bytes":1027072}}}`: {
			&v1alpha1.UDPResult{KilobitsPerSecond: 10000, Packets: 1000}, "",
		},
	} {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			result, problem := parseUDP(text)
			g.Expect(result).To(Equal(c.result))
			g.Expect(problem).To(Equal(c.problem))
		})
	}
}
