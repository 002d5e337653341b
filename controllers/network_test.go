// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// Weave is not watched: nothing tells that it has become Ready. A NetworkCheck that ends does.
func TestWeaveIsAskedForAgainSoonWhileItIsNotReady(t *testing.T) {
	for missing, after := range map[plan.Network]time.Duration{
		plan.NetworkMet:   time.Minute,
		plan.NoWeave:      5 * time.Second,
		plan.MeasureLater: time.Minute,
		plan.Measuring:    time.Minute,
		plan.NotPassed:    time.Minute,
	} {
		t.Run(string(missing), func(t *testing.T) {
			g := NewWithT(t)
			pass := &status.Input{Facts: &observe.Facts{GUIAnswers: true}, Plan: &plan.Plan{Network: missing}}
			result, err := (&SymphonyClusterReconciler{}).nextPass(pass)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(result.RequeueAfter).To(Equal(after))
		})
	}
}

func TestTheStartTellsThatWeaveIsNotInstalled(t *testing.T) {
	g := NewWithT(t)
	var told []string
	logger := funcr.New(func(_, line string) { told = append(told, line) }, funcr.Options{})
	mapper := meta.NewDefaultRESTMapper(nil)
	tellWithoutWeave(logger, mapper)
	g.Expect(told).To(HaveExactElements(ContainSubstring("Weave is not installed: SymphonyClusters with network.mode Weave wait until config/weave is")))

	mapper.Add(v1alpha1.SchemeGroupVersion.WithKind("WeaveNetwork"), meta.RESTScopeRoot)
	tellWithoutWeave(logger, mapper)
	g.Expect(told).To(HaveLen(1), "an installed one needs no word")
}
