// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Sign is a sign of another pod network.
type Sign struct {
	// Kind is DaemonSet, APIGroup or Pods.
	Kind string
	// Name is namespace and name of the DaemonSet, the group, or the namespaces of the pods.
	Name string
}

// Kinds of signs.
const (
	SignDaemonSet = "DaemonSet"
	SignAPIGroup  = "APIGroup"
	SignPods      = "Pods"
)

// APIGroups lists the API groups that are served; discovery's client does.
type APIGroups interface {
	ServerGroups() (*metav1.APIGroupList, error)
}

// networkDaemonSets are the names of other pod networks' DaemonSets, wherever they are.
var networkDaemonSets = []string{
	"anetd", "antrea-agent", "aws-node", "azure-cni", "azure-npm", "calico-node", "canal", "cilium", "kindnet", "kube-flannel",
	"kube-flannel-ds", "kube-multus-ds", "kube-ovn-cni", "kube-router", "netd", "ovnkube-node", "weave-net",
}

// networkGroups are the API groups of other pod networks.
var networkGroups = []string{"cilium.io", "crd.projectcalico.org", "k8s.ovn.org", "network.openshift.io", "operator.tigera.io"}

// elsewhere looks for other pod networks. All of it is read from the API server, in pages, and nothing is kept.
func (o *WeaveObserver) elsewhere(ctx context.Context, network *v1alpha1.WeaveNetwork) ([]Sign, error) {
	signs, err := o.networkDaemonSets(ctx)
	if err != nil {
		return nil, err
	}
	groups, err := o.Groups.ServerGroups()
	if err != nil {
		return nil, fmt.Errorf("listing API groups: %w", err)
	}
	for i := range groups.Groups {
		if slices.Contains(networkGroups, groups.Groups[i].Name) {
			signs = append(signs, Sign{SignAPIGroup, groups.Groups[i].Name})
		}
	}
	pods, err := o.podsOutside(ctx, network.Spec.IPRange)
	return append(signs, pods...), err
}

func (o *WeaveObserver) networkDaemonSets(ctx context.Context) ([]Sign, error) {
	var signs []Sign
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "DaemonSetList"})
	err := o.pages(ctx, list, func() bool {
		for i := range list.Items {
			if slices.Contains(networkDaemonSets, list.Items[i].Name) {
				signs = append(signs, Sign{SignDaemonSet, list.Items[i].Namespace + "/" + list.Items[i].Name})
			}
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("listing DaemonSets: %w", err)
	}
	return signs, nil
}

// enoughPods is how many pods outside the range make the case.
const enoughPods = 20

// podsOutside finds pods that got their addresses from another network: the strongest sign, whatever its name.
func (o *WeaveObserver) podsOutside(ctx context.Context, ipRange string) ([]Sign, error) {
	prefix, err := netip.ParsePrefix(ipRange)
	if err != nil {
		return nil, nil //nolint:nilerr // Admission keeps such a range away, and the plan refuses it.
	}
	namespaces, found := map[string]bool{}, 0
	list := &corev1.PodList{}
	err = o.pages(ctx, list, func() bool {
		for i := range list.Items {
			pod := &list.Items[i]
			address, err := netip.ParseAddr(pod.Status.PodIP)
			if err != nil || pod.Spec.HostNetwork || pod.Status.PodIP == pod.Status.HostIP || prefix.Contains(address) {
				continue
			}
			namespaces[pod.Namespace] = true
			found++
		}
		return found < enoughPods
	}, client.MatchingFields{"status.phase": string(corev1.PodRunning)})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	if found == 0 {
		return nil, nil
	}
	return []Sign{{SignPods, strings.Join(slices.Sorted(maps.Keys(namespaces)), ", ")}}, nil
}

// pages lists page by page until look has seen enough.
func (o *WeaveObserver) pages(ctx context.Context, list client.ObjectList, look func() bool, options ...client.ListOption) error {
	next := ""
	for {
		page := append([]client.ListOption{client.Limit(nodesAtOnce), client.Continue(next)}, options...)
		if err := o.Live.List(ctx, list, page...); err != nil {
			return err
		}
		if next = list.GetContinue(); !look() || next == "" {
			return nil
		}
	}
}
