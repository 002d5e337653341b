// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle_test

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

func TestStatusesOfTheOtherKinds(t *testing.T) {
	g := NewWithT(t)
	check := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Name: "check", Generation: 2}}
	check.Status.ObservedGeneration = 2
	for _, kind := range []string{"Ready", "Complete"} {
		check.Status.Conditions = append(check.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: "Reason", Message: "message", ObservedGeneration: 2, LastTransitionTime: noon,
		})
	}
	g.Expect(oracle.CheckNetworkCheck(check)).To(BeEmpty())
	check.Status.Conditions[0].Status = metav1.ConditionFalse
	g.Expect(oracle.CheckNetworkCheck(check)).To(ContainElement(ContainSubstring("Ready is False without Reconciling or Stalled")))
	check.Status.Conditions = check.Status.Conditions[1:]
	g.Expect(oracle.CheckNetworkCheck(check)).To(ContainElement("the condition Ready is missing"))
	g.Expect(oracle.CheckNetworkCheck(&v1alpha1.NetworkCheck{Status: v1alpha1.NetworkCheckStatus{ObservedGeneration: -1}})).To(BeEmpty())

	network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: "default", Generation: 1}}
	network.Status.ObservedGeneration = 1
	g.Expect(oracle.CheckWeaveNetwork(network)).To(ContainElement("the condition Degraded is missing"))
}
