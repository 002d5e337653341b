// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// scenario is one thing that users do, or that happens to them.
type scenario struct {
	name, about string
	measure     func(ctx context.Context, b *bench) error
}

// profile is a set of scenarios and sizes.
type profile struct {
	nodes, runs int
	// timed has the limits on time count.
	timed     bool
	scenarios []scenario
}

var profiles = map[string]*profile{
	"small": {nodes: 20, runs: 1, scenarios: []scenario{
		ofLoad("one-cluster", load{clusters: 1, replicas: 500}, limits{overFloor: 1.10}),
		ofLoad("many-clusters", load{clusters: 20, replicas: 20}, limits{overFloor: 1.10, writes: true, ordered: true, latency: 100 * time.Millisecond}),
		ofLoad("scale-out", load{clusters: 10, replicas: 50, grown: true}, limits{overFloor: 1.10}),
		mastersMoved(20),
		besideALargeOne(500, 10),
		restart(20),
		foreign(5, 1500),
		atRest(20, time.Minute),
		poll(10_000),
	}},
	"full": {nodes: 1000, runs: 3, timed: true, scenarios: []scenario{
		ofLoad("one-cluster", load{clusters: 1, replicas: 3000}, limits{overFloor: 1.10}),
		ofLoad("many-clusters", load{clusters: 50, replicas: 20}, limits{overFloor: 1.10, writes: true, ordered: true, latency: 100 * time.Millisecond}),
		ofLoad("scale-out", load{clusters: 100, replicas: 100, grown: true}, limits{overFloor: 1.10}),
		ofLoad("thousand-clusters", load{clusters: 1000, replicas: 5}, limits{latency: 2 * time.Second}),
		mastersMoved(300),
		besideALargeOne(10_000, 10),
		restart(1000),
		foreign(10, 10_000),
		atRest(1000, 10*time.Minute),
		poll(10_000),
		once(ofLoad("largest-cluster", load{clusters: 1, replicas: 30_000, in: 15_000}, limits{overFloor: 1.05, peak: 150})),
	}},
}

func ofLoad(name string, l load, most limits) scenario {
	about := fmt.Sprintf("%d clusters of %d", l.clusters, l.replicas)
	if l.grown {
		about = fmt.Sprintf("%d clusters from %d to %d", l.clusters, l.from, l.replicas)
	}
	return scenario{name, about, func(ctx context.Context, b *bench) error { return b.measureLoad(ctx, l, most) }}
}

// once measures a scenario that takes an hour with one pair.
func once(s scenario) scenario {
	measure := s.measure
	s.measure = func(ctx context.Context, b *bench) error {
		b.runs = 1
		return measure(ctx, b)
	}
	return s
}
