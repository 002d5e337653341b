// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package status turns what one pass saw, decided and did into the status that users read: a pure function
// without client and clock. Every condition is computed anew on every pass; none is carried over.
package status

import (
	"net"
	"strconv"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// Input is one pass.
type Input struct {
	Facts *observe.Facts
	Plan  *plan.Plan
	// Children is nil when the spec is invalid: then nothing was built or written.
	Children *build.Children
	Outcome  apply.Outcome
	// InvalidSpec is what is wrong with a spec that passed admission all the same.
	InvalidSpec string
}

// Of computes the status. Conditions that did not change keep their transition time; the others have none,
// and the caller stamps them.
func Of(in *Input) v1alpha1.SymphonyClusterStatus {
	cluster := in.Facts.Cluster
	return v1alpha1.SymphonyClusterStatus{
		ObservedGeneration: cluster.Generation,
		Conditions:         conditionsOf(in),
		Master:             masterStatus(in),
		Compute:            computeStatus(in),
		GUI:                guiStatus(in),
	}
}

func masterStatus(in *Input) v1alpha1.MasterStatus {
	var master v1alpha1.MasterStatus
	if pod := in.Plan.Master; pod != nil {
		master = v1alpha1.MasterStatus{
			PodName:  pod.Name,
			Hostname: names.MasterHostname(in.Facts.Cluster.Name),
			PodIP:    pod.Status.PodIP,
			NodeName: pod.Spec.NodeName,
			HostIP:   pod.Status.HostIP,
		}
	}
	rememberInstance(in, &master)
	return master
}

func computeStatus(in *Input) v1alpha1.ComputeStatus {
	count := countCompute(in)
	return v1alpha1.ComputeStatus{
		Replicas:        count.live,
		ReadyReplicas:   count.ready,
		UpdatedReplicas: count.updated,
		Draining:        int32(in.Plan.Compute.Draining.Pods),
		Hosts:           hostsStatus(in),
		Revision:        count.revision,
		Selector:        names.SelectorText(in.Facts.Cluster.Name, names.Compute),
	}
}

// counts are the compute pods that are not on their way out.
type counts struct {
	live, ready, updated, readyUpdated int32
	revision                           string
}

func countCompute(in *Input) counts {
	var count counts
	if in.Children != nil {
		count.revision = in.Children.ComputeRevision
	}
	for _, pod := range in.Facts.ComputePods {
		if !observe.PodLive(pod) {
			continue
		}
		count.live++
		updated := count.revision == "" || pod.Labels[names.LabelRevision] == count.revision
		ready := observe.PodReady(pod)
		if ready {
			count.ready++
		}
		if updated {
			count.updated++
		}
		if ready && updated {
			count.readyUpdated++
		}
	}
	return count
}

func guiStatus(in *Input) v1alpha1.GUIStatus {
	service := in.Facts.GUI
	if service == nil || len(service.Spec.Ports) == 0 {
		return v1alpha1.GUIStatus{}
	}
	gui := v1alpha1.GUIStatus{NodePort: service.Spec.Ports[0].NodePort}
	host, port := "", int(service.Spec.Ports[0].Port)
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		host = ingress.Hostname
		if ingress.IP != "" {
			host = ingress.IP
		}
	}
	// The address of the master's own node is a node's address, and known without a right to read nodes.
	if host == "" && gui.NodePort != 0 && in.Plan.Master != nil {
		host, port = in.Plan.Master.Status.HostIP, int(gui.NodePort)
	}
	if host != "" {
		gui.URL = "https://" + net.JoinHostPort(host, strconv.Itoa(port)) + observe.LoginPath
	}
	return gui
}
