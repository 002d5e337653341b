// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package cluster

import (
	"strings"
	"testing"
)

func TestEveryComponentCanBeRestarted(t *testing.T) {
	c := checkout(t)
	before := traces(t, c)
	if err := c.Up(t.Context(), Size{Nodes: 2}); err != nil {
		t.Fatal(err)
	}
	// One on each node.
	for _, name := range []string{"first", "second"} {
		runPod(t, c, name, `{"metadata": {"labels": {"app": "held"}}, "spec": {"topologySpreadConstraints": [{"maxSkew": 1,
			"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "held"}}}]}}`)
	}
	containers := heldContainers(t, c)
	for _, name := range ofControlPlane {
		restarted(t, c, name, "", true)
	}
	for _, name := range ofNodes {
		restarted(t, c, name, "node1", true)
	}
	// It would wait for its clients for a minute.
	restarted(t, c, "kube-apiserver", "", false)
	if now := heldContainers(t, c); now != containers {
		t.Errorf("containers before: %s\nand after the restarts: %s", containers, now)
	}

	// A node whose containerd was started anew can be left, and has no containerd only once.
	if err := c.Stop(t.Context(), "containerd", "node2", true); err != nil {
		t.Fatal(err)
	}
	if err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "node2-containerd was stopped") {
		t.Errorf("status: %v", err)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingIsLeft(t, before, traces(t, c))
}

// restarted restarts a component, and then has the cluster do what it is for.
func restarted(t *testing.T, c *Cluster, name, onNode string, kill bool) {
	t.Helper()
	before := pids(t, c)
	if err := c.Restart(t.Context(), name, onNode, kill); err != nil {
		t.Fatal(err)
	}
	for process, pid := range pids(t, c) {
		if meant := process == name || process == onNode+"-"+name; meant == (pid == before[process]) {
			t.Errorf("restarting %s %s: %s had the process number %d, and has %d", name, onNode, process, before[process], pid)
		}
	}
	if err := c.Status(t.Context()); err != nil {
		t.Errorf("status after a restart of %s: %v", name, err)
	}
	pod := "after-" + name
	runPod(t, c, pod, `{"spec": {"nodeSelector": {"kubernetes.io/hostname": "node1"}}}`)
	if _, err := c.kubectl(t.Context(), "delete", "pod", pod, "--now"); err != nil {
		t.Error(err)
	}
}

// heldContainers are the containers of the two pods, with how often they were started.
func heldContainers(t *testing.T, c *Cluster) string {
	t.Helper()
	found, err := c.kubectl(t.Context(), "get", "pods", "-l", "app=held", "-o",
		`jsonpath={range .items[*]}{.spec.nodeName} {.status.containerStatuses[*].containerID} {.status.containerStatuses[*].restartCount}{"\n"}{end}`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(found, "containerd://") != 2 {
		t.Fatalf("no two containers: %s", found)
	}
	return found
}
