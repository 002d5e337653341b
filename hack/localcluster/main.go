// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command localcluster runs a real Kubernetes on one Linux machine: API server, etcd, controller manager,
// scheduler, and nodes with kubelet, kube-proxy, containerd and runc in network namespaces of their own. All of
// it is built from Go modules. It is for tests and demos; see README.md beside this file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/symphony-operator/symphony-operator/hack/localcluster/internal/cluster"
)

const usage = `localcluster runs a real Kubernetes on this Linux machine.

  localcluster up [--nodes 2] [--fake-nodes 0]   bring it up (again: harmless)
  localcluster check                             say why it cannot be brought up here, if so
  localcluster down                              end it and leave nothing behind but the binaries
  localcluster load-image FILE...                load image tars into every real node
  localcluster status                            say what runs
  localcluster kubeconfig                        print the path of the kubeconfig
  localcluster build [NAME...]                   build the binaries (all, or those named) and print where they are

Every command takes --dir DIR, where the cluster keeps all it has (default: .localcluster in the repository).
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "localcluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) == 0 || arguments[0] == "help" || arguments[0] == "-h" || arguments[0] == "--help" {
		fmt.Fprint(out, usage)
		return nil
	}
	flags := flag.NewFlagSet("localcluster "+arguments[0], flag.ContinueOnError)
	dir := flags.String("dir", "", "where the cluster keeps all it has")
	wanted := cluster.Size{}
	if arguments[0] == "up" {
		flags.IntVar(&wanted.Nodes, "nodes", 2, "real nodes: kubelet, containerd and kube-proxy")
		flags.IntVar(&wanted.FakeNodes, "fake-nodes", 0, "simulated nodes (kwok): they run no containers")
	}
	if err := flags.Parse(arguments[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	at, err := where(*dir)
	if err != nil {
		return err
	}
	local := &cluster.Cluster{Layout: at, Out: out}
	commands := map[string]func() error{
		"up":         func() error { return local.Up(ctx, wanted) },
		"check":      local.Check,
		"down":       func() error { return local.Down(ctx) },
		"load-image": func() error { return local.LoadImages(ctx, flags.Args()) },
		"status":     func() error { return local.Status(ctx) },
		"build":      func() error { return local.Build(ctx, flags.Args()) },
		"kubeconfig": func() error {
			fmt.Fprintln(out, at.Kubeconfig())
			return nil
		},
	}
	command, ok := commands[arguments[0]]
	if !ok {
		return fmt.Errorf("%q is no command; see localcluster help", arguments[0])
	}
	return command()
}

// where finds the directories: the module's sources, which name the versions to build, and the cluster's own.
func where(dir string) (cluster.Layout, error) {
	source, err := moduleDir()
	if err != nil {
		return cluster.Layout{}, err
	}
	if dir == "" {
		dir = filepath.Join(source, "..", "..", ".localcluster")
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return cluster.Layout{}, fmt.Errorf("finding %s: %w", dir, err)
	}
	return cluster.Layout{Dir: absolute, Source: source}, nil
}

// moduleDir is hack/localcluster: below the current directory or one of its parents.
func moduleDir() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the current directory: %w", err)
	}
	for at := start; ; at = filepath.Dir(at) {
		for _, candidate := range []string{filepath.Join(at, "hack", "localcluster"), at} {
			if _, err := os.Stat(filepath.Join(candidate, "binaries", "kubernetes", "go.mod")); err == nil {
				return candidate, nil
			}
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("run localcluster inside a checkout of symphony-operator: no hack/localcluster above %s", start)
		}
	}
}
