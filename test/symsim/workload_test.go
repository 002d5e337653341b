// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// sharedDir is a directory that all masters of a test can write.
func sharedDir(t *testing.T) string {
	t.Helper()
	shared := t.TempDir()
	for dir, mode := range map[string]os.FileMode{shared: 0o777, filepath.Dir(shared): 0o755} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	return shared
}

// startSharedMaster is a master in a container of its own, whose configuration is in the shared directory.
func startSharedMaster(t *testing.T, shared string) *symsimtest.Host {
	t.Helper()
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_UNAVAILABLE_AFTER=1m")
	succeed(t, master.Run("", "egoconfig", "join", "m", "-f"))
	succeed(t, master.Run("", "egoconfig", "mghost", shared, "-f"))
	succeed(t, master.Run("", "egosh", "ego", "start"))
	NewWithT(t).Eventually(func() int { return master.Run("", "egosh", "ego", "info").Code }, symsimtest.Deadline).Should(Equal(0))
	return master
}

// output is what a command says, without the last line end.
func output(t *testing.T, host *symsimtest.Host, args ...string) string {
	t.Helper()
	result := host.Run("", args...)
	succeed(t, result)
	return strings.TrimSuffix(result.Out, "\n")
}

func taskList(t *testing.T, host *symsimtest.Host) func() []string {
	t.Helper()
	return func() []string { return strings.Split(output(t, host, "symsim", "task", "list"), "\n") }
}

// column is one field of the lines of a log. The last one of the task log has spaces.
func column(text string, at int) []string {
	var found []string
	for line := range strings.Lines(text) {
		found = append(found, strings.SplitN(strings.TrimSpace(line), " ", 5)[at])
	}
	return found
}

func TestTasksAndApplications(t *testing.T) {
	g := NewWithT(t)
	master, _ := newCluster(t)
	g.Expect(output(t, master, "soamview", "app")).To(Equal("No applications found"))
	g.Expect(master.Run("", "soamview", "app", "symping7.1.2", "-l").Code).To(Equal(81))
	g.Expect(output(t, master, "symsim", "task", "log")).To(BeEmpty())

	succeed(t, master.Run("", "symsim", "app", "add", "symping7.1.2", "--consumer", "/SymTesting/Symping712", "--keep-idle"))
	g.Expect(output(t, master, "soamview", "app")).To(Equal("APPLICATION       STATUS    CONSUMER\n" +
		"symping7.1.2      enabled   /SymTesting/Symping712"))
	g.Expect(output(t, master, "symsim", "task", "start", "c", "--app", "symping7.1.2", "--slots", "2")).To(Equal("1"))
	g.Expect(output(t, master, "symsim", "task", "start", "--app=symping7.1.2", "c")).To(Equal("2"))
	g.Expect(output(t, master, "symsim", "task", "start", "--slots=2", "any")).To(Equal("3"), "the host has one slot left")
	g.Expect(master.Run("", "symsim", "task", "start", "c", "--slots=2").Err).To(Equal("Resource <c> has 1 free slots, not 2\n"))
	g.Expect(taskList(t, master)()).To(Equal([]string{
		"1 symping7.1.2 c RUN", "2 symping7.1.2 c RUN", "3 SampleAppCPP - PENDING",
	}))
	g.Expect(output(t, master, "symsim", "task", "finish", "1")).To(Equal("1"))
	g.Expect(output(t, master, "soamview", "app", "symping7.1.2", "-l")).To(Equal("Application name: symping7.1.2\n" +
		"Status: enabled\nSSM host: m\nSSM PID: 1\nConsumer: /SymTesting/Symping712\n" +
		"Pending tasks: 0\nRunning tasks: 1\nDone tasks: 1\nOccupied: 3\nUnused: 2"))
	g.Expect(output(t, master, "egosh", "alloc", "list", "-ll")).To(Equal(`"ALLOC","CLIENT","CONSUMER","RGROUP","RESOURCE","ALLOCATED"` +
		"\n" + `"1","SSM_symping7.1.2","/SymTesting/Symping712","ComputeHosts","c","2"` +
		"\n" + `"2","SSM_symping7.1.2","/SymTesting/Symping712","ComputeHosts","c","1"`))
	g.Expect(strings.Count(output(t, master, "egosh", "activity", "list", "-ll", "-r", "c"), `"RUN"`)).To(Equal(2))

	g.Expect(output(t, master, "symsim", "free", "c")).To(Equal("1"), "only the idle one")
	g.Eventually(taskList(t, master), symsimtest.Deadline).Should(ContainElement("3 SampleAppCPP c RUN"))
	g.Expect(output(t, master, "symsim", "task", "finish", "c")).To(Equal("2"))
	succeed(t, master.Run("", "symsim", "task", "start", "c", "--duration", "10ms"))
	g.Eventually(taskList(t, master), symsimtest.Deadline).Should(ContainElement("4 SampleAppCPP c DONE"))
	log := output(t, master, "symsim", "task", "log")
	g.Expect(column(log, 4)).To(Equal([]string{
		"submitted", "started", "submitted", "started", "submitted", "finished", "started", "finished", "finished",
		"submitted", "started", "finished",
	}))
	first := strings.Split(log, "\n")[1]
	g.Expect(first).To(MatchRegexp(`^\S+Z 1 symping7.1.2 c started$`))
	g.Expect(time.Parse(time.RFC3339Nano, strings.Fields(first)[0])).To(BeTemporally("~", time.Now(), time.Minute))
}

