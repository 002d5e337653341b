// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// The rights for all of this are in config/weave/rbac, by hand and not by markers: an installation without Weave has none
// of them.

// WeaveFacts are what one pass over the WeaveNetwork knows. Objects come from the cache and must not be changed.
type WeaveFacts struct {
	Network *v1alpha1.WeaveNetwork
	Now     time.Time

	// Routers is Weave's DaemonSet, whoever made it; nil if there is none.
	Routers *appsv1.DaemonSet
	// NoServiceAccount says that Weave's own ServiceAccount is missing; looked for only before Weave is installed.
	NoServiceAccount bool
	// Agents is the agents' DaemonSet; nil if there is none.
	Agents *appsv1.DaemonSet
	// Bookkeeping is Weave's ConfigMap with its peers; nil if there is none.
	Bookkeeping *corev1.ConfigMap
	// Behind says that a DaemonSet is there that the cache will show and does not yet: what else it shows may be as old. Nothing may be
	// decided then, and not everything is read.
	Behind bool

	// Nodes are all nodes, sorted by name.
	Nodes []WeaveHostNode
	// Reports are the agents', by node.
	Reports map[string]*v1alpha1.WeaveNode
	// RouterPods and AgentPods are by node, terminating ones included.
	RouterPods, AgentPods map[string]*corev1.Pod

	// Elsewhere are signs of other pod networks. They are looked for only before Weave is installed, when every node has
	// reported; LookedElsewhere says that they were.
	Elsewhere       []Sign
	LookedElsewhere bool
}

// WeaveHostNode is a node as far as Weave is concerned.
type WeaveHostNode struct {
	Name string
	// Address is its internal IPv4 address.
	Address string
	Created time.Time
	// Wanted says that a router is to run on it.
	Wanted bool
	// Lost says that its kubelet has been silent for so long that Kubernetes does not know what runs on it.
	Lost bool
	// Network is the reason of its condition NetworkUnavailable, such as CalicoIsUp; "" without one.
	Network string
}

// WeaveObserver reads what a pass over the WeaveNetwork needs.
type WeaveObserver struct {
	// Cache holds the kinds of WeaveCacheOptions.
	Cache client.Reader
	// Live asks the API server for Weave's own objects when the cache has none, and for signs of other pod networks: all of that is foreign, so
	// nothing of it is cached.
	Live client.Reader
	// Groups lists the API groups that are served.
	Groups APIGroups
	Clock  clock.PassiveClock
}

// Observe gathers the facts.
func (o *WeaveObserver) Observe(ctx context.Context, network *v1alpha1.WeaveNetwork) (*WeaveFacts, error) {
	facts := &WeaveFacts{
		Network: network, Now: o.Clock.Now(), Reports: map[string]*v1alpha1.WeaveNode{},
		RouterPods: map[string]*corev1.Pod{}, AgentPods: map[string]*corev1.Pod{},
	}
	var err error
	if facts.Routers, err = weaveObject(ctx, o, names.WeaveRouters, &appsv1.DaemonSet{}); err != nil {
		return nil, err
	}
	if facts.Agents, err = weaveObject(ctx, o, names.WeaveAgents, &appsv1.DaemonSet{}); err != nil {
		return nil, err
	}
	if facts.Agents == nil {
		if facts.Agents, err = o.unseen(ctx, facts, names.WeaveAgents); err != nil {
			return nil, err
		}
	}
	if facts.Behind {
		return facts, nil // To look through all pods for other networks is not for a pass that decides nothing.
	}
	if facts.Bookkeeping, err = weaveObject(ctx, o, names.WeaveRouters, &corev1.ConfigMap{}); err != nil {
		return nil, err
	}
	if err := o.nodes(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.pods(ctx, facts); err != nil {
		return nil, err
	}
	if network.Spec.ManagementPolicy == v1alpha1.WeaveManaged && facts.Routers == nil {
		err = o.withoutRouters(ctx, facts)
	}
	return facts, err
}

// withoutRouters looks closer when the cache has no routers. It holds what has Weave's label: somebody else's of the name may
// not have it, and must not be written over; the operator's own may have lost it, or have come a moment ago.
func (o *WeaveObserver) withoutRouters(ctx context.Context, facts *WeaveFacts) error {
	routers, err := o.unseen(ctx, facts, names.WeaveRouters)
	if routers != nil || err != nil {
		facts.Routers = routers
		return err
	}
	// To look through all pods for signs of other networks is for those who are about to install, and not at every event
	// before all agents have reported.
	if facts.Network.DeletionTimestamp != nil || !facts.reported() {
		return nil
	}
	account := &metav1.PartialObjectMetadata{}
	account.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceAccount"))
	found, err := exists(ctx, o.Live, names.WeaveRouters, account)
	if err != nil {
		return err
	}
	facts.NoServiceAccount = !found
	facts.Elsewhere, err = o.elsewhere(ctx, facts.Network)
	facts.LookedElsewhere = err == nil
	return err
}

// unseen asks the API server for a DaemonSet that the cache does not have, and returns nil if there is none. One with Weave's label will be
// in the cache.
func (o *WeaveObserver) unseen(ctx context.Context, facts *WeaveFacts, name string) (*appsv1.DaemonSet, error) {
	set := &appsv1.DaemonSet{}
	found, err := exists(ctx, o.Live, name, set)
	if !found {
		return nil, err
	}
	facts.Behind = facts.Behind || weaveSelector().Matches(labels.Set(set.Labels))
	return set, nil
}

// exists reads an object of kube-system, if there is one.
func exists(ctx context.Context, reader client.Reader, name string, object client.Object) (bool, error) {
	err := reader.Get(ctx, client.ObjectKey{Namespace: names.WeaveNamespace, Name: name}, object)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading %s in %s: %w", name, names.WeaveNamespace, err)
	}
	return true, nil
}

