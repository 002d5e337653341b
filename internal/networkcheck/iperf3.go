// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// report is what iperf3 prints with -J, as far as it is used (measured: 3.12). Its exit status is 0 also when it failed
// (esnet/iperf #1405), so only the text says what happened.
type report struct {
	Error string `json:"error"`
	End   struct {
		// Sum is the UDP stream: rate and packets are the sender's, the losses are those that the receiver knows of.
		Sum stream `json:"sum"`
		// SumSent is the TCP stream as it was sent, SumReceived either stream as it arrived.
		SumSent     stream `json:"sum_sent"`
		SumReceived stream `json:"sum_received"`
	} `json:"end"`
}

type stream struct {
	Bytes         float64 `json:"bytes"`
	BitsPerSecond float64 `json:"bits_per_second"`
	Retransmits   float64 `json:"retransmits"`
	JitterMS      float64 `json:"jitter_ms"`
	Packets       float64 `json:"packets"`
	LostPackets   float64 `json:"lost_packets"`
}

// busy is iperf3's error while a server has another client: it has one at a time.
const busy = "the server is busy running a test"

// noReport is the problem of a text that is none: iperf3 was ended, or its report was cut off.
const noReport = "iperf3 printed no report"

// parse reads iperf3's report; problem is why there is no result, in iperf3's words where it has any.
func parse(text string) (found report, problem string) {
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return report{}, noReport
	}
	return found, strings.TrimSpace(found.Error)
}

// parseTCP returns nil, and why, when nothing went through.
func parseTCP(text string) (result *v1alpha1.TCPResult, problem string) {
	found, problem := parse(text)
	rate := whole(found.End.SumReceived.BitsPerSecond)
	switch {
	case problem != "":
		return nil, problem
	case rate <= 0:
		return nil, "no data went through"
	}
	return &v1alpha1.TCPResult{MegabitsPerSecond: rate / 1e6, Retransmits: whole(found.End.SumSent.Retransmits)}, ""
}

// parseUDP returns nil, and why, when nothing went through.
func parseUDP(text string) (result *v1alpha1.UDPResult, problem string) {
	found, problem := parse(text)
	sum := found.End.Sum
	packets, arrived := whole(sum.Packets), whole(found.End.SumReceived.Bytes/datagram)
	switch {
	case problem != "":
		return nil, problem
	case packets <= 0 || arrived <= 0:
		return nil, "no packet went through"
	}
	// Packets that come twice make the losses negative.
	lost := max(0, whole(sum.LostPackets))
	// The receiver knows of gaps only (esnet/iperf #698): where nothing came any more, it misses nothing. The last few may
	// still have been under way.
	if missing := packets - arrived; missing > lost+max(16, packets/100) {
		lost = missing
	}
	lost = min(lost, packets)
	return &v1alpha1.UDPResult{
		KilobitsPerSecond: whole(sum.BitsPerSecond * float64(packets-lost) / float64(packets) / 1e3),
		Packets:           packets, Lost: lost, JitterMicroseconds: max(0, whole(sum.JitterMS*1e3)),
	}, ""
}

// whole rounds a number of the report, whatever it is.
func whole(number float64) int64 {
	const most = 1 << 53
	if math.IsNaN(number) {
		return 0
	}
	return int64(math.Round(min(max(number, -most), most)))
}
