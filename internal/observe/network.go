// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// There is no marker for the right to get WeaveNetworks: an installation without Weave has none of Weave's rights. config/weave
// has a ClusterRole for it, bound to this operator's ServiceAccount.

// WeaveRead is what came of reading the WeaveNetwork.
type WeaveRead struct {
	// Network is nil when there is none, or it could not be read.
	Network *v1alpha1.WeaveNetwork
	// Err is why it could not be read, the right to do so missing above all. It is a fact and fails no pass: whatever is
	// wrong with Weave must not keep a cluster that runs from being scaled and repaired.
	Err error
}

// Ready reports whether Weave is Ready as its spec now is.
func (w *WeaveRead) Ready() bool {
	if w.Network == nil || w.Network.DeletionTimestamp != nil {
		return false
	}
	ready := w.ReadyCondition()
	return ready != nil && ready.Status == metav1.ConditionTrue
}

// ReadyCondition is the WeaveNetwork's condition Ready, nil while there is none about its present generation.
func (w *WeaveRead) ReadyCondition() *metav1.Condition {
	ready := meta.FindStatusCondition(w.Network.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.ObservedGeneration != w.Network.Generation {
		return nil
	}
	return ready
}

// network reads what spec.network asks about, and nothing for a cluster that asks nothing.
func (o *Observer) network(ctx context.Context, facts *Facts) error {
	if facts.Cluster.Spec.Network.Mode == v1alpha1.NetworkWeave {
		facts.Weave = o.weave(ctx)
	}
	if !facts.Cluster.Spec.Network.Check {
		return nil
	}
	return o.networkCheck(ctx, facts)
}

// weave asks the API server: an informer would never start on a Kubernetes cluster without the kind, and the clusters that ask
// are few. Where the kind is missing, the client looks for it anew each time, so one that is installed later is found.
func (o *Observer) weave(ctx context.Context) *WeaveRead {
	network := &v1alpha1.WeaveNetwork{}
	err := o.Live.Get(ctx, client.ObjectKey{Name: names.WeaveNetwork}, network)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return &WeaveRead{}
	case err != nil:
		return &WeaveRead{Err: fmt.Errorf("reading the WeaveNetwork: %w", err)}
	}
	return &WeaveRead{Network: network}
}

// ComputeWanted is the number of compute pods that the spec asks for.
func (f *Facts) ComputeWanted() int32 {
	spec := &f.Cluster.Spec
	switch {
	case spec.Suspend:
		return 0
	case spec.Compute.Replicas == nil:
		return 1 // The CRD's default; nil only in objects that were stored without it.
	}
	// Less than none is refused, by admission and by Validate; planning comes first.
	return max(*spec.Compute.Replicas, 0)
}

// AwaitsCheck reports whether a network check says if the first compute pods may be created.
func (f *Facts) AwaitsCheck() bool {
	return f.Cluster.Spec.Network.Check && !f.ComputeBegan() && f.ComputeWanted() > 0
}

// networkCheck reads from the cache alone, which holds all NetworkChecks and so tells a free name from one that is taken.
func (o *Observer) networkCheck(ctx context.Context, facts *Facts) error {
	check := &v1alpha1.NetworkCheck{}
	key := ChildKey{Kind: CheckKind, Name: names.NetworkCheckName(facts.Cluster.Name)}
	err := o.Cache.Get(ctx, client.ObjectKey{Namespace: facts.Cluster.Namespace, Name: key.Name}, check)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s %s: %w", key.Kind, key.Name, err)
	}
	if !facts.AwaitsCheck() && !metav1.IsControlledBy(check, facts.Cluster) && !facts.isOrphan(key, check) {
		// No check is made any more, or not yet: the name is in nobody's way.
		return nil
	}
	claimed, err := o.claims(ctx, facts, key, check)
	if claimed {
		facts.NetworkCheck = check
	}
	return err
}
