// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// masterService gives the master's host name a DNS record for clients. It is headless, because EGO wants the
// name to mean the host's own address, and published before the master is ready, because clients resolve
// the name while EGO starts. Compute hosts do not depend on it.
func masterService(cluster *v1alpha1.SymphonyCluster) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(names.MasterName(cluster.Name), cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, names.Master)).
		WithOwnerReferences(ownedBy(cluster)).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithClusterIP(corev1.ClusterIPNone).
			WithPublishNotReadyAddresses(true).
			WithSelector(names.Selector(cluster.Name, names.Master)).
			WithPorts(guiServicePort()))
}
