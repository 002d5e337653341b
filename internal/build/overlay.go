// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	kjson "sigs.k8s.io/json"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
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
		return data, nil
	}
	if err := checkOverlay(overlay.Raw); err != nil {
		return nil, err
	}
	merged, err := strategicpatch.StrategicMergePatch(data, overlay.Raw, corev1.PodTemplateSpec{})
	if err != nil {
		return nil, overlayProblem("cannot be merged: %v", err)
	}
	merged, err = symphonyFirst(merged)
	if err != nil {
		return nil, err
	}
	return merged, checkMerged(data, merged)
}

// checkOverlay refuses what strategic merge would swallow: a mistyped field would silently do nothing.
func checkOverlay(raw []byte) error {
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return overlayProblem("does not parse: %v", err)
	}
	if directive := findDirective(tree); directive != "" {
		return overlayProblem("has %q: merge directives are not supported; to drop what the operator sets, use the fields of spec", directive)
	}
	strict, err := kjson.UnmarshalStrict(raw, &corev1.PodTemplateSpec{})
	if err != nil {
		return overlayProblem("is not a PodTemplateSpec: %v", err)
	}
	if len(strict) > 0 {
		return overlayProblem("is not a PodTemplateSpec: %v", errors.Join(strict...))
	}
	return nil
}

func findDirective(tree any) string {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			if strings.HasPrefix(key, "$") {
				return key
			}
			if found := findDirective(value); found != "" {
				return found
			}
		}
	case []any:
		for _, value := range node {
			if found := findDirective(value); found != "" {
				return found
			}
		}
	}
	return ""
}

// symphonyFirst puts the container `symphony` back to the front, where `kubectl logs` and `kubectl exec` look
// by default: a merge puts the overlay's containers first.
func symphonyFirst(merged []byte) ([]byte, error) {
	var template map[string]any
	if err := json.Unmarshal(merged, &template); err != nil {
		return nil, overlayProblem("cannot be merged: %v", err)
	}
	spec, _ := template["spec"].(map[string]any)
	containers, _ := spec["containers"].([]any)
	for i, entry := range containers {
		if container, _ := entry.(map[string]any); container["name"] == names.Container {
			copy(containers[1:i+1], containers[:i])
			containers[0] = entry
		}
	}
	ordered, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return ordered, nil
}

// checkMerged compares what came out with what the operator needs. It looks at the result, not at the overlay:
// there are many ways to write the same loss.
func checkMerged(base, merged []byte) error {
	var want, got corev1.PodTemplateSpec
	if err := json.Unmarshal(base, &want); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	if err := json.Unmarshal(merged, &got); err != nil {
		return overlayProblem("is not a PodTemplateSpec: %v", err)
	}
	if err := checkMetadata(&want, &got); err != nil {
		return err
	}
	if got.Spec.Hostname != want.Spec.Hostname {
		return overlayProblem("must not change spec.hostname: EGO knows the host by it")
	}
	if got.Spec.Subdomain != "" || got.Spec.HostNetwork || got.Spec.SetHostnameAsFQDN != nil {
		return overlayProblem("must not set spec.subdomain, spec.hostNetwork or spec.setHostnameAsFQDN: EGO's host names depend on them")
	}
	if policy := got.Spec.RestartPolicy; policy != "" && policy != corev1.RestartPolicyAlways {
		return overlayProblem("must not change spec.restartPolicy: a container that ends must start again")
	}
	for i := range want.Spec.Volumes {
		if !contains(got.Spec.Volumes, want.Spec.Volumes[i]) {
			return overlayProblem("must not change the volume %q", want.Spec.Volumes[i].Name)
		}
	}
	if err := checkContainer(&want, &got); err != nil {
		return err
	}
	return checkPorts(&got)
}

func checkMetadata(want, got *corev1.PodTemplateSpec) error {
	for key, value := range want.Labels {
		if got.Labels[key] != value {
			return overlayProblem("must not change the label %q: the operator finds its pods by it", key)
		}
	}
	if _, found := got.Labels[names.LabelRevision]; found {
		return overlayProblem("must not set the label %q: it is the operator's", names.LabelRevision)
	}
	if _, found := got.Annotations[names.AnnotationMasterHosts]; found {
		return overlayProblem("must not set the annotation %q: it carries the master's address", names.AnnotationMasterHosts)
	}
	if got.Name != "" || got.Namespace != "" || got.GenerateName != "" {
		return overlayProblem("must not set metadata.name, metadata.generateName or metadata.namespace")
	}
	return nil
}

func checkContainer(want, got *corev1.PodTemplateSpec) error {
	if len(got.Spec.Containers) == 0 || got.Spec.Containers[0].Name != names.Container {
		return overlayProblem("must not remove the container %q", names.Container)
	}
	wanted, merged := &want.Spec.Containers[0], &got.Spec.Containers[0]
	if !reflect.DeepEqual(wanted.Command, merged.Command) || !reflect.DeepEqual(wanted.Args, merged.Args) {
		return overlayProblem("must not change command or args of the container %q: they are the start script", names.Container)
	}
	if probe := merged.ReadinessProbe; probe == nil || !equality.Semantic.DeepEqual(wanted.ReadinessProbe.Exec, probe.Exec) {
		return overlayProblem("must not change what the readiness probe of the container %q runs", names.Container)
	}
	for i := range wanted.Env {
		if v1alpha1.IsOperatorEnv(wanted.Env[i].Name) && !contains(merged.Env, wanted.Env[i]) {
			return overlayProblem("must not change the variable %s of the container %q", wanted.Env[i].Name, names.Container)
		}
	}
	for i := range wanted.VolumeMounts {
		if !contains(merged.VolumeMounts, wanted.VolumeMounts[i]) {
			return overlayProblem("must not change the mount of %s in the container %q", wanted.VolumeMounts[i].MountPath, names.Container)
		}
	}
	return nil
}

// checkPorts refuses one number for two protocols in a container: strategic merge knows ports by their number
// alone and would mix the two up at the next merge.
func checkPorts(got *corev1.PodTemplateSpec) error {
	for i := range got.Spec.Containers {
		seen := map[int32]bool{}
		for _, port := range got.Spec.Containers[i].Ports {
			if seen[port.ContainerPort] {
				return overlayProblem("declares port %d twice in the container %q", port.ContainerPort, got.Spec.Containers[i].Name)
			}
			seen[port.ContainerPort] = true
		}
	}
	return nil
}

func contains[T any](all []T, wanted T) bool {
	for i := range all {
		if equality.Semantic.DeepEqual(all[i], wanted) {
			return true
		}
	}
	return false
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
