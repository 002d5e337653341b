// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"path/filepath"
)

// Layout is where everything is.
type Layout struct {
	// Dir is the cluster's own directory: all that it writes is below it.
	Dir string
	// Source is hack/localcluster in the repository.
	Source string
}

// Kubeconfig is the administrator's.
func (l Layout) Kubeconfig() string { return l.in("kubeconfig") }

// AuditLog has one JSON line a write request, and a line a request of this project's accounts.
func (l Layout) AuditLog() string { return l.in("audit.log") }

func (l Layout) in(parts ...string) string {
	return filepath.Join(append([]string{l.Dir}, parts...)...)
}

func (l Layout) bin(name string) string { return l.in("bin", name) }

func (l Layout) pki(name string) string { return l.in("pki", name) }

// Addresses of the cluster. The bridge is the nodes' network and the API server's address: a network of its own,
// so that no port of the machine is taken.
const (
	bridge       = "symlc0"
	networkBits  = 24
	apiAddress   = "172.30.88.1"
	apiPort      = 6443
	serviceRange = "10.96.0.0/16"
	apiServiceIP = "10.96.0.1"
	podRange     = "10.244.0.0/16"
	fakePodRange = "10.128.0.0/10"
	etcdPort     = 23790
	maxNodes     = 9

	controllersPort = 10257
	schedulerPort   = 10259
)

// node is one real node.
type node struct {
	number int
}

func (n node) name() string    { return fmt.Sprintf("node%d", n.number) }
func (n node) address() string { return fmt.Sprintf("172.30.88.%d", 10+n.number) }
func (n node) podCIDR() string { return fmt.Sprintf("10.244.%d.0/24", n.number) }

// netns, link and cgroup carry the prefix by which `down` finds what is left of a node.
func (n node) netns() string  { return fmt.Sprintf("symlc-node%d", n.number) }
func (n node) link() string   { return fmt.Sprintf("symlc-n%d", n.number) }
func (n node) cgroup() string { return fmt.Sprintf("symlc-node%d", n.number) }

func (l Layout) node(n node, parts ...string) string {
	return l.in(append([]string{"nodes", n.name()}, parts...)...)
}

// containerdSocket is short: a unix socket's path has at most 107 characters.
func (l Layout) containerdSocket(n node) string { return l.node(n, "containerd.sock") }

// ttrpcSocket is containerd's second one, for its shims.
func (l Layout) ttrpcSocket(n node) string { return l.containerdSocket(n) + ".ttrpc" }

func nodes(count int) []node {
	all := make([]node, 0, count)
	for number := 1; number <= count; number++ {
		all = append(all, node{number})
	}
	return all
}
