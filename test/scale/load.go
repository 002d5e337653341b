// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// load is a number of clusters of one size.
type load struct {
	clusters, replicas int
	// from is the size that they have before the time begins; with 0, and grown, they have their masters alone.
	from  int
	grown bool
	// in is the size to which they are scaled in at last, unless it is 0.
	in int
}

// pods is how many there are in the end.
func (l load) pods() int { return l.clusters * (1 + l.replicas) }

// onFakeNodes is the overlay of both roles: simulated nodes have a taint.
const onFakeNodes = `{"spec": {"tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}]}}`

// cluster is the SymphonyCluster of a number.
func cluster(namespace string, number, replicas int) *v1alpha1.SymphonyCluster {
	overlay := &runtime.RawExtension{Raw: []byte(onFakeNodes)}
	c := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: clusterName(number)}}
	c.Spec.Image = "sym712"
	c.Spec.Master.PodTemplate = overlay
	c.Spec.Compute.PodTemplate = overlay
	c.Spec.Compute.Replicas = new(int32(replicas))
	// Simulated pods run no EGO that could say who works.
	c.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate
	return c
}

func clusterName(number int) string { return fmt.Sprintf("c%d", number) }

// atOnce is how many requests are under way at a time.
const atOnce = 20

// each does something for every number below n, many at a time.
func each(ctx context.Context, n int, do func(ctx context.Context, number int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for number := range n {
		group.Go(func() error { return do(ctx, number) })
	}
	return group.Wait() //nolint:wrapcheck // What is done says what failed.
}

func (m *machine) createClusters(ctx context.Context, namespace string, n, replicas int) error {
	return each(ctx, n, func(ctx context.Context, number int) error { return m.createCluster(ctx, namespace, number, replicas) })
}

func (m *machine) createCluster(ctx context.Context, namespace string, number, replicas int) error {
	if err := m.api.Create(ctx, cluster(namespace, number, replicas)); err != nil {
		return fmt.Errorf("creating a SymphonyCluster: %w", err)
	}
	return nil
}

// startClusters creates them and waits until they are ready.
func (m *machine) startClusters(ctx context.Context, namespace string, n, replicas int) error {
	if err := m.createClusters(ctx, namespace, n, replicas); err != nil {
		return err
	}
	return m.waitUntilReady(ctx, namespace)
}

// quiet is for how long the operator must have written nothing. Its last writes to clusters that come are events and what it learns a pass later.
const quiet = 10 * time.Second

// settle waits until the operator has nothing more to write. A status that is written while a user edits its cluster is for a version that is no more: a
// conflict, after which it is written again. That belongs to the start of clusters, not to their growth.
func (m *machine) settle(ctx context.Context) error {
	mark, err := m.log.mark()
	if err != nil {
		return err
	}
	err = wait.PollUntilContextTimeout(ctx, quiet, patience, false, func(context.Context) (bool, error) {
		before := mark
		if mark, err = m.log.mark(); err != nil {
			return false, err
		}
		seen, err := m.log.since(before)
		return err == nil && seen.writes() == 0, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the operator to have nothing to write: %w", err)
	}
	return nil
}

// scaleClusters is kubectl scale.
func (m *machine) scaleClusters(ctx context.Context, namespace string, n, replicas int) error {
	return m.scaleEach(ctx, n, fmt.Sprintf(`{"spec": {"compute": {"replicas": %d}}}`, replicas), func(number int) client.Object {
		return cluster(namespace, number, 0)
	})
}

// scaleEach patches the object of every number below n.
func (m *machine) scaleEach(ctx context.Context, n int, patch string, of func(number int) client.Object) error {
	return each(ctx, n, func(ctx context.Context, number int) error {
		object := of(number)
		if err := m.api.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
			return fmt.Errorf("scaling a %T: %w", object, err)
		}
		return nil
	})
}

// maker makes the pods of a load: the operator from clusters, or Kubernetes from ReplicaSets.
type maker struct {
	on            *machine
	create, scale func(ctx context.Context, namespace string, n, replicas int) error
}

func clusterMaker(m *machine) maker { return maker{m, m.createClusters, m.scaleClusters} }
func setMaker(m *machine) maker     { return maker{m, m.createSets, m.scaleSets} }

// come has the pods of a load come, and measures how long that takes; without an operator, o is nil.
func (s *measured) come(ctx context.Context, l load, from maker, namespace string, t *tracker, o *operator) error {
	do := from.create
	if l.grown {
		do = from.scale
	}
	template, err := json.Marshal(from.on.templates[names.Compute])
	if err != nil {
		return fmt.Errorf("encoding a pod template: %w", err)
	}
	before, err := from.on.spent(o)
	if err != nil {
		return err
	}
	began, taking := time.Now(), t.sample(ctx, o, template)
	err = do(ctx, namespace, l.clusters, l.replicas)
	if err == nil {
		err = t.waitForPods(ctx, l.pods())
	}
	s.wall = time.Since(began)
	samples, failed := taking.end()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	after, err := from.on.spent(o)
	s.samples, s.spent = samples, after.since(before)
	return err
}

// goIn scales a load in, if it is to be.
func (s *measured) goIn(ctx context.Context, l load, with maker, namespace string, t *tracker) error {
	if l.in == 0 {
		return nil
	}
	began := time.Now()
	err := with.scale(ctx, namespace, l.clusters, l.in)
	if err == nil {
		err = t.waitForPods(ctx, l.clusters*(1+l.in))
	}
	s.in = time.Since(began)
	return err
}

// waitUntilReady waits until all clusters of a namespace say so of their present spec.
func (m *machine) waitUntilReady(ctx context.Context, namespace string) error {
	why := ""
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		all := &v1alpha1.SymphonyClusterList{}
		if err := m.api.List(ctx, all, client.InNamespace(namespace)); err != nil {
			return false, fmt.Errorf("listing clusters: %w", err)
		}
		for i := range all.Items {
			ready := meta.FindStatusCondition(all.Items[i].Status.Conditions, v1alpha1.ConditionReady)
			if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != all.Items[i].Generation {
				why = all.Items[i].Name
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s to be ready: %w", why, err)
	}
	return nil
}

// inNamespace does something in a namespace of its own, and deletes all of it.
func (m *machine) inNamespace(ctx context.Context, do func(namespace string, t *tracker) error) error {
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "scale-"}}
	if err := m.api.Create(ctx, made); err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	seen, err := m.track(ctx, made.Name)
	if err != nil {
		return err
	}
	defer seen.end()
	if err := do(made.Name, seen); err != nil {
		return err
	}
	// Of a namespace Kubernetes deletes the pods first, and the rest when half of their time to end is over: the operator would go on till then.
	if err := m.deleteClusters(ctx, made.Name); err != nil {
		return err
	}
	if err := m.api.Delete(ctx, made); err != nil {
		return fmt.Errorf("deleting a namespace: %w", err)
	}
	// What comes next must not be measured beside what goes.
	if err := seen.waitForPods(ctx, 0); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) { //nolint:wrapcheck // It is the context's end, or the API server's.
		err := m.api.Get(ctx, client.ObjectKeyFromObject(made), &corev1.Namespace{})
		return err != nil, client.IgnoreNotFound(err)
	})
}

// deleteClusters deletes all of a namespace. The API server gives a request a minute, in which it does not always delete 1,000: the next one has the rest.
func (m *machine) deleteClusters(ctx context.Context, namespace string) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, time.Second, patience, true, func(ctx context.Context) (bool, error) {
		last = m.api.DeleteAllOf(ctx, &v1alpha1.SymphonyCluster{}, client.InNamespace(namespace))
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("deleting clusters: %w", errors.Join(err, last))
	}
	return nil
}
