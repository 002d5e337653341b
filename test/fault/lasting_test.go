// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"maps"
	"regexp"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/rig"
)

// passing matches what a cluster's history leaves behind by intent: counters, what Kubernetes' own controllers report of the way, ports that
// are kept, a network check's results, and what the master has lost.
var passing = regexp.MustCompile(`revision|^Deployment .*\.status|^ReplicaSet |^NetworkCheck |nodePort|clusterIP|healthCheckNodePort|` +
	`\.status\.gui\.|\.status\.compute\.hosts|^SymphonyCluster .*\.status\.conditions|\.status\.master\.|^ControllerRevision `)

// lasting is the part of a state that follows from the spec alone.
func lasting(state map[string]string) map[string]string {
	kept := maps.Clone(state)
	maps.DeleteFunc(kept, func(path, _ string) bool { return passing.MatchString(path) })
	return kept
}

// fresh is the lasting state of a new cluster with the spec that the one of this name has now.
func fresh(t *testing.T, w *rig.World, name string) map[string]string {
	t.Helper()
	now := &v1alpha1.SymphonyCluster{}
	if err := w.API.Get(t.Context(), client.ObjectKey{Namespace: w.Namespace, Name: name}, now); err != nil {
		t.Fatal(err)
	}
	other := machine.NewWorld(t)
	defer other.End()
	cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Namespace: other.Namespace, Name: name}, Spec: now.Spec}
	if err := other.API.Create(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	other.Converge()
	return lasting(other.State())
}
