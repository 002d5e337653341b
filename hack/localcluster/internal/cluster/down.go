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
	unlock, err := lockMachine(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	started := time.Now()
	if err := c.end(ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "The cluster is down after %.0f s.\n", time.Since(started).Seconds())
	return nil
}

// end also ends half a cluster, and none.
func (c *Cluster) end(ctx context.Context) error {
	if !c.hasTraces() {
		return nil
	}
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
	// The node's mounts go with the last process of its mount namespace. A shim may start a last container while
	// it is ended: hence twice.
	owned := c.ownsMachine()
	for range 2 {
		if err := stop(leftBehind(mounts, owned), 0); err != nil {
			return err
		}
	}
	// Nothing reads from the API server any more, and its store goes: no patience for its minute of draining.
	if err := stop(servers, time.Second); err != nil {
		return err
	}
	if owned {
		if err := errors.Join(removeCgroups(), removeNetwork(ctx), c.giveBack()); err != nil {
			// The files stay, so that `down` can be tried again.
			return err
		}
	}
	return c.removeFiles()
}

// hasTraces: something was started from this directory and not ended.
func (c *Cluster) hasTraces() bool {
	return exists(c.in("run")) || exists(c.in("pki")) || exists(c.in("machine.json"))
}

// abandoned is the cluster of another directory of which nothing runs any more but whose links, namespaces and cgroups
// are still there, nil if there is none: its processes were ended by somebody who does not know `down`. Its directory may
// be gone, so that nobody could end it but the next cluster.
func (c *Cluster) abandoned() (*Cluster, error) {
	owner := bridgeOwner()
	if owner == "" || sameDirectory(owner, c.Dir) {
		return nil, nil
	}
	other := &Cluster{Layout: Layout{Dir: owner, Source: c.Source}, Out: c.Out}
	processes, err := other.processes()
	if err != nil {
		return nil, err
	}
	mounts := map[string]bool{}
	for _, process := range processes {
		if process.alive() {
			return nil, nil
		}
		if process.Mounts != "" {
			mounts[process.Mounts] = true
		}
	}
	if len(leftBehind(mounts, true)) > 0 {
		return nil, nil
	}
	return other, nil
}

// endAbandoned gives back what an abandoned cluster holds of the machine; no process is ended.
func (c *Cluster) endAbandoned(ctx context.Context) error {
	other, err := c.abandoned()
	if err != nil || other == nil {
		return err
	}
	fmt.Fprintf(c.Out, "Removing what is left of the local cluster of %s, of which nothing runs any more.\n", other.Dir)
	if err := other.end(ctx); err != nil {
		return err
	}
	return errors.Join(removeCgroups(), removeNetwork(ctx))
}

// ownsMachine is false when the names of links, namespaces and cgroups are in use by a cluster of another
// directory, which came up after this one was cut off (by a restart of the machine, for example).
func (c *Cluster) ownsMachine() bool {
	owner := bridgeOwner()
	return owner == "" || sameDirectory(owner, c.Dir)
}

func sameDirectory(one, other string) bool {
	first, err := os.Stat(one)
	if err != nil {
		return false
	}
	second, err := os.Stat(other)
	return err == nil && os.SameFile(first, second)
}

// leftBehind are the processes in a node's mount namespace (shims) and, if they are this cluster's, in the nodes'
// cgroups (containers).
func leftBehind(mounts map[string]bool, cgroups bool) []int {
	var pids []int
	var dirs []string
	if cgroups {
		dirs = nodeCgroups()
	}
	for _, dir := range dirs {
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

// removeNetwork removes the namespaces (and with them iptables' chains, which kube-proxy made inside) and, last,
// the bridge, which says whose all of it is; its routes go with it.
func removeNetwork(ctx context.Context) error {
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
	// Those that hasTraces looks for are last: they stay when another cannot be removed.
	for _, name := range []string{
		"up.json", "nodes", "etcd", "kubeconfig", "audit-policy.yaml", "audit.log", "scheduler.yaml", "pause.tar",
		"kwok.yaml", "fake-nodes.yaml", "logs", "pki", "run", "machine.json",
	} {
		if err := os.RemoveAll(c.in(name)); err != nil {
			return fmt.Errorf("removing the cluster's files: %w", err)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
