// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// HostName is the name of this machine. SYMSIM_HOSTNAME replaces it in tests that run several hosts on one machine.
func HostName() string {
	if name := os.Getenv("SYMSIM_HOSTNAME"); name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// BindAddress is what the daemon listens on: all addresses, or SYMSIM_ADDRESS in tests.
func BindAddress() string { return os.Getenv("SYMSIM_ADDRESS") }

// Lookup resolves a host name as EGO does: its own hosts file first, then the operating system. The file is read every
// time, which is what makes a change of it count without a restart.
func (i Installation) Lookup(ctx context.Context, name string) (netip.Addr, error) {
	if name == HostName() && BindAddress() != "" {
		return netip.ParseAddr(BindAddress())
	}
	if address, ok := i.lookupFile(name); ok {
		return address, nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("host %s: %w", name, err)
	}
	return addresses[0].Unmap(), nil
}

// CheckName tells whether a host's name leads to the address that the host has: EGO must resolve both ways.
func (i Installation) CheckName(ctx context.Context, name string, address netip.Addr) error {
	if found, ok := i.lookupFile(name); ok {
		if found != address {
			return fmt.Errorf("EGO's hosts file says that <%s> is %s, but it is at %s", name, found, address)
		}
		return nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return fmt.Errorf("<%s> at %s cannot be resolved: %w", name, address, err)
	}
	if !slices.ContainsFunc(addresses, func(a netip.Addr) bool { return a.Unmap() == address }) {
		return fmt.Errorf("<%s> resolves to %s, but it is at %s", name, addresses, address)
	}
	return nil
}

func (i Installation) lookupFile(name string) (netip.Addr, bool) {
	text, _ := os.ReadFile(filepath.Join(i.ConfDir, "hosts"))
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		address, err := netip.ParseAddr(words[0])
		if err != nil {
			continue
		}
		for _, word := range words[1:] {
			if strings.EqualFold(word, name) {
				return address.Unmap(), true
			}
		}
	}
	return netip.Addr{}, false
}
