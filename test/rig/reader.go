// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// reader is an operator's cache: what is shown to it, as of now or of an earlier time, each object trimmed as its kind is. The manager's own
// caches, which need watches of their own for every operator, are for test/integration.
type reader struct {
	scheme *runtime.Scheme
	kinds  map[string]kind
	shown  func() map[Key]client.Object
}

// cache is that of the world's operators.
func (w *World) cache() *reader { return &reader{w.rig.scheme, w.rig.kinds, w.cachedObjects} }

// FreezeAt has operators see an earlier state of the world, whatever comes, until Thaw: their watches are held.
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
	maps.DeleteFunc(objects, func(key Key, object client.Object) bool { return !w.rig.caches(key, object) })
	return objects
}

// caches reports whether an operator's cache holds an object.
func (r *Rig) caches(key Key, object client.Object) bool {
	label := r.kinds[key.Kind].Label
	return label == nil || label.Matches(labels.Set(object.GetLabels()))
}

// Get implements client.Reader.
func (r *reader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	kind, err := apiutil.GVKForObject(into, r.scheme)
	if err != nil {
		return fmt.Errorf("reading %T: %w", into, err)
	}
	object := r.shown()[Key{kind.Kind, key.Name}]
	if object == nil || object.GetNamespace() != key.Namespace {
		return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: kind.Kind}, key.Name)
	}
	kept, err := r.trimmed(kind.Kind, object)
	if err == nil {
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(kept).Elem())
	}
	return err
}

// List implements client.Reader.
func (r *reader) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	kind, err := apiutil.GVKForObject(into, r.scheme)
	if err != nil {
		return fmt.Errorf("listing %T: %w", into, err)
	}
	wanted := (&client.ListOptions{}).ApplyOptions(options)
	var items []runtime.Object
	for key, object := range r.shown() {
		if key.Kind+"List" != kind.Kind || wanted.Namespace != object.GetNamespace() ||
			wanted.LabelSelector != nil && !wanted.LabelSelector.Matches(labels.Set(object.GetLabels())) {
			continue
		}
		item, err := r.trimmed(key.Kind, object)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	if err := meta.SetList(into, items); err != nil {
		return fmt.Errorf("listing %T: %w", into, err)
	}
	return nil
}

// trimmed is what the cache keeps of an object.
func (r *reader) trimmed(kind string, object client.Object) (runtime.Object, error) {
	trim := r.kinds[kind].Transform
	if trim == nil {
		return object.DeepCopyObject(), nil
	}
	kept, err := trim(object.DeepCopyObject())
	if err != nil {
		return nil, fmt.Errorf("trimming a %s: %w", kind, err)
	}
	slim, ok := kept.(runtime.Object)
	if !ok {
		return nil, fmt.Errorf("a %s is trimmed to a %T", kind, kept)
	}
	return slim, nil
}