// reported says whether every node that a router is to run on has a report, but for lost ones.
func (f *WeaveFacts) reported() bool {
	return !slices.ContainsFunc(f.Nodes, func(n WeaveHostNode) bool { return n.Wanted && !n.Lost && f.Reports[n.Name] == nil })
}

// weaveObject reads an object of kube-system, nil if there is none.
func weaveObject[T client.Object](ctx context.Context, o *WeaveObserver, name string, object T) (T, error) {
	var none T
	if found, err := exists(ctx, o.Cache, name, object); !found {
		return none, err
	}
	return object, nil
}

func (o *WeaveObserver) nodes(ctx context.Context, facts *WeaveFacts) error {
	var nodes corev1.NodeList
	if err := o.Cache.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	wanted := labels.SelectorFromSet(facts.Network.Spec.NodeSelector)
	for i := range nodes.Items {
		facts.Nodes = append(facts.Nodes, hostNode(&nodes.Items[i], wanted))
	}
	slices.SortFunc(facts.Nodes, func(a, b WeaveHostNode) int { return strings.Compare(a.Name, b.Name) })

	var reports v1alpha1.WeaveNodeList
	if err := o.Cache.List(ctx, &reports, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the agents' reports: %w", err)
	}
	for i := range reports.Items {
		facts.Reports[reports.Items[i].Name] = &reports.Items[i]
	}
	return nil
}

func (o *WeaveObserver) pods(ctx context.Context, facts *WeaveFacts) error {
	for name, byNode := range map[string]map[string]*corev1.Pod{names.WeaveRouters: facts.RouterPods, names.WeaveAgents: facts.AgentPods} {
		var pods corev1.PodList
		err := o.Cache.List(ctx, &pods, client.InNamespace(names.WeaveNamespace), client.MatchingLabels{names.LabelWeave: name}, client.UnsafeDisableDeepCopy)
		if err != nil {
			return fmt.Errorf("listing pods of %s: %w", name, err)
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			// During an update a node has two for a moment: the one that stays counts.
			if other := byNode[pod.Spec.NodeName]; other == nil || other.DeletionTimestamp != nil {
				byNode[pod.Spec.NodeName] = pod
			}
		}
	}
	return nil
}

func hostNode(node *corev1.Node, wanted labels.Selector) WeaveHostNode {
	host := WeaveHostNode{Name: node.Name, Created: node.CreationTimestamp.Time}
	// As the DaemonSets select their nodes: a node without the label gets no router, and would never report.
	host.Wanted = node.Labels[corev1.LabelOSStable] == "linux" && wanted.Matches(labels.Set(node.Labels))
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP && !strings.Contains(address.Address, ":") {
			host.Address = address.Address
			break
		}
	}
	for _, condition := range node.Status.Conditions {
		switch condition.Type {
		case corev1.NodeReady:
			host.Lost = condition.Status == corev1.ConditionUnknown
		case corev1.NodeNetworkUnavailable:
			host.Network = condition.Reason
		default:
		}
	}
	return host
}
