// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scripts_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// hook is a preStop hook that was started as the kubelet does.
type hook struct {
	started time.Time
	output  bytes.Buffer
	ended   chan struct{}
	code    int
	took    time.Duration
}

// preStop starts the hook. As with the kubelet, it has ended only when nobody has its outputs open any more.
func (c *container) preStop() *hook {
	c.t.Helper()
	command := c.Command(c.mount("run", "bin", "prestop"))
	for name, value := range c.variables {
		command.Env = append(command.Env, name+"="+value)
	}
	this := &hook{started: time.Now(), ended: make(chan struct{})}
	command.Stdout, command.Stderr = &this.output, &this.output
	if err := command.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		_ = command.Wait()
		this.code, this.took = command.ProcessState.ExitCode(), time.Since(this.started)
		close(this.ended)
	}()
	c.t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-this.ended
	})
	return this
}

// returns waits for the end of the hook, which is never a failure.
func (c *container) returns(this *hook) {
	c.t.Helper()
	c.g.Eventually(this.ended, symsimtest.Deadline).Should(BeClosed())
	c.g.Expect(this.code).To(BeZero(), this.output.String())
}

// says is what the hook has to say.
func (c *container) says() string { return c.Read(c.mount("run", "prestop")) }

// alloc holds slots of a host, and free gives them back.
func (c *container) alloc(host string) {
	c.t.Helper()
	c.g.Expect(c.Run("", c.Path("symsim", "symsim"), "alloc", host, "2")).To(HaveField("Code", 0))
}

func (c *container) free(host string) {
	c.t.Helper()
	c.g.Expect(c.Run("", c.Path("symsim", "symsim"), "free", host)).To(HaveField("Code", 0))
}

// newGrid is a master and a compute host that has joined it and may drain for some seconds.
func newGrid(t *testing.T, seconds string) (master, compute *container, running *run) {
	t.Helper()
	master = newMaster(t)
	compute = newCompute(t, "prod-compute-0", master)
	compute.Write(compute.mount("pod", "drain-seconds"), seconds)
	master.startMaster()
	running = compute.startCompute()
	master.g.Eventually(master.hosts, symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-0", "ok"))
	return master, compute, running
}

func TestPreStopWaitsForTheWorkOfItsHost(t *testing.T) {
	g := NewWithT(t)
	master, compute, running := newGrid(t, "600")
	master.alloc("prod-compute-0")
	hook := compute.preStop()
	g.Eventually(compute.says, symsimtest.Deadline).Should(Equal("waiting for the host's work, up to 600 seconds\n"))
	g.Eventually(running.output.String, symsimtest.Deadline).
		Should(ContainSubstring("symphony-operator: preStop: waiting for the host's work"), "people read the container's log")
	g.Expect(hook.ended).NotTo(BeClosed())
	master.free("prod-compute-0")
	compute.returns(hook)
	g.Expect(compute.says()).To(Equal("the host has no work\n"))
}

func TestPreStopReturnsAtOnceWithoutWork(t *testing.T) {
	g := NewWithT(t)
	master, compute, _ := newGrid(t, "600")
	master.alloc("prod-master")
	hook := compute.preStop()
	compute.returns(hook)
	g.Expect(compute.says()).To(Equal("the host has no work\n"), "another host's work is none of this one's")
	g.Expect(hook.took).To(BeNumerically("<", 10*time.Second))
}

func TestPreStopOfAReleasedPodReturnsAtOnce(t *testing.T) {
	for name, c := range map[string]struct{ file, text string }{
		"released":             {"drain", "Released"},
		"with a line end":      {"drain", "Released\n"},
		"no time for its work": {"drain-seconds", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			master, compute, _ := newGrid(t, "600")
			master.alloc("prod-compute-0")
			compute.Write(compute.mount("pod", c.file), c.text)
			hook := compute.preStop()
			compute.returns(hook)
			g.Expect(hook.took).To(BeNumerically("<", 2*time.Second))
			g.Expect(compute.says()).To(BeEmpty())
		})
	}
}

func TestADrainingPodWaitsAndStaysReady(t *testing.T) {
	g := NewWithT(t)
	master, compute, _ := newGrid(t, "600")
	compute.Write(compute.mount("pod", "drain"), "")
	g.Expect(compute.ready()).To(BeZero())
	compute.Write(compute.mount("pod", "drain"), "Draining")
	g.Expect(compute.ready()).To(BeZero())
	master.alloc("prod-compute-0")
	hook := compute.preStop()
	g.Eventually(compute.says, symsimtest.Deadline).Should(ContainSubstring("waiting"))

	compute.Write(compute.mount("pod", "drain"), "Released")
	g.Expect(compute.ready()).NotTo(BeZero())
	compute.returns(hook)
}

