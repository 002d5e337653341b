// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scripts_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// newShare is an empty shared directory.
func newShare(t *testing.T) string {
	t.Helper()
	// Of a host of its own, because it outlives every container.
	host := symsimtest.NewHost(t, "storage", layout.V712)
	share := filepath.Join(host.Dir, "shared")
	host.Mkdir(share)
	return share
}

// sharing is a master container of a pod, with a shared directory. Its lease is short.
func sharing(t *testing.T, share, pod string, version layout.Version) *container {
	t.Helper()
	this := newContainer(t, "prod-master", version)
	this.variables["SYMPHONY_SHARED_DIR"] = share
	this.variables["SYMPHONY_CLUSTER_ID"] = "grid/prod"
	this.variables["SYMPHONY_POD_UID"] = pod
	this.variables["SYMPHONY_POD_IP"] = this.Address
	this.variables["SYMPHONY_LEASE_SECONDS"] = "6"
	return this
}

func (c *container) shared(elements ...string) string {
	return filepath.Join(append([]string{c.variables["SYMPHONY_SHARED_DIR"]}, elements...)...)
}

func (c *container) own(name string) string { return c.shared(".symphony-operator", name) }

// signal goes to the script and what it runs, but not to EGO, whose daemons are in sessions of their own.
func (c *container) signal(this *run, signal syscall.Signal) {
	c.t.Helper()
	c.g.Expect(syscall.Kill(-this.command.Process.Pid, signal)).To(Succeed())
}

// stop is what the kubelet does.
func (c *container) stop(this *run) {
	c.t.Helper()
	c.g.Expect(syscall.Kill(this.command.Process.Pid, syscall.SIGTERM)).To(Succeed())
	c.g.Eventually(this.ended, symsimtest.Deadline).Should(BeClosed())
	c.g.Expect(this.command.ProcessState.ExitCode()).To(BeZero())
}

// vanish is the end of a container: of all that runs in it, without a word.
func (c *container) vanish(this *run) {
	c.t.Helper()
	c.signal(this, syscall.SIGKILL)
	if c.LIM() != 0 {
		c.KillLIM()
	}
	<-this.ended
}

func (c *container) waitsForItsTurn(this *run) {
	c.t.Helper()
	c.g.Eventually(this.output.String, symsimtest.Deadline).Should(ContainSubstring("another master has the shared directory"))
	c.g.Expect(c.LIM()).To(BeZero())
}

