// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// revisions keeps new pod templates. They are created and patched, not applied: an apply would change another's of the
// name, and would dispute the data, which never changes.
func (a *Applier) revisions(ctx context.Context, facts *observe.Facts, children *build.Children) []Problem {
	for _, seen := range facts.Revisions {
		// Once it is gone again, it is created at once.
		a.written.noteSeen(facts.Cluster.UID, observe.ChildKey{Kind: revisionKind, Name: seen.Name})
	}
	problems := make([]Problem, 0, len(children.Revisions))
	for _, wanted := range slices.Concat(children.Revisions, children.Adopted) {
		key := observe.ChildKey{Kind: revisionKind, Name: *wanted.Name}
		if taken := facts.TakenName(key); taken != nil {
			// An earlier cluster of this name, which is being cleaned away, had the same template.
			problems = append(problems, takenProblem(taken))
			continue
		}
		if wanted.UID == nil && a.written.isCreated(facts.Cluster.UID, key, a.Clock.Now()) {
			problems = append(problems, unseenRevision(key))
			continue
		}
		err := a.keep(ctx, wanted)
		if err == nil && wanted.UID == nil {
			a.written.noteCreated(facts.Cluster.UID, key, a.Clock.Now())
		}
		if apierrors.IsAlreadyExists(err) {
			problems = append(problems, a.recover(ctx, facts, key, wanted)...)
			continue
		}
		problems = append(problems, problem("keeping a pod template", key, err)...)
	}
	return problems
}

// recover is for a revision that is there and was not seen: the cache is behind, somebody has taken its labels away, or it
// is somebody else's. Ours get their labels back; nothing is made from it before it is seen.
func (a *Applier) recover(
	ctx context.Context, facts *observe.Facts, key observe.ChildKey, wanted *appsv1ac.ControllerRevisionApplyConfiguration,
) []Problem {
	there := &appsv1.ControllerRevision{}
	err := a.Live.Get(ctx, client.ObjectKey{Namespace: facts.Cluster.Namespace, Name: key.Name}, there)
	if err == nil && !metav1.IsControlledBy(there, facts.Cluster) {
		return []Problem{takenProblem(&observe.TakenName{ChildKey: key})}
	}
	if err == nil {
		labelled := appsv1ac.ControllerRevision(there.Name, there.Namespace).WithUID(there.UID).WithLabels(wanted.Labels).WithRevision(*wanted.Revision)
		err = a.keep(ctx, labelled)
	}
	if err == nil {
		return []Problem{unseenRevision(key)}
	}
	return problem("keeping a pod template", key, err)
}

func unseenRevision(key observe.ChildKey) Problem { return unseen(key, "kept pod template") }

// keep creates a revision or, if it has a UID, changes the one that is there.
func (a *Applier) keep(ctx context.Context, wanted *appsv1ac.ControllerRevisionApplyConfiguration) error {
	data, err := json.Marshal(wanted)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	revision := &appsv1.ControllerRevision{}
	if err := json.Unmarshal(data, revision); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	if wanted.UID == nil {
		return a.Client.Create(ctx, revision)
	}
	return a.Client.Patch(ctx, revision, client.RawPatch(types.MergePatchType, data))
}

// configuration is an apply configuration of any kind.
type configuration[C any] interface {
	runtime.ApplyConfiguration
	GetKind() *string
	GetName() *string
	WithAnnotations(annotations map[string]string) C
	WithUID(uid types.UID) C
	WithResourceVersion(version string) C
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
	if facts.Lagging[key] {
		return []Problem{outdated(key)}
	}
	err := ensure(ctx, a, facts.UID(key), live, extract, wanted)
	if errors.Is(err, errOutdated) {
		return []Problem{outdated(key)}
	}
	return problem("applying "+key.Kind+" "+key.Name, key, err)
}

