// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// CheckWorld is what the operator finds of a NetworkCheck in pass after pass.
type CheckWorld struct {
	// Check is the object as it is now, with the status of the last pass.
	Check *v1alpha1.NetworkCheck

	source *Source
	now    time.Time
	pods   []*corev1.Pod
	nodes  int
}

// CheckWorld begins with a new NetworkCheck.
func (s *Source) CheckWorld() *CheckWorld {
	return &CheckWorld{
		Check: s.NetworkCheck(), source: s, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), nodes: oneOf(s, 0, 1, 2, 3, 7, 30),
	}
}

// Facts are what the next pass sees.
func (w *CheckWorld) Facts() *observe.CheckFacts {
	s := w.source
	w.now = w.now.Add(oneOf(s, time.Second, 20*time.Second, 5*time.Minute))
	facts := &observe.CheckFacts{Check: w.Check, Now: w.now, Image: oneOf(s, "iperf3", "iperf3", w.Check.Spec.Image), Pods: map[string]*corev1.Pod{}}
	for _, made := range w.pods {
		if s.one(12) {
			continue // Somebody has deleted it.
		}
		pod := made.DeepCopy()
		s.state(pod, pod.CreationTimestamp)
		if s.one(2) {
			pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.32.0.9", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
			if pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
				pod.Status = corev1.PodStatus{Phase: corev1.PodSucceeded}
			}
		}
		if s.one(8) {
			pod.DeletionTimestamp = new(metav1.NewTime(w.now))
		}
		for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
				Name: container.Name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: s.lastWords()}},
			})
		}
		facts.Pods[pod.Name] = pod
	}
	if w.Check.Status.StartTime != nil {
		return facts
	}
	for i := range w.nodes {
		node := fmt.Sprintf("node-%02d", i)
		facts.Candidates = append(facts.Candidates, node)
		if w.Check.Spec.Hosts == v1alpha1.HostsOverlay && s.one(2) {
			facts.Overlay = append(facts.Overlay, v1alpha1.NetworkCheckOverlay{Node: node, Address: fmt.Sprintf("10.32.0.%d", i+1)})
		}
	}
	facts.OutOfOrder = s.random.Intn(3)
	if s.one(8) {
		facts.Overlay, facts.OverlayErr = nil, errors.New("forbidden")
	}
	return facts
}

// lastWords are iperf3's report, or what else a container can leave.
func (s *Source) lastWords() string {
	if s.one(2) {
		return `{"end":{"sum":{"bits_per_second":1e7,"packets":1000},"sum_sent":{},"sum_received":{"bits_per_second":1e9,"bytes":1024000}}}`
	}
	return oneOf(s, "", "x", `{"error":"the server is busy running a test"}`, `{"error":"unable to connect to server: Connection refused"}`,
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":250},"sum_sent":{"retransmits":8},"sum_received":{"bits_per_second":1e9,"bytes":768000}}}`,
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000},"sum_sent":{},"sum_received":{"bits_per_second":1e9,"bytes":1024000}}}`)
}

// Keep has the API server create and delete pods, and keep the status.
func (w *CheckWorld) Keep(created, deleted []*corev1.Pod, after *v1alpha1.NetworkCheckStatus) {
	w.Check = w.Check.DeepCopy()
	w.Check.Status = *after
	gone := map[string]bool{}
	for _, pod := range deleted {
		gone[pod.Name] = true
	}
	var left []*corev1.Pod
	for _, pod := range w.pods {
		if !gone[pod.Name] {
			left = append(left, pod)
		}
	}
	w.pods = left
	for _, pod := range created {
		pod = pod.DeepCopy()
		pod.CreationTimestamp = metav1.NewTime(w.now)
		w.pods = append(w.pods, pod)
	}
}
