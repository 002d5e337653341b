// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errStale says that the pass looked at an older version of the object than there is.
var errStale = errors.New("the object has changed since it was read")

// statusConfiguration is an object's apply configuration to which a status can be added.
type statusConfiguration[C, A any] interface {
	runtime.ApplyConfiguration
	WithUID(uid types.UID) C
	WithResourceVersion(version string) C
	WithStatus(status A) C
}

// writeStatus writes after, if it differs from before, the status of this object; into is an empty apply configuration of
// the status, and configuration one of the object.
//
// The UID keeps the status of a deleted object off a new one of the same name. The resourceVersion keeps a pass that has
// not yet seen its predecessor's status from stamping the same transitions, and telling them in events, a second time.
func writeStatus[S any, A any, C statusConfiguration[C, *A]](
	ctx context.Context, writer client.Client, object client.Object, before, after *S, into *A, configuration C,
) error {
	if equality.Semantic.DeepEqual(before, after) {
		return nil
	}
	return applyStatus(ctx, writer, object, after, into, configuration)
}

// applyStatus is writeStatus for one that has changed. In the end, the configuration is the API server's answer.
func applyStatus[S any, A any, C statusConfiguration[C, *A]](
	ctx context.Context, writer client.Client, object client.Object, after *S, into *A, configuration C,
) error {
	data, err := json.Marshal(after)
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	wanted := configuration.WithUID(object.GetUID()).WithResourceVersion(object.GetResourceVersion()).WithStatus(into)
	err = writer.Status().Apply(ctx, wanted, client.ForceOwnership)
	switch {
	case apierrors.IsConflict(err):
		return errStale
	case client.IgnoreNotFound(err) != nil:
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

// seenWithin is how soon the cache shows a status that was written, and a pass that began before has ended. After that, the API server is
// asked by writing.
const seenWithin = 5 * time.Second

// writtenStatuses remembers when the status of each object was written last, and on which version. Nothing but how soon a status is
// written depends on it: a new operator, which knows nothing, writes at once. The zero value is ready for use.
type writtenStatuses struct {
	mu   sync.Mutex
	last map[types.NamespacedName]writtenStatus
}

type writtenStatus struct {
	uid types.UID
	// on is the resourceVersion that it replaced.
	on string
	at time.Time
}

func (w *writtenStatuses) note(object client.Object, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		w.last = map[types.NamespacedName]writtenStatus{}
	}
	w.last[client.ObjectKeyFromObject(object)] = writtenStatus{object.GetUID(), object.GetResourceVersion(), now}
}

func (w *writtenStatuses) forget(object types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.last, object)
}

// of is what was written of this object last, the zero value if nothing was.
func (w *writtenStatuses) of(object client.Object) writtenStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.last[client.ObjectKeyFromObject(object)]; last.uid == object.GetUID() {
		return last
	}
	return writtenStatus{}
}

// isUnseen reports whether the object is as it was before its status was written: a status that is written on top of it would be
// refused as a conflict, and one that seems to change nothing would leave the wrong one standing.
func (w *writtenStatus) isUnseen(object client.Object, now time.Time) bool {
	return w.on == object.GetResourceVersion() && now.Sub(w.at) < seenWithin
}
