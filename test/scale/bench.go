// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bench measures one scenario.
type bench struct {
	*machine

	name    string
	runs    int
	results *results
}

func (b *bench) of(scenario string) *bench {
	return &bench{machine: b.machine, name: scenario, runs: b.runs, results: b.results}
}

func (b *bench) say(format string, arguments ...any) {
	fmt.Fprintf(b.told, time.Now().Format(time.TimeOnly)+" "+format+"\n", arguments...)
}

func (b *bench) note(what figure, value float64) {
	b.results.add(b.name, what, value)
	b.say("  %s: %s", what.name, what.told(value))
}

// measured is what was seen of the operator in one run.
type measured struct {
	// wall is until all pods were there, in until those that are scaled in were gone.
	wall, in, cpu time.Duration
	// spent is what all programs computed until all pods were there.
	spent     spent
	peak      float64
	requests  *requests
	latencies []time.Duration
	// passes are those that it made since it began; queued is how long they waited.
	passes  float64
	queued  time.Duration
	samples []sample
	// children of one cluster.
	children int
}

// withOperator starts the operator, lets it work in a namespace of its own, and stops it when all is gone again.
func (b *bench) withOperator(ctx context.Context, work func(o *operator, namespace string, t *tracker) error) error {
	o, err := b.startOperator(ctx)
	if err != nil {
		return err
	}
	err = b.inNamespace(ctx, func(namespace string, t *tracker) error { return work(o, namespace, t) })
	return errors.Join(err, o.stop())
}

// work is how long the pods of a load take with the operator, and what that costs until all clusters say that they are ready.
func (b *bench) work(ctx context.Context, l load) (*measured, error) {
	seen := &measured{}
	err := b.withOperator(ctx, func(o *operator, namespace string, t *tracker) error {
		if l.grown {
			if err := b.startClusters(ctx, namespace, l.clusters, l.from); err != nil {
				return err
			}
			if err := b.settle(ctx); err != nil {
				return err
			}
		}
		return seen.around(ctx, b.machine, o, func() error {
			if err := seen.come(ctx, l, clusterMaker(b.machine), namespace, t, o); err != nil {
				return err
			}
			if err := b.waitUntilReady(ctx, namespace); err != nil {
				return err
			}
			var err error
			if seen.children, err = b.children(ctx, namespace, clusterName(0)); err != nil {
				return err
			}
			seen.latencies = t.latencies()
			return seen.goIn(ctx, l, clusterMaker(b.machine), namespace, t)
		})
	})
	return seen, err
}

// around measures the operator while something happens.
func (s *measured) around(ctx context.Context, m *machine, o *operator, happens func() error) error {
	if err := o.forgetPeak(); err != nil {
		return err
	}
	mark, err := m.log.mark()
	if err != nil {
		return err
	}
	before, err := o.cpu()
	if err != nil {
		return err
	}
	if err := happens(); err != nil {
		return err
	}
	after, err := o.cpu()
	if err != nil {
		return err
	}
	s.cpu = after - before
	if _, s.peak, err = o.resident(); err != nil {
		return err
	}
	if s.requests, err = m.log.since(mark); err != nil {
		return err
	}
	metrics, err := o.scrape(ctx)
	if err == nil {
		s.passes, s.queued = metrics.passes(), metrics.queued()
	}
	return err
}

// children counts the objects that a cluster owns: those that the operator creates.
func (b *bench) children(ctx context.Context, namespace, name string) (int, error) {
	total := 0
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, &appsv1.ReplicaSetList{}, &appsv1.ControllerRevisionList{}, &corev1.ConfigMapList{}, &corev1.ServiceList{},
		&policyv1.PodDisruptionBudgetList{},
	} {
		if err := b.api.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return 0, fmt.Errorf("counting children: %w", err)
		}
		err := meta.EachListItem(list, func(object apiruntime.Object) error {
			child, err := meta.Accessor(object)
			if err == nil && slices.ContainsFunc(child.GetOwnerReferences(), func(o metav1.OwnerReference) bool {
				return o.Kind == "SymphonyCluster" && o.Name == name
			}) {
				total++
			}
			return err //nolint:wrapcheck // It cannot fail: all are objects.
		})
		if err != nil {
			return 0, fmt.Errorf("counting children: %w", err)
		}
	}
	return total, nil
}

// limits are those of a load; 0 is none. With ordered it has a second floor, which tells what the operator costs from what
// it costs to have the masters first.
type limits struct {
	overFloor, peak float64
	writes, ordered bool
	latency         time.Duration
}

