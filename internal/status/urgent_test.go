// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

func TestWhatIsUrgent(t *testing.T) {
	condition := func(kind string, is metav1.ConditionStatus, reason string) func(*v1alpha1.SymphonyClusterStatus) {
		return func(s *v1alpha1.SymphonyClusterStatus) {
			meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: kind, Status: is, Reason: reason})
		}
	}
	before := &v1alpha1.SymphonyClusterStatus{
		ObservedGeneration: 1,
		Master:             v1alpha1.MasterStatus{PodName: "a", PodIP: "10.32.0.1", Instance: "a/0"},
		Compute:            v1alpha1.ComputeStatus{ReadyReplicas: 2, Hosts: &v1alpha1.HostCounts{Joined: 2, OK: 2, Busy: new(int32(1)), BusyTime: &metav1.Time{Time: time.Unix(1, 0)}}},
	}
	condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonScaling)(before)
	condition(v1alpha1.ConditionHostsReady, metav1.ConditionUnknown, v1alpha1.ReasonMasterStarting)(before)

	for name, c := range map[string]struct {
		change func(*v1alpha1.SymphonyClusterStatus)
		urgent bool
	}{
		"nothing":               {func(*v1alpha1.SymphonyClusterStatus) {}, false},
		"a new spec":            {func(s *v1alpha1.SymphonyClusterStatus) { s.ObservedGeneration = 2 }, true},
		"another address":       {func(s *v1alpha1.SymphonyClusterStatus) { s.Master.PodIP = "10.32.0.9" }, true},
		"a restarted master":    {func(s *v1alpha1.SymphonyClusterStatus) { s.Master.Instance = "a/1" }, true},
		"a pod that is ready":   {func(s *v1alpha1.SymphonyClusterStatus) { s.Compute.ReadyReplicas = 3 }, false},
		"a pod that drains":     {func(s *v1alpha1.SymphonyClusterStatus) { s.Compute.Draining = 1 }, false},
		"the console's address": {func(s *v1alpha1.SymphonyClusterStatus) { s.GUI.URL = "https://192.0.2.1:30443/" }, false},
		"a host":                {func(s *v1alpha1.SymphonyClusterStatus) { s.Compute.Hosts.OK = 1 }, true},
		"hosts that are busy":   {func(s *v1alpha1.SymphonyClusterStatus) { s.Compute.Hosts.Busy = new(int32(2)) }, false},
		"not known to be busy":  {func(s *v1alpha1.SymphonyClusterStatus) { s.Compute.Hosts.Busy = nil }, true},
		"hosts nobody can tell": {func(s *v1alpha1.SymphonyClusterStatus) { s.Compute.Hosts = nil }, true},
		"ready":                 {condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady), true},
		"a cause of trouble":    {condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonForbidden), true},
		"a write that failed":   {condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRetrying), true},
		"the next thing":        {condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDraining), false},
		"another's reason":      {condition(v1alpha1.ConditionHostsReady, metav1.ConditionUnknown, v1alpha1.ReasonEGOUnreachable), false},
		"another condition":     {condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRejected), true},
		"one less":              {func(s *v1alpha1.SymphonyClusterStatus) { s.Conditions = s.Conditions[:1] }, true},
	} {
		t.Run(name, func(t *testing.T) {
			after := before.DeepCopy()
			c.change(after)
			NewWithT(t).Expect(status.Urgent(before, after)).To(Equal(c.urgent))
		})
	}
}
