// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// annotationPeers is where Weave's nodes enter themselves.
const annotationPeers = "kube-peers.weave.works/peers"

// Bookkeeping is the ConfigMap in which Weave's nodes enter themselves, to be created if there is none; nil if there is. The
// first routers end once when they find none. It is never written again: it is Weave's.
func Bookkeeping(facts *observe.WeaveFacts, plan *Plan) *corev1.ConfigMap {
	if !plan.Install || facts.Bookkeeping != nil {
		return nil
	}
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: names.WeaveRouters, Namespace: names.WeaveNamespace,
		Labels: map[string]string{names.LabelWeave: names.WeaveRouters},
	}}
}

// peer is a node's entry in the bookkeeping.
type peer struct {
	PeerName string
	NodeName string
}

// peers reads the bookkeeping.
func peers(bookkeeping *corev1.ConfigMap) []peer {
	var list struct{ Peers []peer }
	if bookkeeping == nil || json.Unmarshal([]byte(bookkeeping.Annotations[annotationPeers]), &list) != nil {
		return nil
	}
	return list.Peers
}
