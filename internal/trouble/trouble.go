// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package trouble says why pods do not run, in the words of Kubernetes where they stay the same from one look to the next.
package trouble

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Of is why a pod does not run, nothing ("" reason) when nothing is known to be wrong. Reason and message can stand in a
// condition: they do not change while nothing does, and name no random names. failed is the reason for a container that
// ended.
func Of(pod *corev1.Pod, failed string) (reason, message string) {
	for i := range pod.Status.Conditions {
		c := &pod.Status.Conditions[i]
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return orElse(c.Reason, "Unschedulable"), "cannot be scheduled: " + c.Message
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			if reason, message := ofContainer(&statuses[i], failed); reason != "" {
				return reason, strings.ReplaceAll(message, pod.Name, "the pod")
			}
		}
	}
	return "", ""
}

func ofContainer(container *corev1.ContainerStatus, failed string) (reason, message string) {
	waiting := container.State.Waiting
	if waiting != nil && (waiting.Reason == "ErrImagePull" || waiting.Reason == "ImagePullBackOff") {
		// The kubelet alternates between the two; one of them is enough for a condition.
		return "ImagePullBackOff", fmt.Sprintf("image %q cannot be pulled: %s", container.Image, pullFailure(waiting.Message))
	}
	ended := container.State.Terminated
	if ended == nil {
		ended = container.LastTerminationState.Terminated
	}
	looping := waiting != nil && waiting.Reason == "CrashLoopBackOff"
	if ended != nil && !container.Ready && (ended.ExitCode != 0 || looping) {
		return failed, fmt.Sprintf("the container %q ended with exit code %d: %s",
			container.Name, ended.ExitCode, orElse(strings.TrimSpace(ended.Message), ended.Reason))
	}
	if waiting != nil && !starting(waiting) && !looping {
		return waiting.Reason, orElse(steady(waiting.Message), "the container "+container.Name+" waits")
	}
	return "", ""
}

// starting are the waiting reasons of containers that are merely starting.
func starting(state *corev1.ContainerStateWaiting) bool {
	return state.Reason == "" || state.Reason == "ContainerCreating" || state.Reason == "PodInitializing"
}

// sourcePort is the part of a network error that is another one at every attempt.
var sourcePort = regexp.MustCompile(`\S+:\d+->`)

// pullFailure reduces the two texts that the kubelet alternates between to what they have in common: the
// error of the container runtime.
func pullFailure(message string) string {
	message = sourcePort.ReplaceAllString(message, "")
	for _, mark := range []string{"ErrImagePull: ", "rpc error: "} {
		if _, rest, found := strings.Cut(message, mark); found {
			message = rest
		}
	}
	return message
}

// identifier is a container's, or a pod's with the number of the attempt.
var identifier = regexp.MustCompile(`[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\d+)?`)

// steady takes out of a container runtime's words what is another at every attempt.
func steady(message string) string { return identifier.ReplaceAllString(message, "…") }

var podName = regexp.MustCompile(`[Pp]ods? "[^"]*" is `)

// WithoutPodName takes the random pod name out of a controller's message.
func WithoutPodName(message string) string { return podName.ReplaceAllString(message, "the pod is ") }

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
