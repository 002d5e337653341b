// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scripts_test

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// newMaster is a master that is not started yet.
func newMaster(t *testing.T) *container {
	t.Helper()
	return newContainer(t, "prod-master", layout.V712)
}

// newCompute is a compute container that knows the master's address.
func newCompute(t *testing.T, name string, master *container) *container {
	t.Helper()
	this := newContainer(t, name, layout.V712)
	this.Write(this.mount("pod", "master-hosts"), master.Address+" prod-master")
	return this
}

func TestTextSurvivesKubernetes(t *testing.T) {
	g := NewWithT(t)
	for _, script := range []string{scripts.Master(), scripts.Compute()} {
		// Kubernetes makes $ of $$, and replaces $(NAME) if the container has that variable.
		g.Expect(script).NotTo(ContainSubstring("$$"))
		g.Expect(regexp.MustCompile(`\$\([A-Za-z_][A-Za-z0-9_.-]*\)`).FindString(script)).To(BeEmpty())
		g.Expect(len(script)).To(BeNumerically("<", 40<<10))
	}
}

func TestCommentsStayOut(t *testing.T) {
	g := NewWithT(t)
	for _, script := range []string{scripts.Master(), scripts.Compute()} {
		for line := range strings.Lines(script) {
			if text := strings.TrimSpace(line); strings.HasPrefix(text, "#") {
				g.Expect(text).To(Equal("#!/bin/bash"), "it begins the preStop hook")
			}
		}
	}
	g.Expect(scripts.Compute()).To(ContainSubstring("\n#!/bin/bash\n"))
}

func TestClusterComesUpAndGoes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newMaster(t)
	compute := newCompute(t, "prod-compute-0", master)
	compute.Write(compute.conf("hosts"), "192.0.2.1 license-server\n")
	atMaster, atCompute := master.startMaster(), compute.startCompute()
	master.becomesReady()
	compute.becomesReady()
	want := map[string]string{"prod-master": "ok", "prod-compute-0": "ok"}
	g.Eventually(master.hosts, symsimtest.Deadline).Should(Equal(want))
	g.Expect(compute.hosts()).To(Equal(want))

	g.Expect(master.egosh("ego", "info")).To(ContainSubstring("Cluster name            : prod\n"))
	g.Expect(master.Read(master.conf("ego.conf"))).To(ContainSubstring("EGO_DYNAMIC_HOST_TIMEOUT=10m\n"))
	g.Expect(master.Read(master.conf("ego.cluster.prod"))).To(ContainSubstring("\nEGO_HOST_ADDR_RANGE=*.*.*.*\n"))
	g.Expect(master.conf("ego.cluster.cluster1")).NotTo(BeAnExistingFile())
	g.Expect(master.Read(master.conf("ego.shared"))).To(ContainSubstring("ClusterName\nprod\n"))
	g.Expect(compute.Read(compute.conf("hosts"))).To(ContainSubstring("192.0.2.1 license-server\n"))
	g.Eventually(atMaster.output.String, symsimtest.Deadline).
		Should(ContainSubstring("host <prod-compute-0>"), "EGO's logs are the container's")

	// SIGTERM: EGO goes down in order, and the container ends well.
	for _, one := range []struct {
		*container
		*run
	}{{compute, atCompute}, {master, atMaster}} {
		g.Expect(syscall.Kill(one.command.Process.Pid, syscall.SIGTERM)).To(Succeed())
		g.Eventually(one.ended, symsimtest.Deadline).Should(BeClosed())
		g.Expect(one.command.ProcessState.ExitCode()).To(BeZero())
		g.Expect(one.LIM()).To(BeZero())
		g.Expect(one.terminationMessage()).To(BeEmpty())
	}
}

func TestRestartedContainerStartsFromItsImage(t *testing.T) {
	t.Parallel()
	master := newMaster(t)
	first := master.startMaster()
	master.becomesReady()
	master.g.Expect(syscall.Kill(first.command.Process.Pid, syscall.SIGTERM)).To(Succeed())
	master.g.Eventually(first.ended, symsimtest.Deadline).Should(BeClosed())
	// The file system is new, /symphony/run is not: what it holds must do no harm.
	again := newMaster(t)
	again.variables["SYMPHONY_ROOT"] = master.variables["SYMPHONY_ROOT"]
	again.startMaster()
	again.becomesReady()
}

