// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const cgroups = "/sys/fs/cgroup"

// controllers are those without which a kubelet does not start in a cgroup of version 2, as far as the kernel has them.
var controllers = []string{"cpu", "cpuset", "hugetlb", "io", "memory", "pids"}

// disabledControllers are those of a version 2 hierarchy that its children do not have yet; none in version 1.
func disabledControllers(root string) []string {
	available, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return nil
	}
	enabled, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control"))
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(controllers), func(one string) bool {
		return !slices.Contains(strings.Fields(string(available)), one) || slices.Contains(strings.Fields(string(enabled)), one)
	})
}

// switchControllers enables (+) or disables (-) controllers for the children of a version 2 hierarchy's root.
func switchControllers(root, sign string, which []string) error {
	if len(which) == 0 {
		return nil
	}
	words := sign + strings.Join(which, " "+sign)
	err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte(words), 0o600)
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("the cgroup %s has processes of its own, as a container's has, so the controllers %s cannot be given to nodes: "+
			"move the processes into a cgroup below it, or run on the machine itself", root, strings.Join(which, ", "))
	}
	if err != nil {
		return fmt.Errorf("switching cgroup controllers: %w", err)
	}
	return nil
}

// makeCgroup makes the node's cgroup in every hierarchy of cgroup v1, or the one of v2.
func makeCgroup(n node) error {
	for _, hierarchy := range hierarchies() {
		dir := filepath.Join(hierarchy, n.cgroup())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making a cgroup: %w", err)
		}
		// A new v1 cpuset has no CPUs and no memory, and takes no process.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			content, err := os.ReadFile(filepath.Join(hierarchy, file))
			if err != nil {
				continue // Not the cpuset hierarchy.
			}
			if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
				return fmt.Errorf("making a cpuset: %w", err)
			}
		}
	}
	return nil
}

func hierarchies() []string {
	if _, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers")); err == nil {
		return []string{cgroups}
	}
	found, err := filepath.Glob(filepath.Join(cgroups, "*", "cgroup.procs"))
	if err != nil {
		return nil // The pattern is constant and well formed.
	}
	var all []string
	for _, file := range found {
		// Links such as cpu → cpu,cpuacct lead to the same hierarchy twice, which is harmless.
		all = append(all, filepath.Dir(file))
	}
	return all
}
