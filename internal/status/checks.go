// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/trouble"
)

// imageCheck: can the images of a new template be pulled? Until they were, what runs stays as it is.
func imageCheck(in *Input) finding {
	if in.Children == nil {
		return finding{}
	}
	for _, check := range in.Children.ImageChecks {
		if check.Passed {
			continue
		}
		if pod := in.Facts.ImageCheck(check.Pod.Name); pod != nil {
			if pod.DeletionTimestamp != nil {
				return finding{v1alpha1.ReasonUpdating, fmt.Sprintf("spec.%s: the pod that pulls the new image is being deleted and will be made again; "+
					"if its node %s is lost, delete the pod by force", check.Role, pod.Spec.NodeName)}
			}
			if observe.PodTurnedAway(pod) {
				return finding{cmp.Or(pod.Status.Reason, v1alpha1.ReasonUpdating), fmt.Sprintf("spec.%s: a node turned away the pod that pulls the new image; it will be made again", check.Role)}
			}
			if found := podTrouble(pod, v1alpha1.ReasonUpdating); found.bad() {
				found.message = fmt.Sprintf("spec.%s: %s; what runs stays as it is until it can be", check.Role, found.message)
				return found
			}
		}
		return finding{v1alpha1.ReasonUpdating, fmt.Sprintf("spec.%s: the new image is pulled before anything is restarted", check.Role)}
	}
	return finding{}
}

// unproven reports whether a role's new template still waits for its images.
func unproven(in *Input, role string) bool {
	return slices.ContainsFunc(in.Children.ImageChecks, func(c *build.ImageCheck) bool { return c.Role == role && !c.Passed })
}

// masterCheck: is there a master pod of the wanted revision, and does EGO answer on it?
func masterCheck(in *Input) finding {
	pod := masterPod(in)
	if pod == nil {
		if found := masterNotCreated(in); found.bad() {
			return found
		}
		return finding{v1alpha1.ReasonMasterPending, "the master pod is not created yet"}
	}
	outdated := in.Children != nil && in.Children.MasterRevision != "" && !unproven(in, names.Master) &&
		pod.Labels[names.LabelRevision] != in.Children.MasterRevision
	if leaving := in.Plan.LeavingMaster; outdated && leaving != nil {
		// Before what is wrong with the pod: the edit that would mend it waits for this.
		return finding{v1alpha1.ReasonUpdating, fmt.Sprintf("the master gets its new template when its earlier pod on node %s is gone; "+
			"if that node is lost, delete the node or, by force, the pod", leaving.Spec.NodeName)}
	}
	if found := volumeHeld(in, pod); found.bad() {
		return found
	}
	if found := podTrouble(pod, v1alpha1.ReasonMasterFailed); found.bad() {
		found.message = "the master pod: " + found.message
		return found
	}
	for _, found := range []finding{nodeLost(pod), leaseHeld(in, pod)} {
		if found.bad() {
			return found
		}
	}
	switch {
	case outdated:
		return finding{v1alpha1.ReasonUpdating, "the master is about to restart with its new template"}
	case pod.Status.PodIP == "":
		return noAddress(pod)
	case !observe.PodReady(pod):
		return finding{v1alpha1.ReasonMasterStarting, "the master pod runs; EGO does not answer yet"}
	}
	return finding{}
}

// masterNotCreated passes on why the Deployment cannot create a pod, a full quota above all.
func masterNotCreated(in *Input) finding {
	if in.Facts.MasterDeployment == nil {
		return finding{}
	}
	for _, condition := range in.Facts.MasterDeployment.Status.Conditions {
		if condition.Type == "ReplicaFailure" && condition.Status == corev1.ConditionTrue {
			return finding{v1alpha1.ReasonMasterPending, "the master pod cannot be created: " + trouble.WithoutPodName(condition.Message)}
		}
	}
	return finding{}
}

