// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubelet plays scheduler and kubelet for the tests that have a real API server, etcd and kube-controller-manager: a pod gets
// its address, becomes ready, fails or goes when a test says so.
package kubelet

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// Kubelet plays scheduler and kubelet for the pods of one namespace. By default every pod is bound, gets an
// address and is ready at once, and a deleted one is gone at once; tests say what happens otherwise.
type Kubelet struct {
	api    client.WithWatch
	grids  *egotest.Grids
	poke   chan struct{}
	done   chan struct{}
	cancel context.CancelFunc

	mu        sync.Mutex
	rules     []rule
	lingering bool
	addresses map[types.UID]string
	next      int
	failed    error

	// pods are those that its goroutine knows of.
	pods map[types.UID]*corev1.Pod
}

// Nodes are those that pods are bound to, and their addresses (RFC 5737).
var Nodes = map[string]string{"node-1": "192.0.2.1", "node-2": "192.0.2.2"}

// Register creates the nodes; several may do so at once.
func Register(ctx context.Context, api client.Client) error {
	for name, address := range Nodes {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelOSStable: "linux"}}}
		err := api.Create(ctx, node)
		if apierrors.IsAlreadyExists(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("creating a node: %w", err)
		}
		node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		if err := api.Status().Update(ctx, node); err != nil {
			return fmt.Errorf("making a node ready: %w", err)
		}
		// Admission taints a new node until a controller that does not run here sees that it is ready.
		node.Spec.Taints = nil
		if err := api.Update(ctx, node); err != nil {
			return fmt.Errorf("taking a new node's taint away: %w", err)
		}
	}
	return nil
}

// State is what a pod looks like while it runs, fails or waits.
type State struct {
	// Unscheduled pods are bound to no node; Message is the scheduler's.
	Unscheduled bool
	Message     string
	// NoAddress is before the pod network has given it one.
	NoAddress bool
	Ready     bool
	// Waiting and Terminated are the state of its container; both nil means running.
	Waiting    *corev1.ContainerStateWaiting
	Terminated *corev1.ContainerStateTerminated
	// Unknown is the state of a pod that was ended before its containers ran.
	Unknown bool
	// Printed are the last words of a pod's containers that have all ended well, the init containers' first.
	Printed []string
}

// What most tests need.
var (
	Running  = State{Ready: true}
	Starting = State{}
	Creating = State{NoAddress: true, Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
)

type rule struct {
	match func(*corev1.Pod) bool
	state State
}

// Role matches pods by their role.
func Role(role string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return pod.Labels[names.LabelRole] == role }
}

// Image matches pods by the image of their first container.
func Image(image string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return pod.Spec.Containers[0].Image == image }
}

// Start starts one, which tells the clusters' EGOs of hosts that come and go. Stop it in the end.
func Start(api client.WithWatch, namespace string, grids *egotest.Grids) (*Kubelet, error) {
	k := &Kubelet{
		api:       api,
		grids:     grids,
		poke:      make(chan struct{}, 1),
		done:      make(chan struct{}),
		pods:      map[types.UID]*corev1.Pod{},
		addresses: map[types.UID]string{},
	}
	// It lives until it is stopped, however long the step of the test that started it takes.
	ctx, cancel := context.WithCancel(context.Background())
	events, err := k.api.Watch(ctx, &corev1.PodList{}, client.InNamespace(namespace))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	k.cancel = cancel
	go k.run(ctx, events)
	return k, nil
}

// Stop ends it and returns what it could not do.
func (k *Kubelet) Stop() error {
	k.cancel()
	<-k.done
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// When has pods that match be in a state, from now on. The last rule that matches counts.
func (k *Kubelet) When(match func(*corev1.Pod) bool, state State) {
	k.mu.Lock()
	k.rules = append(k.rules, rule{match, state})
	k.mu.Unlock()
	k.wake()
}

// Normal forgets all rules.
func (k *Kubelet) Normal() {
	k.mu.Lock()
	k.rules, k.lingering = nil, false
	k.mu.Unlock()
	k.wake()
}

// Linger has deleted pods stay, as when they take their grace period to end.
func (k *Kubelet) Linger() {
	k.mu.Lock()
	k.lingering = true
	k.mu.Unlock()
}

// Hurry has deleted pods be gone at once again.
func (k *Kubelet) Hurry() {
	k.mu.Lock()
	k.lingering = false
	k.mu.Unlock()
	k.wake()
}

func (k *Kubelet) wake() {
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

func (k *Kubelet) run(ctx context.Context, events watch.Interface) {
	defer close(k.done)
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-events.ResultChan():
			if !open {
				return
			}
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			if event.Type == watch.Deleted {
				k.grids.Tell(pod, false)
				delete(k.pods, pod.UID)
				continue
			}
			k.pods[pod.UID] = pod
			k.tend(ctx, pod)
		case <-k.poke:
			for _, pod := range k.pods {
				k.tend(ctx, pod)
			}
		}
	}
}

