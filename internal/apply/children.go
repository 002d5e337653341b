// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// revisions keeps new pod templates. A ControllerRevision's data never changes, so it is written once.
func (a *Applier) revisions(ctx context.Context, children *build.Children) []Problem {
	var problems []Problem
	for _, revision := range children.Revisions {
		key := observe.ChildKey{Kind: "ControllerRevision", Name: *revision.Name}
		problems = append(problems, problem("keeping a pod template", key, a.send(ctx, revision))...)
	}
	return problems
}

func (a *Applier) deployment(
	ctx context.Context, facts *observe.Facts, wanted *appsv1ac.DeploymentApplyConfiguration,
) []Problem {
	key := observe.ChildKey{Kind: "Deployment", Name: *wanted.Name}
	if facts.IsTaken(key) {
		return nil
	}
	if live := facts.MasterDeployment; live != nil {
		owned, err := appsv1ac.ExtractDeployment(live, names.FieldManager)
		if err == nil && same(owned, wanted, &appsv1.Deployment{}, &appsv1.Deployment{}) {
			return nil
		}
	}
	if uid := facts.UID(key); uid != "" {
		wanted.WithUID(uid)
	}
	return problem("applying the master Deployment", key, a.send(ctx, wanted))
}

func (a *Applier) replicaSet(
	ctx context.Context, facts *observe.Facts, wanted *appsv1ac.ReplicaSetApplyConfiguration,
) []Problem {
	key := observe.ChildKey{Kind: "ReplicaSet", Name: *wanted.Name}
	if facts.IsTaken(key) {
		return nil
	}
	if live := facts.ComputeSet; live != nil {
		owned, err := appsv1ac.ExtractReplicaSet(live, names.FieldManager)
		if err == nil && same(owned, wanted, &appsv1.ReplicaSet{}, &appsv1.ReplicaSet{}) {
			return nil
		}
	}
	if uid := facts.UID(key); uid != "" {
		wanted.WithUID(uid)
	}
	return problem("applying the compute ReplicaSet", key, a.send(ctx, wanted))
}

func (a *Applier) configMap(
	ctx context.Context, facts *observe.Facts, wanted *corev1ac.ConfigMapApplyConfiguration,
) []Problem {
	key := observe.ChildKey{Kind: "ConfigMap", Name: *wanted.Name}
	if facts.IsTaken(key) {
		return nil
	}
	if live := facts.Hosts; live != nil {
		owned, err := corev1ac.ExtractConfigMap(live, names.FieldManager)
		if err == nil && same(owned, wanted, &corev1.ConfigMap{}, &corev1.ConfigMap{}) {
			return nil
		}
	}
	if uid := facts.UID(key); uid != "" {
		wanted.WithUID(uid)
	}
	return problem("applying the hosts ConfigMap", key, a.send(ctx, wanted))
}

func (a *Applier) service(
	ctx context.Context, facts *observe.Facts, live *corev1.Service, wanted *corev1ac.ServiceApplyConfiguration,
) []Problem {
	key := observe.ChildKey{Kind: "Service", Name: *wanted.Name}
	if facts.IsTaken(key) {
		return nil
	}
	if live != nil {
		owned, err := corev1ac.ExtractService(live, names.FieldManager)
		if err == nil && same(owned, wanted, &corev1.Service{}, &corev1.Service{}) {
			return nil
		}
	}
	if uid := facts.UID(key); uid != "" {
		wanted.WithUID(uid)
	}
	return problem(fmt.Sprintf("applying the Service %s", key.Name), key, a.send(ctx, wanted))
}

// send applies. The configuration must not be used again: the client fills it with the server's answer.
func (a *Applier) send(ctx context.Context, wanted runtime.ApplyConfiguration) error {
	return a.Client.Apply(ctx, wanted, forceOwnership)
}

// same reports whether the fields that the operator owns in the live object are the wanted ones. Both are
// decoded first, because the server spells values its own way (`1000m` is `1`). A field that somebody else
// has changed is no longer owned by the operator, so it shows as a difference.
func same[T runtime.Object](owned, wanted any, ownedTyped, wantedTyped T) bool {
	return decodeInto(owned, ownedTyped) && decodeInto(wanted, wantedTyped) &&
		equality.Semantic.DeepEqual(ownedTyped, wantedTyped)
}

func decodeInto(configuration any, into runtime.Object) bool {
	data, err := json.Marshal(configuration)
	return err == nil && json.Unmarshal(data, into) == nil
}
