// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

func TestAMasterMovesAlsoToTheAddressThatItHad(t *testing.T) {
	g := NewWithT(t)
	seen := newTracker(io.Discard)
	pod := func(uid types.UID, ip string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "c0-master-" + string(uid), UID: uid, Labels: names.Labels("c0", names.Master)},
			Status:     corev1.PodStatus{PodIP: ip},
		}
	}
	hosts := func(ip string) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: names.HostsName("c0"), Labels: names.Labels("c0", names.Master)},
			Data:       map[string]string{names.HostsKey: ip + " c0-master"},
		}
	}
	seen.seen(pod("first", "10.0.0.1"))
	seen.seen(hosts("10.0.0.1"))
	deleted := time.Now()
	g.Expect(seen.knowAll(1, deleted)).To(BeFalse())
	seen.seen(pod("first", "10.0.0.1"))
	g.Expect(seen.knowAll(1, deleted)).To(BeFalse(), "it is still the first one")
	seen.seen(pod("second", "10.0.0.1"))
	g.Expect(seen.knowAll(1, deleted)).To(BeTrue(), "nobody has to be told")
	seen.seen(pod("third", "10.0.0.2"))
	g.Expect(seen.knowAll(1, deleted)).To(BeFalse())
	seen.seen(hosts("10.0.0.2"))
	g.Expect(seen.knowAll(1, deleted)).To(BeTrue())
}
