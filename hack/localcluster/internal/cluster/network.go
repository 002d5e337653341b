// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// network makes the bridge and, for each real node, a network namespace with a link to it and routes to the
// other nodes' pods. The machine itself has the bridge's address and the same routes, so that tests reach node
// ports and pods.
func (c *Cluster) network(ctx context.Context, size Size) error {
	if _, err := run(ctx, "ip", "link", "add", bridge, "type", "bridge"); err != nil {
		return err
	}
	// The alias says whose it is, for as long as it is there. A directory's name may hold blanks.
	if _, err := run(ctx, "ip", "link", "set", bridge, "alias", c.Dir); err != nil {
		return err
	}
	commands := []string{
		fmt.Sprintf("ip addr add %s/%d dev %s", apiAddress, networkBits, bridge),
		"ip link set " + bridge + " up",
		// Pods on simulated nodes refuse connections, as a pod does in which nothing listens. Elsewhere there may be a network that takes every
		// connection and says nothing: TLS handshakes that came to nothing were a fifteenth of what the operator computed. The route goes with the bridge.
		fmt.Sprintf("ip route add local %s dev %s", fakePodRange, bridge),
	}
	all := nodes(size.Nodes)
	for _, n := range all {
		commands = append(commands,
			"ip netns add "+n.netns(),
			fmt.Sprintf("ip link add %s type veth peer name eth0 netns %s", n.link(), n.netns()),
			fmt.Sprintf("ip link set %s master %s up", n.link(), bridge),
			fmt.Sprintf("ip route add %s via %s", n.podCIDR(), n.address()),
			inside(n, "ip link set lo up"),
			inside(n, fmt.Sprintf("ip addr add %s/%d dev eth0", n.address(), networkBits)),
			inside(n, "ip link set eth0 up"),
			inside(n, "ip route add default via "+apiAddress),
			inside(n, "sysctl -qw net.ipv4.ip_forward=1"))
		for _, other := range all {
			if other != n {
				commands = append(commands, inside(n, fmt.Sprintf("ip route add %s via %s", other.podCIDR(), other.address())))
			}
		}
	}
	for _, command := range commands {
		if _, err := run(ctx, strings.Fields(command)...); err != nil {
			return err
		}
	}
	return nil
}

// bridgeOwner is the directory of the cluster that made the bridge, "" if none runs.
func bridgeOwner() string {
	alias, err := os.ReadFile("/sys/class/net/" + bridge + "/ifalias")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(alias))
}

// inside runs a command in the node's network.
func inside(n node, command string) string {
	return "nsenter --net=/run/netns/" + n.netns() + " " + command
}

// cni is the pod network of a node: a routed link a pod (ptp), which needs no bridge and so no br_netfilter for
// a pod that calls itself or its neighbour through a Service.
func (c *Cluster) cni(n node) string {
	return fmt.Sprintf(`{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {"type": "ptp", "ipMasq": false, "ipam": {
      "type": "host-local", "dataDir": %q,
      "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, c.node(n, "ipam"), n.podCIDR())
}
