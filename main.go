// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager is symphony-operator: it runs IBM Spectrum Symphony clusters on Kubernetes.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

type options struct {
	metricsAddress, healthAddress string
	networkCheckImage             string
	leaderElect                   bool
	qps                           float64
	burst                         int
}

func main() {
	var given options
	flag.StringVar(&given.metricsAddress, "metrics-bind-address", "0",
		"Address that serves metrics over HTTPS to clients with the right to read them, such as :8443; 0 serves none.")
	flag.StringVar(&given.healthAddress, "health-probe-bind-address", ":8081",
		"Address that serves /healthz and /readyz.")
	flag.StringVar(&given.networkCheckImage, "network-check-image", "",
		"Image with iperf3 as /usr/bin/iperf3, for NetworkChecks that name none.")
	flag.BoolVar(&given.leaderElect, "leader-elect", false,
		"Let one of several replicas work while the others wait.")
	flag.Float64Var(&given.qps, "kube-api-qps", 200,
		"Requests a second to the API server; a master that moves has one write a compute pod.")
	flag.IntVar(&given.burst, "kube-api-burst", 400,
		"Requests to the API server that may come at once.")
	logging := zap.Options{}
	logging.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&logging)))

	if err := run(&given); err != nil {
		ctrl.Log.Error(err, "The manager ended")
		os.Exit(1)
	}
}

func run(given *options) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	config.QPS, config.Burst = float32(given.qps), given.burst

	manager, err := controllers.NewManager(config, controllers.Settings{
		Console: observe.NewHTTPSConsole(), NetworkCheckImage: given.networkCheckImage,
	}, ctrl.Options{
		Metrics: server.Options{
			BindAddress:    given.metricsAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
			// HTTP/2 is off for its denial-of-service faults (CVE-2023-44487); scrapes do not need it.
			TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
		},
		HealthProbeBindAddress: given.healthAddress,
		LeaderElection:         given.leaderElect,
	})
	if err != nil {
		return err
	}
	if err := manager.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := manager.AddReadyzCheck("readyz", healthz.Ping); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
