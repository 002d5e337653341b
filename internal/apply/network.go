// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// +kubebuilder:rbac:groups=symphony-operator.io,resources=networkchecks,verbs=create;patch

// networkCheck creates the check that is missing, or gives the one that is there its owner back. It is not applied: its spec
// cannot be changed, and an apply would change another's of the name.
func (a *Applier) networkCheck(ctx context.Context, facts *observe.Facts, children *build.Children) []Problem {
	if adopted := children.AdoptedCheck; adopted != nil {
		key := observe.ChildKey{Kind: observe.CheckKind, Name: *adopted.Name}
		data, err := json.Marshal(adopted)
		if err == nil {
			check := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: *adopted.Namespace, Name: *adopted.Name}}
			err = gone(a.Client.Patch(ctx, check, client.RawPatch(types.MergePatchType, data)))
		}
		return problem("taking back the network check", key, err)
	}
	wanted := children.NetworkCheck
	if wanted == nil {
		return nil
	}
	key := observe.ChildKey{Kind: observe.CheckKind, Name: wanted.Name}
	if facts.IsTaken(key) {
		return nil
	}
	err := a.Client.Create(ctx, wanted)
	if apierrors.IsAlreadyExists(err) {
		// A moment ago, or it is somebody else's: the cache will show which.
		return []Problem{unseen(key, key.Kind)}
	}
	return problem("creating the NetworkCheck "+key.Name, key, err)
}
