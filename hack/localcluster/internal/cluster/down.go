// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Down ends the cluster. Only the binaries stay, and only what it started is ended.
func (c *Cluster) Down(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("ending the local cluster needs root, as starting it did")
	}
	started := time.Now()
	if err := c.end(ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "The cluster is down after %.0f s.\n", time.Since(started).Seconds())
	return nil
}

// end also ends half a cluster, and none.
func (c *Cluster) end(ctx context.Context) error {
	processes, err := c.processes()
	if err != nil {
		return err
	}
	var components, servers []int
	mounts := map[string]bool{}
	for _, process := range processes {
		if process.Mounts != "" {
			mounts[process.Mounts] = true
		}
		switch {
		case !process.alive():
		case process.Name == "etcd" || process.Name == "kube-apiserver":
			servers = append(servers, process.PID)
		default:
			components = append(components, process.PID)
		}
	}
	// Kubelets first, so that they start no pod anew; then what containers and shims they left; the API
	// server and its store last.
	if err := stop(components, 10*time.Second); err != nil {
		return err
	}
	// The binaries stay and the cluster's own mount namespaces end with their last process.
	for _, round := range [][]int{leftBehind(mounts), leftBehind(mounts)} {
		if err := stop(round, 0); err != nil {
			return err
		}
	}
	// Nothing reads from the API server any more, and its store goes: no patience for its minute of draining.
	if err := stop(servers, time.Second); err != nil {
		return err
	}
	return errors.Join(c.removeNetwork(ctx, processes), removeCgroups(), c.removeFiles())
}

// leftBehind are the processes in a node's cgroups (containers) and mount namespace (shims).
func leftBehind(mounts map[string]bool) []int {
	var pids []int
	for _, dir := range nodeCgroups() {
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || entry.Name() != "cgroup.procs" {
				return nil //nolint:nilerr // A cgroup that goes while it is read has no process.
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return nil //nolint:nilerr // as above
			}
			for line := range strings.FieldsSeq(string(data)) {
				if pid, err := strconv.Atoi(line); err == nil {
					pids = append(pids, pid)
				}
			}
			return nil
		})
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return pids
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && mounts[mountNamespace(pid)] {
			pids = append(pids, pid)
		}
	}
	return pids
}

func nodeCgroups() []string {
	var all []string
	for _, hierarchy := range hierarchies() {
		for _, n := range nodes(maxNodes) {
			if dir := filepath.Join(hierarchy, n.cgroup()); exists(dir) {
				all = append(all, dir)
			}
		}
	}
	return all
}

// removeCgroups removes the deepest first: a cgroup with children cannot go. Its processes were killed, but the
// kernel may take a moment to let go of them.
func removeCgroups() error {
	deadline := time.Now().Add(10 * time.Second)
	for _, root := range nodeCgroups() {
		var dirs []string
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		slices.Reverse(dirs)
		for _, dir := range dirs {
			for err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist); err = os.Remove(dir) {
				if time.Now().After(deadline) {
					return fmt.Errorf("removing a cgroup: %w", err)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	return nil
}

// removeNetwork removes the namespaces (and with them iptables' chains, which kube-proxy made inside) and the
// bridge, whose routes go with it; both only if this directory's cluster made them.
func (c *Cluster) removeNetwork(ctx context.Context, processes []process) error {
	if len(processes) == 0 && !exists(c.in("pki")) {
		return nil
	}
	problems := make([]error, 0, 2*maxNodes+1)
	for _, n := range nodes(maxNodes) {
		// The link first: it would go with the namespace too, but some time later.
		if exists("/sys/class/net/" + n.link()) {
			_, err := run(ctx, "ip", "link", "del", n.link())
			problems = append(problems, err)
		}
		if exists("/run/netns/" + n.netns()) {
			_, err := run(ctx, "ip", "netns", "del", n.netns())
			problems = append(problems, err)
		}
	}
	if exists("/sys/class/net/" + bridge) {
		_, err := run(ctx, "ip", "link", "del", bridge)
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (c *Cluster) removeFiles() error {
	names := []string{
		"up.json", "nodes", "etcd", "pki", "run", "kubeconfig", "audit-policy.yaml", "audit.log", "scheduler.yaml",
		"pause.tar", "kwok.yaml", "fake-nodes.yaml", "logs",
	}
	problems := make([]error, 0, len(names))
	for _, name := range names {
		problems = append(problems, os.RemoveAll(c.in(name)))
	}
	return errors.Join(problems...)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
