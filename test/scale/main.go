// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command scale measures what the operator costs at size. Nodes are simulated (kwok); API server, etcd, controller manager, scheduler
// and the operator's own binary are real, each a process of its own. Every time stands beside its floor: the same pods from bare
// ReplicaSets with no operator, made in the same run on the same machine. Absolute times mean nothing on shared machines; ratios do.
//
// It writes bench.json, and a table for people. With CHECK=1 in the environment it fails when a figure is over its limit; in the small
// profile, which is for machines that do other things too, only the limits that do not depend on a machine's speed count.
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
	"slices"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch mistake := usageError(""); {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, &mistake):
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// usageError is a mistake in what was typed: nothing was done.
type usageError string

func (e usageError) Error() string { return string(e) }

// options are the command's flags.
type options struct {
	root, out, profile string
	only               []string
	keep               bool
}

func parse(arguments []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", ".", "The repository, with bin/localcluster and bin/manager built.")
	flags.StringVar(&o.out, "out", "dist", "Where bench.json, performance.md and the operator's log go.")
	flags.StringVar(&o.profile, "profile", "small", "small: minutes, on 20 nodes. full: hours, on 1,000.")
	only := flags.String("only", "", "Scenarios, such as one-cluster,rest; all of the profile by default.")
	flags.BoolVar(&o.keep, "keep", false, "Leave the cluster up.")
	if err := flags.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError(err.Error())
	}
	if profiles[o.profile] == nil {
		return nil, usageError(fmt.Sprintf("there is no profile %q: it is small or full", o.profile))
	}
	for name := range strings.SplitSeq(*only, ",") {
		if name == "" {
			continue
		}
		if !slices.ContainsFunc(profiles[o.profile].scenarios, func(s scenario) bool { return s.name == name }) {
			return nil, usageError(fmt.Sprintf("the profile %s has no scenario %q", o.profile, name))
		}
		o.only = append(o.only, name)
	}
	var err error
	for _, path := range []*string{&o.root, &o.out} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, fmt.Errorf("finding %s: %w", *path, err)
		}
	}
	return o, nil
}

func run(ctx context.Context, arguments []string, told io.Writer) (err error) {
	wanted, err := parse(arguments)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(wanted.out, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", wanted.out, err)
	}
	chosen := profiles[wanted.profile]
	m, err := bringUp(ctx, wanted.root, wanted.out, chosen.nodes, told)
	if err != nil {
		return err
	}
	if !wanted.keep {
		// However it ends, and also when the context is done.
		defer func() { err = errors.Join(err, m.bringDown(context.WithoutCancel(ctx))) }()
	}
	b := &bench{machine: m, runs: chosen.runs, results: newResults(wanted.profile)}
	for _, s := range chosen.scenarios {
		if len(wanted.only) > 0 && !slices.Contains(wanted.only, s.name) {
			continue
		}
		b.say("%s: %s", s.name, s.about)
		if err := s.measure(ctx, b.of(s.name)); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		// After each: a run of hours that fails at its end has told the rest.
		if err := b.results.write(wanted.out); err != nil {
			return err
		}
	}
	fmt.Fprint(told, b.results.table())
	if over := b.results.over(chosen.timed); len(over) > 0 && os.Getenv("CHECK") == "1" {
		return fmt.Errorf("over the limit:\n  %s", strings.Join(over, "\n  "))
	}
	return nil
}
