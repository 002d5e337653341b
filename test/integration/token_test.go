// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

var _ = Describe("An operator whose token has expired", func() {
	It("changes nothing, ends because it cannot renew its lease, and goes on when it is started with another token", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		// Which rights an operator needs is not asked here.
		w.bind(ctx, w.account(ctx, "operator"), []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}})
		// Ten minutes are the shortest time for which the API server gives a token. Like a pod's, this one counts as long as what it is
		// bound to is there.
		token := func(boundTo string) []byte {
			w.kubectl("create", "secret", "generic", boundTo)
			return []byte(w.kubectl("create", "token", "operator", "--bound-object-kind=Secret", "--bound-object-name="+boundTo))
		}
		user := rest.AnonymousClientConfig(config)
		user.QPS, user.Burst = config.QPS, config.Burst
		user.BearerTokenFile = filepath.Join(GinkgoT().TempDir(), "token")
		Expect(os.WriteFile(user.BearerTokenFile, token("first"), 0o600)).To(Succeed())
		start := func() (*operator, error) {
			return startOperatorAs(user, w.namespace, w.console, direct{w.grids}, w.elections())
		}
		first, err := start()
		Expect(err).NotTo(HaveOccurred())
		first.deposed = true
		w.operator = first
		w.ready(ctx, "prod", replicas(2))
		before := w.settle(ctx)
		compute := w.computeUIDs(ctx, "prod")

		By("taking away what the token is bound to, which the API server notices after some seconds")
		w.kubectl("delete", "secret", "first")
		Eventually(first.stopped).Should(BeClosed())
		Expect(first.ended).To(MatchError(ContainSubstring("leader election lost")))

		By("starting it again with the same token, as a kubelet does that has no other yet")
		w.kubectl("scale", "symphonycluster/prod", "--replicas=4")
		_, err = start()
		Expect(err).To(MatchError(ContainSubstring("the server has asked for the client to provide credentials")))
		Expect(w.snapshot(ctx).Without("SymphonyCluster").Touched(before.Without("SymphonyCluster"))).To(BeEmpty())

		Expect(os.WriteFile(user.BearerTokenFile, token("second"), 0o600)).To(Succeed())
		w.operator, err = start()
		Expect(err).NotTo(HaveOccurred())
		w.waitReady(ctx, "prod")
		Expect(w.computeUIDs(ctx, "prod")).To(And(HaveLen(4), ContainElements(compute)))
		Expect(w.snapshot(ctx)["Deployment "+names.MasterName("prod")]).To(Equal(before["Deployment "+names.MasterName("prod")]))
	})
})
