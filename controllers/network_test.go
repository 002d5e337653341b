// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// Weave is not watched: nothing tells that it has become Ready. A NetworkCheck that ends or is deleted does. When compute
// has begun, or is not wanted, nothing waits for Weave.
func TestWeaveIsAskedForAgainSoonWhileComputeWaitsForIt(t *testing.T) {
	waits, began, unwanted := plan.Compute{Replicas: 2}, plan.Compute{Replicas: 2, Began: true}, plan.Compute{}
	for name, c := range map[string]struct {
		missing plan.Network
		compute plan.Compute
		after   time.Duration
	}{
		"nothing is missing":              {plan.NetworkMet, waits, time.Minute},
		"Weave is not Ready":              {plan.NoWeave, waits, 5 * time.Second},
		"Weave is not Ready any more":     {plan.NoWeave, began, time.Minute},
		"Weave that nobody needs yet":     {plan.NoWeave, unwanted, time.Minute},
		"the network is measured later":   {plan.MeasureLater, unwanted, time.Minute},
		"it was measured elsewhere":       {plan.OtherPlacement, waits, time.Minute},
		"the network is measured now":     {plan.Measuring, waits, time.Minute},
		"the network was not good enough": {plan.NotPassed, waits, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pass := &status.Input{Facts: &observe.Facts{GUIAnswers: true}, Plan: &plan.Plan{Network: c.missing, Compute: c.compute}}
			result, err := (&SymphonyClusterReconciler{}).nextPass(pass, 0)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(result.RequeueAfter).To(Equal(c.after))
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

func TestThatWeaveCannotBeReadIsLoggedWhenItIsNews(t *testing.T) {
	is := func(reason, message string) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionNetworkReady, Reason: reason, Message: message}}
	}
	for name, c := range map[string]struct {
		before []metav1.Condition
		err    error
		lines  int
	}{
		"at first":               {nil, errors.New("broken"), 1},
		"after it could be read": {is("Ready", "all is well"), errors.New("broken"), 1},
		"for another reason":     {is("Forbidden", "it may not"), errors.New("broken"), 1},
		"in another way":         {is("ProgressingWithRetry", "it takes too long"), errors.New("broken"), 1},
		"as before":              {is("ProgressingWithRetry", "it is broken"), errors.New("broken"), 0},
		"not at all":             {is("Ready", "all is well"), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			ctx := logr.NewContext(t.Context(), funcr.New(func(_, line string) { told = append(told, line) }, funcr.Options{}))
			cluster := &v1alpha1.SymphonyCluster{Status: v1alpha1.SymphonyClusterStatus{Conditions: c.before}}
			pass := &status.Input{Facts: &observe.Facts{Cluster: cluster, Weave: &observe.WeaveRead{Err: c.err}}, Plan: &plan.Plan{}}
			logNews(ctx, pass, &v1alpha1.SymphonyClusterStatus{Conditions: is("ProgressingWithRetry", "it is broken")})
			g := NewWithT(t)
			g.Expect(told).To(HaveLen(c.lines))
			g.Expect(strings.Contains(strings.Join(told, ""), `"message"="broken"`)).To(Equal(c.lines > 0))
		})
	}
}