func TestUsageOfSymsim(t *testing.T) {
	g := NewWithT(t)
	master, _ := newCluster(t)
	for _, args := range [][]string{
		{},
		{"task"},
		{"task", "start"},
		{"task", "start", "c", "d"},
		{"task", "start", "c", "--slots", "0"},
		{"task", "start", "c", "--nothing"},
		{"task", "finish"},
		{"app", "add"},
		{"alloc", "c"},
		{"free"},
	} {
		g.Expect(master.Run("", append([]string{"symsim"}, args...)...).Err).To(ContainSubstring("Usage: symsim"), "%v", args)
	}
	g.Expect(master.Run("", "symsim", "app", "add", "two words").Code).NotTo(BeZero())
	g.Expect(master.Run("", "symsim", "task", "start", "c", "--app", "none").Err).To(ContainSubstring("does not exist"))
	g.Expect(master.Run("", "symsim", "writes").Err).To(ContainSubstring("no shared directory"))
}

func TestInterruptedTasksRunElsewhere(t *testing.T) {
	g := NewWithT(t)
	master, member := newCluster(t)
	startMember(t, "d", master)
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("d", "ok"))
	logon(t, master)
	for range 2 {
		succeed(t, master.Run("", "symsim", "task", "start", "c"))
	}
	succeed(t, master.Run("", "egosh", "resource", "close", "c"))
	g.Expect(master.Run("", "symsim", "task", "start", "c").Err).To(Equal("Resource <c> is closed\n"))
	g.Expect(taskList(t, master)()).To(HaveEach(HaveSuffix("c RUN")), "what runs goes on")
	succeed(t, master.Run("", "egosh", "resource", "close", "-reclaim", "c"))
	g.Eventually(taskList(t, master), symsimtest.Deadline).Should(HaveEach(HaveSuffix("d RUN")))
	g.Expect(output(t, master, "symsim", "task", "log")).To(ContainSubstring(" 1 SampleAppCPP c interrupted(reclaim)\n"))

	// A host that dies, and with which no other one is open.
	succeed(t, master.Run("", "egosh", "resource", "open", "c"))
	succeed(t, master.Run("", "symsim", "task", "finish", "all"))
	succeed(t, master.Run("", "symsim", "task", "start", "c"))
	succeed(t, master.Run("", "egosh", "resource", "close", "d"))
	member.KillLIM()
	g.Eventually(taskList(t, master), symsimtest.Deadline).Should(ContainElement("3 SampleAppCPP - PENDING interrupted(host lost)"))
	// It is back, as another start.
	succeed(t, member.Run("", "egosh", "ego", "start"))
	g.Eventually(taskList(t, master), symsimtest.Deadline).Should(ContainElement("3 SampleAppCPP c RUN"))
}

