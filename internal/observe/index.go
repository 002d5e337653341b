// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

const (
	// clusterIndex has a cache's objects by the cluster whose label they wear.
	clusterIndex = "cluster"
	// podIndex has its pods by their cluster and role.
	podIndex = "cluster-role"
)

// Index has a cache keep the objects of which a cluster has many by their cluster, and returns who asks it by that. Without it, a pass goes
// through all pods of its namespace, three times: a small cluster would wait for the sake of a large one beside it, and a thousand
// small ones for each other.
func Index(ctx context.Context, of cache.Cache) (client.Reader, error) {
	for _, kind := range []client.Object{&appsv1.ReplicaSet{}, &appsv1.ControllerRevision{}} {
		err := of.IndexField(ctx, kind, clusterIndex, func(object client.Object) []string {
			return []string{object.GetLabels()[names.LabelCluster]}
		})
		if err != nil {
			return nil, fmt.Errorf("indexing %T: %w", kind, err)
		}
	}
	informer, err := of.GetInformer(ctx, &corev1.Pod{}, cache.BlockUntilSynced(false))
	if err == nil {
		err = informer.AddIndexers(podIndexers())
	}
	if err != nil {
		return nil, fmt.Errorf("indexing pods: %w", err)
	}
	shared, ok := informer.(toolscache.SharedIndexInformer)
	if !ok {
		return nil, fmt.Errorf("indexing pods: a %T has no index that can be read", informer)
	}
	return indexed{of, shared.GetIndexer()}, nil
}

func podIndexers() toolscache.Indexers {
	return toolscache.Indexers{podIndex: func(object any) ([]string, error) {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return nil, nil
		}
		return []string{podKey(pod.Namespace, pod.Labels[names.LabelCluster], pod.Labels[names.LabelRole])}, nil
	}}
}

func podKey(namespace, cluster, role string) string { return namespace + "/" + cluster + "/" + role }

type indexed struct {
	client.Reader

	pods toolscache.Indexer
}

// List implements client.Reader.
func (i indexed) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	switch list.(type) {
	case *appsv1.ReplicaSetList, *appsv1.ControllerRevisionList:
		asked := (&client.ListOptions{}).ApplyOptions(options)
		if asked.LabelSelector == nil {
			break
		}
		if cluster, one := asked.LabelSelector.RequiresExactMatch(names.LabelCluster); one {
			options = append(slices.Clip(options), client.MatchingFields{clusterIndex: cluster})
		}
	}
	return i.Reader.List(ctx, list, options...) //nolint:wrapcheck // It stands for the cache.
}

// listPods lists a cluster's pods of a role as the cache has them, to be read only: a list has a copy of each, and those of a cluster of 30,000 take
// 33 MB, with every pass. The watch of pods is in step before the first pass. Other readers, which tests have, list.
func listPods(ctx context.Context, from client.Reader, namespace, cluster, role string) ([]*corev1.Pod, error) {
	known, ok := from.(indexed)
	if !ok {
		return listCopies(ctx, from, namespace, cluster, role)
	}
	objects, err := known.pods.ByIndex(podIndex, podKey(namespace, cluster, role))
	if err != nil {
		return nil, fmt.Errorf("listing %s pods: %w", role, err)
	}
	pods := make([]*corev1.Pod, 0, len(objects))
	for _, object := range objects {
		if pod, ok := object.(*corev1.Pod); ok {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

func listCopies(ctx context.Context, from client.Reader, namespace, cluster, role string) ([]*corev1.Pod, error) {
	var list corev1.PodList
	err := from.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels(names.Selector(cluster, role)), client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing %s pods: %w", role, err)
	}
	pods := make([]*corev1.Pod, 0, len(list.Items))
	for i := range list.Items {
		pods = append(pods, &list.Items[i])
	}
	return pods, nil
}
