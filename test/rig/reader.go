// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// reader is an operator's cache: what observe.CacheOptions has it hold of the world's objects, as of now or of an earlier time. The
// manager's own caches, which need watches of their own for every operator, are for test/integration.
type reader struct{ world *World }

// Freeze has operators see the world as it is now, whatever comes, until Thaw: their watches are held.
func (w *World) Freeze() { w.FreezeAt(w.cachedObjects()) }

// FreezeAt is Freeze at an earlier state.
func (w *World) FreezeAt(objects map[Key]client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = objects
}

// Thaw has operators see what there is. They have never seen what came and went meanwhile.
func (w *World) Thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = nil
}

// cachedObjects are what operators see.
func (w *World) cachedObjects() map[Key]client.Object {
	w.mu.Lock()
	frozen := w.frozen
	w.mu.Unlock()
	if frozen != nil {
		return frozen
	}
	objects := w.history.objects()
	maps.DeleteFunc(objects, func(key Key, object client.Object) bool { return !cached(key, object) })
	return objects
}

// managed matches what the operator made.
var managed = names.Managed()

// cached reports whether an operator's cache holds an object (observe.CacheOptions).
func cached(key Key, object client.Object) bool {
	return key.Kind == "SymphonyCluster" || key.Kind == "NetworkCheck" || managed.Matches(labels.Set(object.GetLabels()))
}

// Get implements client.Reader.
func (r *reader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	kind, err := apiutil.GVKForObject(into, r.world.rig.scheme)
	if err != nil {
		return fmt.Errorf("reading %T: %w", into, err)
	}
	object := r.world.cachedObjects()[Key{kind.Kind, key.Name}]
	if object == nil || object.GetNamespace() != key.Namespace {
		return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: kind.Kind}, key.Name)
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(trimmed(object.DeepCopyObject())).Elem())
	return nil
}

// List implements client.Reader.
func (r *reader) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	kind, err := apiutil.GVKForObject(into, r.world.rig.scheme)
	if err != nil {
		return fmt.Errorf("listing %T: %w", into, err)
	}
	wanted := (&client.ListOptions{}).ApplyOptions(options)
	var items []runtime.Object
	for key, object := range r.world.cachedObjects() {
		if key.Kind+"List" != kind.Kind || wanted.Namespace != object.GetNamespace() ||
			wanted.LabelSelector != nil && !wanted.LabelSelector.Matches(labels.Set(object.GetLabels())) {
			continue
		}
		items = append(items, trimmed(object.DeepCopyObject()))
	}
	if err := meta.SetList(into, items); err != nil {
		return fmt.Errorf("listing %T: %w", into, err)
	}
	return nil
}

// trimmed is what the cache keeps of an object.
func trimmed(object runtime.Object) runtime.Object {
	if pod, ok := object.(*corev1.Pod); ok {
		if kept, err := observe.TrimPod(pod); err == nil {
			if slim, ok := kept.(*corev1.Pod); ok {
				return slim
			}
		}
	}
	return object
}
