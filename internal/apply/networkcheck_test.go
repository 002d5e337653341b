// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/internal/apply"
)

// A check whose receivers on the machines are refused goes on without them, which takes that others can be deleted.
func TestAPodOfACheckThatIsRefusedKeepsNoneFromBeingDeleted(t *testing.T) {
	g := NewWithT(t)
	pod := func(name string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: name}}
	}
	written := &recorder{fail: "create *v1.Pod network-host-", exists: "create *v1.Pod network-server-1"}
	applier := &apply.Applier{Client: written.client()}
	err := applier.CheckPods(t.Context(),
		[]*corev1.Pod{pod("network-host-0"), pod("network-server-0"), pod("network-server-1")}, []*corev1.Pod{pod("network-client-0")})
	g.Expect(err).To(MatchError("broken"))
	g.Expect(written.whats()).To(ConsistOf(ContainSubstring("network-server-0"), ContainSubstring("network-client-0")))
}