func TestComputeFollowsTheMaster(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	first := newMaster(t)
	compute := newCompute(t, "prod-compute-0", first)
	compute.Write(compute.conf("hosts"), "192.0.2.1 license-server\n")
	first.startMaster()
	compute.startCompute()
	g.Eventually(first.hosts, symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-0", "ok"))
	lim := compute.LIM()
	// What says nothing changes nothing.
	compute.Write(compute.mount("pod", "master-hosts"), "")
	g.Consistently(first.hosts, "1500ms").Should(HaveKeyWithValue("prod-compute-0", "ok"))
	g.Expect(compute.Read(compute.conf("hosts"))).To(ContainSubstring(first.Address))
	first.KillLIM()

	second := newMaster(t)
	second.startMaster()
	second.becomesReady()
	compute.Write(compute.mount("pod", "master-hosts"), second.Address+" prod-master")
	g.Eventually(second.hosts, symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-0", "ok"))
	g.Expect(compute.LIM()).To(Equal(lim), "nothing restarts")
	hosts := compute.Read(compute.conf("hosts"))
	g.Expect(hosts).NotTo(ContainSubstring(first.Address))
	g.Expect(strings.Count(hosts, "symphony-operator")).To(Equal(2), "one block")
	g.Expect(hosts).To(ContainSubstring("192.0.2.1 license-server\n"))
}

func TestComputeStartsBeforeItsMaster(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newMaster(t)
	compute := newCompute(t, "prod-compute-0", master)
	compute.startCompute()
	compute.becomesReady()
	master.variables["SYMPHONY_LIM_GRACE_SECONDS"] = "1"
	master.Env = append(master.Env, "SYMSIM_START_DELAY=2s")
	running := master.startMaster()
	g.Expect(master.ready()).NotTo(BeZero(), "LIM listens, EGO does not answer")
	g.Eventually(master.hosts, symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-0", "ok"))
	g.Expect(running.ended).NotTo(BeClosed(), "a slow start is no dead LIM")
}

func TestDeadLIMEndsTheContainer(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newMaster(t)
	master.variables["SYMPHONY_LIM_GRACE_SECONDS"] = "2"
	running := master.startMaster()
	master.becomesReady()
	// A restart takes LIM away for less than the grace period.
	g.Expect(master.egosh("ego", "restart", "-f")).To(ContainSubstring("done"))
	master.becomesReady()
	g.Consistently(running.ended, "3s").ShouldNot(BeClosed())
	master.KillLIM()
	g.Expect(master.fails(running)).To(Equal("EGO's LIM has not been running for 2 seconds; the container's log ends with its own.\n"),
		"hosts that lose LIM say the same, so that a condition can count them")
}

func TestSigtermDuringTheStart(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	compute := newContainer(t, "prod-compute-0", layout.V712)
	// A join that cannot work is tried again for minutes.
	g.Expect(os.Remove(compute.conf("ego.shared"))).To(Succeed())
	compute.variables["SYMPHONY_CLUSTER_NAME"] = ""
	running := compute.startCompute()
	g.Eventually(running.output.String, symsimtest.Deadline).Should(ContainSubstring("egoconfig join prod-master:"))
	g.Expect(syscall.Kill(running.command.Process.Pid, syscall.SIGTERM)).To(Succeed())
	g.Eventually(running.ended, symsimtest.Deadline).Should(BeClosed())
	g.Expect(running.command.ProcessState.ExitCode()).To(BeZero())
}

// A master can move while hosts that it has not taken yet look for it.
func TestTheMasterIsFollowedDuringTheJoin(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	compute := newContainer(t, "prod-compute-0", layout.V712)
	g.Expect(os.Remove(compute.conf("ego.shared"))).To(Succeed())
	compute.variables["SYMPHONY_CLUSTER_NAME"] = ""
	compute.Write(compute.mount("pod", "master-hosts"), "192.0.2.1 prod-master")
	running := compute.startCompute()
	g.Eventually(running.output.String, symsimtest.Deadline).Should(ContainSubstring("egoconfig join prod-master:"))
	compute.Write(compute.mount("pod", "master-hosts"), "192.0.2.2 prod-master")
	g.Eventually(func() string { return compute.Read(compute.conf("hosts")) }, symsimtest.Deadline).Should(ContainSubstring("192.0.2.2 prod-master"))
	g.Expect(running.ended).NotTo(BeClosed())
}

func TestImageKeepsItsClusterName(t *testing.T) {
	t.Parallel()
	master := newMaster(t)
	master.variables["SYMPHONY_CLUSTER_NAME"] = ""
	master.startMaster()
	master.becomesReady()
	master.g.Expect(master.egosh("ego", "info")).To(ContainSubstring("Cluster name            : cluster1\n"))
}

func TestEgoConfReplacesSettings(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newMaster(t)
	master.Write(master.conf("ego.conf"), master.Read(master.conf("ego.conf"))+
		" EGO_LOG_MASK = LOG_ERR\n#EGO_LOG_MASK=LOG_DEBUG\nEGO_LOG_MASKED=Y\n")
	master.variables["SYMPHONY_EGO_CONF"] = `EGO_LOG_MASK="LOG_INFO a=b \t"`
	master.startMaster()
	master.becomesReady()
	conf := master.Read(master.conf("ego.conf"))
	g.Expect(conf).NotTo(ContainSubstring("LOG_ERR"))
	g.Expect(conf).To(ContainSubstring("\nEGO_LOG_MASK=\"LOG_INFO a=b \\t\"\n"))
	g.Expect(conf).To(And(ContainSubstring("#EGO_LOG_MASK=LOG_DEBUG\n"), ContainSubstring("EGO_LOG_MASKED=Y\n")))
}
