// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// statePersistent says whether what EGO knows outlives the master's container: of the master that runs, if one does, since a
// spec that was just edited changes nothing about it.
func statePersistent(in *Input) (metav1.ConditionStatus, finding) {
	storage := in.Facts.Cluster.Spec.Master.Storage
	pod := masterPod(in)
	claim := ""
	switch {
	case pod != nil:
		claim = observe.SharedClaim(pod)
	case storage != nil:
		claim = build.ClaimName(in.Facts.Cluster)
	}
	switch {
	case claim == "" && storage == nil:
		return metav1.ConditionFalse, finding{
			v1alpha1.ReasonNoStorage,
			"a master that moves or restarts starts with an empty EGO, without the users, consumers and work of the one before: set spec.master.storage to keep them",
		}
	case claim == "":
		return metav1.ConditionFalse, finding{
			v1alpha1.ReasonNoStorage,
			"the master that runs was started without spec.master.storage; the next one starts with what is on the claim, and what this one knows is lost",
		}
	case claim == names.MasterClaimName(in.Facts.Cluster.Name) && in.Facts.MasterClaim != nil && in.Facts.MasterClaim.DeletionTimestamp != nil:
		return metav1.ConditionFalse, finding{
			v1alpha1.ReasonClaimDeleted,
			fmt.Sprintf("somebody has deleted the claim %s: it goes when the master pod does, with all that EGO knows; copy the data before", claim),
		}
	case storage == nil:
		return metav1.ConditionTrue, finding{v1alpha1.ReasonSharedDirectory, fmt.Sprintf(
			"EGO's shared directory is on the claim %s until the master restarts without it; the claim stays", claim)}
	}
	return metav1.ConditionTrue, finding{v1alpha1.ReasonSharedDirectory, "EGO's shared directory is on the claim " + claim}
}

// masterPod is the master pod that counts or, while none has an address, the one that will.
func masterPod(in *Input) *corev1.Pod {
	if in.Plan.Master != nil {
		return in.Plan.Master
	}
	return youngestLive(in.Facts.MasterPods)
}

// foreignDirectory: is the claim another cluster's? The start script found out and says so; it will not go better.
func foreignDirectory(in *Input) finding {
	pod := masterPod(in)
	if pod == nil || observe.SharedClaim(pod) == "" {
		return finding{}
	}
	for i := range pod.Status.ContainerStatuses {
		container := &pod.Status.ContainerStatuses[i]
		ended := container.State.Terminated
		if ended == nil {
			ended = container.LastTerminationState.Terminated
		}
		if ended == nil || container.Ready || container.Name != names.Container {
			continue
		}
		if about, found := strings.CutPrefix(strings.TrimSpace(ended.Message), scripts.ForeignDirectory); found {
			return finding{v1alpha1.ReasonForeignDirectory, fmt.Sprintf(
				"the claim %s has the shared directory of another cluster: %s", observe.SharedClaim(pod), about)}
		}
	}
	return finding{}
}

// volumeHeld: does an earlier master pod keep this one's volume? What the scheduler says about that is about nodes. A pod that
// has had its time and is still there is one whose node does not answer.
func volumeHeld(in *Input, pod *corev1.Pod) finding {
	claim, leaving := heldClaim(in, pod), in.Plan.LeavingMaster
	mode := claimMode(in)
	if claim == "" || pod.Status.PodIP != "" || mode == corev1.ReadWriteMany {
		return finding{}
	}
	if mode != "" {
		claim += " (" + string(mode) + ")"
	}
	found := finding{v1alpha1.ReasonMasterPending, fmt.Sprintf(
		"the volume of the claim %s is held by the earlier master pod on node %s until that has ended", claim, leaving.Spec.NodeName)}
	if leaving.DeletionTimestamp.Time.Before(in.Facts.Now) {
		found.reason = v1alpha1.ReasonVolumeHeld
		found.message += ", and its time is over; if that node is lost, delete the node or, by force, the pod"
	}
	if other := podTrouble(pod, v1alpha1.ReasonMasterFailed); other.bad() {
		found.message += "; the new pod " + other.message
	}
	return found
}

