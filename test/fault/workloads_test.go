// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
	"github.com/symphony-operator/symphony-operator/test/rig"
)

// workload is what a user does, and what happens to them.
type workload struct {
	name string
	// given is done before anything fails.
	given []step
	// way is why the end depends on what was seen on the way, "" if it does not.
	way string
	// writes is how many the reference has, where the API server's time stamps, which are real ones, let it come out in two ways; 0 is
	// however many there are.
	writes int
	// steps are done one after the other, each when the world has come to rest after the one before.
	steps []step
}

type step func(*rig.World)

type edit = func(*v1alpha1.SymphonyCluster)

func create(name string, edits ...edit) step {
	return func(w *rig.World) { w.Create(name, edits...) }
}

func change(edits ...edit) step {
	return func(w *rig.World) { w.Change("prod", edits...) }
}

func replicas(n int32) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Replicas = new(n) }
}

func suspend(is bool) edit { return func(c *v1alpha1.SymphonyCluster) { c.Spec.Suspend = is } }

func computeImage(image string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Image = image }
}

func masterImage(image string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Image = image }
}

func maxUnavailable(n int32) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Update.MaxUnavailable = new(intstr.FromInt32(n)) }
}

// work gives the first n compute hosts, by name, work.
func work(n int) step {
	return func(w *rig.World) {
		for i, pod := range w.Pods("prod", names.Compute)[:n] {
			w.Grids.Of("prod").Allocate(pod.Name, i+1)
		}
	}
}

// workEnds ends all work.
func workEnds(w *rig.World) {
	for _, pod := range w.Pods("prod", names.Compute) {
		w.Grids.Of("prod").Free(pod.Name)
	}
}

func floor(hosts int) step { return func(w *rig.World) { w.Floor(hosts) } }

func force(w *rig.World) { w.Force() }

// wait lets time pass.
func wait(by time.Duration) step { return func(w *rig.World) { w.Clock.Step(by) } }

func kubeletHas(match func(*corev1.Pod) bool, state kubelet.State) step {
	return func(w *rig.World) { w.Kubelet.When(match, state) }
}

func kubeletIsWell(w *rig.World) { w.Kubelet.Normal() }

func remove(name string) step {
	return func(w *rig.World) {
		_ = w.API.Delete(context.Background(), &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: name}})
	}
}

// killMaster deletes the master's pod.
func killMaster(w *rig.World) { deleteAll(w, w.Pods("prod", names.Master)) }

func deleteAll(w *rig.World, pods []*corev1.Pod) {
	for _, pod := range pods {
		_ = w.API.Delete(context.Background(), pod.DeepCopy())
	}
}

// deleteChildren deletes every object of the cluster's that somebody may delete by hand and that holds no work.
func deleteChildren(w *rig.World) {
	for key, object := range w.Objects() {
		switch key.Kind {
		case "Service", "ConfigMap", "PodDisruptionBudget", "ControllerRevision":
			_ = w.API.Delete(context.Background(), object)
		}
	}
}

// byAnAdministrator closes the first host, by name. What has work is no victim of the operator's: of two idle hosts, chance says which goes.
func byAnAdministrator(w *rig.World) {
	w.Grids.Of("prod").CloseAsAdministrator(w.Pods("prod", names.Compute)[0].Name, "maintenance")
}

// backFromBad has new pods of an image fail, as when it has no Symphony in it.
var bad = kubelet.State{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "no Symphony in this image"}}

var cannotPull = kubelet.State{Waiting: &corev1.ContainerStateWaiting{
	Reason: "ImagePullBackOff", Message: `Back-off pulling image "absent": ErrImagePull: manifest unknown`,
}}

var noSecret = kubelet.State{Waiting: &corev1.ContainerStateWaiting{
	Reason: "CreateContainerConfigError", Message: `secret "entitlement" not found`,
}}

func entitled(c *v1alpha1.SymphonyCluster) {
	c.Spec.Entitlement = &v1alpha1.Entitlement{SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "entitlement", Key: "file"}}
}

func stored(c *v1alpha1.SymphonyCluster) { c.Spec.Master.Storage = &v1alpha1.MasterStorage{} }

// everything switches optional features on, nothing off.
func everything(c *v1alpha1.SymphonyCluster) {
	c.Spec.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_LOG_MASK": "LOG_INFO"}
	c.Spec.GUI = v1alpha1.GUISpec{
		ServiceType: corev1.ServiceTypeLoadBalancer, Annotations: map[string]string{"example.com/pool": "internal"},
		TLS: &v1alpha1.GUITLS{SecretName: "console"},
	}
	c.Spec.Compute.ScaleIn.Policy = v1alpha1.Immediate
	c.Spec.Compute.Env = []corev1.EnvVar{{Name: "A", Value: "b"}}
	c.Spec.Master.Env = []corev1.EnvVar{{Name: "A", Value: "b"}}
	c.Spec.Network.Policy = &v1alpha1.AccessPolicy{}
	entitled(c)
}

func nothing(c *v1alpha1.SymphonyCluster) {
	c.Spec.EgoConf, c.Spec.GUI, c.Spec.Entitlement = nil, v1alpha1.GUISpec{}, nil
	c.Spec.Compute.ScaleIn, c.Spec.Compute.Env, c.Spec.Master.Env = v1alpha1.ComputeScaleIn{}, nil, nil
	c.Spec.Network.Policy = nil
}

