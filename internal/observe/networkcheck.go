// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// CheckKind is the kind that owns a network check's pods.
const CheckKind = "NetworkCheck"

// nodesAtOnce is how many nodes, or other objects, are read in one answer.
const nodesAtOnce = 500

// +kubebuilder:rbac:groups=symphony-operator.io,resources=networkchecks,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=list

// CheckFacts are what one pass over a NetworkCheck knows.
type CheckFacts struct {
	Check *v1alpha1.NetworkCheck
	Now   time.Time
	// Image has iperf3; "" when neither the check nor the operator names one.
	Image string
	// Candidates are the nodes that the placement allows now, sorted; looked at only before the check has started.
	Candidates []string
	// OutOfOrder is how many nodes the placement allows that are not Ready or take no pods.
	OutOfOrder int
	// Pods are those of the check, by name, terminating ones included. They come from the cache and must not be changed.
	Pods map[string]*corev1.Pod
}

// CheckObserver reads what a pass over a NetworkCheck needs.
type CheckObserver struct {
	// Cache holds pods.
	Cache client.Reader
	// Live asks the API server. Nodes are read once a check, so they need no cache, which would grow with them.
	Live  client.Reader
	Clock clock.PassiveClock
	// Image is for checks that name none.
	Image string
}

// Observe gathers the facts about one check.
func (o *CheckObserver) Observe(ctx context.Context, check *v1alpha1.NetworkCheck) (*CheckFacts, error) {
	facts := &CheckFacts{Check: check, Now: o.Clock.Now(), Image: check.Spec.Image, Pods: map[string]*corev1.Pod{}}
	if facts.Image == "" {
		facts.Image = o.Image
	}
	var pods corev1.PodList
	err := o.Cache.List(ctx, &pods, client.InNamespace(check.Namespace),
		client.MatchingLabels{names.LabelNetworkCheck: check.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the check's pods: %w", err)
	}
	for i := range pods.Items {
		if controllerUID(&pods.Items[i]) == string(check.UID) {
			facts.Pods[pods.Items[i].Name] = &pods.Items[i]
		}
	}
	if check.Status.StartTime == nil {
		err = o.candidates(ctx, facts)
	}
	return facts, err
}

func (o *CheckObserver) candidates(ctx context.Context, facts *CheckFacts) error {
	next := ""
	for {
		var nodes corev1.NodeList
		if err := o.Live.List(ctx, &nodes, client.Limit(nodesAtOnce), client.Continue(next)); err != nil {
			return fmt.Errorf("listing nodes: %w", err)
		}
		for i := range nodes.Items {
			switch node := &nodes.Items[i]; {
			case !allowed(ctx, &facts.Check.Spec.Placement, node):
			case inOrder(node):
				facts.Candidates = append(facts.Candidates, node.Name)
			default:
				facts.OutOfOrder++
			}
		}
		if next = nodes.Continue; next == "" {
			slices.Sort(facts.Candidates)
			return nil
		}
	}
}

// allowed reports whether the placement allows the node, by the scheduler's own rules. Taints that Kubernetes itself puts on
// nodes for a while are left to inOrder.
func allowed(ctx context.Context, placement *v1alpha1.NetworkCheckPlacement, node *corev1.Node) bool {
	if system := node.Labels[corev1.LabelOSStable]; system != "" && system != "linux" {
		return false
	}
	affinity := &corev1.Affinity{NodeAffinity: placement.NodeAffinity}
	matches, err := nodeaffinity.NewRequiredNodeAffinity(placement.NodeSelector, affinity).Match(node)
	if err != nil || !matches {
		// A term that is invalid matches no node, for the scheduler too.
		return false
	}
	hard := func(taint *corev1.Taint) bool {
		return taint.Effect != corev1.TaintEffectPreferNoSchedule && !strings.HasPrefix(taint.Key, kubernetesTaints)
	}
	_, untolerated := schedulinghelpers.FindMatchingUntoleratedTaint(
		klog.FromContext(ctx), node.Spec.Taints, placement.Tolerations, hard, false)
	return !untolerated
}

// kubernetesTaints begin the keys of taints that tell a node's state: not-ready, unreachable, unschedulable and the like.
const kubernetesTaints = "node.kubernetes.io/"

// inOrder reports whether pods can run on the node now.
func inOrder(node *corev1.Node) bool {
	ready := slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
	kept := slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool {
		return strings.HasPrefix(t.Key, kubernetesTaints) && t.Effect != corev1.TaintEffectPreferNoSchedule
	})
	return ready && !kept && !node.Spec.Unschedulable
}
