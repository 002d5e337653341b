// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// ProblemKind says what has to happen before a failed write can succeed.
type ProblemKind string

const (
	// Conflict means that somebody else's object has the child's name. A person has to act, and no event will tell.
	Conflict ProblemKind = "Conflict"
	// Leaving means that an object of an earlier cluster of the same name has it, and is about to go.
	Leaving ProblemKind = "Leaving"
	// Unseen means that the cache is behind what is there. Nobody has to act; it is looked at again soon.
	Unseen ProblemKind = "Unseen"
	// Outdated means that the pass looked at an older version of the child than there is. Nothing is told of it: the next pass, which
	// comes with the newer version, sees what there is.
	Outdated ProblemKind = "Outdated"
	// Rejected means that the API server calls the child invalid, or cannot read it. A person has to change the spec.
	Rejected ProblemKind = "Rejected"
	// NodePort means that the wanted node port is taken or outside the cluster's range.
	NodePort ProblemKind = "NodePort"
	// Forbidden means that a quota or an admission policy refuses the write. It is tried again slowly: no event will tell
	// when it would pass.
	Forbidden ProblemKind = "Forbidden"
	// Transient is anything else; it is tried again.
	Transient ProblemKind = "Transient"
)

// Problem is one write that did not happen.
type Problem struct {
	Kind  ProblemKind
	Child observe.ChildKey
	// Message is for the user: what is wrong, where, and what to do. It names no random names, because it
	// goes into a condition.
	Message string
	// Err is for the log and the retry of a Transient problem, and of one that may pass soon.
	Err error
	// Soon is for a Forbidden that may pass by itself in a moment: an API server that has just started has not read its roles yet, and
	// refuses for seconds what it allows for ever after.
	Soon bool
}

func problem(doing string, child observe.ChildKey, err error) []Problem {
	if err == nil {
		return nil
	}
	found := Problem{
		Child: child, Kind: Transient, Err: fmt.Errorf("%s: %w", doing, err),
		Message: Explain(doing, err),
	}
	if apierrors.IsForbidden(err) {
		found.Kind, found.Soon = Forbidden, isRight(err)
	}
	if isRejection(err) {
		found.Kind = Rejected
		found.Message = fmt.Sprintf("the API server rejects %s %q: %s", child.Kind, child.Name, causes(err))
		if child.Kind == observe.ClaimKind {
			found.Message += "; a claim keeps its class and access mode and does not shrink: have spec.master.storage say what it has, or name another one in existingClaim"
		}
		if strings.Contains(found.Message, "nodePort") {
			found.Kind = NodePort
			found.Message = fmt.Sprintf("spec.gui.nodePort cannot be used: %s; choose another, or remove it to have one allocated", causes(err))
		}
	}
	return []Problem{found}
}

// isRight reports whether a refusal is for want of a right, which says so in its text alone.
func isRight(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), `User "`) && strings.Contains(err.Error(), `" cannot `)
}

// isRejection: the same write would be refused again. A bad request is one that the API server cannot read, because of a character
// that its YAML must not have, say, or what a webhook refuses without saying how.
func isRejection(err error) bool { return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) }

// causes are the field errors of a rejection, without the repeated object name around them.
func causes(err error) string {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.ErrStatus.Details == nil || len(status.ErrStatus.Details.Causes) == 0 {
		return err.Error()
	}
	var all []string
	for _, cause := range status.ErrStatus.Details.Causes {
		all = append(all, cause.Field+": "+cause.Message)
	}
	return strings.Join(all, "; ")
}

// Explain is a failed write for a person.
func Explain(doing string, err error) string {
	if apierrors.IsForbidden(err) {
		return doing + " is refused: " + err.Error() // A quota's or a policy's words say what to do.
	}
	if isRejection(err) {
		return doing + " is rejected: " + causes(err)
	}
	return doing + ": " + reason(err)
}

// reason shortens an error to what stays the same from one attempt to the next: a condition whose text
// changes every time would be written every time.
func reason(err error) string {
	if short := apierrors.ReasonForError(err); short != "" {
		return string(short)
	}
	return "the API server could not be reached"
}