func TestPreStopDoesNotWaitForAMasterThatIsAway(t *testing.T) {
	g := NewWithT(t)
	master, compute, _ := newGrid(t, "600")
	compute.variables["SYMPHONY_DRAIN_LOST_SECONDS"] = "3"
	master.alloc("prod-compute-0")
	hook := compute.preStop()
	g.Eventually(compute.says, symsimtest.Deadline).Should(ContainSubstring("waiting"))
	master.KillLIM()
	compute.returns(hook)
	g.Expect(hook.took).To(BeNumerically(">=", 3*time.Second))
	g.Expect(compute.says()).To(Equal("EGO has not answered for 3 seconds: not waiting for the host's work\n"))
}

// Before EGO runs in a pod there is nothing to wait for, and nobody to ask.
func TestPreStopBeforeTheJoinReturnsAtOnce(t *testing.T) {
	g := NewWithT(t)
	compute := newContainer(t, "prod-compute-0", layout.V712)
	g.Expect(os.Remove(compute.conf("ego.shared"))).To(Succeed())
	compute.variables["SYMPHONY_CLUSTER_NAME"] = ""
	compute.Write(compute.mount("run", "prestop"), "of an earlier container\n")
	running := compute.startCompute()
	g.Eventually(running.output.String, symsimtest.Deadline).Should(ContainSubstring("egoconfig join prod-master:"))
	compute.returns(compute.preStop())
	g.Expect(compute.says()).To(BeEmpty())
}

// lists is an egosh of a container that has started, which prints what it is told to.
func lists(t *testing.T, hosts, allocations string) *container {
	t.Helper()
	this := newContainer(t, "prod-compute-0", layout.V712)
	text, err := os.ReadFile("prestop.sh")
	this.g.Expect(err).NotTo(HaveOccurred())
	this.program("prestop", string(text))
	this.program("egosh", fmt.Sprintf("#!/bin/bash\ncase \"$1\" in resource) printf %%b %q ;; alloc) printf %%b %q ;; ego) ;; *) exit 1 ;; esac\n", hosts, allocations))
	this.Write(this.mount("pod", "drain-seconds"), "600")
	return this
}

func (c *container) program(name, text string) {
	c.t.Helper()
	c.Write(c.mount("run", "bin", name), text)
	c.g.Expect(os.Chmod(c.mount("run", "bin", name), 0o755)).To(Succeed())
}

const (
	someHosts = `"NAME","status","mem"\n"prod-master","ok","1G"\n"prod-compute-0","ok","1G"\n"prod-compute-1","ok","1G"\n`
	header    = `"ALLOC","CLIENT","CONSUMER","RGROUP","RESOURCE","ALLOCATED"\n`
)

