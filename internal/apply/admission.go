// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// turnedAway asks the API server, by a dry run, whether it would take a pod of a template that is to replace another. A Deployment takes
// any template, and ends the pod of the old one first: that the namespace's Pod Security or another policy keeps the new one's out, or that
// its ServiceAccount is missing, would show when the master is gone. A full quota is no such answer: the old pod makes room.
// Neither is a failure of the question itself.
func (a *Applier) turnedAway(
	ctx context.Context, facts *observe.Facts, key observe.ChildKey, template *corev1ac.PodTemplateSpecApplyConfiguration,
) []Problem {
	pod, err := podOf(template)
	doing := "replacing pods of " + key.Kind + " " + key.Name
	if err != nil {
		return problem(doing, key, err)
	}
	// One name, because it is in the answer: a random one would be another message each time.
	pod.Namespace, pod.Name = facts.Cluster.Namespace, key.Name
	err = a.Client.Create(ctx, pod, client.DryRunAll)
	if !apierrors.IsForbidden(err) || isQuota(err) {
		return nil
	}
	return problem(doing, key, err)
}

func podOf(template *corev1ac.PodTemplateSpecApplyConfiguration) (*corev1.Pod, error) {
	data, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	var decoded corev1.PodTemplateSpec
	if err := json.Unmarshal(data, &decoded); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Labels: decoded.Labels, Annotations: decoded.Annotations}, Spec: decoded.Spec,
	}, nil
}

// isQuota reports whether a refusal is a quota's, which says so in its text alone.
func isQuota(err error) bool {
	return strings.Contains(err.Error(), "exceeded quota") || strings.Contains(err.Error(), "failed quota")
}