// unseen is for what is there, and which the cache does not have yet; what is its word for users.
func unseen(key observe.ChildKey, what string) Problem {
	return Problem{Kind: Unseen, Child: key, Message: "waiting until the " + what + " " + key.Name + " is seen"}
}

func outdated(key observe.ChildKey) Problem {
	return Problem{Kind: Outdated, Child: key, Message: "waiting until the newest version of " + key.Kind + " " + key.Name + " is seen"}
}

// ensure applies an object, unless it is as wanted already. live is nil while the cache has none, and uid "" while none is
// known to be there; extract takes out of it what the operator owns. What is live is changed in this version only: a cache that is behind
// shows an earlier spec beside an earlier child, and what follows from these would take hosts away that were added since. What is not there is
// created, and nothing else: an object that has come by the name since is not changed.
func ensure[T any, C configuration[C]](
	ctx context.Context, a *Applier, uid types.UID, live *T, extract func(*T, string) (C, error), wanted C,
) error {
	hash, err := hashOf(wanted)
	if err != nil {
		return err
	}
	wanted.WithAnnotations(map[string]string{names.AnnotationApplied: hash})
	object, there := any(live).(metav1.Object)
	there = there && live != nil
	// Another intent, or none, need not be compared: the annotation itself is part of what is wanted.
	if there && object.GetAnnotations()[names.AnnotationApplied] == hash && a.compared.asWanted(live, hash, func() bool {
		owned, err := extract(live, names.FieldManager)
		return err == nil && unchanged[T](owned, wanted)
	}) {
		return nil
	}
	if uid != "" {
		wanted.WithUID(uid)
	}
	switch {
	case there && a.written.statusIsDue(object, a.Clock.Now()):
		return fmt.Errorf("%w, or is about to be: its first status is still to come", errOutdated)
	case there:
		wanted.WithResourceVersion(object.GetResourceVersion())
	case uid == "":
		wanted.WithResourceVersion(absent)
	}
	return a.send(ctx, wanted)
}

// absent is the version of what is to be created: an apply of it is refused if the object is there, as no object has it. The API server creates what
// is not there whatever version an apply is meant for, and etcd's first write makes version 2. The Java Operator SDK does the same
// (https://github.com/fabric8io/kubernetes-client/discussions/5984).
const absent = "1"

// workload applies a child with a pod template. When the API server or a policy refuses the wanted template or its pods, the child
// is applied with the one that it has: a mistake in the one must not stop scaling and repair.
func workload[T any, C interface {
	*A
	configuration[C]
}, A any](
	ctx context.Context, a *Applier, facts *observe.Facts, live *T, extract func(*T, string) (C, error),
	wanted, asIs C, template *corev1ac.PodTemplateSpecApplyConfiguration,
) []Problem {
	var problems []Problem
	if asIs != nil {
		problems = a.turnedAway(ctx, facts, observe.ChildKey{Kind: *wanted.GetKind(), Name: *wanted.GetName()}, template)
	}
	if problems == nil {
		problems = child(ctx, a, facts, live, extract, wanted)
	}
	if asIs != nil && slices.ContainsFunc(problems, func(p Problem) bool { return p.Kind == Rejected || p.Kind == Forbidden }) {
		problems = append(problems, child(ctx, a, facts, live, extract, asIs)...)
	}
	return problems
}

// send applies, unless it is known to be in vain. The configuration must not be used again: the client fills it with the server's answer.
func (a *Applier) send(ctx context.Context, wanted runtime.ApplyConfiguration) error {
	_, version := versionOf(wanted)
	err := a.written.conflict(wanted, a.Clock.Now())
	if err == nil {
		err = a.Client.Apply(ctx, wanted, forceOwnership)
		if err == nil {
			a.written.note(wanted, a.Clock.Now())
		}
	}
	if version != "" && apierrors.IsConflict(err) {
		return fmt.Errorf("%w: %w", errOutdated, err)
	}
	return err
}

// errOutdated says that an apply was meant for a version that is no more.
var errOutdated = errors.New("the object has changed since it was read")
