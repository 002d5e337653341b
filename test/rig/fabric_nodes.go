// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
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
	set.Status = kubelet.RolledOut(set.Generation)
	f.must(f.API.Status().Update(f.t.Context(), set))
	return set
}

func (f *Fabric) runPod(node string) {
	f.t.Helper()
	pod := kubelet.AgentPod(node)
	f.must(f.API.Create(f.t.Context(), pod))
	pod.Status = kubelet.AgentRuns()
	f.must(f.API.Status().Update(f.t.Context(), pod))
}

// runAgent has a node's agent look twice: first it makes its report, and then it writes into it.
func (f *Fabric) runAgent(agents *appsv1.DaemonSet, node string, routed bool) {
	f.t.Helper()
	arguments := kubelet.AgentArguments(agents)
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
	if routed {
		kubelet.Connect(node, &status, f.began)
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
		write.At = f.Clock.Now()
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
