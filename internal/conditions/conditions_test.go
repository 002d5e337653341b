// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/internal/conditions"
)

func TestTheTimeIsThatOfTheLastTransition(t *testing.T) {
	g := NewWithT(t)
	noon := metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	now := metav1.NewTime(noon.Add(time.Hour))
	before := []metav1.Condition{
		{Type: "Same", Status: metav1.ConditionTrue, LastTransitionTime: noon},
		{Type: "Turned", Status: metav1.ConditionTrue, LastTransitionTime: noon},
		{Type: "Gone", Status: metav1.ConditionTrue, LastTransitionTime: noon},
	}
	set := conditions.New(before, 7)
	set.Add("Same", metav1.ConditionTrue, "OtherReason", "said otherwise")
	set.Add("Turned", metav1.ConditionFalse, "Reason", "message")
	set.Add("New", metav1.ConditionTrue, "Reason", "message")
	conditions.Stamp(set.All, now)
	g.Expect(set.All).To(Equal([]metav1.Condition{
		{Type: "Same", Status: metav1.ConditionTrue, ObservedGeneration: 7, LastTransitionTime: noon, Reason: "OtherReason", Message: "said otherwise"},
		{Type: "Turned", Status: metav1.ConditionFalse, ObservedGeneration: 7, LastTransitionTime: now, Reason: "Reason", Message: "message"},
		{Type: "New", Status: metav1.ConditionTrue, ObservedGeneration: 7, LastTransitionTime: now, Reason: "Reason", Message: "message"},
	}))
}

func TestLongMessagesAreCut(t *testing.T) {
	g := NewWithT(t)
	long := strings.Repeat("é", 2000)
	set := conditions.New(nil, 1)
	set.Add("Ready", metav1.ConditionFalse, "Reason", long)
	g.Expect([]rune(set.All[0].Message)).To(HaveLen(1024 + 2))
	// An event's limit is in bytes.
	g.Expect(len(conditions.Note(long))).To(BeNumerically("<=", 1024))
	g.Expect(conditions.Note(long)).To(HaveSuffix("é …"))
	g.Expect(conditions.Note("short")).To(Equal("short"))
}
