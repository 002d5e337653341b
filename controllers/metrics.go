// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/symphony-operator/symphony-operator/internal/status"
)

// hostsMetric is the live value of status.compute.hosts, which changes at most once a minute where work comes and goes.
var hostsMetric = prometheus.NewGaugeVec(prometheus.GaugeOpts{
	Name: "symphony_operator_hosts",
	Help: "Compute hosts of a SymphonyCluster in EGO, by state (joined, ok, closed, unavailable, busy); absent while EGO cannot be asked.",
}, []string{"namespace", "name", "state"})

// commandsMetric is how EGO answers: one that gets slower is a master that has too much to do, before anything is unreachable.
var commandsMetric = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Name: "symphony_operator_ego_command_duration_seconds",
	Help: "Time that EGO's commands in masters' pods took, by command (hosts, applications, workloads, logon, close, reclaim, open, remove) " +
		"and outcome (ok, unreachable, forbidden, refused, not_understood, error).",
	// The last is where a command is given up.
	Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
}, []string{"command", "outcome"})

func init() { metrics.Registry.MustRegister(hostsMetric, commandsMetric) }

func showCommand(command, outcome string, took time.Duration) {
	commandsMetric.WithLabelValues(command, outcome).Observe(took.Seconds())
}

// showHosts sets the metric after a pass. What is not known is absent, which an alert can see; a zero it could not.
func showHosts(pass *status.Input) {
	cluster := pass.Facts.Cluster
	counts := status.Hosts(pass)
	if counts == nil {
		forgetHosts(types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name})
		return
	}
	set := func(state string, value int32) {
		hostsMetric.WithLabelValues(cluster.Namespace, cluster.Name, state).Set(float64(value))
	}
	set("joined", counts.Joined)
	set("ok", counts.OK)
	set("closed", counts.Closed)
	set("unavailable", counts.Unavailable)
	if counts.Busy == nil {
		hostsMetric.DeleteLabelValues(cluster.Namespace, cluster.Name, "busy")
	} else {
		set("busy", *counts.Busy)
	}
}

// forgetHosts is for a cluster that is gone, or whose EGO cannot be asked.
func forgetHosts(cluster types.NamespacedName) {
	hostsMetric.DeletePartialMatch(prometheus.Labels{"namespace": cluster.Namespace, "name": cluster.Name})
}
