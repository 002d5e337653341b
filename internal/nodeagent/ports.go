// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Weave's ports: 6781 and 6782 are the metrics of the policy controller and of the router, 6783 is the router's for other
// nodes, 6784 its local API and, in UDP, the fast datapath's.
var (
	tcpPorts = []uint16{6781, 6782, 6783, 6784}
	udpPorts = []uint16{6783, 6784}
)

// socketListens is the state of a TCP socket that listens, as the kernel writes it.
const socketListens = "0A"

// listPorts are those of Weave's ports that a socket of the node has, such as tcp/6783.
func listPorts(directory string) ([]string, error) {
	found := map[string]bool{}
	for _, table := range []struct {
		file, protocol, state string
		ports                 []uint16
	}{
		{"tcp", "tcp", socketListens, tcpPorts},
		{"tcp6", "tcp", socketListens, tcpPorts},
		{"udp", "udp", "", udpPorts},
		{"udp6", "udp", "", udpPorts},
	} {
		used, err := readSockets(filepath.Join(directory, table.file), table.state)
		if err != nil {
			return nil, fmt.Errorf("listing the ports in use: %w", err)
		}
		for _, port := range table.ports {
			if used[port] {
				found[table.protocol+"/"+strconv.Itoa(int(port))] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func readSockets(path, state string) (map[uint16]bool, error) {
	file, err := os.Open(path) //nolint:gosec // A path of the agent's configuration.
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // A kernel without IPv6.
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return parseSockets(file, state)
}

// parseSockets reads a table of sockets: `0: 0100007F:1A80 00000000:0000 0A …`, number, near end, far end, state. A state
// of "" takes all.
func parseSockets(table io.Reader, state string) (map[uint16]bool, error) {
	used := map[uint16]bool{}
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || (state != "" && fields[3] != state) {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
			used[uint16(port)] = true
		}
	}
	return used, lines.Err()
}
