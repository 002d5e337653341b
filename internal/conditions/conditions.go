// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conditions makes the conditions of a status anew, in their order: none is carried over from the last pass but
// for the time since when it has its status.
package conditions

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Set collects conditions in their order.
type Set struct {
	// All are the conditions so far. One that did not change keeps its transition time; the others have none, and the
	// caller stamps them: this package has no clock.
	All []metav1.Condition

	before     []metav1.Condition
	generation int64
}

// New starts a set for an object of this generation, whose conditions were these.
func New(before []metav1.Condition, generation int64) *Set {
	return &Set{before: before, generation: generation}
}

// Add adds a condition.
func (s *Set) Add(kind string, status metav1.ConditionStatus, reason, message string) {
	condition := metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: shorten(message), ObservedGeneration: s.generation,
	}
	if old := meta.FindStatusCondition(s.before, kind); old != nil && old.Status == status {
		condition.LastTransitionTime = old.LastTransitionTime
	}
	s.All = append(s.All, condition)
}

// Stamp gives new transitions their time.
func Stamp(all []metav1.Condition, now metav1.Time) {
	for i := range all {
		if all[i].LastTransitionTime.IsZero() {
			all[i].LastTransitionTime = now
		}
	}
}

// maxMessage is far below what a condition may hold; a kubelet's words can be long.
const maxMessage = 1024

func shorten(message string) string {
	if runes := []rune(message); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + " …"
	}
	return message
}

// maxNote is what the API server takes in an event, in bytes; it refuses a longer one, and nobody sends it again.
const maxNote = 1024

// Note is a message as an event can carry it.
func Note(message string) string {
	const more = " …"
	if len(message) <= maxNote {
		return message
	}
	return strings.ToValidUTF8(message[:maxNote-len(more)], "") + more
}
