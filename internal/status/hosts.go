// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// busyChangesAfter is how long busy keeps its value at least: on a grid at work it changes with every look, and the metric tells it.
const busyChangesAfter = time.Minute

// Hosts counts the compute pods as EGO sees them, Busy as it is just now. It is nil while EGO cannot be asked.
func Hosts(in *Input) *v1alpha1.HostCounts {
	read := in.Facts.EGO
	if read == nil || read.Err != nil || in.Plan.Master == nil {
		return nil
	}
	index := read.Index()
	counts := &v1alpha1.HostCounts{}
	var busy int32
	for _, pod := range in.Facts.ComputePods {
		host, matches := index.Find(pod.Name)
		if !observe.PodLive(pod) || matches != 1 {
			continue
		}
		counts.Joined++
		switch host.State {
		case ego.StateOK:
			counts.OK++
		case ego.StateClosed:
			counts.Closed++
		case ego.StateUnavailable:
			counts.Unavailable++
		case ego.StateUnknown:
			// Joined, and none of the three.
		}
		if host.State == ego.StateUnknown || observe.Working(&host, read.Workloads) {
			busy++
		}
	}
	if in.Plan.Compute.Settled {
		counts.Busy = &busy
	}
	return counts
}

// hostsStatus is Hosts as the status shows it. Before EGO was asked for the first time it is what the status says of the same master:
// a restart of the operator is no reason to doubt it.
func hostsStatus(in *Input) *v1alpha1.HostCounts {
	before := in.Facts.Cluster.Status.Compute.Hosts
	if unasked(in) {
		return before
	}
	counts := Hosts(in)
	if counts == nil || counts.Busy == nil {
		return counts
	}
	known := before != nil && before.Busy != nil && before.BusyTime != nil
	switch {
	case known && *before.Busy == *counts.Busy,
		known && sameButBusy(before, counts) && in.Facts.Now.Sub(before.BusyTime.Time) < busyChangesAfter:
		counts.Busy, counts.BusyTime = before.Busy, before.BusyTime
	default:
		counts.BusyTime = new(metav1.NewTime(in.Facts.Now.Truncate(time.Second)))
	}
	return counts
}

// sameButBusy reports whether the status is written for busy alone. Where it is written anyhow, an old value would say that more hosts are
// busy than there are.
func sameButBusy(a, b *v1alpha1.HostCounts) bool {
	return a.Joined == b.Joined && a.OK == b.OK && a.Closed == b.Closed && a.Unavailable == b.Unavailable
}

// unasked reports whether the first question is on its way to a master that the status has told of before.
func unasked(in *Input) bool {
	return in.Facts.EGO == nil && in.Plan.Master != nil &&
		in.Plan.Master.Status.PodIP == in.Facts.Cluster.Status.Master.PodIP
}

// hostsReady is the condition HostsReady.
func hostsReady(in *Input) (metav1.ConditionStatus, finding) {
	wanted := in.Plan.Compute.Replicas
	before := meta.FindStatusCondition(in.Facts.Cluster.Status.Conditions, v1alpha1.ConditionHostsReady)
	switch {
	case in.Plan.Master == nil:
		return metav1.ConditionUnknown, finding{v1alpha1.ReasonWaitingForMaster, "there is no master to ask which hosts it has"}
	case unasked(in) && before != nil:
		return before.Status, finding{before.Reason, before.Message}
	case in.Facts.EGO == nil:
		return metav1.ConditionUnknown, finding{v1alpha1.ReasonMasterStarting, "EGO has not answered yet"}
	case in.Facts.EGO.Err != nil:
		reason := observe.EGOTrouble(in.Facts.EGO.Err)
		return metav1.ConditionUnknown, finding{reason, egoMessages[reason]}
	}
	counts := Hosts(in)
	live := countCompute(in).live
	message := fmt.Sprintf("%d of %d compute pods are hosts that EGO calls ok", min(counts.OK, wanted), wanted)
	if counts.OK >= wanted {
		return metav1.ConditionTrue, finding{v1alpha1.ReasonReady, message}
	}
	reason := v1alpha1.ReasonHostsMissing
	for _, state := range []struct {
		count        int32
		reason, text string
	}{
		{live - counts.Joined, v1alpha1.ReasonHostsMissing, "not known to EGO"},
		{counts.Unavailable, v1alpha1.ReasonHostsUnavailable, "unavailable: their LIM does not answer the master"},
		{counts.Closed, v1alpha1.ReasonHostsClosed, "closed"},
	} {
		if state.count <= 0 {
			continue
		}
		if !strings.Contains(message, ";") {
			reason = state.reason
			message += ";"
		} else {
			message += ","
		}
		message += fmt.Sprintf(" %d %s", state.count, state.text)
	}
	return metav1.ConditionFalse, finding{reason, message}
}

// egoMessages say what an error of EGO means, and what to do. The errors' own texts have numbers that differ every time.
var egoMessages = map[string]string{
	v1alpha1.ReasonEGOForbidden: "the operator may not run EGO's commands in the master pod: bind the ClusterRole symphony-operator-ego to its " +
		"ServiceAccount in this namespace (config/samples has the RoleBinding), or set compute.scaleIn.policy to Immediate",
	v1alpha1.ReasonEGOUnreachable: "EGO does not answer in the master pod",
	v1alpha1.ReasonEGORefused: "EGO refuses the operator's commands: see whether the Secret of spec.adminPassword has the password of Admin, " +
		"and the operator's log",
	v1alpha1.ReasonEGONotUnderstood: "EGO answers in a format that this version of the operator does not know: see the operator's log",
}

// drainingText says how far the pods are that are to go, "" when there are none.
func drainingText(in *Input) string {
	sum := &in.Plan.Compute.Draining
	if sum.Pods == 0 {
		return ""
	}
	text := fmt.Sprintf("%d compute pods are to go", sum.Pods)
	until := sum.Until.UTC().Format(time.RFC3339)
	read := in.Facts.EGO
	switch {
	case sum.Unknown > 0 && read != nil && read.Err != nil:
		text += fmt.Sprintf(", %d of which may have work: they go at %s at the latest, because %s", sum.Working, until, egoMessages[observe.EGOTrouble(read.Err)])
	case sum.Unknown > 0 && read == nil:
		text += fmt.Sprintf(", %d of which may have work: they go at %s at the latest, because there is no master to ask", sum.Working, until)
	case sum.Unknown > 0:
		text += fmt.Sprintf(", %d of which may have work: since the master started EGO has not told what its hosts do; what is left at %s is taken back",
			sum.Working, until)
	case sum.Working > 0:
		text += fmt.Sprintf(", %d of which have work; what is left of it at %s is taken back", sum.Working, until)
	}
	if read != nil && read.Refused != "" {
		text += "; " + egoMessages[read.Refused]
	}
	if sum.Held > 0 {
		text += fmt.Sprintf("; %d of them could go, and wait because Kubernetes would delete others, which are not ready", sum.Held)
	}
	return text
}