func TestALaterMasterTakesUpWhatTheFirstLeft(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	share := newShare(t)
	first := sharing(t, share, "pod-1", layout.V712)
	running := first.startMaster()
	first.becomesReady()
	g.Expect(first.Read(first.own("identity"))).To(Equal("cluster=grid/prod\nego=prod\n"))
	g.Expect(first.own("complete")).To(BeAnExistingFile())
	first.egosh("user", "logon", "-u", "Admin", "-x", "Admin")
	g.Expect(first.egosh("user", "add", "-u", "risk", "-x", "analyst1")).To(ContainSubstring("added successfully"))
	first.Write(first.shared("kernel", "conf", "hosts"), "192.0.2.1 license-server\n"+first.Read(first.shared("kernel", "conf", "hosts")))
	first.stop(running)

	second := sharing(t, share, "pod-2", layout.V712)
	second.variables["SYMPHONY_EGO_CONF"] = "EGO_DYNAMIC_HOST_TIMEOUT=11m\nEGO_DYNAMIC_HOST_WAIT_TIME=0.1"
	second.startMaster()
	second.becomesReady()
	g.Expect(second.egosh("ego", "info")).To(ContainSubstring("Cluster name            : prod\n"))
	g.Expect(second.egosh("user", "logon", "-u", "risk", "-x", "analyst1")).To(ContainSubstring("Logged on successfully"))
	g.Expect(second.hosts()).To(Equal(map[string]string{"prod-master": "ok"}))
	g.Expect(second.Read(second.shared("kernel", "conf", "ego.conf"))).To(ContainSubstring("EGO_DYNAMIC_HOST_TIMEOUT=11m\n"))
	hosts := second.Read(second.shared("kernel", "conf", "hosts"))
	g.Expect(hosts).To(ContainSubstring(second.Address + " prod-master\n"))
	g.Expect(hosts).NotTo(ContainSubstring(first.Address))
	g.Expect(hosts).To(ContainSubstring("192.0.2.1 license-server\n"))

	// Compute hosts look for it as ever.
	compute := newCompute(t, "prod-compute-0", second)
	compute.startCompute()
	g.Eventually(second.hosts, symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-0", "ok"))
}

// What a crash between any two steps of the first start leaves behind must not be taken for a cluster.
func TestAFirstStartThatWasCutShortIsRepeated(t *testing.T) {
	for name, left := range map[string]map[string]string{
		"before the lease":     {".symphony-operator/other": ""},
		"before the identity":  {".symphony-operator/epoch-1/x": "", ".symphony-operator/lease": "epoch=1\nholder=pod-0\nseconds=1\nrenewed=1\n"},
		"before mghost":        {".symphony-operator/identity": "cluster=grid/prod\nego=prod\n"},
		"within mghost":        {".symphony-operator/identity": "cluster=grid/prod\nego=prod\n", "kernel/conf/ego.conf": "EGO_VERSION=3.4\n"},
		"while a file is made": {".symphony-operator/identity.symphony-operator": "clus"},
	} {
		t.Run(name, func(t *testing.T) {
			master := sharing(t, newShare(t), "pod-1", layout.V712)
			for file, text := range left {
				master.Write(master.shared(file), text)
			}
			master.startMaster()
			master.becomesReady()
			NewWithT(t).Expect(master.own("complete")).To(BeAnExistingFile())
			NewWithT(t).Expect(master.shared("kernel", "conf", "ego.cluster.prod")).To(BeAnExistingFile())
			if half := left["kernel/conf/ego.conf"]; half != "" {
				NewWithT(t).Expect(master.Read(master.own("conf-before-epoch-1/ego.conf"))).To(Equal(half), "nothing is deleted")
			}
		})
	}
}

func TestASharedDirectoryOfSomebodyElseIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		identity, clusterName, want string
	}{
		"another SymphonyCluster's": {
			"cluster=grid/test\nego=prod\n", "prod", "it holds the EGO cluster prod of the SymphonyCluster grid/test, and this is grid/prod.",
		},
		"another EGO cluster's": {
			"cluster=grid/prod\nego=symphony712\n", "prod", "create this one with clusterName symphony712, or use another claim",
		},
		"of an EGO that the operator did not make": {"", "prod", "write two lines into that file: cluster=grid/prod and ego=prod"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			master := sharing(t, newShare(t), "pod-1", layout.V712)
			master.variables["SYMPHONY_CLUSTER_NAME"] = c.clusterName
			master.Write(master.shared("kernel", "conf", "ego.conf"), "precious\n")
			if c.identity != "" {
				master.Write(master.own("identity"), c.identity)
			}
			message := master.fails(master.startMaster())
			g.Expect(message).To(HavePrefix(scripts.ForeignDirectory))
			g.Expect(message).To(ContainSubstring(c.want))
			g.Expect(master.Read(master.shared("kernel", "conf", "ego.conf"))).To(Equal("precious\n"))
			g.Expect(master.own("lease")).NotTo(BeAnExistingFile())
			g.Expect(master.LIM()).To(BeZero())
		})
	}
}

// Who waits for the lease of a directory that was empty finds out meanwhile whose it became.
func TestADirectoryThatBecomesAnothersIsRefused(t *testing.T) {
	share := newShare(t)
	first := sharing(t, share, "pod-1", layout.V712)
	first.startMaster()
	first.becomesReady()
	second := sharing(t, share, "pod-2", layout.V712)
	second.variables["SYMPHONY_CLUSTER_ID"] = "grid/test"
	second.g.Expect(second.fails(second.startMaster())).To(ContainSubstring("of the SymphonyCluster grid/prod, and this is grid/test"))
}

// An image that was installed with another name goes on with the cluster that is there.
func TestTheClusterThatIsThereKeepsItsName(t *testing.T) {
	t.Parallel()
	share := newShare(t)
	first := sharing(t, share, "pod-1", layout.V712)
	first.stop(func() *run { this := first.startMaster(); first.becomesReady(); return this }())
	second := sharing(t, share, "pod-2", layout.V712)
	second.variables["SYMPHONY_CLUSTER_NAME"] = ""
	second.startMaster()
	second.becomesReady()
	second.g.Expect(second.egosh("ego", "info")).To(ContainSubstring("Cluster name            : prod\n"))
}

