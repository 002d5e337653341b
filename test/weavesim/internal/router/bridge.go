// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

const bridgeName = "weave"

// bridge is the link `weave` of a network namespace. It stays when the router ends, as the real one does (facts 4.3).
type bridge struct {
	kernel *netlink.Handle
}

// ready makes the link if it is not there. Its MAC address is the peer's name.
func (b *bridge) ready(peer string, mtu int) error {
	mac, err := net.ParseMAC(peer)
	if err != nil {
		return fmt.Errorf("the peer's name: %w", err)
	}
	link, err := b.kernel.LinkByName(bridgeName)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		attributes := netlink.NewLinkAttrs()
		attributes.Name, attributes.MTU, attributes.HardwareAddr = bridgeName, mtu, mac
		link = &netlink.Bridge{LinkAttrs: attributes}
		if err := b.kernel.LinkAdd(link); err != nil {
			return fmt.Errorf("creating the bridge %s: %w", bridgeName, err)
		}
	} else if err != nil {
		return fmt.Errorf("looking for the bridge %s: %w", bridgeName, err)
	}
	if link.Type() != "bridge" {
		return fmt.Errorf("the link %s is of type %s, not a bridge", bridgeName, link.Type())
	}
	return b.kernel.LinkSetUp(link)
}

// set gives the link these IPv4 addresses and no other.
func (b *bridge) set(texts string) error {
	link, err := b.kernel.LinkByName(bridgeName)
	if err != nil {
		return fmt.Errorf("looking for the bridge %s: %w", bridgeName, err)
	}
	wanted := strings.Fields(texts)
	present, err := b.addresses(link)
	if err != nil {
		return err
	}
	for text, address := range present {
		if slices.Contains(wanted, text) {
			continue
		}
		// The kernel removes others of the same network with the first one.
		if err := b.kernel.AddrDel(link, &address); err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return fmt.Errorf("removing %s from %s: %w", text, bridgeName, err)
		}
	}
	if present, err = b.addresses(link); err != nil {
		return err
	}
	for _, text := range wanted {
		if _, found := present[text]; found {
			continue
		}
		address, err := netlink.ParseAddr(text)
		if err != nil {
			return err
		}
		if err := b.kernel.AddrAdd(link, address); err != nil {
			return fmt.Errorf("adding %s to %s: %w", text, bridgeName, err)
		}
	}
	return nil
}

// addresses are the link's IPv4 addresses, by their text in CIDR notation.
func (b *bridge) addresses(link netlink.Link) (map[string]netlink.Addr, error) {
	list, err := b.kernel.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", bridgeName, err)
	}
	addresses := make(map[string]netlink.Addr, len(list))
	for i := range list {
		addresses[list[i].IPNet.String()] = list[i]
	}
	return addresses, nil
}

// check is `weaveutil netcheck RANGE weave` (facts 1.6): a range that overlaps a route of another link ends the router.
func (b *bridge) check(ipRange netip.Prefix) error {
	routes, err := b.kernel.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("reading the routes: %w", err)
	}
	own := -1
	if link, err := b.kernel.LinkByName(bridgeName); err == nil {
		own = link.Attrs().Index
	}
	for i := range routes {
		if routes[i].Dst == nil || routes[i].LinkIndex == own {
			continue
		}
		route, err := netip.ParsePrefix(routes[i].Dst.String())
		if err != nil || route.Bits() == 0 {
			continue // The default route is no network of its own.
		}
		if route.Overlaps(ipRange) {
			return fmt.Errorf("Network %s overlaps with existing route %s on host", ipRange, route) //nolint:staticcheck // Weave's own words.
		}
	}
	return nil
}
