// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

// play has everybody but the manager do what there is to do: the DaemonSet controller and the kubelet are played, the agents' own code runs, on
// nodes that are played.
func (f *Fabric) play(objects map[Key]client.Object) {
	f.t.Helper()
	agents := f.rollOut(objects, names.WeaveAgents)
	routers := f.rollOut(objects, names.WeaveRouters)
	for node := range maps.Keys(kubelet.Nodes) {
		pod := objects[Key{"Pod", names.WeaveAgents + "-" + node}]
		switch {
		case agents == nil && pod != nil:
			f.must(client.IgnoreNotFound(f.API.Delete(f.t.Context(), pod, client.GracePeriodSeconds(0))))
		case agents != nil && pod == nil:
			f.runPod(node)
		}
		if agents != nil {
			f.runAgent(agents, node, routers != nil)
		}
	}
}

// rollOut plays the DaemonSet controller, for pods that are ready at once. It returns the DaemonSet, nil if there is none that stays.
func (f *Fabric) rollOut(objects map[Key]client.Object, name string) *appsv1.DaemonSet {
	f.t.Helper()
	set, ok := objects[Key{"DaemonSet", name}].(*appsv1.DaemonSet)
	if !ok || set.DeletionTimestamp != nil {
		return nil
	}
	if set.Status.ObservedGeneration == set.Generation {
		return set
	}
	count := int32(len(kubelet.Nodes))
	set.Status = appsv1.DaemonSetStatus{
		ObservedGeneration: set.Generation, DesiredNumberScheduled: count, CurrentNumberScheduled: count,
		UpdatedNumberScheduled: count, NumberReady: count, NumberAvailable: count,
	}
	f.must(f.API.Status().Update(f.t.Context(), set))
	return set
}

func (f *Fabric) runPod(node string) {
	f.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: names.WeaveNamespace, Name: names.WeaveAgents + "-" + node, Labels: map[string]string{names.LabelWeave: names.WeaveAgents},
		},
		Spec: corev1.PodSpec{NodeName: node, HostNetwork: true, Containers: []corev1.Container{{Name: names.AgentContainer, Image: "agent"}}},
	}
	f.must(f.API.Create(f.t.Context(), pod))
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	f.must(f.API.Status().Update(f.t.Context(), pod))
}

// runAgent has a node's agent look twice: first it makes its report, and then it writes into it.
func (f *Fabric) runAgent(agents *appsv1.DaemonSet, node string, routed bool) {
	f.t.Helper()
	arguments := map[string]string{}
	for _, argument := range agents.Spec.Template.Spec.Containers[0].Args {
		name, value, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
		arguments[name] = value
	}
	agent := &controllers.WeaveNodeReconciler{
		Client: client.WithFieldOwner(f.API, "weave-agent"), Node: node, Owner: types.UID(arguments["owner"]), Revision: arguments["revision"],
		Every: time.Minute, Clock: f.Clock,
		Look: func(context.Context, *v1alpha1.WeaveNodeStatus) (v1alpha1.WeaveNodeStatus, error) {
			return f.nodeStatus(node, v1alpha1.WeaveAgentTask(arguments["task"]), arguments["password-file"] != "", routed), nil
		},
	}
	for range 2 {
		_, err := agent.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Name: node}})
		f.must(err)
	}
}