func TestAnotherReleaseOfEGOIsRefused(t *testing.T) {
	t.Parallel()
	share := newShare(t)
	first := sharing(t, share, "pod-1", layout.V712)
	first.stop(func() *run { this := first.startMaster(); first.becomesReady(); return this }())
	second := sharing(t, share, "pod-2", layout.V732)
	second.variables["LICENSE"] = "accept"
	second.g.Expect(second.fails(second.startMaster())).To(ContainSubstring("has the configuration of EGO 3.4, and this image has EGO 4.0"))
}

func TestTheSecondOfTwoMastersWaitsUntilTheFirstIsDead(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	share := newShare(t)
	first, second := sharing(t, share, "pod-1", layout.V712), sharing(t, share, "pod-2", layout.V712)
	atFirst := first.startMaster()
	first.becomesReady()
	second.hadItsTurn(2)
	atSecond := second.startMaster()
	second.waitsForItsTurn(atSecond)
	g.Consistently(second.LIM, "7s").Should(BeZero(), "longer than a lease")
	g.Expect(first.ready()).To(BeZero())

	first.vanish(atFirst)
	second.becomesReady()
	g.Expect(second.Read(second.own("lease"))).To(HavePrefix("epoch=2\nholder=pod-2\n"))
}

// A machine that stood still comes back with a master that knows nothing of its successor.
func TestAMasterThatWasFrozenKillsItsEGO(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	share := newShare(t)
	first, second := sharing(t, share, "pod-1", layout.V712), sharing(t, share, "pod-2", layout.V712)
	atFirst := first.startMaster()
	first.becomesReady()
	lim := first.LIM()
	g.Expect(syscall.Kill(lim, syscall.SIGSTOP)).To(Succeed())
	first.signal(atFirst, syscall.SIGSTOP)
	second.startMaster()
	second.becomesReady()

	g.Expect(syscall.Kill(lim, syscall.SIGCONT)).To(Succeed())
	first.signal(atFirst, syscall.SIGCONT)
	g.Eventually(first.LIM, "5s").Should(BeZero())
	g.Expect(first.fails(atFirst)).To(ContainSubstring("EGO was killed"))
	g.Consistently(second.ready, "3s").Should(BeZero(), "the successor is left alone")
	g.Expect(second.Read(second.own("lease"))).To(HavePrefix("epoch=2\nholder=pod-2\n"))
}

// A newer epoch is the end also while the directory can be written to.
func TestAMasterThatWasReplacedKillsItsEGO(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	first := sharing(t, newShare(t), "pod-1", layout.V712)
	first.variables["SYMPHONY_LEASE_SECONDS"] = "15"
	running := first.startMaster()
	first.becomesReady()
	first.Write(first.own("lease"), "epoch=7\nholder=pod-2\nseconds=15\nrenewed=0\n")
	g.Expect(first.fails(running)).To(Equal("Another master has taken over the shared directory: EGO was killed here.\n"))
	g.Expect(first.LIM()).To(BeZero())
	g.Expect(first.Read(first.own("lease"))).To(HavePrefix("epoch=7\nholder=pod-2\n"))
}

// A late write of a predecessor must not end the one that is in its right.
func TestAnOlderEpochIsWrittenOver(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	first := sharing(t, newShare(t), "pod-1", layout.V712)
	first.Write(first.own("lease"), "epoch=4\nholder=\nseconds=6\nrenewed=0\n")
	running := first.startMaster()
	first.becomesReady()
	first.Write(first.own("lease"), "epoch=4\nholder=pod-0\nseconds=6\nrenewed=9\n")
	g.Eventually(func() string { return first.Read(first.own("lease")) }, symsimtest.Deadline).Should(HavePrefix("epoch=5\nholder=pod-1\n"))
	g.Expect(running.ended).NotTo(BeClosed())
}

func TestAMasterThatCannotRenewItsLeaseKillsItsEGO(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	first := sharing(t, newShare(t), "pod-1", layout.V712)
	running := first.startMaster()
	first.becomesReady()
	g.Expect(os.Chmod(first.own(""), 0o555)).To(Succeed())
	t.Cleanup(func() { _ = os.Chmod(first.own(""), 0o755) })
	message := first.fails(running)
	g.Expect(message).To(And(ContainSubstring("could not be written to for 4 seconds: EGO was killed"), ContainSubstring("Permission denied")))
	g.Expect(first.LIM()).To(BeZero())
}

