// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Computed is what kstatus, and with it every tool that uses it, makes of an object: Current, InProgress,
// Failed or Terminating.
func Computed(object client.Object) (string, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return "", fmt.Errorf("converting the object: %w", err)
	}
	result, err := kstatus.Compute(&unstructured.Unstructured{Object: content})
	if err != nil {
		return "", fmt.Errorf("computing the kstatus: %w", err)
	}
	return string(result.Status), nil
}
