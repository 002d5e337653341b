// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// podTrouble is why a pod does not run, in the pod's own words where they are the same from one look to the
// next, so that they can stand in a condition; failed is the reason for a container that ended.
func podTrouble(pod *corev1.Pod, failed string) finding {
	for i := range pod.Status.Conditions {
		c := &pod.Status.Conditions[i]
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return finding{orElse(c.Reason, "Unschedulable"), "cannot be scheduled: " + c.Message}
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			if found := containerTrouble(&statuses[i], failed); found.bad() {
				found.message = strings.ReplaceAll(found.message, pod.Name, "the pod")
				return found
			}
		}
	}
	return finding{}
}

func containerTrouble(container *corev1.ContainerStatus, failed string) finding {
	waiting := container.State.Waiting
	if waiting != nil && (waiting.Reason == "ErrImagePull" || waiting.Reason == "ImagePullBackOff") {
		// The kubelet alternates between the two; one of them is enough for a condition.
		return finding{"ImagePullBackOff", fmt.Sprintf("image %q cannot be pulled: %s", container.Image, pullFailure(waiting.Message))}
	}
	ended := container.State.Terminated
	if ended == nil {
		ended = container.LastTerminationState.Terminated
	}
	looping := waiting != nil && waiting.Reason == "CrashLoopBackOff"
	if ended != nil && !container.Ready && (ended.ExitCode != 0 || looping) {
		return finding{failed, fmt.Sprintf("the container %q ended with exit code %d: %s",
			container.Name, ended.ExitCode, orElse(strings.TrimSpace(ended.Message), ended.Reason))}
	}
	if waiting != nil && !waitingBenign(waiting) && !looping {
		return finding{waiting.Reason, orElse(steady(waiting.Message), "the container "+container.Name+" waits")}
	}
	return finding{}
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

// withoutPodName takes the random pod name out of a controller's message.
func withoutPodName(message string) string { return podName.ReplaceAllString(message, "the pod is ") }

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