// A hung directory hangs who writes to it, and for ever: a pipe that nobody reads does the same.
func TestAMasterWhoseDirectoryHangsKillsItsEGO(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	first := sharing(t, newShare(t), "pod-1", layout.V712)
	running := first.startMaster()
	first.becomesReady()
	g.Eventually(func() error {
		_ = os.Remove(first.own("lease.pod-1"))
		return syscall.Mkfifo(first.own("lease.pod-1"), 0o666)
	}).Should(Succeed())
	g.Expect(first.fails(running)).To(ContainSubstring("could not be written to for 4 seconds"))
	g.Expect(first.LIM()).To(BeZero())
}

// Where the script is not process 1, its end does not end EGO.
func TestEGODoesNotOutliveItsScript(t *testing.T) {
	g := NewWithT(t)
	first := sharing(t, newShare(t), "pod-1", layout.V712)
	running := first.startMaster()
	first.becomesReady()
	g.Expect(syscall.Kill(running.command.Process.Pid, syscall.SIGKILL)).To(Succeed())
	g.Eventually(first.LIM, symsimtest.Deadline).Should(BeZero())
}

// With these leases, waiting for one to expire would take longer than the test may.
func TestWhoNeedNotWaitDoesNot(t *testing.T) {
	t.Run("after a clean stop", func(t *testing.T) {
		share := newShare(t)
		first, second := sharing(t, share, "pod-1", layout.V712), sharing(t, share, "pod-2", layout.V712)
		for _, one := range []*container{first, second} {
			one.variables["SYMPHONY_LEASE_SECONDS"] = "300"
		}
		atFirst := first.startMaster()
		first.becomesReady()
		second.waitsForItsTurn(second.startMaster())
		first.stop(atFirst)
		NewWithT(t).Expect(atFirst.output.String()).To(ContainSubstring("the shared directory is released"))
		second.becomesReady()
	})
	t.Run("in a new container of the same pod", func(t *testing.T) {
		share := newShare(t)
		first, again := sharing(t, share, "pod-1", layout.V712), sharing(t, share, "pod-1", layout.V712)
		first.variables["SYMPHONY_LEASE_SECONDS"] = "300"
		atFirst := first.startMaster()
		first.becomesReady()
		first.vanish(atFirst)
		again.startMaster()
		again.becomesReady()
		NewWithT(t).Expect(again.Read(again.own("lease"))).To(HavePrefix("epoch=2\nholder=pod-1\n"))
	})
}

// The lease tells how long it is good for: a later release of the script may have another opinion.
func TestALeaseIsGoodForAsLongAsItsHolderSaid(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := sharing(t, newShare(t), "pod-2", layout.V712)
	master.variables["SYMPHONY_LEASE_SECONDS"] = "1"
	master.Write(master.own("lease"), "epoch=1\nholder=pod-1\nseconds=300\nrenewed=1\n")
	running := master.startMaster()
	master.waitsForItsTurn(running)
	g.Consistently(master.LIM, "3s").Should(BeZero())
	master.stop(running)
}

// A lease that cannot be read says nothing, least of all that it is free.
func TestALeaseThatCannotBeReadIsWaitedFor(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := sharing(t, newShare(t), "pod-2", layout.V712)
	master.variables["SYMPHONY_LEASE_SECONDS"] = "3"
	master.Mkdir(master.own("epoch-41"))
	master.Write(master.own("lease"), "nonsense\n")
	began := time.Now()
	master.startMaster()
	master.becomesReady()
	g.Expect(time.Since(began)).To(BeNumerically(">", 2*time.Second))
	g.Expect(master.Read(master.own("lease"))).To(HavePrefix("epoch=42\nholder=pod-2\n"))
	g.Expect(master.own("epoch-41")).NotTo(BeADirectory())
}

