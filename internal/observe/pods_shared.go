// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unique"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/lru"
)

// sharedParts is how many different parts of pods are remembered: far above what the pods of some hundred clusters have. What was not
// seen for longest is forgotten, and then held twice.
const sharedParts = 4096

// podTrimmer is TrimPod, and has pods share what they have in common: the 30,000 of one cluster have the same labels, the same owner and the same
// address of their master, and as maps and slices of their own these took most of what is left of a pod. Objects in a cache are
// only read, by everybody.
type podTrimmer struct{ known *lru.Cache }

type part struct {
	kind reflect.Type
	text string
}

func newPodTrimmer() *podTrimmer { return &podTrimmer{lru.New(sharedParts)} }

// trim is the transform of the pod cache.
func (t *podTrimmer) trim(object any) (any, error) {
	trimmed, err := TrimPod(object)
	pod, ok := trimmed.(*corev1.Pod)
	if err != nil || !ok {
		return trimmed, err
	}
	pod.Namespace, pod.Spec.NodeName, pod.Status.HostIP = one(pod.Namespace), one(pod.Spec.NodeName), one(pod.Status.HostIP)
	return pod, errors.Join(
		shared(t, &pod.Labels),
		shared(t, &pod.Annotations),
		shared(t, &pod.OwnerReferences),
		shared(t, &pod.Spec.Volumes),
		shared(t, &pod.Status.Conditions),
		shared(t, &pod.Status.InitContainerStatuses),
		shared(t, &pod.Status.ContainerStatuses),
	)
}

// one is the same text, held once.
func one(text string) string { return unique.Make(text).Value() }

// shared replaces a part by an equal one that is known. Parts with the same JSON are equal: it has their maps sorted.
func shared[T any](t *podTrimmer, mine *T) error {
	text, err := json.Marshal(mine)
	if err != nil {
		return fmt.Errorf("trimming a pod: %w", err)
	}
	key := part{reflect.TypeFor[T](), string(text)}
	if known, ok := t.known.Get(key); ok {
		if theirs, ok := known.(T); ok {
			*mine = theirs
			return nil
		}
	}
	t.known.Add(key, *mine)
	return nil
}
