// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/trouble"
)

// routersReady: does every node's router run with the wanted template, and is its node on the overlay?
func routersReady(seen *view, plan *Plan) finding {
	facts := seen.facts
	routers := facts.Routers
	switch {
	case routers == nil && facts.Network.Spec.ManagementPolicy != v1alpha1.WeaveManaged:
		return finding{reason: v1alpha1.ReasonNoWeave, message: fmt.Sprintf(
			"there is no DaemonSet %s in %s: install Weave, or set managementPolicy to Managed", names.WeaveRouters, names.WeaveNamespace)}
	case routers == nil:
		return finding{reason: v1alpha1.ReasonProgressing, message: "Weave is not installed yet"}
	case routers.Status.ObservedGeneration < routers.Generation:
		return finding{reason: v1alpha1.ReasonProgressing, message: "Kubernetes has not seen the routers' template yet"}
	case plan.KeepTemplate && plan.Waiting != nil:
		return finding{reason: plan.Waiting.Reason, message: plan.Waiting.Message}
	case len(outdated(facts)) > 0:
		return rollingOut(seen)
	}
	return notReady(seen)
}

func rollingOut(seen *view) finding {
	desired := seen.facts.Routers.Status.DesiredNumberScheduled
	progress := fmt.Sprintf("%d of %d routers have the new template", desired-int32(len(outdated(seen.facts)))-lostNodes(seen.facts), desired)
	_, atOnce := seen.facts.Routers.Annotations[annotationAllAtOnce]
	byHand := seen.facts.Routers.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	const command = "kubectl -n " + names.WeaveNamespace + " delete pod -l " + names.LabelWeave + "=" + names.WeaveRouters
	switch {
	case byHand && atOnce:
		return finding{reason: v1alpha1.ReasonWaitingForDeletedPods, message: progress +
			"; update.type is OnDelete, and routers with different passwords refuse each other: replace all at once by `" + command + "`"}
	case byHand:
		return finding{reason: v1alpha1.ReasonWaitingForDeletedPods, message: progress +
			"; update.type is OnDelete: delete the others' pods, a few at a time (`" + command + " --field-selector spec.nodeName=NODE`)"}
	}
	found := finding{reason: v1alpha1.ReasonProgressing, message: progress}
	if atOnce {
		found = finding{reason: v1alpha1.ReasonPasswordChanging, message: progress + "; all are replaced at once for the other password, and nodes are not connected for a moment"}
	}
	// What keeps a new router from running keeps the others from being replaced.
	if down := notReady(seen); down.bad() && down.reason != v1alpha1.ReasonProgressing {
		found.reason, found.problems = down.reason, down.problems
		found.message += "; " + down.message
	}
	return found
}

// notReady are routers that do not run, or whose node is not on the overlay; lost nodes' are another matter.
func notReady(seen *view) finding {
	status := &seen.facts.Routers.Status
	found := finding{reason: v1alpha1.ReasonProgressing}
	why := ""
	for i := range seen.facts.Nodes {
		node := &seen.facts.Nodes[i]
		pod := seen.facts.RouterPods[node.Name]
		if !node.Wanted || node.Lost || pod != nil && observe.PodReady(pod) {
			continue
		}
		if pod == nil && status.CurrentNumberScheduled >= status.DesiredNumberScheduled {
			continue // Replaced this moment: the next one is about to come.
		}
		message := "its router does not run yet, or has no address to give its node"
		if pod != nil {
			if reason, words := trouble.Of(pod, v1alpha1.ReasonNodeUnfit); reason != "" {
				message = words
				found.reason = reason
				if why == "" {
					why = ": " + words
				}
			}
		}
		found.on(node.Name, message, notReadySince(seen.facts, node, pod))
	}
	if len(found.problems) == 0 {
		return finding{}
	}
	found.message = fmt.Sprintf("%d of %d routers are ready; not on %s%s", status.NumberReady, status.DesiredNumberScheduled, nodesOf(&found), why)
	for i := range found.problems {
		found.problems[i].Reason = found.reason
	}
	return found
}

// notReadySince is since when a node has no ready pod.
func notReadySince(facts *observe.WeaveFacts, node *observe.WeaveHostNode, pod *corev1.Pod) time.Time {
	if pod == nil {
		// One that ran there a moment ago has taken its address along.
		if report := facts.Reports[node.Name]; report != nil && report.Status.Overlay.Since.After(node.Created) {
			return report.Status.Overlay.Since.Time
		}
		return node.Created
	}
	for i := range pod.Status.Conditions {
		if condition := &pod.Status.Conditions[i]; condition.Type == corev1.PodReady && condition.Status != corev1.ConditionTrue {
			return since(condition.LastTransitionTime.Time, pod.CreationTimestamp.Time)
		}
	}
	return pod.CreationTimestamp.Time
}
