// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/retry"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

const (
	// Name and namespace are hard-coded in kube-utils (facts 1.5).
	bookNamespace = "kube-system"
	bookName      = "weave-net"
	peersKey      = "kube-peers.weave.works/peers"
	// claimsKey is the stand-in's own: real routers tell each other which addresses are taken.
	claimsKey = "weavesim.symphony-operator.io/claims"
)

// node is a node of the Kubernetes cluster, and the peer on it.
type node struct {
	name, peer string
	// address is empty for a node that has none: nobody connects to it.
	address string
}

// peerList is the annotation of facts 1.5.
type peerList struct {
	Peers []peerEntry
}

type peerEntry struct {
	PeerName string
	NodeName string
}

// kubernetes is what the real image's kube-utils does.
type kubernetes struct {
	client typedcorev1.CoreV1Interface
}

// nodes are sorted by name. Their address is the IPv4 InternalIP, else the ExternalIP (facts 1.6, KUBE_PEERS).
func (k *kubernetes) nodes(ctx context.Context) ([]node, error) {
	list, err := k.client.Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("Failed to get peers: %w", err) //nolint:staticcheck // Weave's own words.
	}
	nodes := make([]node, 0, len(list.Items))
	for i := range list.Items {
		item := &list.Items[i]
		nodes = append(nodes, node{name: item.Name, peer: control.PeerName(item.Name), address: addressOf(item)})
	}
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.name, b.name) })
	return nodes, nil
}

func addressOf(item *corev1.Node) string {
	found := map[corev1.NodeAddressType]string{}
	for _, address := range item.Status.Addresses {
		if ip, err := netip.ParseAddr(address.Address); err == nil && ip.Is4() {
			found[address.Type] = address.Address
		}
	}
	if found[corev1.NodeInternalIP] != "" {
		return found[corev1.NodeInternalIP]
	}
	return found[corev1.NodeExternalIP]
}

// knows is `kube-utils -check-peer-new` the other way round: whether the peer is in the list. An error is fatal, that there
// is no ConfigMap too (facts 1.5). The real one would create it at some later step of its first run; this one does
// not, so that an operator that forgets it is noticed.
func (k *kubernetes) knows(ctx context.Context, peer string) (bool, error) {
	book, err := k.client.ConfigMaps(bookNamespace).Get(ctx, bookName, metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("could not check peer list: %w", err)
	}
	list, err := readPeers(book)
	return slices.ContainsFunc(list.Peers, func(entry peerEntry) bool { return entry.PeerName == peer }), err
}

func readPeers(book *corev1.ConfigMap) (list peerList, err error) {
	if text := book.Annotations[peersKey]; text != "" {
		if err = json.Unmarshal([]byte(text), &list); err != nil {
			err = fmt.Errorf("the annotation %s: %w", peersKey, err)
		}
	}
	return list, err
}

// enter is `kube-utils -reclaim`: the peer goes into the list, and whose node is gone, or has another peer's name now,
// leaves it (facts 4.1).
func (k *kubernetes) enter(ctx context.Context, self node, nodes []node) error {
	return k.update(ctx, func(book *corev1.ConfigMap) error {
		list, err := readPeers(book)
		if err != nil {
			return err
		}
		list.Peers = slices.DeleteFunc(list.Peers, func(entry peerEntry) bool {
			return entry.NodeName == self.name && entry.PeerName != self.peer || !has(nodes, entry.NodeName)
		})
		entry := peerEntry{PeerName: self.peer, NodeName: self.name}
		if !slices.Contains(list.Peers, entry) {
			list.Peers = append(list.Peers, entry)
		}
		return annotate(book, peersKey, list)
	})
}

// claim takes the first of the addresses that no other node has.
func (k *kubernetes) claim(ctx context.Context, self string, nodes []node, share prefixes) (claimed string, err error) {
	err = k.update(ctx, func(book *corev1.ConfigMap) error {
		claims := map[string]string{}
		if text := book.Annotations[claimsKey]; text != "" {
			if err := json.Unmarshal([]byte(text), &claims); err != nil {
				return fmt.Errorf("the annotation %s: %w", claimsKey, err)
			}
		}
		if mine, err := netip.ParsePrefix(claims[self]); err == nil && mine.Masked() == share.ipRange {
			claimed = mine.String()
			return nil
		}
		taken := map[string]bool{}
		for name, address := range claims {
			if name == self || !has(nodes, name) {
				delete(claims, name)
				continue
			}
			taken[address] = true
		}
		if claimed = share.first(func(address string) bool { return !taken[address] }); claimed == "" {
			return fmt.Errorf("no address is free in this node's share of %s", share.ipRange)
		}
		claims[self] = claimed
		return annotate(book, claimsKey, claims)
	})
	return claimed, err
}

func has(nodes []node, name string) bool {
	return slices.ContainsFunc(nodes, func(n node) bool { return n.name == name })
}

func annotate(book *corev1.ConfigMap, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if book.Annotations == nil {
		book.Annotations = map[string]string{}
	}
	book.Annotations[key] = string(text)
	return nil
}

// update is optimistic (facts 1.5).
func (k *kubernetes) update(ctx context.Context, change func(*corev1.ConfigMap) error) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		book, err := k.client.ConfigMaps(bookNamespace).Get(ctx, bookName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		before := book.DeepCopy()
		if err := change(book); err != nil {
			return err
		}
		if fmt.Sprint(before.Annotations) == fmt.Sprint(book.Annotations) {
			return nil
		}
		_, err = k.client.ConfigMaps(bookNamespace).Update(ctx, book, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("could not update the peer list: %w", err)
	}
	return nil
}

// networkIsUp is `kube-utils -set-node-status`, which runs when the node has its address (facts 2 and 3.5).
func (k *kubernetes) networkIsUp(ctx context.Context, name string) error {
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{{
		Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionFalse, Reason: "WeaveIsUp",
		Message: "weavesim, a stand-in for weave-net, has set this", LastTransitionTime: metav1.Now(), LastHeartbeatTime: metav1.Now(),
	}}}})
	if err != nil {
		return err
	}
	if _, err := k.client.Nodes().Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("could not set node status: %w", err)
	}
	return nil
}