func TestOneOfManyMastersGetsTheLease(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	share := newShare(t)
	var all []*container
	for number, pod := range []string{"pod-1", "pod-2", "pod-3", "pod-4"} {
		this := sharing(t, share, pod, layout.V712)
		this.hadItsTurn(number + 1)
		this.variables["SYMPHONY_LEASE_SECONDS"] = "15"
		all = append(all, this)
	}
	for _, this := range all {
		this.startMaster()
	}
	masters := func() (count int) {
		for _, this := range all {
			if this.LIM() != 0 {
				count++
			}
		}
		return count
	}
	g.Eventually(masters, symsimtest.Deadline).Should(Equal(1))
	g.Consistently(masters, "4s").Should(Equal(1))
}

func TestSecretsThatChangedWhileNoMasterRan(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	share := newShare(t)
	start := func(pod, password, entitlement string) (*container, *run) {
		this := sharing(t, share, pod, layout.V732)
		this.variables["LICENSE"] = "accept"
		this.variables["SYMPHONY_ADMIN_PASSWORD_FILE"] = this.mount("admin", "password")
		this.variables["SYMPHONY_ENTITLEMENT_FILE"] = this.mount("entitlement", "entitlement")
		this.Write(this.mount("admin", "password"), password)
		this.Write(this.mount("entitlement", "entitlement"), entitlement)
		running := this.startMaster()
		this.becomesReady()
		return this, running
	}
	first, running := start("pod-1", "first-password", "first\n")
	g.Expect(first.logonCode("first-password")).To(BeZero())
	first.egosh("user", "add", "-u", "risk", "-x", "analyst1")
	first.stop(running)

	same, running := start("pod-2", "first-password", "first\n")
	g.Eventually(running.output.String, symsimtest.Deadline).Should(ContainSubstring("the password of Admin was set from its Secret\n"))
	g.Expect(running.output.String()).NotTo(ContainSubstring("EGO restarts"))
	g.Expect(same.logonCode("first-password")).To(BeZero())
	same.stop(running)

	other, running := start("pod-3", "second-password", "second\n")
	g.Eventually(func() int { return other.logonCode("second-password") }, symsimtest.Deadline).Should(BeZero())
	g.Expect(other.egosh("entitlement", "info")).To(ContainSubstring("second"))
	g.Expect(other.egosh("user", "logon", "-u", "risk", "-x", "analyst1")).To(ContainSubstring("Logged on"))
	g.Expect(strings.Contains(running.output.String(), "second-password")).To(BeFalse())
}

// The operator writes the names of compute hosts into ConfigMaps, which the kubelet shows as files.
func TestComputeHostsAreInTheMastersHostsFile(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newMaster(t)
	master.variables["SYMPHONY_POD_IP"] = master.Address
	master.variables["SYMPHONY_HOSTS_SECONDS"] = "1"
	master.Write(master.conf("hosts"), "192.0.2.1 license-server\n")
	master.startMaster()
	master.becomesReady()
	hosts := func() string { return master.Read(master.conf("hosts")) }
	block := func(lines ...string) string {
		return "# BEGIN symphony-operator (kept up to date: do not edit)\n" + master.Address + " prod-master\n" +
			strings.Join(append(lines, ""), "\n") + "# END symphony-operator\n192.0.2.1 license-server\n"
	}
	g.Expect(hosts()).To(Equal(block()))

	shard := func(name, text string) { master.Write(master.mount("compute-hosts", name), text) }
	shard("hosts-2", "10.0.0.3 prod-compute-c")
	shard("hosts-0", "10.0.0.1 prod-compute-a\n10.0.0.2 prod-compute-b\n")
	g.Eventually(hosts, symsimtest.Deadline).Should(Equal(block("10.0.0.1 prod-compute-a", "10.0.0.2 prod-compute-b", "10.0.0.3 prod-compute-c")))

	shard("hosts-0", "10.0.0.1 prod-compute-a\n10.0.0.9 prod-compute-b\n")
	g.Eventually(hosts, symsimtest.Deadline).Should(Equal(block("10.0.0.1 prod-compute-a", "10.0.0.9 prod-compute-b", "10.0.0.3 prod-compute-c")))
	before, err := os.Stat(master.conf("hosts"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Consistently(func() bool {
		after, err := os.Stat(master.conf("hosts"))
		return err == nil && os.SameFile(before, after)
	}, "3s").Should(BeTrue(), "at rest nothing is written")

	g.Expect(os.Remove(master.mount("compute-hosts", "hosts-0"))).To(Succeed())
	g.Eventually(hosts, symsimtest.Deadline).Should(Equal(block("10.0.0.3 prod-compute-c")))
}
