// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the API of symphony-operator: the group symphony-operator.io, version v1alpha1.
//
// IBM's own operator uses the group symphony.spectrumcomputing.ibm.com for a kind of the same name; the
// two can be installed side by side.
//
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=true
// +groupName=symphony-operator.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// SchemeGroupVersion is the group and version of every kind in this package.
	SchemeGroupVersion = schema.GroupVersion{Group: "symphony-operator.io", Version: "v1alpha1"}

	// SchemeBuilder collects the functions that add this package's kinds to a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds this package's kinds to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&SymphonyCluster{}, &SymphonyClusterList{}, &NetworkCheck{}, &NetworkCheckList{},
		&WeaveNetwork{}, &WeaveNetworkList{}, &WeaveNode{}, &WeaveNodeList{})
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}
