// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// revisions keeps new pod templates. A ControllerRevision's data never changes, so it is written once.
func (a *Applier) revisions(ctx context.Context, children *build.Children) []Problem {
	problems := make([]Problem, 0, len(children.Revisions))
	for _, revision := range children.Revisions {
		key := observe.ChildKey{Kind: "ControllerRevision", Name: *revision.Name}
		problems = append(problems, problem("keeping a pod template", key, a.send(ctx, revision))...)
	}
	return problems
}

// configuration is an apply configuration of any kind.
type configuration[C any] interface {
	runtime.ApplyConfiguration
	GetKind() *string
	GetName() *string
	WithAnnotations(annotations map[string]string) C
	WithUID(uid types.UID) C
}

// child applies one child, unless it is as wanted already. live is nil while the cache has none; extract takes
// out of it what the operator owns.
func child[T any, C configuration[C]](
	ctx context.Context, a *Applier, facts *observe.Facts, live *T, extract func(*T, string) (C, error), wanted C,
) []Problem {
	key := observe.ChildKey{Kind: *wanted.GetKind(), Name: *wanted.GetName()}
	if facts.IsTaken(key) {
		return nil
	}
	hash, err := hashOf(wanted)
	if err != nil {
		return problem("encoding "+key.Kind+" "+key.Name, key, err)
	}
	wanted.WithAnnotations(map[string]string{names.AnnotationApplied: hash})
	if live != nil {
		owned, err := extract(live, names.FieldManager)
		if err == nil && unchanged[T](owned, wanted) {
			return nil
		}
	}
	if uid := facts.UID(key); uid != "" {
		wanted.WithUID(uid)
	}
	return problem("applying "+key.Kind+" "+key.Name, key, a.send(ctx, wanted))
}

// send applies. The configuration must not be used again: the client fills it with the server's answer.
func (a *Applier) send(ctx context.Context, wanted runtime.ApplyConfiguration) error {
	return a.Client.Apply(ctx, wanted, forceOwnership)
}
