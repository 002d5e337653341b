// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"

	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=create;delete;patch

// guards says which role's pods have the policy that is wanted for them, or need none. A policy that could not be changed
// still guards as it did.
type guards struct{ master, compute bool }

// policies applies the policies, or deletes those that are not wanted any more.
func (a *Applier) policies(ctx context.Context, facts *observe.Facts, children *build.Children, out *Outcome) guards {
	for _, old := range children.ObsoletePolicies {
		key := observe.ChildKey{Kind: policyKind, Name: old.Name}
		out.note(problem("deleting the "+policyKind+" "+old.Name, key, a.deleteExactly(ctx, old))...)
	}
	guard := func(live *networkingv1.NetworkPolicy, wanted *networkingv1ac.NetworkPolicyApplyConfiguration) bool {
		if wanted == nil {
			return true
		}
		key := observe.ChildKey{Kind: policyKind, Name: *wanted.Name}
		applied := out.note(child(ctx, a, facts, live, networkingv1ac.ExtractNetworkPolicy, wanted)...)
		return applied && !facts.IsTaken(key) || facts.UID(key) != ""
	}
	return guards{master: guard(facts.MasterPolicy, children.MasterPolicy), compute: guard(facts.ComputePolicy, children.ComputePolicy)}
}

const policyKind = "NetworkPolicy"
