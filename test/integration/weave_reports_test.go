// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

var _ = Describe("An agent's ServiceAccount", Serial, func() {
	It("may write the report of its own node, and of no other", func(ctx SpecContext) {
		everywhere := &world{}
		for _, file := range []string{"agent.yaml", "reports.yaml"} {
			path := filepath.Join("..", "..", "config", "weave", "rbac", file)
			everywhere.kubectl("apply", "-f", path)
			DeferCleanup(func() { everywhere.kubectl("delete", "-f", path) })
		}
		as := func(node string) client.Client {
			GinkgoHelper()
			agent := rest.CopyConfig(config)
			agent.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:kube-system:symphony-weave-agent"}
			if node != "" {
				agent.Impersonate.Extra = map[string][]string{"authentication.kubernetes.io/node-name": {node}}
			}
			made, err := newClient(agent)
			Expect(err).NotTo(HaveOccurred())
			return made
		}
		report := func(node string) *v1alpha1.WeaveNode {
			return &v1alpha1.WeaveNode{ObjectMeta: metav1.ObjectMeta{Name: node}}
		}
		Eventually(func() bool {
			return apierrors.IsForbidden(as("node-1").Create(ctx, report("node-2"), client.DryRunAll))
		}).
			WithContext(ctx).Should(BeTrue(), "once the policy is in force")

		own := report("node-1")
		Expect(as("node-1").Create(ctx, own)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(api.Delete(ctx, report("node-1")))).To(Succeed()) })
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"router":"Absent"}}`))
		Expect(as("node-1").Status().Patch(ctx, own, patch)).To(Succeed())
		Expect(as("node-2").Status().Patch(ctx, own, patch)).To(MatchError(ContainSubstring("an agent may write the WeaveNode of its own node only")))
		Expect(as("").Status().Patch(ctx, own, patch)).To(Succeed(), "where tokens do not name the node")
	})
})
