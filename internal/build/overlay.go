// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// OverlayError says what is wrong with a podTemplate overlay, for the person who wrote it.
type OverlayError struct {
	// Role is names.Master or names.Compute.
	Role string
	// Problem is the rest of the sentence.
	Problem string
}

// Error implements error.
func (e *OverlayError) Error() string {
	return fmt.Sprintf("spec.%s.podTemplate %s", e.Role, e.Problem)
}

func overlayProblem(format string, arguments ...any) error {
	return &OverlayError{Problem: fmt.Sprintf(format, arguments...)}
}

// merge lays the user's overlay over the operator's template and returns the result as JSON. It works on JSON
// throughout: decoded into typed structs, fields that nobody set would become zero values that the operator
// then owned.
func merge(base *corev1ac.PodTemplateSpecApplyConfiguration, overlay *runtime.RawExtension) ([]byte, error) {
	data, err := json.Marshal(base)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	if overlay == nil || len(overlay.Raw) == 0 {
		return repair(data, data)
	}
	if err := checkOverlay(overlay.Raw); err != nil {
		return nil, err
	}
	merged, err := strategicpatch.StrategicMergePatch(data, overlay.Raw, corev1.PodTemplateSpec{})
	if err != nil {
		return nil, overlayProblem("cannot be merged: %v", err)
	}
	merged, err = repair(data, merged)
	if err != nil {
		return nil, err
	}
	return merged, checkMerged(data, merged)
}

// repair mends what a strategic merge does not do as people expect. What comes out has its keys in order, as the API server
// writes them: a kept template in another order would be another one to it at the first patch of any field, and refused.
func repair(base, merged []byte) ([]byte, error) {
	var before, after map[string]any
	// This package keeps whole numbers whole, where encoding/json makes floats of them.
	if err := utiljson.Unmarshal(base, &before); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	if err := utiljson.Unmarshal(merged, &after); err != nil {
		return nil, overlayProblem("cannot be merged: %v", err)
	}
	own, _ := before["spec"].(map[string]any)
	spec, _ := after["spec"].(map[string]any)
	if spec != nil {
		symphonyFirst(spec)
		keepTolerations(own, spec)
	}
	repaired, err := json.Marshal(after)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return repaired, nil
}

// symphonyFirst puts the container `symphony` back to the front, where `kubectl logs` and `kubectl exec` look
// by default: a merge puts the overlay's containers first.
func symphonyFirst(spec map[string]any) {
	containers, _ := spec["containers"].([]any)
	for i, entry := range containers {
		if container, _ := entry.(map[string]any); container["name"] == names.Container {
			copy(containers[1:i+1], containers[:i])
			containers[0] = entry
		}
	}
}

// keepTolerations adds the operator's tolerations to the overlay's, except for taints that the overlay names
// itself: tolerations have no merge key, so a merge replaces them all, and the master would stay bound to a lost node
// for five minutes because somebody tolerates a GPU's taint.
func keepTolerations(own, spec map[string]any) {
	wanted, _ := spec["tolerations"].([]any)
	named := map[any]bool{}
	for _, entry := range wanted {
		if toleration, ok := entry.(map[string]any); ok {
			named[toleration["key"]] = true
		}
	}
	kept, _ := own["tolerations"].([]any)
	for _, entry := range kept {
		if toleration, ok := entry.(map[string]any); ok && !named[toleration["key"]] {
			wanted = append(wanted, toleration)
		}
	}
	if len(wanted) > 0 {
		spec["tolerations"] = wanted
	}
}

// asApply turns a typed value into its apply configuration by way of JSON, which leaves out what is not set.
// Types that come from the API and their apply configurations have the same JSON; anything else is a bug.
func asApply[T any](typed any) *T {
	data, err := json.Marshal(typed)
	if err != nil {
		panic(fmt.Sprintf("encoding %T: %v", typed, err))
	}
	target := new(T)
	if err := json.Unmarshal(data, target); err != nil {
		panic(fmt.Sprintf("decoding %T: %v", target, err))
	}
	return target
}