// computeCheck: are exactly the wanted pods there, of the wanted revision, and ready?
func computeCheck(in *Input) finding {
	wanted := in.Plan.Compute.Replicas
	count := countCompute(in)
	if wanted == 0 && count.live == 0 {
		return finding{}
	}
	if in.Plan.Compute.Verdict == plan.Wait {
		return computeWaits(in)
	}
	progress := fmt.Sprintf("%d of %d compute pods are ready", count.readyUpdated, wanted)
	draining := drainingText(in)
	switch {
	case count.readyUpdated == wanted && count.live == wanted:
		return finding{}
	case count.live > wanted && draining != "":
		return finding{v1alpha1.ReasonDraining, fmt.Sprintf("%s, %d are wanted", draining, wanted)}
	case count.live > wanted && count.readyUpdated >= wanted:
		return finding{v1alpha1.ReasonScaling, fmt.Sprintf("%d compute pods are being deleted, %d are wanted", count.live-wanted, wanted)}
	}
	if found := commonTrouble(in); found.bad() {
		found.message = progress + ": " + found.message
		return found
	}
	if found := computeNotCreated(in); found.bad() {
		found.message = progress + ": " + found.message
		return found
	}
	if count.updated < count.live {
		text := fmt.Sprintf("%d of %d compute pods have the new template and are ready", count.readyUpdated, wanted)
		if draining != "" {
			text += "; " + draining
		}
		return finding{v1alpha1.ReasonUpdating, text}
	}
	return finding{v1alpha1.ReasonScaling, progress}
}

// computeWaits is why there is no compute ReplicaSet.
func computeWaits(in *Input) finding {
	if in.Plan.Address == nil {
		return finding{v1alpha1.ReasonWaitingForMaster, "compute pods are created when the master's address is known"}
	}
	_, found := networkState(in)
	found.message = "compute pods wait for the network: " + found.message
	return found
}

func computeNotCreated(in *Input) finding {
	if in.Facts.ComputeSet == nil {
		return finding{}
	}
	for _, condition := range in.Facts.ComputeSet.Status.Conditions {
		if condition.Type == "ReplicaFailure" && condition.Status == corev1.ConditionTrue {
			return finding{v1alpha1.ReasonScaling, "pods cannot be created: " + trouble.WithoutPodName(condition.Message)}
		}
	}
	return finding{}
}

// commonTrouble is the trouble that most compute pods have. Which pods have it is left out: their names are
// random, and `kubectl get pods` lists them.
func commonTrouble(in *Input) finding {
	votes := map[finding]int{}
	for _, pod := range in.Facts.ComputePods {
		if !observe.PodLive(pod) || observe.PodReady(pod) {
			continue
		}
		if found := podTrouble(pod, v1alpha1.ReasonComputeFailed); found.bad() {
			votes[found]++
		}
	}
	worst := slices.SortedFunc(maps.Keys(votes), func(a, b finding) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(a.reason, b.reason), cmp.Compare(a.message, b.message))
	})
	if len(worst) == 0 {
		return finding{}
	}
	found := worst[0]
	found.message = fmt.Sprintf("%d: %s", votes[found], found.message)
	return found
}

// guiCheck: is the Service there, and does the console answer?
func guiCheck(in *Input) finding {
	if found := problems(apply.NodePort, v1alpha1.ReasonNodePortUnavailable)(in); found.bad() {
		return found
	}
	switch {
	case in.Facts.GUI == nil:
		return finding{v1alpha1.ReasonProgressing, "the web console's Service is not created yet"}
	case !in.Facts.GUIAnswers:
		return finding{v1alpha1.ReasonGUIStarting, "the web console does not answer; it starts minutes after EGO"}
	}
	return finding{}
}

// podTrouble is why a pod does not run; failed is the reason for a container that ended.
func podTrouble(pod *corev1.Pod, failed string) finding {
	reason, message := trouble.Of(pod, failed)
	return finding{reason, message}
}

func youngestLive(pods []*corev1.Pod) *corev1.Pod {
	var youngest *corev1.Pod
	for _, pod := range pods {
		if observe.PodLive(pod) && (youngest == nil || observe.YoungerPod(pod, youngest)) {
			youngest = pod
		}
	}
	return youngest
}