func TestAHostThatIsReplacedAtOnceLosesItsTasks(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_UNAVAILABLE_AFTER=1m")
	startMaster(t, master)
	member := startMember(t, "c", master)
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	succeed(t, master.Run("", "symsim", "task", "start", "c"))
	member.KillLIM()
	succeed(t, member.Run("", "egosh", "ego", "start"))
	g.Eventually(func() []string { return column(output(t, master, "symsim", "task", "log"), 4) }, symsimtest.Deadline).
		Should(Equal([]string{"submitted", "started", "interrupted(host lost)", "requeued", "started"}))
}

func TestHostsHaveTheSlotsThatTheySay(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_SLOTS=2")
	startMaster(t, master)
	startMember(t, "c", master)
	own := newMaster(t, "d")
	own.Env = append(own.Env, "SYMSIM_SLOTS=3", "EGOCONFIG_DISABLE_HOST_CHECK=Y")
	pointTo(own, "m", master.Address)
	succeed(t, own.Run("", "egoconfig", "join", "m", "-f"))
	succeed(t, own.Run("", "egosh", "ego", "start"))
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).
		Should(Equal(map[string]string{"m": "ok", "c": "ok", "d": "ok"}))
	g.Expect(master.Run("", "symsim", "task", "start", "c", "--slots=3").Err).To(Equal("Resource <c> has 2 free slots, not 3\n"))
	succeed(t, master.Run("", "symsim", "task", "start", "d", "--slots=3"))
}