// leaseHeld: does the start script wait until an earlier master has ended?
func leaseHeld(in *Input, pod *corev1.Pod) finding {
	claim := heldClaim(in, pod)
	if claim == "" || pod.Status.PodIP == "" || observe.PodReady(pod) {
		return finding{}
	}
	return finding{v1alpha1.ReasonMasterStarting, fmt.Sprintf("the master waits for the shared directory on the claim %s until its earlier pod on node %s "+
		"has ended or no longer renews its lease", claim, in.Plan.LeavingMaster.Spec.NodeName)}
}

// heldClaim is the claim that a pod has in common with an earlier master pod that is on its way out, "" if none.
func heldClaim(in *Input, pod *corev1.Pod) string {
	claim, leaving := observe.SharedClaim(pod), in.Plan.LeavingMaster
	if leaving == nil || observe.SharedClaim(leaving) != claim {
		return ""
	}
	return claim
}

// claimMode is the access mode of the claim that the operator made, "" of one that it knows nothing of.
func claimMode(in *Input) corev1.PersistentVolumeAccessMode {
	if claim := in.Facts.MasterClaim; claim != nil && len(claim.Spec.AccessModes) > 0 {
		return claim.Spec.AccessModes[0]
	}
	return ""
}

// readinessGates is the kubelet's reason for a pod that waits for something else than its containers.
const readinessGates = "ReadinessGatesNotReady"

// nodeLost: has the master's node fallen silent? Then its pod is marked as not ready from outside, while its containers go on
// being called ready by the kubelet's last words.
func nodeLost(pod *corev1.Pod) finding {
	if pod.Spec.NodeName == "" || len(pod.Status.ContainerStatuses) == 0 {
		return finding{}
	}
	for i := range pod.Status.ContainerStatuses {
		if !pod.Status.ContainerStatuses[i].Ready {
			return finding{}
		}
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady && c.Status == corev1.ConditionFalse && c.Reason != readinessGates {
			return finding{v1alpha1.ReasonNodeLost, fmt.Sprintf(
				"the master's node %s does not report; if it stays away, the master is started elsewhere", pod.Spec.NodeName)}
		}
	}
	return finding{}
}

// noAddress is why a master pod has none yet, when nothing is known to be wrong.
func noAddress(pod *corev1.Pod) finding {
	message := "the master pod has no address yet"
	if claim := observe.SharedClaim(pod); claim != "" && pod.Spec.NodeName != "" {
		message += ": the volume of the claim " + claim + " is attached first"
	}
	return finding{v1alpha1.ReasonMasterPending, message}
}

// instance names the container that EGO answers in. A container that is started again has a new file system, as a new pod has.
func instance(pod *corev1.Pod) string {
	return pod.Name + "/" + strconv.Itoa(int(observe.Restarts(pod)))
}

// rememberInstance is the part of the master's status that outlives its pod: it changes when EGO answers in another container,
// and not before, so that starts that fail are no losses of their own.
func rememberInstance(in *Input, master *v1alpha1.MasterStatus) {
	before := &in.Facts.Cluster.Status.Master
	master.Instance, master.Claim = before.Instance, before.Claim
	if pod := in.Plan.Master; pod != nil && observe.PodReady(pod) {
		master.Instance, master.Claim = instance(pod), observe.SharedClaim(pod)
	}
}

// stateLost is a master's start with an empty EGO after one that knew something. It goes by the status that is being replaced, as
// masterMoved does.
func stateLost(in *Input, after *v1alpha1.SymphonyClusterStatus) string {
	before := &in.Facts.Cluster.Status.Master
	if before.Instance == "" || before.Instance == after.Master.Instance || before.Claim != "" && before.Claim == after.Master.Claim {
		return ""
	}
	how := "was replaced"
	if pod, _, _ := strings.Cut(before.Instance, "/"); pod == after.Master.PodName {
		how = "was restarted"
	}
	switch {
	case before.Claim != "":
		return fmt.Sprintf("the master %s and no longer uses the claim %s, which still has what EGO knew: users, consumers and submitted work", how, before.Claim)
	case after.Master.Claim != "":
		return fmt.Sprintf("the master %s and uses the claim %s from now on; what EGO knew without it is lost: users, consumers and submitted work", how, after.Master.Claim)
	}
	return fmt.Sprintf("the master %s and started with an empty EGO: users, consumers and submitted work are lost. Set spec.master.storage to keep them", how)
}
