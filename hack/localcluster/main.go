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
  localcluster stop COMPONENT                    end etcd, kube-apiserver, kube-controller-manager or kube-scheduler, or
                                                 with --node node1 its kubelet or containerd; --kill: without warning
  localcluster start COMPONENT                   start it again as it was, and wait until it works
  localcluster restart COMPONENT                 both
  localcluster build [NAME...]                   build the binaries (all, or those named) and print where they are

Every command takes --dir DIR, where the cluster keeps all it has (default: .localcluster in the repository).
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := runAndTell(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// runAndTell returns the exit code: 2 for a mistake in the arguments, when nothing was done.
func runAndTell(ctx context.Context, arguments []string, out, problems io.Writer) int {
	err := run(ctx, arguments, out)
	if err == nil {
		return 0
	}
	fmt.Fprintln(problems, "localcluster:", err)
	if mistake := cluster.UsageError(""); errors.As(err, &mistake) {
		return 2
	}
	return 1
}

// commands by name, with whether they take names of files or binaries.
var commands = map[string]struct {
	names bool
	run   func(ctx context.Context, local *cluster.Cluster, wanted request) error
}{
	"up": {run: func(ctx context.Context, local *cluster.Cluster, wanted request) error {
		return local.Up(ctx, wanted.size)
	}},
	"check": {run: func(ctx context.Context, local *cluster.Cluster, _ request) error { return local.Check(ctx) }},
	"down":  {run: func(ctx context.Context, local *cluster.Cluster, _ request) error { return local.Down(ctx) }},
	"load-image": {names: true, run: func(ctx context.Context, local *cluster.Cluster, wanted request) error {
		return local.LoadImages(ctx, wanted.names)
	}},
	"status": {run: func(ctx context.Context, local *cluster.Cluster, _ request) error { return local.Status(ctx) }},
	"stop": {names: true, run: func(ctx context.Context, local *cluster.Cluster, wanted request) error {
		return onComponent(wanted, func(name string) error { return local.Stop(ctx, name, wanted.node, wanted.kill) })
	}},
	"start": {names: true, run: func(ctx context.Context, local *cluster.Cluster, wanted request) error {
		return onComponent(wanted, func(name string) error { return local.Start(ctx, name, wanted.node) })
	}},
	"restart": {names: true, run: func(ctx context.Context, local *cluster.Cluster, wanted request) error {
		return onComponent(wanted, func(name string) error { return local.Restart(ctx, name, wanted.node, wanted.kill) })
	}},
	"build": {names: true, run: func(ctx context.Context, local *cluster.Cluster, wanted request) error {
		return local.Build(ctx, wanted.names)
	}},
	"kubeconfig": {run: func(_ context.Context, local *cluster.Cluster, _ request) error {
		fmt.Fprintln(local.Out, local.Kubeconfig())
		return nil
	}},
}

// request is what follows a command's name.
type request struct {
	dir   string
	size  cluster.Size
	names []string
	// node and kill are those of stop, start and restart.
	node string
	kill bool
}

// onComponent does something with the one component that is named.
func onComponent(wanted request, act func(name string) error) error {
	if len(wanted.names) != 1 {
		return cluster.UsageError("name one component; see localcluster help")
	}
	return act(wanted.names[0])
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) == 0 || arguments[0] == "help" || arguments[0] == "-h" || arguments[0] == "--help" {
		fmt.Fprint(out, usage)
		return nil
	}
	command, ok := commands[arguments[0]]
	if !ok {
		return cluster.UsageError(fmt.Sprintf("%q is no command; see localcluster help", arguments[0]))
	}
	wanted, err := parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		return nil
	}
	if err != nil {
		return err
	}
	if len(wanted.names) > 0 && !command.names {
		return cluster.UsageError(fmt.Sprintf("%s takes no %q; see localcluster help", arguments[0], wanted.names[0]))
	}
	at, err := where(wanted.dir)
	if err != nil {
		return err
	}
	return command.run(ctx, &cluster.Cluster{Layout: at, Out: out}, wanted)
}

func parse(arguments []string) (request, error) {
	var wanted request
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	// It would print a usage of its own before the error.
	flags.SetOutput(io.Discard)
	flags.StringVar(&wanted.dir, "dir", "", "where the cluster keeps all it has")
	switch arguments[0] {
	case "up":
		flags.IntVar(&wanted.size.Nodes, "nodes", 2, "real nodes: kubelet, containerd and kube-proxy")
		flags.IntVar(&wanted.size.FakeNodes, "fake-nodes", 0, "simulated nodes (kwok): they run no containers")
	case "stop", "start", "restart":
		flags.StringVar(&wanted.node, "node", "", "the node whose component is meant")
		if arguments[0] != "start" {
			flags.BoolVar(&wanted.kill, "kill", false, "end it without warning")
		}
	}
	// Flags may stand after a name, where flag itself would take them for names.
	for rest := arguments[1:]; ; rest = flags.Args()[1:] {
		err := flags.Parse(rest)
		if err != nil && !errors.Is(err, flag.ErrHelp) {
			err = cluster.UsageError(fmt.Sprintf("%s: %v; see localcluster help", arguments[0], err))
		}
		if err != nil || flags.NArg() == 0 {
			return wanted, err
		}
		wanted.names = append(wanted.names, flags.Arg(0))
	}
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
	// A kubelet that was restarted looks for the mounts of its pods by its own path for them, and the kernel lists them without links.
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = resolved
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
