// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kubelet

// What iperf3 prints of a network that is well: the part of its report that is read.
const (
	TCPReport = `{"end":{"sum_sent":{"retransmits":3},"sum_received":{"bits_per_second":941000000}}}`
	UDPReport = `{"end":{"sum":{"bits_per_second":10000000,"packets":3662,"lost_packets":2,"jitter_ms":0.021},"sum_received":{"bytes":3747840}}}`
)
