// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package recent_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/recent"
)

func TestThingsAreRememberedUntilThereAreTooMany(t *testing.T) {
	g := NewWithT(t)
	var things recent.Things[int, string]
	_, known := things.Recall(1)
	g.Expect(known).To(BeFalse())

	things.Remember(1, "a")
	things.Remember(1, "b")
	things.Remember(2, "")
	things.Remember(3, "c")
	things.Forget(3)
	value, known := things.Recall(1)
	g.Expect(value).To(Equal("b"))
	g.Expect(known).To(BeTrue())
	_, known = things.Recall(2)
	g.Expect(known).To(BeTrue(), "also what is empty")
	_, known = things.Recall(3)
	g.Expect(known).To(BeFalse())

	for key := range recent.Bound {
		things.Recall(1)
		things.Remember(10+key, "")
	}
	_, known = things.Recall(1)
	g.Expect(known).To(BeTrue(), "it was in use")
	_, known = things.Recall(2)
	g.Expect(known).To(BeFalse())
}
