// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"math"
	"slices"
	"strconv"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

const (
	// preStopProgram is the preStop hook of compute hosts, which the start script writes.
	preStopProgram = runDir + "/bin/prestop"
	// stopSeconds of a pod's grace period are for EGO to stop in order, when the hook has returned.
	stopSeconds = 30
	// reclaimSeconds are over drainTimeout for the hook: a pod of the operator's own choice goes by itself in time.
	reclaimSeconds = 30
)

// giveTime gives pods of a template the grace period that spec.compute.scaleIn asks for, and tells their preStop hook how much
// of it is for waiting. It is done in every pass and is no part of what is kept: a changed timeout counts for pods that are
// created later, and replaces none. A grace period that the template has is the overlay's, and stands.
func giveTime(template *corev1ac.PodTemplateSpecApplyConfiguration, scaleIn *v1alpha1.ComputeScaleIn) {
	if !waitsForWork(template) {
		// An earlier version of the operator rendered it. Without the hook, a longer grace period would be of no use.
		return
	}
	wait, own := int64(0), int64(stopSeconds)
	if scaleIn.PolicyOrDefault() == v1alpha1.Drain {
		wait = math.MaxInt64
		own += int64(math.Ceil(scaleIn.DrainTimeoutOrDefault().Seconds())) + reclaimSeconds
	}
	if template.Spec.TerminationGracePeriodSeconds == nil {
		template.Spec.WithTerminationGracePeriodSeconds(own)
	}
	wait = min(wait, max(0, *template.Spec.TerminationGracePeriodSeconds-stopSeconds))
	template.WithAnnotations(map[string]string{names.AnnotationDrainSeconds: strconv.FormatInt(wait, 10)})
}

// waitsForWork reports whether the pods of a template have the preStop hook.
func waitsForWork(template *corev1ac.PodTemplateSpecApplyConfiguration) bool {
	if template.Spec == nil {
		return false
	}
	for i := range template.Spec.Containers {
		container := &template.Spec.Containers[i]
		if container.Name == nil || *container.Name != names.Container {
			continue
		}
		life := container.Lifecycle
		return life != nil && life.PreStop != nil && life.PreStop.Exec != nil &&
			slices.Equal(life.PreStop.Exec.Command, []string{preStopProgram})
	}
	return false
}
