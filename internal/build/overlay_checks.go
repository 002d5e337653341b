// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// checkOverlay refuses what strategic merge would swallow: a mistyped field would silently do nothing.
func checkOverlay(raw []byte) error {
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return overlayProblem("does not parse: %v", err)
	}
	if err := checkTree(tree, ""); err != nil {
		return err
	}
	var overlay corev1.PodTemplateSpec
	strict, err := kjson.UnmarshalStrict(raw, &overlay)
	if err != nil {
		return overlayProblem("is not a PodTemplateSpec: %v", err)
	}
	if len(strict) > 0 {
		return overlayProblem("is not a PodTemplateSpec: %v", errors.Join(strict...))
	}
	if given := overlay.ObjectMeta.DeepCopy(); given != nil {
		given.Labels, given.Annotations = nil, nil
		if !equality.Semantic.DeepEqual(*given, metav1.ObjectMeta{}) {
			return overlayProblem("must not set metadata other than labels and annotations: a pod template has nothing else")
		}
	}
	return checkTwice(&overlay)
}

// checkTree refuses merge directives, nulls in lists, on which the merge gives up with a dump of all it has, and numbers that
// nothing should read. Keys are looked at in their order: a message must not change from one look to the next. The tree is under
// a key.
func checkTree(tree any, under string) error {
	switch node := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			if strings.HasPrefix(key, "$") {
				return overlayProblem("has %q: merge directives are not supported; to drop what the operator sets, use the fields of spec", key)
			}
			if err := cmp.Or(checkNumber(under, key, node[key]), checkTree(node[key], key)); err != nil {
				return err
			}
		}
	case []any:
		for _, value := range node {
			if value == nil {
				return overlayProblem("has a null in a list")
			}
			if err := checkTree(value, under); err != nil {
				return err
			}
		}
	}
	return nil
}

// endless is what takes minutes or for ever to read as a quantity.
var endless = regexp.MustCompile(`^\s*[+-]?[0-9.]+[eE][+-]?\d{3,}`)

// checkNumber refuses it before anything reads it: the overlay of one user would keep the operator from all others. Which
// texts are quantities is not known before, so it is all but those that are known not to be.
func checkNumber(under, key string, value any) error {
	text, _ := value.(string)
	if !endless.MatchString(text) || key == "value" || slices.Contains(textMaps, under) {
		return nil
	}
	return overlayProblem("has %q with an exponent of more than two digits in %s", text, key)
}

// textMaps are maps of texts, which may look like anything.
var textMaps = []string{"labels", "annotations", "matchLabels", "nodeSelector"}

// checkTwice refuses two entries of one key in a list: a merge makes one of them. Ports are known by their number alone,
// so one number for two protocols is such a case.
func checkTwice(overlay *corev1.PodTemplateSpec) error {
	twice := map[string]bool{}
	note := func(format string, arguments ...any) error {
		key := fmt.Sprintf(format, arguments...)
		if twice[key] {
			return overlayProblem("has %s twice", key)
		}
		twice[key] = true
		return nil
	}
	var problems []error
	for i := range overlay.Spec.Volumes {
		problems = append(problems, note("the volume %q", overlay.Spec.Volumes[i].Name))
	}
	for _, containers := range [][]corev1.Container{overlay.Spec.InitContainers, overlay.Spec.Containers} {
		for i := range containers {
			container := &containers[i]
			problems = append(problems, note("the container %q", container.Name))
			for _, port := range container.Ports {
				problems = append(problems, note("port %d of the container %q", port.ContainerPort, container.Name))
			}
			for j := range container.Env {
				problems = append(problems, note("the variable %s of the container %q", container.Env[j].Name, container.Name))
			}
			for _, mount := range container.VolumeMounts {
				problems = append(problems, note("the mount %s of the container %q", mount.MountPath, container.Name))
			}
		}
	}
	for _, problem := range problems {
		if problem != nil {
			return problem
		}
	}
	return nil
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
	if got.Spec.Hostname != want.Spec.Hostname || got.Spec.HostnameOverride != nil {
		return overlayProblem("must not change spec.hostname or set spec.hostnameOverride: EGO knows the host by its name")
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
	return checkContainer(&want, &got)
}

// drainAnnotations say how far the draining of a pod is: with one in its template, each pod would begin as one that is to go.
var drainAnnotations = []string{
	names.AnnotationDrain, names.AnnotationDrainSince, names.AnnotationDrainSeconds, names.AnnotationHostClosed, names.AnnotationHostReclaimed,
}

func checkMetadata(want, got *corev1.PodTemplateSpec) error {
	for key, value := range want.Labels {
		if got.Labels[key] != value {
			return overlayProblem("must not change the label %q: the operator finds its pods by it", key)
		}
	}
	for _, label := range []string{names.LabelRevision, names.LabelIdle} {
		if _, found := got.Labels[label]; found {
			return overlayProblem("must not set the label %q: it is the operator's", label)
		}
	}
	for _, annotation := range drainAnnotations {
		if _, found := got.Annotations[annotation]; found {
			return overlayProblem("must not set the annotation %q: it is the operator's", annotation)
		}
	}
	if _, found := got.Annotations[names.AnnotationMasterHosts]; found {
		return overlayProblem("must not set the annotation %q: it carries the master's address", names.AnnotationMasterHosts)
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
	if !samePreStop(wanted.Lifecycle, merged.Lifecycle) {
		return overlayProblem("must not change the preStop hook of the container %q: it waits for the host's work", names.Container)
	}
	if name := changedVariable(wanted.Env, merged.Env); name != "" {
		return overlayProblem("must not change the variable %s of the container %q: it is the operator's", name, names.Container)
	}
	for i := range wanted.Ports {
		if !contains(merged.Ports, wanted.Ports[i]) {
			return overlayProblem("must not change port %d of the container %q", wanted.Ports[i].ContainerPort, names.Container)
		}
	}
	for i := range wanted.VolumeMounts {
		if !contains(merged.VolumeMounts, wanted.VolumeMounts[i]) {
			return overlayProblem("must not change the mount of %s in the container %q", wanted.VolumeMounts[i].MountPath, names.Container)
		}
	}
	return nil
}

// samePreStop: where the operator has no hook, on the master, the user may have one.
func samePreStop(wanted, merged *corev1.Lifecycle) bool {
	if wanted == nil {
		return true
	}
	return merged != nil && equality.Semantic.DeepEqual(wanted.PreStop, merged.PreStop)
}

// changedVariable is the first of the operator's variables that was changed, dropped or added: the start script
// trusts every name that is the operator's.
func changedVariable(wanted, merged []corev1.EnvVar) string {
	for i := range wanted {
		if v1alpha1.IsOperatorEnv(wanted[i].Name) && !contains(merged, wanted[i]) {
			return wanted[i].Name
		}
	}
	for i := range merged {
		if v1alpha1.IsOperatorEnv(merged[i].Name) && !contains(wanted, merged[i]) {
			return merged[i].Name
		}
	}
	return ""
}

func contains[T any](all []T, wanted T) bool {
	for i := range all {
		if equality.Semantic.DeepEqual(all[i], wanted) {
			return true
		}
	}
	return false
}
