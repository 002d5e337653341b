// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// bridgeName is the link that has the node's address on the overlay.
const bridgeName = "weave"

// overlay is the node's own address on the overlay, as the link has it and, if a router runs, as Weave means it.
func (h *Host) overlay(ctx context.Context, links []netlink.Link, running bool) (v1alpha1.WeaveOverlay, error) {
	found := v1alpha1.WeaveOverlay{}
	if running {
		claim, err := h.router.claim(ctx)
		if err != nil {
			return found, err
		}
		found.Claim = claim
	}
	at := slices.IndexFunc(links, func(link netlink.Link) bool { return link.Attrs().Name == bridgeName })
	if at < 0 {
		return found, nil
	}
	addresses, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(links[at], netlink.FAMILY_V4) })
	if err != nil {
		return found, fmt.Errorf("reading the address of the link %s: %w", bridgeName, err)
	}
	for i := range addresses {
		// The first is the one that the node sends from; of several, one that Weave claims is the one in use.
		if text := addresses[i].IPNet.String(); found.Address == "" || text == found.Claim {
			found.Address = text
		}
	}
	return found, nil
}
