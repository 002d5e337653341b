// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager is symphony-operator: it runs IBM Spectrum Symphony clusters on Kubernetes. Without a command it is the
// operator itself; the others are what config/weave installs:
//
//	manager              the operator
//	manager weave        keeps the WeaveNetwork
//	manager node-agent   reports on Weave on one node
package main

import (
	"flag"
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// commands are what the program can be started as; each registers its flags and returns what runs when they are parsed.
var commands = map[string]func(*flag.FlagSet) func() error{
	"":           operatorCommand,
	"weave":      weaveCommand,
	"node-agent": nodeAgentCommand,
}

func main() {
	name, arguments := "", os.Args[1:]
	if len(arguments) > 0 && arguments[0] != "" && arguments[0][0] != '-' {
		name, arguments = arguments[0], arguments[1:]
	}
	command, known := commands[name]
	if !known {
		fmt.Fprintf(os.Stderr, "there is no command %q: it is weave, node-agent, or none for the operator itself; -h lists flags\n", name)
		os.Exit(2)
	}
	flags := flag.NewFlagSet(("manager " + name), flag.ExitOnError)
	run := command(flags)
	config.RegisterFlags(flags)
	logging := zap.Options{}
	logging.BindFlags(flags)
	_ = flags.Parse(arguments) // It ends the program itself.
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&logging)))
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "there is no use for the argument %q; -h lists flags\n", flags.Arg(0))
		os.Exit(2)
	}
	if err := run(); err != nil {
		ctrl.Log.Error(err, "The manager ended")
		os.Exit(1)
	}
}

// apiServer finds the API server: by --kubeconfig, the environment, or as a pod does.
func apiServer() (*rest.Config, error) {
	found, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	// Kubernetes' own controllers do the same: with gzip, the API server compressed every pod's every change once more for this one reader,
	// and reading them took a fifth of the operator's time.
	found.DisableCompression = true
	return found, nil
}

// serveHealth adds the checks of a manager that is well as long as its process is.
func serveHealth(manager ctrl.Manager) error {
	if err := manager.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := manager.AddReadyzCheck("readyz", healthz.Ping); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return nil
}
