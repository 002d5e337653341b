// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// computeHosts are the lists of compute hosts that the plan has written now. Each is meant for the version that was looked at: a
// pass that follows another closely may see the list from before it, and would write it again.
func computeHosts(facts *observe.Facts, due []plan.HostsShard) []*corev1ac.ConfigMapApplyConfiguration {
	lists := make([]*corev1ac.ConfigMapApplyConfiguration, 0, len(due))
	for _, shard := range due {
		list := corev1ac.ConfigMap(names.ComputeHostsName(facts.Cluster.Name, shard.Number), facts.Cluster.Namespace).
			WithLabels(names.Labels(facts.Cluster.Name, names.Compute)).
			WithAnnotations(map[string]string{names.AnnotationWritten: facts.Now.UTC().Format(metav1.RFC3339Micro)}).
			WithOwnerReferences(ownedBy(facts.Cluster)).
			WithData(map[string]string{names.HostsKey: shard.Text})
		if live := facts.ComputeHosts[shard.Number]; live != nil {
			list.WithResourceVersion(live.ResourceVersion)
		}
		lists = append(lists, list)
	}
	return lists
}