// nodeStatus is what an agent finds on a node on which everything is in order.
func (f *Fabric) nodeStatus(node string, task v1alpha1.WeaveAgentTask, password, routed bool) v1alpha1.WeaveNodeStatus {
	status := v1alpha1.WeaveNodeStatus{Agent: task, Router: v1alpha1.RouterAbsent, Host: v1alpha1.WeaveHost{Machine: "machine-" + node}}
	if password {
		status.Host.Password = v1alpha1.SecretPresent
	}
	switch task {
	case v1alpha1.AgentLeave:
		status.Cleanup = &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupLeft}
	case v1alpha1.AgentClean:
		status.Cleanup = &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupCleaned}
	default:
	}
	if !routed {
		return status
	}
	peers := map[string]string{"node-1": "02:00:00:00:00:01", "node-2": "02:00:00:00:00:02"}
	addresses := map[string]string{"node-1": "10.32.0.1/12", "node-2": "10.40.0.0/12"}
	status.Router, status.PeerName = v1alpha1.RouterRunning, peers[node]
	status.Host.Links, status.Host.Ports = []string{"weave"}, []string{"tcp/6783", "tcp/6784", "udp/6783"}
	status.Overlay = v1alpha1.WeaveOverlay{Address: addresses[node], Claim: addresses[node], Since: f.began}
	status.IPAM = v1alpha1.WeaveIPAM{State: v1alpha1.IPAMReady, Range: "10.32.0.0/12", Owners: slices.Sorted(maps.Values(peers)), Since: f.began}
	for other, address := range kubelet.Nodes {
		if other != node {
			status.Connections = append(status.Connections, v1alpha1.WeaveConnection{
				Address: address, Node: other, PeerName: peers[other], State: "established", Datapath: "sleeve", Since: f.began,
			})
		}
	}
	return status
}

// collecting reports whether the garbage collector, which is real, still has something to do.
func (f *Fabric) collecting(objects map[Key]client.Object) bool {
	uids := map[types.UID]bool{}
	for _, object := range objects {
		uids[object.GetUID()] = true
	}
	for _, object := range objects {
		if owners := object.GetOwnerReferences(); len(owners) > 0 && !slices.ContainsFunc(owners, func(o metav1.OwnerReference) bool { return uids[o.UID] }) {
			return true
		}
	}
	return false
}

// until waits for what other processes do.
func (f *Fabric) until(done func() bool) error {
	deadline, tick := time.NewTimer(patience), time.NewTicker(2*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return errors.New("it takes too long")
		}
	}
	return nil
}

// sent checks a write before anybody has acted on it: no router ends before all have handed their addresses over.
func (f *Fabric) sent(write *Write) {
	if write.Method != http.MethodDelete || !strings.HasSuffix(write.Path, "/daemonsets/"+names.WeaveRouters) {
		return
	}
	var nodes v1alpha1.WeaveNodeList
	f.must(f.API.List(f.t.Context(), &nodes))
	for i := range nodes.Items {
		if cleanup := nodes.Items[i].Status.Cleanup; cleanup == nil || cleanup.State != v1alpha1.CleanupLeft {
			write.would = append(write.would, Breach{Availability, "routers end before the one of " + nodes.Items[i].Name + " has left"})
		}
	}
}

// answered notes a write with its answer, and checks what it was done to.
func (f *Fabric) answered(write *Write) {
	if !slices.Contains(f.writes, write) { // One that is late is answered twice.
		f.writes = append(f.writes, write)
	}
	if write.committed() {
		f.breaches = append(f.breaches, write.would...)
		write.would = nil
	}
	body := &content{}
	if err := json.Unmarshal([]byte(write.Body), body); err != nil {
		f.broken(Ownership, "%s has a body that is no JSON: %v", write, err)
		return
	}
	ours := []string{names.WeaveNetwork, "status", "configmaps", names.WeaveRouters, names.WeaveAgents}
	switch {
	case strings.Contains(write.Path, "/weavenodes/"), !slices.Contains(ours, path.Base(write.Path)):
		f.broken(Ownership, "%s is about something else than Weave, or an agent's report", write)
	case write.Method == http.MethodDelete && !exact(body.Preconditions):
		f.broken(Ownership, "%s names no UID and resourceVersion: %s", write, write.Body)
	case write.Method == http.MethodPatch && body.Metadata.UID == "" && body.Metadata.ResourceVersion == "" && write.Code == http.StatusOK && write.Failed != Late:
		f.broken(Ownership, "%s changes an object and names neither UID nor resourceVersion", write)
	}
}
