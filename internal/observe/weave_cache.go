// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// WeaveCacheOptions limits every informer of the network's manager: to Weave and its agents, whoever made them, to the one
// ConfigMap, and to what is used of nodes.
func WeaveCacheOptions() map[client.Object]cache.ByObject {
	weave := map[string]cache.Config{names.WeaveNamespace: {LabelSelector: weaveSelector()}}
	return map[client.Object]cache.ByObject{
		&appsv1.DaemonSet{}: {Namespaces: weave},
		&corev1.Pod{}:       {Namespaces: weave, Transform: newPodTrimmer().trim},
		&corev1.ConfigMap{}: {Namespaces: map[string]cache.Config{
			names.WeaveNamespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", names.WeaveRouters)},
		}},
		&corev1.Node{}:        {Transform: TrimNode},
		&v1alpha1.WeaveNode{}: {Transform: cache.TransformStripManagedFields()},
	}
}

func weaveSelector() labels.Selector {
	requirement, err := labels.NewRequirement(names.LabelWeave, selection.In, []string{names.WeaveRouters, names.WeaveAgents})
	if err != nil {
		panic(err) // Constants that do not make a selector are a bug that the first start shows.
	}
	return labels.NewSelector().Add(*requirement)
}

// TrimNode keeps of a node what hostNode reads: a kubelet's list of images alone is some 10 KB. It changes the node in place.
func TrimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil // A tombstone.
	}
	node.ManagedFields, node.Annotations, node.Spec = nil, nil, corev1.NodeSpec{}
	var kept []corev1.NodeCondition
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady || condition.Type == corev1.NodeNetworkUnavailable {
			kept = append(kept, corev1.NodeCondition{Type: condition.Type, Status: condition.Status, Reason: condition.Reason})
		}
	}
	node.Status = corev1.NodeStatus{Addresses: node.Status.Addresses, Conditions: kept}
	return node, nil
}
