// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"context"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Version tells whether an object was changed or replaced.
type Version struct {
	UID, ResourceVersion string
	Generation           int64
}

// Snapshot has the versions of objects by "Kind name".
type Snapshot map[string]Version

// Take reads the versions of everything in a namespace that a SymphonyCluster consists of: itself, its children,
// the ReplicaSet of its Deployment, and the pods.
func Take(ctx context.Context, cluster client.Reader, namespace string) (Snapshot, error) {
	snapshot := Snapshot{}
	for kind, list := range map[string]client.ObjectList{
		"SymphonyCluster":       &v1alpha1.SymphonyClusterList{},
		"ControllerRevision":    &appsv1.ControllerRevisionList{},
		"Deployment":            &appsv1.DeploymentList{},
		"ReplicaSet":            &appsv1.ReplicaSetList{},
		"ConfigMap":             &corev1.ConfigMapList{},
		"Service":               &corev1.ServiceList{},
		"NetworkPolicy":         &networkingv1.NetworkPolicyList{},
		"PodDisruptionBudget":   &policyv1.PodDisruptionBudgetList{},
		"Pod":                   &corev1.PodList{},
		"PersistentVolumeClaim": &corev1.PersistentVolumeClaimList{},
	} {
		if err := cluster.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("listing %s objects: %w", kind, err)
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			object, err := meta.Accessor(item)
			if err != nil {
				return fmt.Errorf("reading a %s: %w", kind, err)
			}
			if object.GetName() != "kube-root-ca.crt" {
				snapshot[kind+" "+object.GetName()] = versionOf(object)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return snapshot, nil
}

func versionOf(object metav1.Object) Version {
	return Version{UID: string(object.GetUID()), ResourceVersion: object.GetResourceVersion(), Generation: object.GetGeneration()}
}

// Touched names every object that is new, gone, replaced or changed in any way since an earlier snapshot.
func (s Snapshot) Touched(since Snapshot) []string {
	return s.differences(since, func(a, b Version) bool { return a == b })
}

// Disturbed names every object that is new, gone, replaced, or whose desired state (its generation) changed. A
// changed status or annotation does not count.
func (s Snapshot) Disturbed(since Snapshot) []string {
	return s.differences(since, func(a, b Version) bool { return a.UID == b.UID && a.Generation == b.Generation })
}

func (s Snapshot) differences(since Snapshot, same func(a, b Version) bool) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(s)) {
		before, existed := since[key]
		switch {
		case !existed:
			found = append(found, key+" is new")
		case !same(before, s[key]):
			found = append(found, fmt.Sprintf("%s changed from %+v to %+v", key, before, s[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(since)) {
		if _, exists := s[key]; !exists {
			found = append(found, key+" is gone")
		}
	}
	return found
}

// Without returns the snapshot without the objects of a kind.
func (s Snapshot) Without(kind string) Snapshot {
	rest := maps.Clone(s)
	maps.DeleteFunc(rest, func(key string, _ Version) bool { return len(key) > len(kind) && key[:len(kind)+1] == kind+" " })
	return rest
}
