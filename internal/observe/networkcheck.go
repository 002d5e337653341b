// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
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

// +kubebuilder:rbac:groups=symphony-operator.io,resources=networkchecks,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=list

// There is no marker for the right to list WeaveNodes, as there is none for WeaveNetworks: it comes with config/weave.

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
	// Overlay are the candidates with an address of their own on the overlay, sorted, if the check asks for it; looked at only
	// before it has started.
	Overlay []v1alpha1.NetworkCheckOverlay
	// OverlayErr is why they may not be read.
	OverlayErr error
	// Pods are those of the check, by name, terminating ones included. They come from the cache and must not be changed.
	Pods map[string]*corev1.Pod
}

// CheckObserver reads what a pass over a NetworkCheck needs.
type CheckObserver struct {
	// Cache holds pods.
	Cache client.Reader
	// Live asks the API server. Nodes and WeaveNodes are read once a check, so they need no cache, which would grow with them.
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
	if check.Status.StartTime != nil {
		return facts, nil
	}
	if err := o.candidates(ctx, facts); err != nil {
		return nil, err
	}
	if check.Spec.Hosts == v1alpha1.HostsOverlay {
		err = o.overlay(ctx, facts)
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

// overlay reads the candidates' own addresses on the overlay. Where Weave is not installed there are none; the right to read
// them may be missing too, and that does not change by itself: it is a fact, with which the check ends.
func (o *CheckObserver) overlay(ctx context.Context, facts *CheckFacts) error {
	var reports v1alpha1.WeaveNodeList
	err := o.Live.List(ctx, &reports)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case apierrors.IsForbidden(err):
		facts.OverlayErr = err
		return nil
	case err != nil:
		return fmt.Errorf("listing WeaveNodes: %w", err)
	}
	addresses := map[string]string{}
	for i := range reports.Items {
		addresses[reports.Items[i].Name] = overlayAddress(&reports.Items[i].Status)
	}
	for _, node := range facts.Candidates {
		if address := addresses[node]; address != "" {
			facts.Overlay = append(facts.Overlay, v1alpha1.NetworkCheckOverlay{Node: node, Address: address})
		}
	}
	return nil
}

// overlayAddress is where pods reach the node, "" if nowhere: without a router, and at an address that Weave knows nothing
// of, nobody else's packets arrive.
func overlayAddress(report *v1alpha1.WeaveNodeStatus) string {
	if report.Router != v1alpha1.RouterRunning || report.Overlay.Address != report.Overlay.Claim {
		return ""
	}
	prefix, err := netip.ParsePrefix(report.Overlay.Address)
	if err != nil {
		return ""
	}
	return prefix.Addr().String()
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
