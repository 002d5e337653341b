// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// config is what the environment of the container says (facts 1.6).
type config struct {
	node     string
	ipRange  netip.Prefix
	peers    []string
	init     string
	password bool
	fastdp   bool
	mtu      int
	database string

	// Where it listens: API, metrics, mesh and the test's control.
	api, metrics, mesh, control string
}

func configuration(getenv func(string) string) (config, error) {
	either := func(name, otherwise string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return otherwise
	}
	c := config{
		node:     getenv("HOSTNAME"),
		peers:    strings.Fields(getenv("KUBE_PEERS")),
		init:     getenv("IPALLOC_INIT"),
		password: getenv("WEAVE_PASSWORD") != "",
		// Any value disables it.
		fastdp: getenv("WEAVE_NO_FASTDP") == "",
		// Facts 1.6: the prefix of the file, in a directory of the host.
		database: either("DB_PREFIX", "/weavedb/weave-net") + "data.db",
		// Facts 1.4.
		api:     either("WEAVE_HTTP_ADDR", "127.0.0.1:6784"),
		metrics: either("WEAVE_METRICS_ADDR", "0.0.0.0:6782"),
		mesh:    "0.0.0.0:6783",
		control: either("WEAVESIM_CONTROL_ADDR", "0.0.0.0:16784"),
	}
	if c.node == "" {
		return c, fmt.Errorf("HOSTNAME is not set: it is the node's name")
	}
	text := either("IPALLOC_RANGE", "10.32.0.0/12")
	var err error
	if c.ipRange, err = netip.ParsePrefix(text); err != nil || !c.ipRange.Addr().Is4() || c.ipRange != c.ipRange.Masked() {
		return c, fmt.Errorf("IPALLOC_RANGE: %q is no IPv4 range", text)
	}
	if text := getenv("WEAVE_MTU"); text != "" {
		if c.mtu, err = strconv.Atoi(text); err != nil {
			return c, fmt.Errorf("WEAVE_MTU: %q is no number", text)
		}
	}
	_, err = c.electors(0)
	return c, err
}

// electors is how many nodes the first agreement is among; 0 when this node takes no part in one. Without IPALLOC_INIT
// they are the peers without this node, which is how two nodes become two networks (facts 0.2).
func (c *config) electors(peers int) (int, error) {
	kind, value, _ := strings.Cut(c.init, "=")
	switch kind {
	case "":
		return peers, nil
	case "observer", "seed":
		return 0, nil
	case "consensus":
		if number, err := strconv.Atoi(value); err == nil && number > 0 {
			return number, nil
		}
	}
	return 0, fmt.Errorf("IPALLOC_INIT: %q is not consensus=NUMBER, seed=PEERS or observer", c.init)
}

// bridgeMTU is that of the link `weave` (facts 1.6).
func (c *config) bridgeMTU() int {
	switch {
	case c.mtu != 0:
		return c.mtu
	case c.fastdp:
		return fastdpMTU
	}
	return sleeveBridgeMTU
}

// Facts 1.6, 3.4, 3.5 and 5.4.
const (
	fastdpMTU          = 1376
	sleeveMTU          = 1438
	encryptedSleeveMTU = 1414
	sleeveBridgeMTU    = 65535
	// unverifiedMTU is what a pending sleeve connection has.
	unverifiedMTU = 65535
)
