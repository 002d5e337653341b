// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// clusterIndex has a cache's objects by the cluster whose label they wear.
const clusterIndex = "cluster"

// Index has the cache keep the objects of which a cluster has many by their cluster. Without it, a pass goes through all pods of its namespace,
// three times: a small cluster would wait for the sake of a large one beside it, and a thousand small ones for each other.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	for _, kind := range []client.Object{&corev1.Pod{}, &appsv1.ReplicaSet{}, &appsv1.ControllerRevision{}} {
		err := indexer.IndexField(ctx, kind, clusterIndex, func(object client.Object) []string {
			return []string{object.GetLabels()[names.LabelCluster]}
		})
		if err != nil {
			return fmt.Errorf("indexing %T: %w", kind, err)
		}
	}
	return nil
}

// Indexed reads from a cache with Index, and asks it for a cluster's objects by that.
func Indexed(cache client.Reader) client.Reader { return indexed{cache} }

type indexed struct{ client.Reader }

// List implements client.Reader.
func (i indexed) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	switch list.(type) {
	case *corev1.PodList, *appsv1.ReplicaSetList, *appsv1.ControllerRevisionList:
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
