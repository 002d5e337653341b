// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

func TestMain(m *testing.M) { symsimtest.Main(m) }

const containerConf = "EGO_DYNAMIC_HOST_WAIT_TIME=0.1\n"

// configure does to a fresh installation what a start script does before the join.
func configure(t *testing.T, host *symsimtest.Host, conf string) {
	t.Helper()
	path := host.Path("kernel", "conf", "ego.conf")
	host.Write(path, host.Read(path)+conf)
	path = host.Path("kernel", "conf", "ego.cluster.cluster1")
	host.Write(path, strings.Replace(host.Read(path), "# EGO_HOST_ADDR_RANGE", "EGO_HOST_ADDR_RANGE=*.*.*.*\n# ", 1))
}

func newMaster(t *testing.T, name string) *symsimtest.Host {
	t.Helper()
	host := symsimtest.NewHost(t, name, layout.V712)
	configure(t, host, containerConf)
	return host
}

// startMaster is a master that answers.
func startMaster(t *testing.T, host *symsimtest.Host) {
	t.Helper()
	succeed(t, host.Run("", "egoconfig", "join", host.Name, "-f"))
	succeed(t, host.Run("", "egosh", "ego", "start"))
	NewWithT(t).Eventually(func() int { return host.Run("", "egosh", "ego", "info").Code }, symsimtest.Deadline).Should(Equal(0))
}

// startMember is a host that knows its master by the EGO hosts file.
func startMember(t *testing.T, name string, master *symsimtest.Host, settings ...string) *symsimtest.Host {
	t.Helper()
	host := symsimtest.NewHost(t, name, layout.V712)
	configure(t, host, containerConf+strings.Join(settings, ""))
	pointTo(host, master.Name, master.Address)
	host.Env = append(host.Env, "EGOCONFIG_DISABLE_HOST_CHECK=Y")
	succeed(t, host.Run("", "egoconfig", "join", master.Name, "-f"))
	succeed(t, host.Run("", "egosh", "ego", "start"))
	return host
}

func pointTo(host *symsimtest.Host, name, address string) {
	host.Write(host.Path("kernel", "conf", "hosts"), address+" "+name+"\n")
}

func succeed(t *testing.T, result symsimtest.Result) {
	t.Helper()
	NewWithT(t).Expect(result.Code).To(BeZero(), result.Err)
}

// statuses is host name to status, as `resource list -ll` says on a host.
func statuses(host *symsimtest.Host) map[string]string {
	found := map[string]string{}
	for at, line := range strings.Split(strings.TrimSpace(host.Run("", "egosh", "resource", "list", "-ll").Out), "\n") {
		fields := strings.Split(strings.Trim(line, `"`), `","`)
		if at > 0 && len(fields) > 1 {
			found[fields[0]] = fields[1]
		}
	}
	return found
}

func logon(t *testing.T, host *symsimtest.Host) {
	t.Helper()
	result := host.Run("", "egosh", "user", "logon", "-u", "Admin", "-x", "Admin")
	succeed(t, result)
	NewWithT(t).Expect(result.Out).To(Equal("Logged on successfully\n"))
}

func TestHostsJoinTheMasterAndAreListed(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "sym-master")
	startMaster(t, master)
	member := startMember(t, "sym-compute-0", master)
	want := map[string]string{"sym-master": "ok", "sym-compute-0": "ok"}
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(Equal(want))
	// Viewing takes no logon and works on every host.
	g.Expect(statuses(member)).To(Equal(want))
	info := member.Run("", "egosh", "ego", "info")
	g.Expect(info.Out).To(Equal("Cluster name            : cluster1\n" +
		"EGO master host name    : sym-master\nEGO master version      : 3.4\n"))
}