// tend brings one pod into the state that the rules ask for. A conflict comes with an event, after which the pod is
// tended again.
func (k *Kubelet) tend(ctx context.Context, pod *corev1.Pod) {
	state, lingering := k.stateOf(pod)
	k.tellGrid(pod, state, pod.DeletionTimestamp != nil && !lingering)
	var err error
	switch k.due(pod, state, lingering) {
	case nothing:
	case end:
		err = k.api.Delete(ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID})
	case bind:
		target := corev1.ObjectReference{Kind: "Node", Name: k.nodeOf(pod)}
		err = k.api.SubResource("binding").Create(ctx, pod.DeepCopy(), &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID}, Target: target,
		})
	case report:
		changed := pod.DeepCopy()
		changed.Status = *k.statusOf(pod, state)
		err = k.api.Status().Update(ctx, changed)
	}
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		k.mu.Lock()
		k.failed = errors.Join(k.failed, fmt.Errorf("tending pod %s: %w", pod.Name, err))
		k.mu.Unlock()
	}
}

// Tended reports whether a version of a pod is in the state that the rules ask for: there is nothing left to do to it.
func (k *Kubelet) Tended(pod *corev1.Pod) bool {
	state, lingering := k.stateOf(pod)
	return k.due(pod, state, lingering) == nothing
}

// deed is what a scheduler or a kubelet does to a pod.
type deed int

const (
	nothing deed = iota
	end
	bind
	report
)

// due is what has to be done to a version of a pod so that it comes to a state.
func (k *Kubelet) due(pod *corev1.Pod, state State, lingering bool) deed {
	switch {
	case pod.DeletionTimestamp != nil && !lingering:
		return end
	case pod.DeletionTimestamp == nil && pod.Spec.NodeName == "" && !state.Unscheduled:
		return bind
	case !equality.Semantic.DeepEqual(pod.Status, *k.statusOf(pod, state)):
		return report
	default:
		return nothing
	}
}

// tellGrid lets the pod's LIM start or stop. The containers of one that ends do so before it is gone.
func (k *Kubelet) tellGrid(pod *corev1.Pod, state State, ends bool) {
	switch {
	case ends, state.Waiting != nil, state.Terminated != nil, state.Unknown:
		k.grids.Tell(pod, false)
	case state.Ready && pod.Spec.NodeName != "":
		k.grids.Tell(pod, true)
	}
}

func (k *Kubelet) stateOf(pod *corev1.Pod) (State, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	state := Running
	for _, rule := range k.rules {
		if rule.match(pod) {
			state = rule.state
		}
	}
	if pod.Annotations[names.AnnotationDrain] == names.Released {
		state.Ready = false // As the readiness probe sees it.
	}
	return state, k.lingering
}

func (k *Kubelet) nodeOf(pod *corev1.Pod) string {
	return fmt.Sprintf("node-%d", 1+int(pod.UID[0])%2)
}

// addressOf gives each pod an address of its own.
func (k *Kubelet) addressOf(pod *corev1.Pod) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.addresses[pod.UID]; !known {
		k.next++
		k.addresses[pod.UID] = fmt.Sprintf("10.32.%d.%d", k.next/250, 1+k.next%250)
	}
	return k.addresses[pod.UID]
}

// statusOf is the status of a pod in a state.
func (k *Kubelet) statusOf(pod *corev1.Pod, state State) *corev1.PodStatus {
	status := pod.Status.DeepCopy()
	container := corev1.ContainerStatus{Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, Ready: state.Ready}
	status.Phase = corev1.PodPending
	if state.Unscheduled {
		setCondition(status, corev1.PodScheduled, false, "Unschedulable", state.Message)
		status.ContainerStatuses = nil
	} else {
		setCondition(status, corev1.PodScheduled, true, "", "")
		status.HostIP = Nodes[pod.Spec.NodeName]
		status.HostIPs = []corev1.HostIP{{IP: status.HostIP}}
		if !state.NoAddress {
			status.Phase = corev1.PodRunning
			status.PodIP = k.addressOf(pod)
			status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
		}
		switch {
		case state.Waiting != nil:
			status.Phase = corev1.PodPending
			container.State.Waiting = state.Waiting
		case state.Terminated != nil:
			container.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off restarting"}
			container.LastTerminationState.Terminated = state.Terminated
		default:
			container.State.Running = &corev1.ContainerStateRunning{}
		}
		if state.Unknown {
			status.Phase = corev1.PodFailed
			container.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown"}}
		}
		status.ContainerStatuses = []corev1.ContainerStatus{container}
	}
	if inits := pod.Spec.InitContainers; len(state.Printed) > len(inits) && !state.Unscheduled {
		status.Phase, status.InitContainerStatuses = corev1.PodSucceeded, nil
		for i := range inits {
			status.InitContainerStatuses = append(status.InitContainerStatuses, ended(inits[i].Name, state.Printed[i]))
		}
		status.ContainerStatuses = []corev1.ContainerStatus{ended(container.Name, state.Printed[len(inits)])}
	}
	setCondition(status, corev1.PodReady, state.Ready && pod.DeletionTimestamp == nil, "", "")
	return status
}

func ended(name, said string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", Message: said},
	}}
}

func setCondition(status *corev1.PodStatus, kind corev1.PodConditionType, is bool, reason, message string) {
	wanted := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message}
	if is {
		wanted.Status = corev1.ConditionTrue
	}
	for i := range status.Conditions {
		if status.Conditions[i].Type == kind {
			wanted.LastTransitionTime, wanted.ObservedGeneration = status.Conditions[i].LastTransitionTime, status.Conditions[i].ObservedGeneration
			if status.Conditions[i].Status != wanted.Status {
				wanted.LastTransitionTime = metav1.Now()
			}
			status.Conditions[i] = wanted
			return
		}
	}
	wanted.LastTransitionTime = metav1.Now()
	status.Conditions = append(status.Conditions, wanted)
}
