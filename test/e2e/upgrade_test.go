// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

var _ = Describe("An upgrade of the operator", Label("local"), Serial, func() {
	It("restarts nothing and interrupts no work, while another cluster is scaled and updated", func(ctx SpecContext) {
		DeferCleanup(monitor.AllowGap())
		By("installing the operator of an earlier commit")
		manifests := previousOperator(ctx)
		DeferCleanup(installPresent)
		output, err := everywhere.try(manifests, "apply", "-f", "-")
		Expect(err).NotTo(HaveOccurred(), output)
		expectOperators(ctx, "symphony-operator:previous")

		quiet, loaded := newGrid(ctx), newGrid(ctx)
		quiet.start(ctx, object{"compute": object{"replicas": 4}, "master": object{"storage": quiet.share(ctx)}})
		loaded.start(ctx, object{"imagePullPolicy": "IfNotPresent", "compute": object{"replicas": 2, "scaleIn": object{"policy": "Immediate"}, "update": object{"maxUnavailable": 4}}})
		quiet.kubectl("wait", "--for=condition=GUIReady", "symphonycluster/prod", "--timeout="+promptly.String())
		quiet.waitCondition(ctx, v1alpha1.ConditionHostsReady, "True", v1alpha1.ReasonReady)
		working := quiet.names(ctx)[:2]
		quiet.work(working...)
		before, containers := workloads(quiet.snapshot(ctx)), quiet.running(ctx)

		By("installing this one")
		stop := loaded.load()
		installPresent()
		expectOperators(ctx, "symphony-operator:dev")
		Consistently(ctx, func(check Gomega) {
			check.Expect(workloads(quiet.snapshot(ctx)).Disturbed(before)).To(BeEmpty())
			check.Expect(quiet.running(ctx)).To(Equal(containers))
		}).WithTimeout(time.Minute).WithPolling(2 * time.Second).Should(Succeed())
		Expect(quiet.interrupted()).To(BeEmpty())
		Expect(stop()).To(BeNumerically(">", 3), "changes of the other cluster")

		By("seeing that it works with what it has found")
		loaded.patch(object{"image": "symsim:dev", "compute": object{"replicas": 3}})
		loaded.waitReady()
		loaded.waitHosts(ctx, 4)
		quiet.kubectl("scale", "symphonycluster/prod", "--replicas=2")
		quiet.waitReady()
		Expect(quiet.names(ctx)).To(Equal(working))
		quiet.expectTidy(ctx)
		Expect(quiet.interrupted()).To(BeEmpty())
		Expect(workloads(quiet.snapshot(ctx))).To(HaveKeyWithValue("Deployment "+names.MasterName("prod"),
			HaveField("UID", before["Deployment "+names.MasterName("prod")].UID)))
	}, SpecTimeout(8*time.Minute))
})

// previousOperator builds the operator of the commit UPGRADE_FROM, by default one that differs from this one, loads its image
// and returns its manifests.
func previousOperator(ctx context.Context) string {
	GinkgoHelper()
	started := time.Now()
	var said strings.Builder
	command := exec.CommandContext(ctx, "../../hack/previous.sh")
	command.Stderr = &said
	manifests, err := command.Output()
	Expect(err).NotTo(HaveOccurred(), said.String())
	GinkgoWriter.Println(said.String(), "ready after", time.Since(started))
	Expect(string(manifests)).To(ContainSubstring("image: symphony-operator:previous"))
	return string(manifests)
}

// installPresent is the upgrade as the documentation has it.
func installPresent() {
	GinkgoHelper()
	output, err := exec.Command("make", "-s", "-C", "../..", "deploy").CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(output))
}

// expectOperators waits until the operator's pods are those of an image, and one of them leads.
func expectOperators(ctx context.Context, image string) {
	GinkgoHelper()
	operators.kubectl("rollout", "status", "deployment/"+operatorDeployment, "--timeout=90s")
	Eventually(ctx, func(check Gomega) {
		var led bool
		for _, pod := range operatorPods(ctx) {
			check.Expect(pod.Spec.Containers[0].Image).To(Equal(image))
			led = led || pod.Name == leaderPod(ctx)
		}
		check.Expect(led).To(BeTrue())
	}).Should(Succeed())
}

// load changes the number of hosts, the image and an environment variable of the cluster, each time before the last change has
// come to its end, until it is stopped. What stops it returns the number of changes.
func (g *grid) load() (stop func() int) {
	done, ended, changes := make(chan struct{}), make(chan struct{}), 0
	go func() {
		defer GinkgoRecover()
		defer close(ended)
		ticks := time.NewTicker(4 * time.Second)
		defer ticks.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
			}
			changes++
			g.patch(object{"image": []string{"symsim:dev", "sym712:latest"}[changes/3%2], "compute": object{
				"replicas": 1 + changes%4, "env": []object{{"name": "ROUND", "value": strconv.Itoa(changes / 2)}},
			}})
		}
	}()
	stop = sync.OnceValue(func() int {
		close(done)
		<-ended
		return changes
	})
	DeferCleanup(func() { stop() })
	return stop
}

// workloads are the objects whose change or replacement would be felt by users.
func workloads(all oracle.Snapshot) oracle.Snapshot {
	found := oracle.Snapshot{}
	for key, version := range all {
		kind, _, _ := strings.Cut(key, " ")
		switch kind {
		case "Deployment", "ReplicaSet", "Pod", "Service", "PersistentVolumeClaim":
			found[key] = version
		}
	}
	return found
}
