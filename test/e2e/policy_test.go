// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// The pod network need not enforce them: that they are made, and by which rights, is looked at here.
var _ = Describe("The operator under its own rights", func() {
	It("limits who reaches the pods while it is asked to, and takes children back that lost their owner", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, nil)
		running := g.containers(ctx, names.Compute)
		policies := func() []string {
			return strings.Fields(g.kubectl("get", "networkpolicies", "-o", "name"))
		}
		g.patch(object{"network": object{"policy": object{}}})
		Eventually(ctx, policies).Should(ConsistOf("networkpolicy.networking.k8s.io/prod-master", "networkpolicy.networking.k8s.io/prod-compute"))
		g.patch(object{"network": object{"policy": object{"clients": []object{{"podSelector": object{}}}}}})
		Eventually(ctx, func() string {
			return g.kubectl("get", "networkpolicy/prod-master", "-o", "jsonpath={.spec.ingress[0].from[1]}")
		}).Should(Equal(`{"podSelector":{}}`))
		g.patch(object{"network": object{"policy": nil}})
		Eventually(ctx, policies).Should(BeEmpty())

		g.patch(object{"compute": object{"scaleIn": object{"policy": "Immediate"}}})
		Eventually(ctx, func() string { return g.kubectl("get", "poddisruptionbudgets", "-o", "name") }).Should(BeEmpty())
		g.patch(object{"compute": object{"scaleIn": nil}})

		g.kubectl("delete", "symphonycluster/prod", "--cascade=orphan")
		g.start(ctx, nil)
		Eventually(ctx, func() string {
			return g.kubectl("get", "controllerrevisions,deployments,replicasets", "-l", names.LabelCluster+"=prod", "-o",
				`jsonpath={.items[*].metadata.ownerReferences[*].uid}`)
		}).Should(ContainSubstring(string(g.cluster(ctx).UID)))
		Expect(g.containers(ctx, names.Compute)).To(Equal(running), "nothing was restarted")
	})
})
