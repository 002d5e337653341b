// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/weave"
)

func weaveCommand(flags *flag.FlagSet) func() error {
	options := &managerOptions{}
	options.register(flags)
	settings := weave.Settings{}
	flags.StringVar(&settings.AgentImage, "agent-image", "",
		"The operator's image, for the agents on nodes.")
	flags.StringVar(&settings.APIServer, "api-server", "",
		"HOST:PORT of the API server, for clusters where the Service kubernetes.default cannot be reached before there is a pod network; "+
			"it is used here, by the agents and by Weave. The API server's certificate must have it.")
	return func() error {
		if settings.AgentImage == "" {
			return errors.New("--agent-image is missing: the operator's own image")
		}
		to, err := apiServer()
		if err != nil {
			return err
		}
		if settings.APIServer != "" {
			to.Host = "https://" + settings.APIServer
		}
		manager, err := controllers.NewWeaveManager(to, settings, options.manager())
		if err != nil {
			return err
		}
		if err := serveHealth(manager); err != nil {
			return err
		}
		return manager.Start(ctrl.SetupSignalHandler())
	}
}
