// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// foreign is what pods that are not Symphony's cost the operator.
func foreign(clusters, pods int) scenario {
	return scenario{"foreign-pods", fmt.Sprintf("%d pods of others beside %d clusters", pods, clusters), func(ctx context.Context, b *bench) error {
		for range b.runs {
			err := b.withOperator(ctx, func(o *operator, namespace string, _ *tracker) error {
				if err := b.startClusters(ctx, namespace, clusters, 10); err != nil {
					return err
				}
				before, err := o.settledMemory(ctx)
				if err != nil {
					return err
				}
				return b.inNamespace(ctx, func(others string, t *tracker) error {
					if err := b.createForeign(ctx, others, pods); err != nil {
						return err
					}
					if err := t.waitForPods(ctx, pods); err != nil {
						return err
					}
					after, err := o.settledMemory(ctx)
					b.note(figure{"growth of the operator's memory", megabytes, 5, false}, after-before)
					return err
				})
			})
			if err != nil {
				return err
			}
		}
		return nil
	}}
}

// createForeign creates pods that have nothing to do with Symphony.
func (b *bench) createForeign(ctx context.Context, namespace string, pods int) error {
	labels := map[string]string{"app": "other"}
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "other"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32(pods)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
				Tolerations: []corev1.Toleration{{Key: "kwok.x-k8s.io/node", Operator: corev1.TolerationOpExists}},
				Containers:  []corev1.Container{{Name: "other", Image: "other"}},
			}},
		},
	}
	if err := b.api.Create(ctx, set); err != nil {
		return fmt.Errorf("creating pods of others: %w", err)
	}
	return nil
}

// settledMemory is the operator's least memory over a while: what one garbage collection more or less makes is no growth.
func (o *operator) settledMemory(ctx context.Context) (float64, error) {
	least := 0.0
	for range 20 {
		now, _, err := o.resident()
		if err != nil {
			return 0, err
		}
		if least == 0 || now < least {
			least = now
		}
		if err := pause(ctx, time.Second); err != nil {
			return 0, err
		}
	}
	return least, nil
}

// pause is a time over which something is measured.
func pause(ctx context.Context, long time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // It is the user who ends this.
	case <-time.After(long):
		return nil
	}
}

// atRest is what clusters cost with which nothing happens.
func atRest(clusters int, long time.Duration) scenario {
	return scenario{"rest", fmt.Sprintf("%d clusters at rest for %s", clusters, long), func(ctx context.Context, b *bench) error {
		return b.withOperator(ctx, func(o *operator, namespace string, _ *tracker) error {
			if err := b.startClusters(ctx, namespace, clusters, 2); err != nil {
				return err
			}
			// What is told a poll of EGO later belongs to the start.
			if err := pause(ctx, time.Minute); err != nil {
				return err
			}
			seen := &measured{}
			if err := seen.around(ctx, b.machine, o, func() error { return pause(ctx, long) }); err != nil {
				return err
			}
			b.note(figure{"writes", count, 0, false}, float64(seen.requests.writes()))
			b.note(figure{"reads other than watches", count, 0, false}, float64(seen.requests.readsButWatches()))
			b.note(plain("CPU of the operator a minute", seconds), seen.cpu.Minutes()*60/long.Minutes())
			b.note(plain("peak memory of the operator", megabytes), seen.peak)
			fmt.Fprint(b.told, seen.requests)
			return nil
		})
	}}
}
