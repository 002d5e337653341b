// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster brings the local Kubernetes up and down.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Cluster is the local Kubernetes in one directory.
type Cluster struct {
	Layout
	// Out is told what long steps do.
	Out io.Writer
}

// Size is how large it is.
type Size struct {
	Nodes     int `json:"nodes"`
	FakeNodes int `json:"fakeNodes"`
}

// UsageError is a mistake in what was typed: nothing was done.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Up brings the cluster up, or finds it up. What a failed attempt left is ended first.
func (c *Cluster) Up(ctx context.Context, size Size) error {
	if size.Nodes < 0 || size.Nodes > maxNodes || size.FakeNodes < 0 {
		return UsageError(fmt.Sprintf("--nodes must be 0 to %d and --fake-nodes 0 or more", maxNodes))
	}
	running, err := c.running()
	if err != nil {
		return err
	}
	if running != nil {
		return c.upAgain(ctx, *running, size)
	}
	if err := c.possible(); err != nil {
		return err
	}
	unlock, err := lockMachine(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.install(ctx); err != nil {
		return err
	}
	if err := c.Build(ctx, nil); err != nil {
		return err
	}
	// Half a cluster of an earlier attempt would hold ports and links.
	if err := c.end(ctx); err != nil {
		return err
	}
	if err := c.endAbandoned(ctx); err != nil {
		return err
	}
	if err := c.free(ctx); err != nil {
		return err
	}
	started := time.Now()
	if err := c.start(ctx, size); err != nil {
		return fmt.Errorf("%w (logs: %s; `localcluster down` cleans up)", err, c.in("logs"))
	}
	fmt.Fprintf(c.Out, "The cluster is up after %.0f s. KUBECONFIG=%s\n", time.Since(started).Seconds(), c.Kubeconfig())
	return nil
}

// upAgain finds the cluster as it is wanted, or adds the fake nodes that are missing.
func (c *Cluster) upAgain(ctx context.Context, running, size Size) error {
	if running.Nodes != size.Nodes || running.FakeNodes > size.FakeNodes {
		return fmt.Errorf("a cluster of %d nodes and %d fake nodes runs already, and only fake nodes can be added to it: `localcluster down` first",
			running.Nodes, running.FakeNodes)
	}
	if running.FakeNodes < size.FakeNodes {
		if err := c.step(ctx, "simulated nodes", func(ctx context.Context) error { return c.fakeNodes(ctx, size) }); err != nil {
			return err
		}
		if err := c.writeSize(size); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.Out, "The cluster runs already. KUBECONFIG=%s\n", c.Kubeconfig())
	return nil
}

func (c *Cluster) start(ctx context.Context, size Size) error {
	if err := c.borrow(); err != nil {
		return err
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"certificates", func(context.Context) error { return c.certificates(size) }},
		{"network", func(ctx context.Context) error { return c.network(ctx, size) }},
		{"etcd and API server", c.apiServer},
		{"controller manager and scheduler", func(ctx context.Context) error { return c.controllers(ctx, size) }},
		{"nodes", func(ctx context.Context) error { return c.nodes(ctx, size) }},
		{"simulated nodes", func(ctx context.Context) error { return c.fakeNodes(ctx, size) }},
	}
	for _, step := range steps {
		if err := c.step(ctx, step.what, step.do); err != nil {
			return err
		}
	}
	return c.writeSize(size)
}

func (c *Cluster) writeSize(size Size) error {
	data, err := json.Marshal(size)
	if err != nil {
		return fmt.Errorf("encoding what runs: %w", err)
	}
	return c.write(c.in("up.json"), string(data))
}

// step says what is done and how long it took.
func (c *Cluster) step(ctx context.Context, what string, do func(context.Context) error) error {
	started := time.Now()
	if err := do(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Fprintf(c.Out, "  %-34s %4.0f s\n", what, time.Since(started).Seconds())
	return nil
}

// running returns the size of a cluster that is up and whole, nil when there is none or a component has ended.
func (c *Cluster) running() (*Size, error) {
	data, err := os.ReadFile(c.in("up.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what runs: %w", err)
	}
	var size Size
	if err := json.Unmarshal(data, &size); err != nil {
		return nil, fmt.Errorf("reading what runs: %w", err)
	}
	processes, err := c.processes()
	if err != nil {
		return nil, err
	}
	for _, process := range processes {
		if !process.alive() {
			return nil, nil
		}
	}
	return &size, nil
}

// Status says what runs. It is an error if a component has ended.
func (c *Cluster) Status(ctx context.Context) error {
	processes, err := c.processes()
	if err != nil {
		return err
	}
	if len(processes) == 0 {
		fmt.Fprintln(c.Out, "No cluster runs.")
		return nil
	}
	var stopped []string
	for _, process := range processes {
		state := "runs"
		switch {
		case process.alive():
		case process.Stopped:
			state = "was stopped"
			stopped = append(stopped, process.Name)
		default:
			state = "has ended"
		}
		fmt.Fprintf(c.Out, "%-28s pid %-8d %s\n", process.Name, process.PID, state)
	}
	fmt.Fprintf(c.Out, "KUBECONFIG=%s\n", c.Kubeconfig())
	if err := c.ended(); err != nil {
		return fmt.Errorf("the cluster is not whole, `localcluster up` starts it anew: %w", err)
	}
	if len(stopped) > 0 {
		return fmt.Errorf("the cluster is not whole: %s was stopped (`localcluster start`)", strings.Join(stopped, ", "))
	}
	table, err := c.kubectl(ctx, "get", "nodes", "-l", realNodes, "-o", "wide")
	if err != nil {
		return err
	}
	// Simulated nodes are many and all alike: their number is enough.
	fake, ready, err := c.countNodes(ctx, fakeNodes)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%s%d simulated nodes, %d of them Ready\n", table, fake, ready)
	return nil
}

func (c *Cluster) write(path, content string) error {
	if err := os.MkdirAll(dirOf(path), 0o755); err != nil {
		return fmt.Errorf("creating a directory: %w", err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	return nil
}
