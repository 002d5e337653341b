// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// templates are the pod templates of both roles, as the operator makes them: the floor's pods have to be the same.
type templates map[string]*corev1.PodTemplateSpec

// learn has the operator make one cluster, and keeps its templates.
func (m *machine) learn(ctx context.Context) (templates, error) {
	learned := templates{}
	o, err := m.startOperator(ctx)
	if err != nil {
		return nil, err
	}
	err = m.inNamespace(ctx, func(namespace string, t *tracker) error {
		if err := m.createClusters(ctx, namespace, 1, 1); err != nil {
			return err
		}
		if err := t.waitForPods(ctx, 2); err != nil {
			return err
		}
		master, compute := &appsv1.Deployment{}, &appsv1.ReplicaSet{}
		for name, object := range map[string]client.Object{names.MasterName(clusterName(0)): master, names.ComputeName(clusterName(0)): compute} {
			if err := m.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
				return fmt.Errorf("reading the operator's templates: %w", err)
			}
		}
		learned[names.Master], learned[names.Compute] = &master.Spec.Template, &compute.Spec.Template
		return nil
	})
	if stopped := o.stop(); err == nil {
		err = stopped
	}
	return learned, err
}

// learnOnce learns them: those of all clusters are the same.
func (m *machine) learnOnce(ctx context.Context) (err error) {
	if m.templates == nil {
		m.templates, err = m.learn(ctx)
	}
	return err
}

// floor is how long the pods of a load take from bare ReplicaSets, to come and, scaled in, to go: what Kubernetes itself costs. In order, the
// compute pods of each cluster come when its master has an address.
func (b *bench) floor(ctx context.Context, l load, inOrder bool) (*measured, error) {
	seen := &measured{}
	err := b.inNamespace(ctx, func(namespace string, t *tracker) error {
		if l.grown {
			if err := b.createSets(ctx, namespace, l.clusters, l.from); err != nil {
				return err
			}
			if err := t.waitForPods(ctx, l.clusters*(1+l.from)); err != nil {
				return err
			}
		}
		from := setMaker(b.machine)
		if inOrder {
			from.create = t.inOrder(b.machine)
		}
		if err := seen.come(ctx, l, from, namespace, t, nil); err != nil {
			return err
		}
		return seen.goIn(ctx, l, from, namespace, t)
	})
	return seen, err
}

func (m *machine) createSets(ctx context.Context, namespace string, n, replicas int) error {
	return each(ctx, n, func(ctx context.Context, number int) error { return m.createSet(ctx, namespace, number, replicas) })
}

// createSet creates what stands for a cluster: a ReplicaSet a role.
func (m *machine) createSet(ctx context.Context, namespace string, number, replicas int) error {
	if err := m.createRole(ctx, namespace, number, names.Master, 1); err != nil {
		return err
	}
	return m.createRole(ctx, namespace, number, names.Compute, replicas)
}

func (m *machine) createRole(ctx context.Context, namespace string, number int, role string, replicas int) error {
	selected := map[string]string{names.LabelCluster: clusterName(number), names.LabelRole: role}
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: clusterName(number) + "-" + role},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32(replicas)), Selector: &metav1.LabelSelector{MatchLabels: selected}, Template: *m.templates[role].DeepCopy(),
		},
	}
	set.Spec.Template.Labels[names.LabelCluster] = clusterName(number)
	if err := m.api.Create(ctx, set); err != nil {
		return fmt.Errorf("creating a ReplicaSet: %w", err)
	}
	return nil
}

// inOrder is createSets for people who wait, as the operator has to: what it costs to have the address first, in whoever's hands.
func (t *tracker) inOrder(m *machine) func(ctx context.Context, namespace string, n, replicas int) error {
	return func(ctx context.Context, namespace string, n, replicas int) error {
		err := each(ctx, n, func(ctx context.Context, number int) error {
			return m.createRole(ctx, namespace, number, names.Master, 1)
		})
		if err != nil {
			return err
		}
		group, groupContext := errgroup.WithContext(ctx)
		waiting := map[int]bool{}
		for number := range n {
			waiting[number] = true
		}
		for len(waiting) > 0 && err == nil {
			var came []int
			err = t.wait(groupContext, fmt.Sprintf("%d masters", len(waiting)), func() bool {
				for number := range waiting {
					if _, addressed := t.addressed[clusterName(number)]; addressed {
						came = append(came, number)
					}
				}
				return len(came) > 0
			})
			for _, number := range came {
				delete(waiting, number)
				group.Go(func() error { return m.createRole(groupContext, namespace, number, names.Compute, replicas) })
			}
		}
		return errors.Join(err, group.Wait())
	}
}

func (m *machine) scaleSets(ctx context.Context, namespace string, n, replicas int) error {
	return m.scaleEach(ctx, n, fmt.Sprintf(`{"spec": {"replicas": %d}}`, replicas), func(number int) client.Object {
		return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: clusterName(number) + "-" + names.Compute}}
	})
}
