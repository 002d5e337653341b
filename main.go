// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager is symphony-operator: it runs IBM Spectrum Symphony clusters on Kubernetes.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// leaderElectionID is the name of the lease that one of several managers holds.
const leaderElectionID = "symphony-operator.io"

type options struct {
	metricsAddress, healthAddress string
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
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return fmt.Errorf("registering kinds: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	config.QPS, config.Burst = float32(given.qps), given.burst

	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme,
		Cache:  cache.Options{ByObject: observe.CacheOptions()},
		Client: client.Options{FieldOwner: names.FieldManager, FieldValidation: "Strict"},
		Metrics: server.Options{
			BindAddress:    given.metricsAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
			// HTTP/2 is off for its denial-of-service faults (CVE-2023-44487); scrapes do not need it.
			TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
		},
		HealthProbeBindAddress: given.healthAddress,
		LeaderElection:         given.leaderElect,
		LeaderElectionID:       leaderElectionID,
		// Nothing is written after the manager has stopped, so the lease can go at once.
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	if err := controllers.NewSymphonyClusterReconciler(manager, observe.NewHTTPSConsole()).SetupWithManager(manager); err != nil {
		return fmt.Errorf("starting the SymphonyCluster controller: %w", err)
	}
	if err := manager.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := manager.AddReadyzCheck("readyz", healthz.Ping); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
