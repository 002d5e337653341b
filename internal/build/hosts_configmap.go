// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// hostsConfigMap publishes the master's address as an OS hosts file, for clients and people. Compute pods do
// not read it: a changed ConfigMap takes a minute to reach a running pod.
func hostsConfigMap(
	cluster *v1alpha1.SymphonyCluster, address *plan.Address,
) *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap(names.HostsName(cluster.Name), cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, names.Master)).
		WithOwnerReferences(ownedBy(cluster)).
		WithData(map[string]string{names.HostsKey: address.HostsLine() + "\n"})
}
