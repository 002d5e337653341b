// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

const clusterKind = "SymphonyCluster"

// CacheOptions limits every informer to the operator's own objects, and pods to the fields in use: the
// operator's memory must not grow with what else runs in the Kubernetes cluster.
func CacheOptions() map[client.Object]cache.ByObject {
	own := cache.ByObject{Label: names.Managed()}
	pods := own
	pods.Transform = newPodTrimmer().trim
	templates := own
	templates.Transform = shareScripts
	return map[client.Object]cache.ByObject{
		&appsv1.ControllerRevision{}: own,
		&appsv1.Deployment{}:         templates,
		&appsv1.ReplicaSet{}:         templates,
		&corev1.ConfigMap{}:          own,
		// Without their label every claim of the Kubernetes cluster would be held.
		&corev1.PersistentVolumeClaim{}: own,
		&corev1.Pod{}:                   pods,
		&corev1.Service{}:               own,
		&networkingv1.NetworkPolicy{}:   own,
		&policyv1.PodDisruptionBudget{}: own,
	}
}

// kindOf gives the kinds that are children; typed objects do not carry their own kind.
func kindOf(object client.Object) (schema.GroupVersionKind, error) {
	switch object.(type) {
	case *appsv1.Deployment:
		return appsv1.SchemeGroupVersion.WithKind("Deployment"), nil
	case *appsv1.ReplicaSet:
		return appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), nil
	case *corev1.ConfigMap:
		return corev1.SchemeGroupVersion.WithKind("ConfigMap"), nil
	case *corev1.PersistentVolumeClaim:
		return corev1.SchemeGroupVersion.WithKind(ClaimKind), nil
	case *corev1.Service:
		return corev1.SchemeGroupVersion.WithKind("Service"), nil
	case *networkingv1.NetworkPolicy:
		return networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"), nil
	case *policyv1.PodDisruptionBudget:
		return policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), nil
	}
	return schema.GroupVersionKind{}, fmt.Errorf("%T is no kind of child", object)
}