func checked(is bool) edit { return func(c *v1alpha1.SymphonyCluster) { c.Spec.Network.Check = is } }

// measuring has the pods that measure the network say that it is well.
var measuring = kubeletHas(kubelet.Role(names.CheckClient), kubelet.State{Printed: []string{kubelet.TCPReport, kubelet.UDPReport}})

// workloads are all; each starts with what is there, and ends with something that only the right end state shows.
var workloads = []workload{
	{name: "create", steps: []step{create("prod", replicas(2))}},
	{name: "scale out and in", given: []step{create("prod", replicas(1))}, steps: []step{change(replicas(2)), change(replicas(1))}},
	{name: "scale in to the busy hosts", given: []step{create("prod", replicas(3)), work(2)}, steps: []step{change(replicas(2))}},
	{name: "scale in when work has ended", given: []step{create("prod", replicas(2)), work(2)}, steps: []step{change(replicas(1)), workEnds}},
	{name: "scale in and change one's mind", given: []step{create("prod", replicas(2)), work(2)}, steps: []step{change(replicas(1)), change(replicas(2)), workEnds}},
	{name: "scale in when time is over", way: "a drain's time begins when it is seen", writes: 13, given: []step{create("prod", replicas(2)), work(2)}, steps: []step{
		change(replicas(1)), force, wait(11 * time.Minute), wait(3 * time.Minute),
	}},
	{name: "scale in beside an administrator's close", given: []step{create("prod", replicas(2)), work(1), byAnAdministrator}, steps: []step{change(replicas(1)), change(replicas(2))}},
	{name: "scale to zero and back", given: []step{create("prod", replicas(1)), work(1)}, steps: []step{change(replicas(0)), workEnds, change(replicas(1))}},
	{name: "switch everything on and off", given: []step{create("prod", replicas(1))}, steps: []step{force, change(everything), change(nothing)}},
	{name: "update compute", given: []step{create("prod", replicas(2), maxUnavailable(1)), floor(1), work(1)}, steps: []step{change(computeImage("new")), workEnds}},
	{name: "update the master", given: []step{create("prod", replicas(1))}, steps: []step{change(masterImage("new"))}},
	{name: "update to a bad image and back", given: []step{create("prod", replicas(2), maxUnavailable(1)), floor(1), kubeletHas(kubelet.Image("bad"), bad)}, steps: []step{
		change(computeImage("bad")), change(computeImage("")),
	}},
	{name: "update to an absent image and back", given: []step{create("prod", replicas(1)), floor(1), kubeletHas(kubelet.Image("absent"), cannotPull)}, steps: []step{
		change(computeImage("absent"), masterImage("absent")), change(computeImage(""), masterImage("")),
	}},
	{name: "update interrupted by a scale-in", given: []step{create("prod", replicas(2), maxUnavailable(1)), work(2)}, steps: []step{
		change(computeImage("new")), change(replicas(1)), workEnds,
	}},
	{name: "restart", given: []step{create("prod", replicas(1))}, steps: []step{change(func(c *v1alpha1.SymphonyCluster) { c.Spec.RestartedAt = "2026-01-01T00:00:00Z" })}},
	{name: "suspend in mid-rollout and resume", given: []step{create("prod", replicas(2), maxUnavailable(1)), work(2)}, steps: []step{
		change(computeImage("new")), change(suspend(true)), workEnds, change(suspend(false)),
	}},
	{name: "entitlement gone and back", given: []step{create("prod", replicas(1), entitled)}, steps: []step{
		kubeletHas(kubelet.Role(names.Master), noSecret), killMaster, kubeletIsWell,
	}},
	{name: "master moved", given: []step{create("prod", replicas(2)), work(1)}, steps: []step{killMaster}},
	{name: "master moved in a scale-in", given: []step{create("prod", replicas(2)), work(2)}, steps: []step{change(replicas(1)), killMaster, workEnds}},
	{name: "master away while users scale in", given: []step{create("prod", replicas(2)), kubeletHas(kubelet.Role(names.Master), kubelet.Creating)}, steps: []step{
		killMaster, change(replicas(1)), kubeletIsWell,
	}},
	{name: "storage, delete and take it up again", steps: []step{create("prod", replicas(1), stored), remove("prod"), create("prod", replicas(1), stored)}},
	{name: "delete", given: []step{create("prod", replicas(2)), work(1)}, steps: []step{remove("prod")}},
	{name: "delete and create at once", given: []step{create("prod", replicas(2))}, steps: []step{
		func(w *rig.World) { remove("prod")(w); create("prod", replicas(1))(w) },
	}},
	{name: "two clusters, one name the other's prefix", given: []step{create("prod", replicas(1)), create("prod-compute", replicas(1))}, steps: []step{
		change(replicas(2)), remove("prod"),
	}},
	{name: "children deleted by hand", given: []step{create("prod", replicas(1))}, steps: []step{deleteChildren}},
	{name: "network check", given: []step{measuring}, steps: []step{createCheck, removeCheck}},
	{name: "cluster after a network check", way: "a check that was asked for and is not wanted any more was never made", given: []step{measuring}, steps: []step{create("prod", replicas(1), checked(true)), change(checked(false))}},
}

func createCheck(w *rig.World) {
	check := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "network"}}
	_ = w.API.Create(context.Background(), check)
}

func removeCheck(w *rig.World) {
	_ = client.IgnoreNotFound(w.API.Delete(context.Background(), &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "network"}}))
}
