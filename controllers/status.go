// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
