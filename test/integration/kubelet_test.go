// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// kubelet plays scheduler and kubelet for the pods of one namespace. By default every pod is bound, gets an
// address and is ready at once, and a deleted one is gone at once; tests say what happens otherwise.
type kubelet struct {
	poke  chan struct{}
	done  chan struct{}
	grids *grids

	mu        sync.Mutex
	rules     []rule
	lingering bool
	pods      map[types.UID]*corev1.Pod
	addresses map[types.UID]string
	next      int
}

// podState is what a pod looks like while it runs, fails or waits.
type podState struct {
	// unscheduled pods are bound to no node; message is the scheduler's.
	unscheduled bool
	// noAddress is before the pod network has given it one.
	noAddress bool
	ready     bool
	// waiting and terminated are the state of its container; both nil means running.
	waiting    *corev1.ContainerStateWaiting
	terminated *corev1.ContainerStateTerminated
	message    string
	// unknown is the state of a pod that was ended before its containers ran.
	unknown bool
	// printed are the last words of a pod's containers that have all ended well, the init containers' first.
	printed []string
}

var (
	running  = podState{ready: true}
	starting = podState{}
	creating = podState{noAddress: true, waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
)

type rule struct {
	match func(*corev1.Pod) bool
	state podState
}

func role(role string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return pod.Labels[names.LabelRole] == role }
}

func image(image string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return pod.Spec.Containers[0].Image == image }
}

func startKubelet(namespace string, grids *grids) *kubelet {
	GinkgoHelper()
	k := &kubelet{
		poke:      make(chan struct{}, 1),
		done:      make(chan struct{}),
		grids:     grids,
		pods:      map[types.UID]*corev1.Pod{},
		addresses: map[types.UID]string{},
	}
	ctx, cancel := context.WithCancel(background())
	events, err := api.Watch(ctx, &corev1.PodList{}, client.InNamespace(namespace))
	Expect(err).NotTo(HaveOccurred())
	go k.run(ctx, events)
	DeferCleanup(func() {
		cancel()
		Eventually(k.done).Should(BeClosed())
	})
	return k
}

// when has pods that match be in a state, from now on. The last rule that matches counts.
func (k *kubelet) when(match func(*corev1.Pod) bool, state podState) {
	k.mu.Lock()
	k.rules = append(k.rules, rule{match, state})
	k.mu.Unlock()
	k.wake()
}

// normal forgets all rules.
func (k *kubelet) normal() {
	k.mu.Lock()
	k.rules, k.lingering = nil, false
	k.mu.Unlock()
	k.wake()
}

// linger has deleted pods stay, as when they take their grace period to end.
func (k *kubelet) linger() {
	k.mu.Lock()
	k.lingering = true
	k.mu.Unlock()
}

// hurry has deleted pods be gone at once again.
func (k *kubelet) hurry() {
	k.mu.Lock()
	k.lingering = false
	k.mu.Unlock()
	k.wake()
}

func (k *kubelet) wake() {
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

func (k *kubelet) run(ctx context.Context, events watch.Interface) {
	defer GinkgoRecover()
	defer close(k.done)
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
				k.grids.tell(pod, false)
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
func (k *kubelet) tend(ctx context.Context, pod *corev1.Pod) {
	state, lingering := k.stateOf(pod)
	k.tellGrid(pod, state, pod.DeletionTimestamp != nil && !lingering)
	var err error
	switch {
	case pod.DeletionTimestamp != nil && !lingering:
		err = api.Delete(ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID})
	case pod.DeletionTimestamp == nil && pod.Spec.NodeName == "" && !state.unscheduled:
		target := corev1.ObjectReference{Kind: "Node", Name: k.nodeOf(pod)}
		err = api.SubResource("binding").Create(ctx, pod.DeepCopy(), &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID}, Target: target,
		})
	default:
		err = k.report(ctx, pod, state)
	}
	if ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		Expect(err).NotTo(HaveOccurred())
	}
}

// tellGrid lets the pod's LIM start or stop. The containers of one that ends do so before it is gone.
func (k *kubelet) tellGrid(pod *corev1.Pod, state podState, ends bool) {
	switch {
	case ends, state.waiting != nil, state.terminated != nil, state.unknown:
		k.grids.tell(pod, false)
	case state.ready && pod.Spec.NodeName != "":
		k.grids.tell(pod, true)
	}
}

func (k *kubelet) stateOf(pod *corev1.Pod) (podState, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	state := running
	for _, rule := range k.rules {
		if rule.match(pod) {
			state = rule.state
		}
	}
	if pod.Annotations[names.AnnotationDrain] == names.Released {
		state.ready = false // As the readiness probe sees it.
	}
	return state, k.lingering
}

func (k *kubelet) nodeOf(pod *corev1.Pod) string {
	return fmt.Sprintf("node-%d", 1+int(pod.UID[0])%2)
}

// addressOf gives each pod an address of its own.
func (k *kubelet) addressOf(pod *corev1.Pod) string {
	if _, known := k.addresses[pod.UID]; !known {
		k.next++
		k.addresses[pod.UID] = fmt.Sprintf("10.32.%d.%d", k.next/250, 1+k.next%250)
	}
	return k.addresses[pod.UID]
}

func (k *kubelet) report(ctx context.Context, pod *corev1.Pod, state podState) error {
	changed := pod.DeepCopy()
	status := &changed.Status
	container := corev1.ContainerStatus{
		Name: changed.Spec.Containers[0].Name, Image: changed.Spec.Containers[0].Image, Ready: state.ready,
	}
	status.Phase = corev1.PodPending
	if state.unscheduled {
		setCondition(status, corev1.PodScheduled, false, "Unschedulable", state.message)
		status.ContainerStatuses = nil
	} else {
		setCondition(status, corev1.PodScheduled, true, "", "")
		status.HostIP = nodes[pod.Spec.NodeName]
		status.HostIPs = []corev1.HostIP{{IP: status.HostIP}}
		if !state.noAddress {
			status.Phase = corev1.PodRunning
			status.PodIP = k.addressOf(pod)
			status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
		}
		switch {
		case state.waiting != nil:
			status.Phase = corev1.PodPending
			container.State.Waiting = state.waiting
		case state.terminated != nil:
			container.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off restarting"}
			container.LastTerminationState.Terminated = state.terminated
		default:
			container.State.Running = &corev1.ContainerStateRunning{}
		}
		if state.unknown {
			status.Phase = corev1.PodFailed
			container.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown"}}
		}
		status.ContainerStatuses = []corev1.ContainerStatus{container}
	}
	if inits := changed.Spec.InitContainers; len(state.printed) > len(inits) && !state.unscheduled {
		status.Phase, status.InitContainerStatuses = corev1.PodSucceeded, nil
		for i := range inits {
			status.InitContainerStatuses = append(status.InitContainerStatuses, ended(inits[i].Name, state.printed[i]))
		}
		status.ContainerStatuses = []corev1.ContainerStatus{ended(container.Name, state.printed[len(inits)])}
	}
	setCondition(status, corev1.PodReady, state.ready && pod.DeletionTimestamp == nil, "", "")
	if equality.Semantic.DeepEqual(pod.Status, *status) {
		return nil
	}
	return api.Status().Update(ctx, changed)
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
