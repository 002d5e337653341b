// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
)

// datapathName is the link of the fast datapath.
const datapathName = "datapath"

// dumpTries is how often a list is read again that changed while the kernel was telling it.
const dumpTries = 5

// dump reads a list of the kernel's. What was told of an interrupted list can lack any part.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	var found []T
	var err error
	for range dumpTries {
		if found, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return found, err
		}
	}
	return nil, err
}

func listLinks() ([]netlink.Link, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("listing the links: %w", err)
	}
	return links, nil
}

// ownLinks are those of Weave's two that are there.
func ownLinks(links []netlink.Link) []string {
	var found []string
	for _, link := range links {
		if name := link.Attrs().Name; name == bridgeName || name == datapathName {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// routesLimit keeps the status small on a node with a route for each of its pods: one is enough to be refused.
const routesLimit = 16

// listRoutes are the node's routes that overlap the range. Weave's router refuses to start when there is one: its own way
// to look is the same (the main table, without the default route, without those of the link weave).
func listRoutes(ipRange netip.Prefix, links []netlink.Link) ([]string, error) {
	if !ipRange.IsValid() {
		return nil, nil
	}
	routes, err := dump(func() ([]netlink.Route, error) { return netlink.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("listing the routes: %w", err)
	}
	names := make(map[int]string, len(links))
	for _, link := range links {
		names[link.Attrs().Index] = link.Attrs().Name
	}
	var found []string
	for i := range routes {
		text, overlaps := describeRoute(&routes[i], ipRange, names)
		if overlaps {
			found = append(found, text)
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return found[:min(len(found), routesLimit)], nil
}

func describeRoute(route *netlink.Route, ipRange netip.Prefix, names map[int]string) (text string, overlaps bool) {
	destination, ok := prefixOf(route.Dst)
	if !ok || destination.Bits() == 0 || !destination.Overlaps(ipRange) {
		return "", false
	}
	index := route.LinkIndex
	if index == 0 && len(route.MultiPath) > 0 {
		index = route.MultiPath[0].LinkIndex
	}
	if index == 0 {
		return destination.String(), true // Such as a blackhole.
	}
	name, known := names[index]
	// A link that came or went between the two lists is seen right the next time.
	return destination.String() + " dev " + name, known && name != bridgeName
}

// prefixOf is a destination of the kernel's; none for the default route.
func prefixOf(network *net.IPNet) (netip.Prefix, bool) {
	if network == nil {
		return netip.Prefix{}, false
	}
	address, ok := netip.AddrFromSlice(network.IP.To4())
	if !ok {
		return netip.Prefix{}, false
	}
	bits, _ := network.Mask.Size()
	return netip.PrefixFrom(address, bits), true
}