func TestSessionsOnTheSharedDirectorySurviveTheMaster(t *testing.T) {
	g := NewWithT(t)
	shared := sharedDir(t)
	first := startSharedMaster(t, shared)
	member := startMember(t, "c", first)
	g.Eventually(func() map[string]string { return statuses(first) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	succeed(t, first.Run("", "symsim", "app", "add", "durable", "--recoverable"))
	succeed(t, first.Run("", "symsim", "task", "start", "c", "--app", "durable"))
	succeed(t, first.Run("", "symsim", "task", "start", "c"))
	succeed(t, first.Run("", "symsim", "alloc", "c", "1"))
	logon(t, first)
	succeed(t, first.Run("", "egosh", "resource", "close", "c"))
	first.KillLIM()
	g.Expect(first.Run("", "symsim", "task", "start", "c").Code).NotTo(BeZero())

	second := startSharedMaster(t, shared)
	want := []string{"1 durable c RUN", "2 SampleAppCPP c LOST master restarted"}
	g.Expect(taskList(t, second)()).To(Equal(want), "while the host is not heard of")
	pointTo(member, "m", second.Address)
	g.Eventually(func() string { return second.Run("", "egosh", "resource", "view", "c").Out }, symsimtest.Deadline).
		Should(ContainSubstring(member.Address))
	g.Expect(taskList(t, second)()).To(Equal(want))
	g.Expect(allocated(second, "c")).To(Equal([]string{"1", "1"}))
	g.Expect(statuses(second)).To(HaveKeyWithValue("c", "closed"))
	g.Expect(output(t, second, "soamview", "app", "durable", "-l")).To(ContainSubstring("Running tasks: 1\n"))
	g.Expect(output(t, second, "symsim", "task", "finish", "all")).To(Equal("1"))
	log := output(t, second, "symsim", "task", "log")
	g.Expect(column(log, 4)).To(Equal([]string{"submitted", "started", "submitted", "started", "lost", "finished"}))
	g.Expect(strings.TrimSuffix(second.Read(filepath.Join(shared, "kernel", "work", "symsim-tasks.log")), "\n")).To(Equal(log))
	// Without a profile too.
	without := second.Command(second.Path("symsim", "symsim"), "task", "log")
	text, err := without.Output()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(strings.TrimSuffix(string(text), "\n")).To(Equal(log))
}

func TestWritesToTheSharedDirectoryAreNoted(t *testing.T) {
	g := NewWithT(t)
	shared := sharedDir(t)
	first := startSharedMaster(t, shared)
	member := startMember(t, "c", first)
	g.Eventually(func() map[string]string { return statuses(first) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	succeed(t, first.Run("", "symsim", "task", "start", "c"))
	logon(t, first)
	succeed(t, first.Run("", "egosh", "user", "add", "-u", "keeper", "-x", "secret"))
	writes := func() string { return first.Run("", "symsim", "writes").Out }
	g.Eventually(func() int { return strings.Count(writes(), " heartbeat\n") }, symsimtest.Deadline).Should(BeNumerically(">", 1))
	g.Expect(writes()).To(MatchRegexp(`^\S+Z m/[A-Z0-9]{10} start\n`))
	g.Expect(column(writes(), 2)).To(ContainElements(
		"kernel/work/data/symsim-hosts.json", "kernel/work/symsim-tasks.log", "kernel/conf/symsim-users.json"))
	succeed(t, first.Run("", "egosh", "ego", "shutdown", "-f"))
	after := writes()
	g.Expect(after).To(HaveSuffix(" stop\n"))
	g.Consistently(writes, 1500*time.Millisecond).Should(Equal(after))

	second := startSharedMaster(t, shared)
	second.KillLIM()
	after = writes()
	g.Expect(after).NotTo(HaveSuffix(" stop\n"))
	g.Consistently(writes, 1500*time.Millisecond).Should(Equal(after))
	identities := column(after, 1)
	g.Expect(slices.Compact(identities)).To(HaveLen(2), "one after the other")
	g.Expect(member.Run("", "symsim", "writes").Code).NotTo(BeZero(), "only the master has it")

	// Two at a time are seen: the simulator guards nothing.
	third, fourth := startSharedMaster(t, shared), startSharedMaster(t, shared)
	g.Expect(third.LIM()).NotTo(Equal(fourth.LIM()))
	g.Eventually(func() int { return len(slices.Compact(column(writes(), 1))) }, symsimtest.Deadline).Should(BeNumerically(">", 4))
}

func TestTheSessionDirectorIsLaterThanEGO(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_SD_DELAY=1h")
	startMaster(t, master)
	for _, args := range [][]string{{"soamview", "app"}, {"soamview", "app", "x", "-l"}} {
		early := master.Run("", args...)
		g.Expect(early.Code).To(Equal(85))
		g.Expect(early.Err).To(ContainSubstring("Unable to contact"))
	}
	g.Expect(output(t, master, "egosh", "service", "list", "-s", "SD")).To(ContainSubstring("INIT"))
	master.Env = append(master.Env, "SYMSIM_SD_DELAY=50ms")
	succeed(t, master.Run("", "egosh", "ego", "restart", "-f"))
	g.Eventually(func() int { return master.Run("", "soamview", "app").Code }, symsimtest.Deadline).Should(BeZero())
	g.Expect(master.Run("", "soamview", "app", "x", "-l").Code).To(Equal(81))
	g.Expect(output(t, master, "egosh", "service", "list", "-s", "SD")).To(ContainSubstring("STARTED"))
}

func TestHostsWhoseNamesDoNotLeadToThemAreRefused(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_REQUIRE_REVERSE=Y")
	hosts := master.Path("kernel", "conf", "hosts")
	master.Write(hosts, "127.0.0.9 c.invalid\n")
	startMaster(t, master)
	member := startMember(t, "c.invalid", master)
	log := func() string { return master.Read(master.Path("kernel", "log", "lim.log.m")) }
	g.Eventually(log, symsimtest.Deadline).Should(ContainSubstring("EGO's hosts file says that <c.invalid> is 127.0.0.9"))
	master.Write(hosts, "")
	g.Eventually(log, symsimtest.Deadline).Should(ContainSubstring("<c.invalid> at " + member.Address + " cannot be resolved"))
	g.Eventually(func() string { return member.Read(member.Path("kernel", "log", "lim.log.c.invalid")) }, symsimtest.Deadline).
		Should(ContainSubstring("the master refused this host"))
	g.Expect(statuses(master)).NotTo(HaveKey("c.invalid"))
	master.Write(hosts, member.Address+" c.invalid\n")
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c.invalid", "ok"))
	// The operating system's names count too, and a host that is there stays.
	local := startMember(t, "localhost", master)
	g.Eventually(log, symsimtest.Deadline).Should(MatchRegexp(`<localhost> resolves to .*127.0.0.1.* but it is at ` + local.Address))
	master.Write(hosts, "")
	g.Expect(statuses(master)).To(HaveKeyWithValue("c.invalid", "ok"))
}
