// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The cluster of the checkout is brought up and down for real: its addresses are fixed, so none may run.

func checkout(t *testing.T) *Cluster {
	t.Helper()
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	c := &Cluster{Layout: Layout{Dir: filepath.Join(source, "..", "..", ".localcluster"), Source: source}, Out: &said}
	if processes, err := c.processes(); err != nil || len(processes) > 0 {
		t.Fatalf("end the local cluster first (make demo-down): %d processes, %v", len(processes), err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return c
}

func TestDownLeavesNothing(t *testing.T) {
	c := checkout(t)
	before := traces(t, c)
	size := Size{Nodes: 2, FakeNodes: 2}
	if err := c.Up(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	started := pids(t, c)
	during := traces(t, c)
	for _, kind := range []string{"processes", "namespaces", "links"} {
		if len(during[kind]) <= len(before[kind]) {
			t.Errorf("the test sees no %s of a cluster that runs: %v", kind, during[kind])
		}
	}

	// A second time is harmless.
	if err := c.Up(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	if now := pids(t, c); !maps.Equal(now, started) {
		t.Errorf("up for the second time changed what runs: %v, before %v", now, started)
	}
	if err := c.Up(t.Context(), Size{Nodes: 1}); err == nil || !strings.Contains(err.Error(), "a cluster of 2 nodes and 2 fake nodes runs already") {
		t.Errorf("up with another size: %v", err)
	}

	// A pod runs on a real node, so that there are containers and mounts to leave behind.
	runPod(t, c)
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := traces(t, c)
	for kind := range before {
		for _, one := range after[kind] {
			if !slices.Contains(before[kind], one) {
				t.Errorf("down left of its %s: %s", kind, one)
			}
		}
	}
	if err := c.Down(t.Context()); err != nil {
		t.Errorf("down for the second time: %v", err)
	}
}

func TestUpNamesWhatIsTaken(t *testing.T) {
	c := checkout(t)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", etcdPort))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	err = c.Up(t.Context(), Size{Nodes: 1})
	if err == nil || err.Error() != "port 23790 of 127.0.0.1, which etcd needs, is taken" {
		t.Errorf("got %v", err)
	}
}

// runPod runs a pod of the pause image on a real node until it is Running.
func runPod(t *testing.T, c *Cluster) {
	t.Helper()
	// The namespace's ServiceAccount comes a moment after the cluster.
	err := until(t.Context(), time.Minute, func(ctx context.Context) error {
		var said bytes.Buffer
		return c.kubectl(ctx, &said, "run", "sleeper", "--image="+pauseImage, "--image-pull-policy=Never")
	})
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if err := c.kubectl(t.Context(), &said, "wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s"); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
}

func pids(t *testing.T, c *Cluster) map[string]int {
	t.Helper()
	processes, err := c.processes()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, process := range processes {
		all[process.Name] = process.PID
	}
	return all
}

// traces are all the places where a cluster could leave something, on the whole machine.
func traces(t *testing.T, c *Cluster) map[string][]string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]string{
		"processes":  programs(t, c),
		"mounts":     strings.Split(strings.TrimSpace(string(mounts)), "\n"),
		"namespaces": names(t, "/run/netns"),
		"links":      names(t, "/sys/class/net"),
		"chains":     chains(t),
		"cgroups":    nodeCgroups(),
	}
}

// programs are the processes that run one of the cluster's binaries or containers.
func programs(t *testing.T, c *Cluster) []string {
	t.Helper()
	var all []string
	for _, pid := range names(t, "/proc") {
		program, err := os.Readlink("/proc/" + pid + "/exe")
		if err == nil && (strings.HasPrefix(program, c.in()+"/") || program == "/pause") {
			all = append(all, pid+" "+program)
		}
	}
	return all
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	all := make([]string, 0, len(entries))
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// chains are iptables' chains and rules of the machine itself.
func chains(t *testing.T) []string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "iptables-save").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(output)) {
		// Counters and times change by themselves.
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			name, _, _ := strings.Cut(line, " [")
			all = append(all, name)
		}
	}
	return all
}
