// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// hostsExposed: has every node the overlay address that Weave means it to have, and no other node the same? A link keeps the
// address of an earlier Weave, with everything else green: then two machines answer to one address.
func hostsExposed(seen *view) finding {
	if found := duplicateAddresses(seen); found.bad() {
		return found
	}
	stale := finding{reason: v1alpha1.ReasonStaleBridgeAddress}
	none := finding{reason: v1alpha1.ReasonNotExposed}
	for i := range seen.hosts {
		host := &seen.hosts[i]
		overlay := &host.report.Overlay
		switch {
		case !host.running():
			none.on(host.name, "no router runs on the node", since(overlay.Since.Time, host.met))
		case overlay.Address != "" && overlay.Claim != "" && overlay.Address != overlay.Claim:
			stale.on(host.name, fmt.Sprintf("the link weave has %s, Weave means it to have %s", overlay.Address, overlay.Claim), overlay.Since.Time)
		case overlay.Address == "" || overlay.Claim == "":
			none.on(host.name, "the node has no address on the overlay", since(overlay.Since.Time, host.met))
		}
	}
	switch {
	case len(stale.problems) > 0:
		stale.message = fmt.Sprintf("%s: %s. It is the address of an earlier Weave: drain the node, delete the link weave there and then its pod of %s",
			nodesOf(&stale), stale.problems[0].Message, names.WeaveRouters)
		return stale
	case len(none.problems) > 0:
		none.message = fmt.Sprintf("%s: no address on the overlay, so pods cannot reach these machines by it: %s. The logs of the pods of %s have the reason",
			nodesOf(&none), none.problems[0].Message, names.WeaveRouters)
		return none
	}
	return seen.unseen()
}

func duplicateAddresses(seen *view) finding {
	nodes := map[string][]*host{}
	for i := range seen.hosts {
		if address := ip(seen.hosts[i].report.Overlay.Address); address != "" {
			nodes[address] = append(nodes[address], &seen.hosts[i])
		}
	}
	found := finding{reason: v1alpha1.ReasonDuplicateAddress}
	var told []string
	for _, address := range slices.Sorted(maps.Keys(nodes)) {
		if len(nodes[address]) < 2 {
			continue
		}
		var same []string
		latest := time.Time{}
		for _, host := range nodes[address] {
			same = append(same, host.name)
			if host.report.Overlay.Since.After(latest) {
				latest = host.report.Overlay.Since.Time
			}
		}
		for _, host := range nodes[address] {
			found.on(host.name, "it has the overlay address "+address+" like "+someOf(without(same, host.name)), latest)
		}
		told = append(told, fmt.Sprintf("%s all have %s", someOf(same), address))
	}
	if len(told) == 0 {
		return finding{}
	}
	found.message = strings.Join(told[:min(len(told), maxTold)], "; ") +
		": what is sent to one of them can reach the other. Compare their claims (kubectl get weavenodes -o wide)"
	return found
}

// nodesOf lists the nodes of a finding.
func nodesOf(found *finding) string {
	nodes := make([]string, 0, len(found.problems))
	for i := range found.problems {
		nodes = append(nodes, found.problems[i].Node)
	}
	return someOf(slices.Compact(nodes))
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// since is when something began; a report that has no time for it began when it was first made.
func since(given, otherwise time.Time) time.Time {
	if given.IsZero() {
		return otherwise
	}
	return given
}
