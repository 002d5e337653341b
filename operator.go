// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"flag"
	"net/http"
	"net/http/pprof"
	"runtime"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// managerOptions are flags that managers have in common.
type managerOptions struct {
	metricsAddress, healthAddress string
	leaderElect, profiling        bool
}

func (o *managerOptions) register(flags *flag.FlagSet) {
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0",
		"Address that serves metrics over HTTPS to clients with the right to read them, such as :8443; 0 serves none.")
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081",
		"Address that serves /healthz and /readyz.")
	flags.BoolVar(&o.leaderElect, "leader-elect", false,
		"Let one of several replicas work while the others wait.")
	flags.BoolVar(&o.profiling, "profiling", false,
		"Serve /debug/pprof/ beside the metrics, to clients with the right to read it: what the program computes, and what holds its memory.")
}

func (o *managerOptions) manager() ctrl.Options {
	return ctrl.Options{
		Metrics: server.Options{
			BindAddress:    o.metricsAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
			// HTTP/2 is off for its denial-of-service faults (CVE-2023-44487); scrapes do not need it.
			TLSOpts:       []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
			ExtraHandlers: o.profiles(),
		},
		HealthProbeBindAddress: o.healthAddress,
		LeaderElection:         o.leaderElect,
	}
}

// profiles are behind the same question as the metrics: the API server says who may read which path.
func (o *managerOptions) profiles() map[string]http.Handler {
	if !o.profiling {
		return nil
	}
	return map[string]http.Handler{
		"/debug/pprof/":        http.HandlerFunc(pprof.Index),
		"/debug/pprof/profile": http.HandlerFunc(pprof.Profile),
		"/debug/pprof/trace":   http.HandlerFunc(pprof.Trace),
	}
}

func operatorCommand(flags *flag.FlagSet) func() error {
	options := &managerOptions{}
	options.register(flags)
	image := flags.String("network-check-image", "", "Image with iperf3 as /usr/bin/iperf3, for NetworkChecks that name none.")
	qps := flags.Float64("kube-api-qps", 200, "Requests a second to the API server; a master that moves has one write a compute pod.")
	burst := flags.Int("kube-api-burst", 400, "Requests to the API server that may come at once.")
	passes := flags.Int("max-concurrent-reconciles", controllers.DefaultConcurrentPasses, "Clusters that are looked at, and acted on, at the same time.")
	poll := flags.Duration("ego-poll-interval", observe.DefaultPollInterval,
		"Time between two looks at the hosts of one Symphony master, by a command in its pod; three times as often while hosts are drained.")
	return func() error {
		defer runtime.KeepAlive(collectGarbageEarly())
		to, err := apiServer()
		if err != nil {
			return err
		}
		to.QPS, to.Burst = float32(*qps), *burst
		commands, err := ego.NewPodRunner(to)
		if err != nil {
			return err
		}
		settings := controllers.Settings{
			Console: observe.NewHTTPSConsole(), NetworkCheckImage: *image, EGOPollInterval: *poll, ConcurrentPasses: *passes,
			EGO: func(master types.NamespacedName) ego.EGO { return ego.New(commands, master, 0) },
		}
		manager, err := controllers.NewManager(to, settings, options.manager())
		if err != nil {
			return err
		}
		if err := serveHealth(manager); err != nil {
			return err
		}
		return manager.Start(ctrl.SetupSignalHandler())
	}
}
