// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// CheckWeaveNetwork holds one WeaveNetwork against the invariants of kstatus; as CheckStatus.
func CheckWeaveNetwork(network *v1alpha1.WeaveNetwork) []string {
	return checkKind(network.ObjectMeta, network.Status.ObservedGeneration, network.Status.Conditions,
		v1alpha1.ConditionReady, v1alpha1.ConditionPreflight, v1alpha1.ConditionRoutersReady, v1alpha1.ConditionIPAMReady,
		v1alpha1.ConditionPeersConnected, v1alpha1.ConditionHostsExposed, v1alpha1.ConditionDegraded)
}

// CheckNetworkCheck does the same for a NetworkCheck.
func CheckNetworkCheck(check *v1alpha1.NetworkCheck) []string {
	return checkKind(check.ObjectMeta, check.Status.ObservedGeneration, check.Status.Conditions,
		v1alpha1.ConditionReady, v1alpha1.ConditionComplete)
}

// checkKind holds an object of any of the kinds against them. From the operator's first pass on, it always has some conditions.
func checkKind(object metav1.ObjectMeta, observed int64, conditions []metav1.Condition, always ...string) []string {
	if observed == -1 {
		if len(conditions) > 0 {
			return []string{"there are conditions, but observedGeneration says that nobody has looked at the object"}
		}
		return nil
	}
	var broken []string
	if observed < 1 || observed > object.Generation {
		broken = append(broken, fmt.Sprintf("observedGeneration is %d, the generation %d", observed, object.Generation))
	}
	for _, kind := range always {
		if meta.FindStatusCondition(conditions, kind) == nil {
			broken = append(broken, fmt.Sprintf("the condition %s is missing", kind))
		}
	}
	// As far as kstatus is concerned, all kinds are the same.
	same := &v1alpha1.SymphonyCluster{ObjectMeta: object}
	same.Status.ObservedGeneration, same.Status.Conditions = observed, conditions
	for i := range conditions {
		broken = append(broken, checkCondition(same, &conditions[i])...)
	}
	broken = append(broken, checkSummary(conditions)...)
	return append(broken, checkComputed(same)...)
}
