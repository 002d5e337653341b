// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// What one process has to do in a row begins before the rest.
var _ = Describe("An edit", Ordered, SpecPriority(1), func() {
	var g *grid

	BeforeAll(func(ctx SpecContext) {
		g = newGrid(ctx)
		// Both hosts are replaced at once: here it is the end that counts, not the way there.
		g.start(ctx, object{"compute": object{"update": object{"maxUnavailable": 2}}})
	})

	// podsShow reads one path of every pod of a role.
	podsShow := func(role, path string) func() string {
		return func() string {
			return g.kubectl("get", "pods", "-l", "symphony-operator.io/role="+role, "-o", "jsonpath={range .items[*]}{"+path+"}{'\\n'}{end}")
		}
	}
	nodeOf := func() string { return g.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}") }

	DescribeTable("of a template is what every pod runs, and so is its way back",
		func(ctx SpecContext, edit, back object, role, path, during, after string) {
			others := g.containers(ctx, otherRole(role))
			g.patch(edit)
			g.waitReady()
			g.waitHosts(ctx, 3)
			Eventually(ctx, podsShow(role, path)).Should(Equal(during), "of old pods nothing is left")
			g.patch(back)
			g.waitReady()
			g.waitHosts(ctx, 3)
			Eventually(ctx, podsShow(role, path)).Should(Equal(after))
			Expect(g.containers(ctx, otherRole(role))).To(Equal(others), "the other role is left alone")
		},
		Entry("compute's image",
			object{"compute": object{"image": "sym712:latest", "podTemplate": object{"spec": object{"containers": []object{
				{"name": "symphony", "imagePullPolicy": "IfNotPresent"},
			}}}}},
			object{"compute": object{"image": nil, "podTemplate": nil}},
			names.Compute, ".spec.containers[0].image", "sym712:latest\nsym712:latest\n", "symsim:dev\nsymsim:dev\n"),
		Entry("compute's resources",
			object{"compute": object{"resources": object{"requests": object{"memory": "24Mi"}}}},
			object{"compute": object{"resources": object{"requests": object{"memory": "16Mi"}}}},
			names.Compute, ".spec.containers[0].resources.requests.memory", "24Mi\n24Mi\n", "16Mi\n16Mi\n"),
		Entry("compute's environment",
			object{"compute": object{"env": []object{{"name": "GRID", "value": "risk"}}}}, object{"compute": object{"env": nil}},
			names.Compute, ".spec.containers[0].env[?(@.name=='GRID')].value", "risk\nrisk\n", "\n\n"),
		Entry("the master's resources",
			object{"master": object{"resources": object{"requests": object{"memory": "48Mi"}}}},
			object{"master": object{"resources": object{"requests": object{"memory": "16Mi"}}}},
			names.Master, ".spec.containers[0].resources.requests.memory", "48Mi\n", "16Mi\n"),
		Entry("the master's environment",
			object{"master": object{"env": []object{{"name": "GRID", "value": "risk"}}}}, object{"master": object{"env": nil}},
			names.Master, ".spec.containers[0].env[?(@.name=='GRID')].value", "risk\n", "\n"),
		Entry("a side-car by an overlay",
			object{"compute": object{"podTemplate": object{"spec": object{"containers": []object{{
				"name": "side", "image": "symsim:dev", "command": []string{"/bin/bash", "-c", "trap exit TERM; sleep infinity & wait"},
			}}}}}},
			object{"compute": object{"podTemplate": nil}},
			names.Compute, ".spec.containers[*].name", "symphony side\nsymphony side\n", "symphony\nsymphony\n"),
		Entry("an entitlement that the image has",
			object{"entitlement": object{"path": "/opt/platform_sym_adv_entitlement.dat"}}, object{"entitlement": nil},
			names.Master, ".spec.containers[0].env[?(@.name=='SYMPHONY_ENTITLEMENT_FILE')].value",
			"/opt/platform_sym_adv_entitlement.dat\n", "\n"),
	)

	It("of the image is what both roles run, and so is its way back", func(ctx SpecContext) {
		const path = ".spec.containers[0].image"
		g.patch(object{"image": "sym712:latest", "imagePullPolicy": "IfNotPresent"})
		g.waitReady()
		g.waitHosts(ctx, 3)
		Eventually(ctx, podsShow(names.Master, path)).Should(Equal("sym712:latest\n"))
		Eventually(ctx, podsShow(names.Compute, path)).Should(Equal("sym712:latest\nsym712:latest\n"))
		g.patch(object{"image": "symsim:dev", "imagePullPolicy": nil})
		g.waitReady()
		g.waitHosts(ctx, 3)
		Eventually(ctx, podsShow(names.Master, path)).Should(Equal("symsim:dev\n"))
		Eventually(ctx, podsShow(names.Compute, path)).Should(Equal("symsim:dev\nsymsim:dev\n"))
	})

	It("that adds an entitlement from a Secret has EGO use it, and one that removes it again does not", func(ctx SpecContext) {
		g.secret(ctx, "entitlement", map[string]string{"file": "sym_adv_entitlement of a Secret"})
		compute := g.containers(ctx, names.Compute)
		entitlement := func() (string, error) { return g.egosh("entitlement", "info") }
		g.patch(object{"entitlement": object{"secretKeyRef": object{"name": "entitlement", "key": "file"}}})
		g.waitReady()
		Eventually(ctx, entitlement).WithPolling(inPods).Should(ContainSubstring("of a Secret"))
		g.patch(object{"entitlement": nil})
		g.waitReady()
		Eventually(ctx, entitlement).WithPolling(inPods).ShouldNot(ContainSubstring("of a Secret"))
		g.waitHosts(ctx, 3)
		Expect(g.containers(ctx, names.Compute)).To(Equal(compute))
	})

	It("of the node selector moves every pod to the node", func(ctx SpecContext) {
		node := nodeOf()
		here := object{"podTemplate": object{"spec": object{"nodeSelector": object{"kubernetes.io/hostname": node}}}}
		g.patch(object{"master": here, "compute": here})
		g.waitReady()
		g.waitHosts(ctx, 3)
		Eventually(ctx, podsShow(names.Compute, ".spec.nodeName")).Should(Equal(node + "\n" + node + "\n"))
		Expect(g.cluster(ctx).Status.Master.NodeName).To(Equal(node))
		g.patch(object{"master": object{"podTemplate": nil}, "compute": object{"podTemplate": nil}})
		g.waitReady()
		g.waitHosts(ctx, 3)
	})

	It("of the web console's Service restarts nothing", func(ctx SpecContext) {
		master, compute := g.containers(ctx, names.Master), g.containers(ctx, names.Compute)
		service := func(path string) func() string {
			return func() string { return g.kubectl("get", "service/prod-gui", "-o", "jsonpath={"+path+"}") }
		}
		g.patch(object{"gui": object{"serviceType": "ClusterIP"}})
		Eventually(ctx, service(".spec.type")).Should(Equal("ClusterIP"))
		Eventually(ctx, func() int32 { return g.cluster(ctx).Status.GUI.NodePort }).Should(BeZero())
		// 30043 is of the ports that are given to nobody who asks for none in particular.
		g.patch(object{"gui": object{"serviceType": "NodePort", "nodePort": 30043}})
		Eventually(ctx, service(".spec.ports[0].nodePort")).Should(Equal("30043"))
		Eventually(ctx, func() int32 { return g.cluster(ctx).Status.GUI.NodePort }).Should(BeEquivalentTo(30043))
		Eventually(ctx, func() (int, error) { return get(g.cluster(ctx).Status.GUI.URL) }).Should(Equal(200))
		g.patch(object{"gui": nil})
		g.waitReady()
		Expect(service(".spec.ports[0].nodePort")()).To(Equal("30043"), "an allocated port is kept")
		Expect(g.containers(ctx, names.Master)).To(Equal(master))
		Expect(g.containers(ctx, names.Compute)).To(Equal(compute))
	})

	It("of suspend takes the hosts away and brings them back", func(ctx SpecContext) {
		master := g.containers(ctx, names.Master)
		g.patch(object{"suspend": true})
		g.waitReady()
		g.waitHosts(ctx, 1)
		g.patch(object{"suspend": nil})
		g.waitReady()
		g.waitHosts(ctx, 3)
		Expect(g.containers(ctx, names.Master)).To(Equal(master))
	})

	It("of a child by hand is undone, and a deleted child comes back", func(ctx SpecContext) {
		for _, child := range []string{"deployment/prod-master", "service/prod-master", "configmap/prod-hosts", "replicaset/prod-compute", "service/prod-gui"} {
			By("deleting " + child)
			g.kubectl("delete", child, "--timeout=60s")
			Eventually(ctx, func() error {
				_, err := g.try("", "get", child)
				return err
			}).Should(Succeed())
		}
		By("changing the number of compute hosts behind the operator's back")
		g.kubectl("scale", "replicaset/prod-compute", "--replicas=5")
		By("changing the master's image behind the operator's back")
		g.kubectl("set", "image", "deployment/prod-master", "symphony=nowhere.invalid/other")
		Eventually(ctx, func() string { return g.kubectl("get", "replicaset/prod-compute", "-o", "jsonpath={.spec.replicas}") }).Should(Equal("2"))
		Eventually(ctx, func() string {
			return g.kubectl("get", "deployment/prod-master", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
		}).Should(Equal("symsim:dev"))
		g.waitReady()
		g.waitHosts(ctx, 3)
	})
})

func otherRole(role string) string {
	if role == names.Master {
		return names.Compute
	}
	return names.Master
}
