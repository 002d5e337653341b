// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"encoding/binary"
	"net/netip"
)

// prefixes are the addresses of one share of the range.
type prefixes struct {
	ipRange netip.Prefix
	// from is how many addresses of the range are before the share, size how many it has.
	from, size uint32
}

// first is the first usable address of the share that is free, in CIDR notation with the range's length, or "". The start
// of the range is nobody's; the start of any other share is somebody's, as measured (facts 2: 10.32.0.1, 10.40.0.0).
func (p prefixes) first(free func(string) bool) string {
	last := size(p.ipRange) - 1
	for offset := max(p.from, 1); offset < min(p.from+p.size, last); offset++ {
		address := netip.PrefixFrom(at(p.ipRange, offset), p.ipRange.Bits()).String()
		if free(address) {
			return address
		}
	}
	return ""
}

// shares divides the range into equal parts; the first ones get what is left over.
func shares(ipRange netip.Prefix, owners int) []prefixes {
	if owners == 0 {
		return nil
	}
	total, parts := size(ipRange), uint32(owners)
	divided := make([]prefixes, 0, owners)
	var from uint32
	for i := range parts {
		part := total / parts
		if i < total%parts {
			part++
		}
		divided = append(divided, prefixes{ipRange: ipRange, from: from, size: part})
		from += part
	}
	return divided
}

func size(ipRange netip.Prefix) uint32 { return 1 << (32 - ipRange.Bits()) }

func at(ipRange netip.Prefix, offset uint32) netip.Addr {
	start := ipRange.Masked().Addr().As4()
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], binary.BigEndian.Uint32(start[:])+offset)
	return netip.AddrFrom4(address)
}