func TestResourceListFormats(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "a-long-master-name")
	startMaster(t, master)

	short := strings.Split(master.Run("", "egosh", "resource", "list").Out, "\n")
	g.Expect(short[0]).To(Equal(
		"NAME     status       mem    swp    tmp   ut    it    pg   r1m  r15s  r15m  ls"))
	g.Expect(short[1]).To(MatchRegexp(`^a-long-\* ok +[0-9]+[GM] +[0-9]+[GM] +[0-9]+[GM] +[0-9]+% +[0-9]+ +0.0 `))
	g.Expect(len(short[1])).To(Equal(len(short[0])))

	long := strings.Split(master.Run("", "egosh", "resource", "list", "-l").Out, "\n")
	g.Expect(strings.Fields(long[0])).To(Equal(strings.Fields(short[0])))
	g.Expect(strings.Fields(long[1])[:2]).To(Equal([]string{"a-long-master-name", "ok"}))

	csv := strings.Split(master.Run("", "egosh", "resource", "list", "-ll").Out, "\n")
	g.Expect(csv[0]).To(Equal(`"NAME","status","mem","swp","tmp","ut","it","pg","r1m","r15s","r15m","ls"`))
	g.Expect(csv[1]).To(HavePrefix(`"a-long-master-name","ok","`))
	g.Expect(strings.Count(csv[1], `","`)).To(Equal(11))

	chosen := master.Run("", "egosh", "resource", "list", "-ll", "-o", "status,ncpus,maxmem").Out
	g.Expect(chosen).To(MatchRegexp(`^"NAME","status","ncpus","maxmem"\n"a-long-master-name","ok","[0-9]+","[0-9]+[GM]"\n$`))
	g.Expect(master.Run("", "egosh", "resource", "list", "-m").Out).To(ContainSubstring("a-long-*"))
	g.Expect(master.Run("", "egosh", "resource", "list", "-ll", "-R", "select(mg)").Out).To(ContainSubstring("a-long-master-name"))
	g.Expect(master.Run("", "egosh", "resource", "view", "a-long-master-name").Out).To(MatchRegexp(`resourceattr.*mg`))
}

func TestUnknownHostsAreComplainedAboutOnStandardError(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	startMaster(t, master)
	some := master.Run("", "egosh", "resource", "list", "-ll", "m", "nobody")
	g.Expect(some.Out).To(HavePrefix(`"NAME","status"`))
	g.Expect(some.Out).To(ContainSubstring(`"m","ok"`))
	g.Expect(some.Err).To(ContainSubstring("Resource <nobody> is not found"))
	none := master.Run("", "egosh", "resource", "list", "-ll", "nobody")
	g.Expect(none.Out).To(BeEmpty())
	g.Expect(none.Err).To(ContainSubstring("No resource found"))
}

func TestEgoconfigRefusesRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be refused")
	}
	g := NewWithT(t)
	host := newMaster(t, "m")
	result := host.RunAsRoot("egoconfig", "join", "m", "-f")
	g.Expect(result.Code).NotTo(BeZero())
	g.Expect(result.Err).To(ContainSubstring("root"))
	g.Expect(host.Read(host.Path("kernel", "conf", "ego.conf"))).To(ContainSubstring(`EGO_MASTER_LIST=""`))
}

func TestEgoconfigAsksWithoutForce(t *testing.T) {
	g := NewWithT(t)
	host := newMaster(t, "m")
	conf := host.Path("kernel", "conf", "ego.conf")
	g.Expect(host.Run("", "egoconfig", "join", "m").Code).NotTo(BeZero(), "the end of the input is no yes")
	g.Expect(host.Run("n\n", "egoconfig", "join", "m").Code).NotTo(BeZero())
	g.Expect(host.Read(conf)).To(ContainSubstring(`EGO_MASTER_LIST=""`))
	succeed(t, host.Run("y\n", "egoconfig", "join", "m"))
	g.Expect(host.Read(conf)).To(ContainSubstring(`EGO_MASTER_LIST="m"`))

	again := host.Run("", "egoconfig", "join", "m", "-f")
	g.Expect(again.Code).To(Equal(1))
	g.Expect(again.Out + again.Err).To(ContainSubstring("This host belongs to the cluster <cluster1>"))

	succeed(t, host.Run("", "egoconfig", "masterlist", "m,n", "-f"))
	g.Expect(host.Read(conf)).To(ContainSubstring(`EGO_MASTER_LIST="m n"`))
}

