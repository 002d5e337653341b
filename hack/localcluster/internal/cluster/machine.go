// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// machine is what nodes change on the machine itself, outside the cluster's directory, to be given back at the end.
type machine struct {
	// Made are directories that did not exist.
	Made []string `json:"made"`
	// Parameters are the kernel's, as they were.
	Parameters map[string]string `json:"parameters"`
	// Controllers of cgroup version 2 are those that the root's children did not have.
	Controllers []string `json:"controllers"`
}

// boundDirectories are those that a node's programs have no flag for: each node has its own there, bound in its
// mount namespace. On the machine itself they stay empty.
var boundDirectories = []string{
	"/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/run/containerd",
	// What pods of a pod network have mounted from their nodes.
	"/etc/cni", "/opt/cni", "/lib/modules", "/var/lib/weave",
}

const namespaces = "/run/netns"

// kernelParameters are set by every kubelet, for the whole machine; its flag against that makes it refuse to start.
var kernelParameters = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
	"kernel/keys/root_maxbytes",
}

// lockMachine keeps a second command from bringing a cluster up or down, or a component of it, at the same time: links and cgroups have one name
// whatever directory they are for. The lock is an abstract socket: it leaves no file, and goes with its process.
func lockMachine(ctx context.Context) (unlock func(), err error) {
	lock, err := (&net.ListenConfig{}).Listen(ctx, "unix", "@symphony-operator-localcluster")
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errors.New("another localcluster is bringing a cluster up or down on this machine: try again when it has ended")
	}
	if err != nil {
		return nil, fmt.Errorf("locking the machine: %w", err)
	}
	return func() { _ = lock.Close() }, nil
}

func parameterFile(name string) string { return "/proc/sys/" + name }

// borrow makes the directories and notes what has to be given back, before anything changes.
func (c *Cluster) borrow() error {
	borrowed := machine{Parameters: map[string]string{}, Controllers: disabledControllers(cgroups)}
	for _, dir := range append([]string{namespaces}, boundDirectories...) {
		// Parents such as /var/lib are there on every machine, and are nobody's to remove.
		if !exists(dir) {
			borrowed.Made = append(borrowed.Made, dir)
		}
	}
	for _, name := range kernelParameters {
		value, err := os.ReadFile(parameterFile(name))
		if err != nil {
			continue // Another kernel: the kubelet does not set it either.
		}
		borrowed.Parameters[name] = strings.TrimSpace(string(value))
	}
	data, err := json.Marshal(borrowed)
	if err != nil {
		return fmt.Errorf("encoding what was borrowed: %w", err)
	}
	if err := c.write(c.in("machine.json"), string(data)); err != nil {
		return err
	}
	for _, dir := range borrowed.Made {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making a directory for the nodes: %w", err)
		}
	}
	return switchControllers(cgroups, "+", borrowed.Controllers)
}

// giveBack undoes borrow, and what nodes did to the kernel's parameters.
func (c *Cluster) giveBack() error {
	data, err := os.ReadFile(c.in("machine.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what was borrowed: %w", err)
	}
	var borrowed machine
	if err := json.Unmarshal(data, &borrowed); err != nil {
		return fmt.Errorf("reading what was borrowed: %w", err)
	}
	for name, before := range borrowed.Parameters {
		file := parameterFile(name)
		now, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(now)) == before {
			continue
		}
		if err := os.WriteFile(file, []byte(before), 0o644); err != nil {
			return fmt.Errorf("giving back the kernel's parameter: %w", err)
		}
	}
	// Who has begun to use them meanwhile keeps them.
	_ = switchControllers(cgroups, "-", borrowed.Controllers)
	for _, dir := range borrowed.Made {
		// `ip netns` mounts its directory over itself. Who has put something into a directory meanwhile keeps it.
		if err := syscall.Unmount(dir, 0); err != nil && !oneOf(err, syscall.EINVAL, syscall.EBUSY, syscall.ENOENT) {
			return fmt.Errorf("unmounting %s: %w", dir, err)
		}
		if err := syscall.Rmdir(dir); err != nil && !oneOf(err, syscall.ENOTEMPTY, syscall.EBUSY, syscall.ENOENT) {
			return fmt.Errorf("removing %s: %w", dir, err)
		}
	}
	return nil
}

func oneOf(err error, harmless ...error) bool {
	return slices.ContainsFunc(harmless, func(one error) bool { return errors.Is(err, one) })
}
