// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"cmp"
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// CheckPods creates and deletes a network check's pods. A pod that exists was created a moment ago, which the cache will
// show; one of somebody else is never taken for it, and has its pair run out of time.
func (a *Applier) CheckPods(ctx context.Context, create, remove []*corev1.Pod) error {
	_, failed := inParallel(create, func(pod *corev1.Pod) error {
		err := a.Client.Create(ctx, pod)
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	// What can be deleted is, also while others may not be created: the check goes on without them.
	_, err := inParallel(remove, func(pod *corev1.Pod) error { return a.deleteExactly(ctx, pod) })
	return cmp.Or(failed, err)
}