func TestJoinChecksTheMasterUnlessTold(t *testing.T) {
	g := NewWithT(t)
	host := symsimtest.NewHost(t, "c", layout.V712)
	pointTo(host, "m", "127.255.255.254")
	g.Expect(host.Run("", "egoconfig", "join", "m", "-f").Code).NotTo(BeZero())
	host.Env = append(host.Env, "EGOCONFIG_DISABLE_HOST_CHECK=Y")
	succeed(t, host.Run("", "egoconfig", "join", "m", "-f"))
}

// A host asks to be added only after EGO_DYNAMIC_HOST_WAIT_TIME; with the product's 60 s everything would seem broken for a
// minute.
func TestHostsJoinLate(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	startMaster(t, master)
	started := time.Now()
	member := startMember(t, "c", master, "EGO_DYNAMIC_HOST_WAIT_TIME=2\n")
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	g.Expect(time.Since(started)).To(BeNumerically(">", 2*time.Second))
	g.Expect(member.Read(member.Path("kernel", "log", "lim.log.c"))).To(ContainSubstring("waiting 2s (EGO_DYNAMIC_HOST_WAIT_TIME)"))
}

// There is no third place to look a name up: a host whose hosts file lacks the master never finds it.
func TestAMasterThatNoHostsFileNamesIsNotFound(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	startMaster(t, master)
	member := startMember(t, "c", master)
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	member.Write(member.Path("kernel", "conf", "hosts"), "")
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "unavail"))
	pointTo(member, "m", master.Address)
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
}

func TestSilentHostsAreUnavailableAndComeBack(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	startMaster(t, master)
	member := startMember(t, "c", master)
	status := func() string { return statuses(master)["c"] }
	g.Eventually(status, symsimtest.Deadline).Should(Equal("ok"))
	member.KillLIM()
	g.Eventually(status, symsimtest.Deadline).Should(Equal("unavail"))
	g.Expect(master.Run("", "egosh", "resource", "list", "-ll", "c").Out).To(ContainSubstring(`"c","unavail","-","-"`))
	succeed(t, member.Run("", "egosh", "ego", "start"))
	g.Eventually(status, symsimtest.Deadline).Should(Equal("ok"))
}

func TestUnavailableHostsDisappearAfterTheTimeout(t *testing.T) {
	g := NewWithT(t)
	master := symsimtest.NewHost(t, "m", layout.V712)
	// 0.005 minutes.
	configure(t, master, "EGO_DYNAMIC_HOST_TIMEOUT=0.005m\n")
	startMaster(t, master)
	member := startMember(t, "c", master)
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	member.KillLIM()
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(Equal(map[string]string{"m": "ok"}))
}

