// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// clusterMetrics tell of the statuses as they are when somebody asks: nothing has to be kept up to date, and what is deleted is gone.
type clusterMetrics struct {
	// source is the manager that works; until one does, there is nothing to tell: a replica that waits would tell it twice.
	source atomic.Pointer[clusterSource]
}

// clusterSource is a manager's cache.
type clusterSource struct {
	reader  client.Reader
	elected <-chan struct{}
}

var (
	showClusters = &clusterMetrics{}

	clustersDesc = prometheus.NewDesc("symphony_operator_clusters",
		"SymphonyClusters by the status (True, False, Unknown) of each condition. One that is absent, as Stalled mostly is, counts as False.",
		[]string{"condition", "status"}, nil)
	podsDesc = prometheus.NewDesc("symphony_operator_compute_pods",
		"Compute pods of a SymphonyCluster by state: wanted, current, ready, updated (to the revision that is wanted), draining (on their way out).",
		[]string{"namespace", "name", "state"}, nil)

	shownConditions = []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionMasterReady,
		v1alpha1.ConditionComputeReady, v1alpha1.ConditionHostsReady, v1alpha1.ConditionGUIReady, v1alpha1.ConditionStatePersistent,
		v1alpha1.ConditionNetworkReady,
	}
	shownStatuses = []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}
)

func init() { metrics.Registry.MustRegister(showClusters) }

// Describe implements prometheus.Collector.
func (m *clusterMetrics) Describe(all chan<- *prometheus.Desc) {
	all <- clustersDesc
	all <- podsDesc
}

// Collect implements prometheus.Collector.
func (m *clusterMetrics) Collect(all chan<- prometheus.Metric) {
	source := m.source.Load()
	if source == nil {
		return
	}
	select {
	case <-source.elected:
	default:
		return
	}
	// A cache that is not filled yet keeps nobody waiting for long.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	clusters := &v1alpha1.SymphonyClusterList{}
	// Nothing is changed, so that nothing has to be copied.
	if err := source.reader.List(ctx, clusters, client.UnsafeDisableDeepCopy); err != nil {
		return // An error would take all other metrics away too. That there are none of clusters is what an alert is for.
	}
	counts := map[string]map[metav1.ConditionStatus]int{}
	for _, kind := range shownConditions {
		counts[kind] = map[metav1.ConditionStatus]int{}
	}
	for i := range clusters.Items {
		cluster := &clusters.Items[i]
		for _, kind := range shownConditions {
			is := metav1.ConditionFalse
			if condition := meta.FindStatusCondition(cluster.Status.Conditions, kind); condition != nil {
				is = condition.Status
			}
			counts[kind][is]++
		}
		showPods(all, cluster)
	}
	for kind, byStatus := range counts {
		for _, is := range shownStatuses {
			all <- prometheus.MustNewConstMetric(clustersDesc, prometheus.GaugeValue, float64(byStatus[is]), kind, string(is))
		}
	}
}

func showPods(all chan<- prometheus.Metric, cluster *v1alpha1.SymphonyCluster) {
	compute := &cluster.Status.Compute
	wanted := int32(0)
	if replicas := cluster.Spec.Compute.Replicas; replicas != nil && !cluster.Spec.Suspend {
		wanted = *replicas
	}
	for state, count := range map[string]int32{
		"wanted": wanted, "current": compute.Replicas, "ready": compute.ReadyReplicas, "updated": compute.UpdatedReplicas, "draining": compute.Draining,
	} {
		all <- prometheus.MustNewConstMetric(podsDesc, prometheus.GaugeValue, float64(count), cluster.Namespace, cluster.Name, state)
	}
}