// statusWrites and events are how many a cluster may take from its creation until it is ready.
const statusWrites, events = 3, 2

// measureLoad measures floor and operator in turn.
func (b *bench) measureLoad(ctx context.Context, l load, most limits) error {
	// Not during the first run: whichever that is.
	if err := b.learnOnce(ctx); err != nil {
		return err
	}
	for number := range b.runs {
		var floor, ordered, seen *measured
		steps := []func() error{
			func() (err error) { floor, err = b.floor(ctx, l, false); return err },
			func() (err error) { seen, err = b.work(ctx, l); return err },
		}
		if most.ordered {
			steps = append(steps, func() (err error) { ordered, err = b.floor(ctx, l, true); return err })
		}
		if number%2 == 1 { // What the machine does more and more of must not always fall on the same one.
			slices.Reverse(steps)
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		b.noteLoad(l, most, floor, seen)
		if most.ordered {
			b.note(plain("a floor whose compute pods wait for their masters, over floor", ratio), ordered.wall.Seconds()/floor.wall.Seconds())
			b.note(plain("wall time over that floor", ratio), seen.wall.Seconds()/ordered.wall.Seconds())
		}
		if l.in > 0 {
			b.note(figure{"scaling in over floor", ratio, orNone(most.overFloor), true}, seen.in.Seconds()/floor.in.Seconds())
			b.note(plain("scaling in of the floor", seconds), floor.in.Seconds())
		}
		if err := draw(b.out, b.name, floor.samples, seen.samples); err != nil {
			return err
		}
	}
	return nil
}

// orNone is a limit of which 0 means that there is none.
func orNone(limit float64) float64 {
	if limit == 0 {
		return math.NaN()
	}
	return limit
}

func (b *bench) noteLoad(l load, most limits, floor, seen *measured) {
	b.note(figure{"wall time over floor", ratio, orNone(most.overFloor), true}, seen.wall.Seconds()/floor.wall.Seconds())
	b.note(plain("wall time of the floor", seconds), floor.wall.Seconds())
	slower := pieceOf(seen.samples).Seconds() / pieceOf(floor.samples).Seconds()
	b.note(plain("CPU of the same work over floor", ratio), slower)
	b.note(plain("wall time over floor, on a machine as fast", ratio), seen.wall.Seconds()/floor.wall.Seconds()/slower)
	b.noteSpent(floor, seen)
	b.note(plain("CPU of the operator", seconds), seen.cpu.Seconds())
	b.note(figure{"peak memory of the operator", megabytes, orNone(most.peak), false}, seen.peak)
	perCluster := math.NaN()
	if most.writes {
		perCluster = float64(seen.children + statusWrites + events)
	}
	b.note(figure{"writes a cluster", count, perCluster, false}, float64(seen.requests.writes())/float64(l.clusters))
	b.note(plain("writes of Kubernetes' controllers", count), float64(seen.requests.beside))
	b.note(figure{"conflicts", count, 0, false}, float64(seen.requests.conflicts()))
	b.note(figure{"other errors", count, 0, false}, float64(seen.requests.errors()))
	b.note(plain("passes a cluster", count), seen.passes/float64(l.clusters))
	b.note(plain("time in the work queue, 99 %", seconds), seen.queued.Seconds())
	if len(seen.latencies) > 0 && !l.grown {
		b.note(plain("master's address to compute ReplicaSet, median", seconds), quantile(seen.latencies, 0.5).Seconds())
		b.note(figure{"master's address to compute ReplicaSet, 99 %", seconds, orNone(most.latency.Seconds()), true}, quantile(seen.latencies, 0.99).Seconds())
	}
	fmt.Fprint(b.told, seen.requests)
}

// noteSpent tells who spent the time until all pods were there, and how much of all cores that is: once they are full, no load of more work comes sooner.
func (b *bench) noteSpent(floor, seen *measured) {
	b.note(plain("CPU of all programs over floor", ratio), seen.spent.total().Seconds()/floor.spent.total().Seconds())
	for _, program := range slices.Sorted(maps.Keys(seen.spent)) {
		b.note(plain("CPU of "+program+" until all pods are ready", seconds), seen.spent[program].Seconds())
		b.note(plain("CPU of "+program+" in the floor", seconds), floor.spent[program].Seconds())
	}
	cores := float64(runtime.NumCPU())
	b.note(plain("share of all cores", share), 100*seen.spent.total().Seconds()/seen.wall.Seconds()/cores)
	b.note(plain("share of all cores in the floor", share), 100*floor.spent.total().Seconds()/floor.wall.Seconds()/cores)
}