func TestAMovedMasterIsFoundThroughTheHostsFile(t *testing.T) {
	g := NewWithT(t)
	first := newMaster(t, "m")
	startMaster(t, first)
	member := startMember(t, "c", first)
	g.Eventually(func() map[string]string { return statuses(first) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	lim := member.LIM()
	first.KillLIM()

	// A new master of the same name, at another address, in a new container: it knows nobody.
	second := newMaster(t, "m")
	startMaster(t, second)
	g.Expect(statuses(second)).NotTo(HaveKey("c"))
	pointTo(member, "m", second.Address)
	g.Eventually(func() map[string]string { return statuses(second) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	g.Expect(member.LIM()).To(Equal(lim), "the hosts file is read without a restart")
}

func TestHostsOutsideTheRangeAreRefused(t *testing.T) {
	g := NewWithT(t)
	master := symsimtest.NewHost(t, "m", layout.V712)
	startMaster(t, master)
	member := startMember(t, "c", master)
	g.Eventually(func() string {
		return member.Read(member.Path("kernel", "log", "lim.log.c"))
	}, symsimtest.Deadline).Should(ContainSubstring("is not in EGO_HOST_ADDR_RANGE"))
	g.Expect(statuses(master)).NotTo(HaveKey("c"))
}

func TestSharedDirectorySurvivesTheContainer(t *testing.T) {
	g := NewWithT(t)
	shared := t.TempDir()
	g.Expect(os.Chmod(shared, 0o777)).To(Succeed())
	g.Expect(os.Chmod(filepath.Dir(shared), 0o755)).To(Succeed())
	first := newMaster(t, "m")
	succeed(t, first.Run("", "egoconfig", "join", "m", "-f"))
	succeed(t, first.Run("", "egoconfig", "mghost", shared, "-f"))
	g.Expect(filepath.Join(shared, "kernel", "conf", "ego.conf")).To(BeARegularFile())
	succeed(t, first.Run("", "egosh", "ego", "start"))
	member := startMember(t, "c", first)
	g.Eventually(func() map[string]string { return statuses(first) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	logon(t, first)
	succeed(t, first.Run("", "egosh", "resource", "close", "c"))
	succeed(t, first.Run("", "egosh", "user", "add", "-u", "keeper", "-x", "secret"))
	first.KillLIM()

	second := newMaster(t, "m")
	succeed(t, second.Run("", "egoconfig", "join", "m", "-f"))
	succeed(t, second.Run("", "egoconfig", "mghost", shared, "-f"))
	succeed(t, second.Run("", "egosh", "ego", "start"))
	pointTo(member, "m", second.Address)
	g.Eventually(func() map[string]string { return statuses(second) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "closed"))
	succeed(t, second.Run("", "egosh", "user", "logon", "-u", "keeper", "-x", "secret"))
}

func TestSlowStart(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_START_DELAY=1500ms")
	succeed(t, master.Run("", "egoconfig", "join", "m", "-f"))
	succeed(t, master.Run("", "egosh", "ego", "start"))
	g.Expect(master.Run("", "egosh", "ego", "info").Code).NotTo(BeZero())
	g.Expect(master.Run("", "egosh", "user", "logon", "-u", "Admin", "-x", "Admin").Code).NotTo(BeZero())
	g.Expect(master.Run("", "soamview", "app").Code).To(Equal(85))
	g.Eventually(func() int { return master.Run("", "egosh", "ego", "info").Code }, symsimtest.Deadline).Should(BeZero())
	g.Expect(master.Run("", "soamview", "app").Out).To(ContainSubstring("No applications found"))
}

func TestRestartAndShutdown(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	startMaster(t, master)
	before := master.LIM()
	g.Expect(master.Run("", "egosh", "ego", "restart").Code).NotTo(BeZero(), "it asks without -f")
	succeed(t, master.Run("", "egosh", "ego", "restart", "-f"))
	g.Expect(master.LIM()).NotTo(Or(BeZero(), Equal(before)))
	succeed(t, master.Run("y\n", "egosh", "ego", "shutdown"))
	g.Expect(master.LIM()).To(BeZero())
	g.Expect(master.Run("", "egosh", "ego", "info").Code).NotTo(BeZero())
}

func TestVersion732(t *testing.T) {
	g := NewWithT(t)
	master := symsimtest.NewHost(t, "m", layout.V732)
	succeed(t, master.Run("", "egoconfig", "join", "m", "-f"))
	early := master.Run("", "egosh", "ego", "start")
	g.Expect(early.Code).NotTo(BeZero(), "the password comes before the first start")
	succeed(t, master.Run("", "egoconfig", "setpassword", "-x", "hunter2hunter2", "-f"))
	succeed(t, master.Run("", "egosh", "ego", "start"))
	g.Eventually(func() string { return master.Run("", "egosh", "ego", "info").Out }, symsimtest.Deadline).
		Should(ContainSubstring("EGO primary host name   : m"))
	g.Expect(master.Run("", "egosh", "user", "logon", "-u", "Admin", "-x", "Admin").Code).NotTo(BeZero())
	succeed(t, master.Run("", "egosh", "user", "logon", "-u", "Admin", "-x", "hunter2hunter2"))
}

func TestFullWorkloadManagerNeedsRoot(t *testing.T) {
	g := NewWithT(t)
	master := symsimtest.NewHost(t, "m", layout.V712)
	configure(t, master, "EGO_SIMPLIFIED_WEM=N\n")
	succeed(t, master.Run("", "egoconfig", "join", "m", "-f"))
	result := master.Run("", "egosh", "ego", "start")
	g.Expect(result.Code).NotTo(BeZero())
	g.Expect(result.Err).To(ContainSubstring("only root"))
	g.Expect(fmt.Sprint(master.LIM())).To(Equal("0"))
}
