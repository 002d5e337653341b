// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

func TestScaleInHasTheDefaultsThatItDocuments(t *testing.T) {
	g := NewWithT(t)
	var absent v1alpha1.ComputeScaleIn
	g.Expect(absent.PolicyOrDefault()).To(Equal(v1alpha1.Drain))
	g.Expect(absent.DrainTimeoutOrDefault()).To(Equal(10 * time.Minute))
	g.Expect(absent.ReclaimGraceOrDefault()).To(Equal(2 * time.Minute))
	g.Expect(absent.SettleOrDefault()).To(Equal(10 * time.Minute))
}

func TestScaleInTakesWhatIsGiven(t *testing.T) {
	g := NewWithT(t)
	given := v1alpha1.ComputeScaleIn{
		Policy: v1alpha1.Immediate, DrainTimeout: &metav1.Duration{Duration: time.Hour},
		ReclaimGrace: &metav1.Duration{}, Settle: &metav1.Duration{Duration: time.Second},
	}
	g.Expect(given.PolicyOrDefault()).To(Equal(v1alpha1.Immediate))
	g.Expect(given.DrainTimeoutOrDefault()).To(Equal(time.Hour))
	g.Expect(given.ReclaimGraceOrDefault()).To(BeZero(), "zero is a value")
	g.Expect(given.SettleOrDefault()).To(Equal(time.Second))
}
