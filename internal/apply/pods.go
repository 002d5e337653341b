// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/seeded"
)

// parallelWrites bounds how many pods are written at a time: a moved master has thousands to tell, and one
// after the other would take minutes.
const parallelWrites = 32

var forceOwnership = client.ForceOwnership

// tell gives running compute pods the master's new address. The kubelet shows the annotation in the pod's
// file within half a second. It is a merge patch and not an apply: the annotation is all the operator has
// to say about a running pod, and an apply would add another manager's entry to each of thousands of pods.
func (a *Applier) tell(ctx context.Context, pods []*corev1.Pod, hosts string) (int, error) {
	return inParallel(pods, func(pod *corev1.Pod) error {
		return a.patchPod(ctx, pod, map[string]any{"annotations": map[string]string{names.AnnotationMasterHosts: hosts}})
	})
}

// deleteExactly deletes this version of this object, and no later one of its name: what the cache has not heard of yet may be that it
// stays. The object is only looked at: it may come from the cache.
func (a *Applier) deleteExactly(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	if seeded.DeleteByName {
		return gone(a.Client.Delete(ctx, object, options...))
	}
	exactly := client.Preconditions{UID: new(object.GetUID()), ResourceVersion: new(object.GetResourceVersion())}
	return gone(a.Client.Delete(ctx, object, append(options, exactly)...))
}

// imageChecks creates the checks that are not there and deletes those that are of no use any more.
func (a *Applier) imageChecks(ctx context.Context, facts *observe.Facts, children *build.Children) []Problem {
	var problems []Problem
	for _, check := range children.ImageChecks {
		if facts.ImageCheck(check.Pod.Name) != nil {
			continue
		}
		// It is created and not applied: an apply would change a foreign pod of the name.
		err := a.Client.Create(ctx, check.Pod)
		if apierrors.IsAlreadyExists(err) {
			err = nil // A moment ago: the cache will show it.
		}
		key := observe.ChildKey{Kind: "Pod", Name: check.Pod.Name}
		problems = append(problems, problem("checking whether the new image of the "+check.Role+" can be pulled", key, err)...)
	}
	_, err := inParallel(children.ObsoleteChecks, func(pod *corev1.Pod) error { return a.deleteExactly(ctx, pod) })
	return append(problems, problem("deleting an image check", observe.ChildKey{}, err)...)
}

// prune deletes pod templates that nothing refers to any more.
func (a *Applier) prune(ctx context.Context, obsolete []*appsv1.ControllerRevision) []Problem {
	problems := make([]Problem, 0, len(obsolete))
	for _, revision := range obsolete {
		err := a.deleteExactly(ctx, revision)
		key := observe.ChildKey{Kind: revisionKind, Name: revision.Name}
		problems = append(problems, problem("deleting an old pod template", key, err)...)
	}
	return problems
}

// inParallel does the same to every pod and counts the successes.
func inParallel(pods []*corev1.Pod, do func(*corev1.Pod) error) (int, error) {
	var group sync.WaitGroup
	slots := make(chan struct{}, parallelWrites)
	results := make([]error, len(pods))
	for i, pod := range pods {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			results[i] = do(pod)
		})
	}
	group.Wait()
	done := 0
	var failed []error
	for _, err := range results {
		if err == nil {
			done++
			continue
		}
		failed = append(failed, err)
	}
	// One error stands for all: thousands would drown the log, and they nearly always are the same.
	if len(failed) > 1 {
		return done, fmt.Errorf("%d of %d pods, the first: %w", len(failed), len(pods), failed[0])
	}
	return done, errors.Join(failed...)
}

// gone drops the error of a pod that is gone, or is another one by now: it needs nothing any more.
func gone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
