// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ClusterName is the name in ego.shared. The product's two places for it must agree, so a missing ego.cluster.<name>
// is an error.
func (i Installation) ClusterName() (string, error) {
	text, err := os.ReadFile(filepath.Join(i.ConfDir, "ego.shared"))
	if err != nil {
		return "", err
	}
	inside := false
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case strings.EqualFold(words[0], "begin"):
			inside = len(words) > 1 && strings.EqualFold(words[1], "cluster")
		case strings.EqualFold(words[0], "end"):
			inside = false
		case inside && !strings.EqualFold(words[0], "clustername"):
			if _, err := os.Stat(i.clusterFile(words[0])); err != nil {
				return "", fmt.Errorf("cluster %s of ego.shared has no ego.cluster file: %w", words[0], err)
			}
			return words[0], nil
		}
	}
	return "", fmt.Errorf("%s names no cluster", filepath.Join(i.ConfDir, "ego.shared"))
}

func (i Installation) clusterFile(name string) string {
	return filepath.Join(i.ConfDir, "ego.cluster."+name)
}

// AddressRanges is EGO_HOST_ADDR_RANGE: which hosts may join that ego.cluster does not list.
func (i Installation) AddressRanges(cluster string) []string {
	text, _ := os.ReadFile(i.clusterFile(cluster))
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.TrimSpace(name) == "EGO_HOST_ADDR_RANGE" {
			return strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
		}
	}
	return nil
}

// InRanges tells whether an IPv4 address is in one of the ranges, each like 10.32.*.1-20. IPv6 is not copied: only
// the range that takes everything lets it in.
func InRanges(ranges []string, address netip.Addr) bool {
	for _, pattern := range ranges {
		if inRange(pattern, address.Unmap().String()) {
			return true
		}
	}
	return false
}

func inRange(pattern, address string) bool {
	if pattern == "*.*.*.*" {
		return true
	}
	patterns, parts := strings.Split(pattern, "."), strings.Split(address, ".")
	if len(patterns) != len(parts) {
		return false
	}
	for at, part := range parts {
		low, high, ok := strings.Cut(patterns[at], "-")
		if !ok {
			high = low
		}
		if patterns[at] == "*" {
			continue
		}
		number, err := strconv.Atoi(part)
		from, errFrom := strconv.Atoi(low)
		to, errTo := strconv.Atoi(high)
		if err != nil || errFrom != nil || errTo != nil || number < from || number > to {
			return false
		}
	}
	return true
}
