// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// binary is one program of the cluster, built from a Go module.
type binary struct {
	name, module, pkg string
	arguments         []string
	// cgo: runc needs libseccomp; nothing else needs C.
	cgo bool
	// mend is nil for programs that are built as they are.
	mend *mend
}

const kubernetesVersion = "v1.37.2"

func binaries() []binary {
	// Without this, everything prints its version as v0.0.0-master+$Format.
	version := []string{"-ldflags=-X=k8s.io/component-base/version.gitVersion=" + kubernetesVersion}
	container := []string{"-tags=seccomp,no_btrfs,no_devmapper,no_zfs"}
	component := func(name string) binary {
		return binary{name: name, module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/" + name, arguments: version}
	}
	return []binary{
		{name: "etcd", module: "kubernetes", pkg: "go.etcd.io/etcd/server/v3"},
		{name: "kwok", module: "kubernetes", pkg: "sigs.k8s.io/kwok/cmd/kwok", mend: &kwokResumes},
		{name: "containerd", module: "containerd", pkg: "github.com/containerd/containerd/v2/cmd/containerd", arguments: container, cgo: true},
		{name: "containerd-shim-runc-v2", module: "containerd", pkg: "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", arguments: container, cgo: true},
		{name: "ctr", module: "containerd", pkg: "github.com/containerd/containerd/v2/cmd/ctr", arguments: container, cgo: true},
		{name: "runc", module: "containerd", pkg: "github.com/opencontainers/runc", arguments: container, cgo: true},
		component("kube-apiserver"), component("kube-controller-manager"), component("kube-scheduler"),
		component("kubectl"), component("kubelet"), component("kube-proxy"),
	}
}

// Build builds the named binaries, or all of them, where they are missing or older than their module.
func (c *Cluster) Build(ctx context.Context, wanted []string) error {
	var missing []binary
	for _, one := range binaries() {
		if (len(wanted) == 0 || slices.Contains(wanted, one.name)) && !c.built(one) {
			missing = append(missing, one)
		}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(binaries(), func(b binary) bool { return b.name == name }) {
			return UsageError(fmt.Sprintf("%q is none of the cluster's binaries", name))
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(c.Out, "Building Kubernetes %s from its Go modules; the first time this takes about 10 minutes on 2 cores.\n", kubernetesVersion)
	}
	for _, one := range missing {
		if err := c.step(ctx, one.name, func(ctx context.Context) error { return c.build(ctx, one) }); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.Out, "The binaries are in %s\n", c.in("bin"))
	return nil
}

// built compares with the module file, which names every version. The binary is written last.
func (c *Cluster) built(one binary) bool {
	program, err := os.Stat(c.bin(one.name))
	if err != nil {
		return false
	}
	module, err := os.Stat(filepath.Join(c.Source, "binaries", one.module, "go.mod"))
	return err == nil && program.ModTime().After(module.ModTime())
}

// build runs the program with `cp` in its place: `go run` keeps linked programs in the build cache, so a fresh
// clone with a warm cache has them in a second, which `go build` would spend a minute on linking again.
func (c *Cluster) build(ctx context.Context, one binary) error {
	if err := os.MkdirAll(c.in("bin"), 0o755); err != nil {
		return fmt.Errorf("creating a directory: %w", err)
	}
	arguments := append([]string{"run", "-buildvcs=false"}, one.arguments...)
	if one.mend != nil {
		mended, err := c.mended(ctx, one)
		if err != nil {
			return err
		}
		arguments = append(arguments, mended...)
	}
	arguments = append(arguments, "-exec", "cp", one.pkg, c.bin(one.name)+".new")
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = filepath.Join(c.Source, "binaries", one.module)
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if one.cgo {
		command.Env = append(command.Env, "CGO_ENABLED=1")
	}
	var said strings.Builder
	command.Stdout, command.Stderr = io.Discard, &said
	stopTelling := c.tell(one.name)
	err := command.Run()
	stopTelling()
	if err != nil {
		return errors.Join(err, errors.New(lastLines(said.String(), 20)))
	}
	if err := os.Rename(c.bin(one.name)+".new", c.bin(one.name)); err != nil {
		return fmt.Errorf("keeping the binary: %w", err)
	}
	return nil
}

// tell says now and then that a long build still runs.
func (c *Cluster) tell(name string) (stop func()) {
	started, done := time.Now(), make(chan struct{})
	go func() {
		ticks := time.NewTicker(time.Minute)
		defer ticks.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
				fmt.Fprintf(c.Out, "  … still building %s (%.0f minutes)\n", name, time.Since(started).Minutes())
			}
		}
	}()
	return func() { close(done) }
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
