// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// mastersMoved is what becomes of compute pods when all masters are lost at once.
func mastersMoved(clusters int) scenario {
	return scenario{"masters-moved", fmt.Sprintf("%d masters deleted at once", clusters), func(ctx context.Context, b *bench) error {
		for range b.runs {
			if err := b.withOperator(ctx, func(_ *operator, namespace string, t *tracker) error {
				return b.moveMasters(ctx, namespace, t, clusters)
			}); err != nil {
				return err
			}
		}
		return nil
	}}
}

func (b *bench) moveMasters(ctx context.Context, namespace string, t *tracker, clusters int) error {
	if err := b.startClusters(ctx, namespace, clusters, 2); err != nil {
		return err
	}
	before, err := b.computePods(ctx, namespace)
	if err != nil {
		return err
	}
	began := time.Now()
	masters := client.MatchingLabels{names.LabelRole: names.Master}
	if err := b.api.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(namespace), masters); err != nil {
		return fmt.Errorf("deleting masters: %w", err)
	}
	if err := t.wait(ctx, "all to know the new addresses", func() bool { return t.knowAll(clusters, began) }); err != nil {
		return err
	}
	own, all := t.late(began)
	b.note(plain("a master's address to everywhere, 99 %", seconds), quantile(own, 0.99).Seconds())
	b.note(figure{"the last master's address to everywhere, 99 %", seconds, 2, true}, quantile(all, 0.99).Seconds())
	after, err := b.computePods(ctx, namespace)
	if err != nil {
		return err
	}
	replaced := 0
	for uid := range before {
		if !after[uid] {
			replaced++
		}
	}
	b.note(figure{"compute pods replaced", count, 0, false}, float64(replaced))
	return nil
}

func (m *machine) computePods(ctx context.Context, namespace string) (map[types.UID]bool, error) {
	pods := &corev1.PodList{}
	if err := m.api.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels{names.LabelRole: names.Compute}); err != nil {
		return nil, fmt.Errorf("listing compute pods: %w", err)
	}
	uids := map[types.UID]bool{}
	for i := range pods.Items {
		uids[pods.Items[i].UID] = true
	}
	return uids, nil
}

// knowAll reports whether every cluster has a master since then, and everything of it that master's address.
func (t *tracker) knowAll(clusters int, since time.Time) bool {
	if len(t.masters) != clusters {
		return false
	}
	for cluster, master := range t.masters {
		if master.since.Before(since) {
			return false
		}
		for _, known := range t.knows[cluster] {
			if known.ip != master.ip {
				return false
			}
		}
	}
	return true
}

// late is how much later than its own master, and than the last one, each cluster's last object had the address.
func (t *tracker) late(since time.Time) (own, all []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := since
	for _, master := range t.masters {
		if master.since.After(last) {
			last = master.since
		}
	}
	for cluster, master := range t.masters {
		done := master.since
		for _, known := range t.knows[cluster] {
			if known.since.After(done) {
				done = known.since
			}
		}
		own = append(own, done.Sub(master.since))
		all = append(all, max(0, done.Sub(last)))
	}
	return own, all
}

// restart is what it takes a new operator to see what there is.
func restart(clusters int) scenario {
	return scenario{"restart", fmt.Sprintf("a new operator for %d clusters", clusters), func(ctx context.Context, b *bench) error {
		o, err := b.startOperator(ctx)
		if err != nil {
			return err
		}
		return b.inNamespace(ctx, func(namespace string, _ *tracker) error {
			err := b.startClusters(ctx, namespace, clusters, 2)
			if stopped := o.stop(); err == nil {
				err = stopped
			}
			for range b.runs {
				if err == nil {
					err = b.restarted(ctx, clusters)
				}
			}
			return err
		})
	}}
}

func (b *bench) restarted(ctx context.Context, clusters int) error {
	mark, err := b.log.mark()
	if err != nil {
		return err
	}
	began := time.Now()
	o, err := b.startOperator(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = o.stop() }()
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		seen, err := o.scrape(ctx)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return false, nil // It is well before its metrics are served.
		}
		return err == nil && seen.passes() >= float64(clusters) && seen.waiting() == 0, err
	})
	if err != nil {
		return fmt.Errorf("waiting until all clusters are seen: %w", err)
	}
	took := time.Since(began)
	cpu, err := o.cpu()
	if err != nil {
		return err
	}
	_, peak, err := o.resident()
	if err != nil {
		return err
	}
	requests, err := b.log.since(mark)
	if err != nil {
		return err
	}
	b.note(plain("time until all are seen", seconds), took.Seconds())
	b.note(plain("CPU of the operator", seconds), cpu.Seconds())
	b.note(plain("peak memory of the operator", megabytes), peak)
	b.note(figure{"writes", count, 0, false}, float64(requests.writes()))
	b.note(plain("reads", count), float64(requests.count(func(c call) bool { return !c.isWrite() })))
	fmt.Fprint(b.told, requests)
	return nil
}

// besideALargeOne is how long a small cluster takes when a large one has just been created.
func besideALargeOne(large, small int) scenario {
	return scenario{"small-beside-large", fmt.Sprintf("a cluster of %d after one of %d", small, large), func(ctx context.Context, b *bench) error {
		// Made by the floor as by the operator: the second of two.
		sizes := []int{large, small}
		measure := func(t *tracker, create func(number int) error) (time.Duration, error) {
			var began time.Time
			for number := range sizes {
				began = time.Now()
				if err := create(number); err != nil {
					return 0, err
				}
			}
			err := t.waitForCluster(ctx, clusterName(1), 1+small)
			return time.Since(began), err
		}
		for range b.runs {
			if err := b.learnOnce(ctx); err != nil {
				return err
			}
			var floor, took time.Duration
			err := b.inNamespace(ctx, func(namespace string, t *tracker) (err error) {
				floor, err = measure(t, func(number int) error { return b.createSet(ctx, namespace, number, sizes[number]) })
				return err
			})
			if err != nil {
				return err
			}
			err = b.withOperator(ctx, func(_ *operator, namespace string, t *tracker) (err error) {
				took, err = measure(t, func(number int) error { return b.createCluster(ctx, namespace, number, sizes[number]) })
				return err
			})
			if err != nil {
				return err
			}
			b.note(figure{"wall time over floor", ratio, 1.10, true}, took.Seconds()/floor.Seconds())
			b.note(plain("wall time of the floor", seconds), floor.Seconds())
		}
		return nil
	}}
}
