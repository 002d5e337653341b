// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// ComputeHosts are the lines of a cluster's lists of compute hosts, and those that its running pods ask for, both sorted. The lists follow
// the pods with seconds between two writes, so a cluster is at rest only when they are equal: before that, a write is still to come.
func ComputeHosts(ctx context.Context, cluster client.Reader, key client.ObjectKey) (listed, running []string, err error) {
	for shard := range names.ComputeHostsShards {
		list := &corev1.ConfigMap{}
		err := cluster.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: names.ComputeHostsName(key.Name, shard)}, list)
		if client.IgnoreNotFound(err) != nil {
			return nil, nil, fmt.Errorf("getting a list of compute hosts: %w", err)
		}
		listed = append(listed, strings.FieldsFunc(list.Data[names.HostsKey], func(r rune) bool { return r == '\n' })...)
	}
	var pods corev1.PodList
	err = cluster.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingLabels(names.Selector(key.Name, names.Compute)))
	if err != nil {
		return nil, nil, fmt.Errorf("listing the compute pods: %w", err)
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.DeletionTimestamp == nil && pod.Status.PodIP != "" && pod.Status.Phase == corev1.PodRunning {
			running = append(running, pod.Status.PodIP+" "+pod.Name)
		}
	}
	slices.Sort(listed)
	slices.Sort(running)
	return listed, running, nil
}
