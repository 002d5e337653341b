// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

func silent(in *status.Input) { in.Facts.GUIAnswers = false }

func TestTheWebConsolesCondition(t *testing.T) {
	for name, c := range map[string]struct {
		in             *status.Input
		gui, ready     string
		consoleMessage string
	}{
		"it answers": {pass(), good, good, "the web console answers"},
		// It starts minutes after EGO; whoever waits for Ready must not wait for it.
		"it does not answer": {
			pass(silent), "False GUIStarting", good, "the web console does not answer; it starts minutes after EGO",
		},
		"it has no Service yet": {
			pass(func(in *status.Input) { in.Facts.GUI = nil }), "False Progressing", good, "the web console's Service is not created yet",
		},
		// The console may well answer on the master's address; nobody outside reaches it by the wanted port.
		"its node port is taken": {
			pass(problem(apply.NodePort)), "False NodePortUnavailable", "False NodePortUnavailable", "what happened",
		},
		"another child was rejected": {pass(problem(apply.Rejected)), good, "False Rejected", "the web console answers"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			after := status.Of(c.in)
			g.Expect(verdict(&after, v1alpha1.ConditionGUIReady)).To(Equal(c.gui))
			g.Expect(verdict(&after, v1alpha1.ConditionReady)).To(Equal(c.ready))
			g.Expect(of(c.in, v1alpha1.ConditionGUIReady).Message).To(Equal(c.consoleMessage))
		})
	}
}

func TestTheConsolesPortAndAddressGoTogether(t *testing.T) {
	balanced := func(ingress ...corev1.LoadBalancerIngress) edit {
		return func(in *status.Input) {
			in.Facts.GUI.Spec.Type = corev1.ServiceTypeLoadBalancer
			in.Facts.GUI.Status.LoadBalancer.Ingress = ingress
		}
	}
	for name, c := range map[string]struct {
		change edit
		want   v1alpha1.GUIStatus
	}{
		"a node port": {
			func(*status.Input) {},
			v1alpha1.GUIStatus{NodePort: 30443, URL: "https://192.0.2.1:30443/platform/login/login.html"},
		},
		"a load balancer that has no address yet": {
			balanced(), v1alpha1.GUIStatus{NodePort: 30443, URL: "https://192.0.2.1:30443/platform/login/login.html"},
		},
		"a load balancer with an IPv6 address": {
			balanced(corev1.LoadBalancerIngress{IP: "2001:db8::7"}),
			v1alpha1.GUIStatus{NodePort: 30443, URL: "https://[2001:db8::7]:8443/platform/login/login.html"},
		},
		"a cluster address": {
			func(in *status.Input) { in.Facts.GUI.Spec.Ports[0].NodePort = 0 }, v1alpha1.GUIStatus{},
		},
		"a node port while there is no master": {noMaster, v1alpha1.GUIStatus{NodePort: 30443}},
		"a node port while the master's node has no address": {
			func(in *status.Input) { in.Plan.Master.Status.HostIP = "" }, v1alpha1.GUIStatus{NodePort: 30443},
		},
		"a Service that somebody emptied": {func(in *status.Input) { in.Facts.GUI.Spec.Ports = nil }, v1alpha1.GUIStatus{}},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(status.Of(pass(c.change)).GUI).To(Equal(c.want))
		})
	}
}