// verdicts are what the lists of EGO say about prod-compute-0.
var verdicts = map[string]struct {
	hosts, allocations string
	idle               bool
}{
	"nothing is allocated":                   {someHosts, header, true},
	"another host has work":                  {someHosts, header + `"1","SSM","/A","Compute","prod-compute-1","2"\n`, true},
	"it has work":                            {someHosts, header + `"1","SSM","/A","Compute","prod-compute-0","2"\n`, false},
	"it has work among others":               {someHosts, header + `"1","SSM","/A","Compute","2*prod-compute-1 1*prod-compute-0","3"\n`, false},
	"no slot is left of its work":            {someHosts, header + `"1","SSM","/A","Compute","prod-compute-0","0"\n`, true},
	"work by a long name in upper case":      {someHosts, header + `"1","SSM","/A","Compute","PROD-COMPUTE-0.Example.COM","2"\n`, false},
	"it is known by a long name":             {`"NAME","status"\n"Prod-Compute-0.example.com","ok"\n`, header + `"1","SSM","/A","Compute","prod-compute-0","2"\n`, false},
	"a longer name that begins like its own": {someHosts + `"prod-compute-0x","ok","1G"\n`, header + `"1","SSM","/A","Compute","prod-compute-0x","2"\n`, true},
	"a client of its name":                   {someHosts, header + `"1","prod-compute-0","/A","Compute","prod-compute-1","2"\n`, true},
	"line ends of Windows":                   {strings.ReplaceAll(someHosts, `\n`, `\r\n`), strings.ReplaceAll(header, `\n`, `\r\n`), true},
	"it is not listed":                       {`"NAME","status"\n"prod-master","ok"\n`, "who knows", true},
	"no allocation names a host":             {someHosts, header + `"1","SSM","/A","Compute","host 7","2"\n`, false},
	"an allocation of a host that is gone":   {someHosts, header + `"1","SSM","/A","Compute","gone","2"\n"2","SSM","/A","Compute","prod-master","2"\n`, true},
	"no list of allocations":                 {someHosts, "", false},
	"a list of something else":               {someHosts, `"ACTIVITY","STATE"\n`, false},
	"no list of hosts":                       {"", header, false},
	"hosts without a status":                 {`"NAME"\n"prod-master"\n`, header, false},
	"a host's line that is cut off":          {someHosts + `"prod`, header, false},
	"an allocation that is cut off":          {someHosts, header + `"1","SSM"\n`, false},
	"a line without quotes":                  {someHosts, header + `1,SSM,/A,Compute,prod-compute-1,2\n`, false},
	"a quote inside of a field":              {someHosts, header + `"1","S"SM","/A","Compute","prod-compute-1","2"\n`, false},
	"an amount that is none":                 {someHosts, header + `"1","SSM","/A","Compute","prod-compute-1","-"\n`, false},
	"a column that is there twice":           {someHosts, `"ALLOC","CLIENT","CONSUMER","RGROUP","ALLOCATED","ALLOCATED"\n`, false},
}

// Images have one awk or another: each that this machine has is tried.
func TestPreStopReadsTheListsOfEGO(t *testing.T) {
	for _, awk := range []string{"awk", "gawk", "busybox"} {
		path, err := exec.LookPath(awk)
		if err != nil {
			continue
		}
		for name, c := range verdicts {
			t.Run(awk+": "+name, func(t *testing.T) {
				t.Parallel()
				this := lists(t, c.hosts, c.allocations)
				this.g.Expect(os.Symlink(path, this.mount("run", "bin", "awk"))).To(Succeed())
				this.variables["PATH"] = this.mount("run", "bin") + ":/usr/bin:/bin"
				this.preStop()
				want := "waiting for the host's work, up to 600 seconds\n"
				if c.idle {
					want = "the host has no work\n"
				}
				this.g.Eventually(this.says, symsimtest.Deadline).Should(Equal(want))
			})
		}
	}
}

func TestPreStopOfAnAnswerThatIsNotUnderstoodTakesItsTime(t *testing.T) {
	this := lists(t, someHosts, "garbage")
	this.Write(this.mount("pod", "drain-seconds"), "3")
	hook := this.preStop()
	this.returns(hook)
	this.g.Expect(hook.took).To(BeNumerically(">", 2*time.Second))
	this.g.Expect(this.says()).To(Equal("not waiting any longer for the host's work\n"))
}

// A pod whose annotation somebody took away has the kubelet's limit only.
func TestPreStopWithoutALimitWaits(t *testing.T) {
	g := NewWithT(t)
	this := lists(t, someHosts, "garbage")
	this.Write(this.mount("pod", "drain-seconds"), "")
	hook := this.preStop()
	g.Eventually(this.says, symsimtest.Deadline).Should(ContainSubstring("waiting"))
	g.Consistently(hook.ended, "1s").ShouldNot(BeClosed())
}

func TestPreStopEndsThoughEgoshHangs(t *testing.T) {
	for name, c := range map[string]struct {
		lost, budget, says string
	}{
		"for longer than EGO may be away":  {"2", "600", "EGO has not answered for 2 seconds: not waiting for the host's work\n"},
		"for longer than the pod may take": {"600", "2", "not waiting any longer for the host's work\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			this := lists(t, "", "")
			// Its child keeps what it inherits.
			this.program("egosh", "#!/bin/bash\nsleep 60 &\ntrap '' TERM\nwait\n")
			this.variables["SYMPHONY_DRAIN_LOST_SECONDS"] = c.lost
			this.Write(this.mount("pod", "drain-seconds"), c.budget)
			hook := this.preStop()
			this.returns(hook)
			this.g.Expect(hook.took).To(BeNumerically("<", 12*time.Second))
			this.g.Expect(this.says()).To(Equal(c.says))
		})
	}
}
