// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scripts_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

func TestMain(m *testing.M) { symsimtest.Main(m) }

// container is a host with the mounts and the environment that a container gets.
type container struct {
	*symsimtest.Host

	t *testing.T
	g *WithT
	// variables are the container's environment, over the common one.
	variables map[string]string
}

func newContainer(t *testing.T, name string, version layout.Version) *container {
	t.Helper()
	host := symsimtest.NewHost(t, name, version)
	this := &container{Host: host, t: t, g: NewWithT(t), variables: map[string]string{
		"SYMPHONY_INSTALL_DIR":     host.Version.Top,
		"SYMPHONY_MASTER_HOST":     "prod-master",
		"SYMPHONY_CLUSTER_NAME":    "prod",
		"SYMPHONY_EGO_CONF":        "EGO_DYNAMIC_HOST_TIMEOUT=10m\nEGO_DYNAMIC_HOST_WAIT_TIME=0.1",
		"SYMPHONY_ROOT":            filepath.Join(host.Dir, "symphony"),
		"SYMPHONY_PASSWD_FILE":     filepath.Join(host.Dir, "passwd"),
		"SYMPHONY_TERMINATION_LOG": filepath.Join(host.Dir, "termination-log"),
		"SYMPHONY_LIM_ADDRESS":     host.Address,
	}}
	host.Write(filepath.Join(host.Dir, "passwd"),
		fmt.Sprintf("root:x:0:0::/:/bin/sh\negoadmin:x:%d:0::/:/bin/sh\n", symsimtest.Administrator()))
	host.Mkdir(this.mount("run"))
	return this
}

// mount is a file below /symphony.
func (c *container) mount(elements ...string) string {
	return filepath.Join(append([]string{c.variables["SYMPHONY_ROOT"]}, elements...)...)
}

func (c *container) terminationMessage() string {
	return c.Read(c.variables["SYMPHONY_TERMINATION_LOG"])
}

func (c *container) conf(name string) string { return c.Path("kernel", "conf", name) }

// run is a started script.
type run struct {
	command *exec.Cmd
	output  lockedBuffer
	ended   chan struct{}
}

type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// start runs a script as a container does: bash -c TEXT.
func (c *container) start(script string) *run {
	c.t.Helper()
	command := c.Command("/bin/bash", "-c", script)
	for name, value := range c.variables {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Env = append(command.Env,
		"PATH="+c.mount("run", "bin")+":"+c.Path("symsim")+":/usr/local/bin:/usr/bin:/bin")
	this := &run{command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = &this.output, &this.output
	if err := command.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		_ = command.Wait()
		close(this.ended)
	}()
	c.t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-this.ended
		if c.t.Failed() {
			c.t.Logf("output of %s:\n%s\ntermination message: %s", c.Name, this.output.String(), c.terminationMessage())
		}
	})
	return this
}

func (c *container) startMaster() *run  { return c.start(scripts.Master()) }
func (c *container) startCompute() *run { return c.start(scripts.Compute()) }

// ready runs the readiness probe.
func (c *container) ready() int {
	command := c.Command("/bin/bash", c.mount("run", "bin", "ready"))
	_ = command.Run()
	return command.ProcessState.ExitCode()
}

func (c *container) becomesReady() {
	c.t.Helper()
	c.g.Eventually(c.ready, symsimtest.Deadline).Should(BeZero(), c.Name+" does not become ready")
}

// egosh is the command of `kubectl exec`: no profile, no installation on the PATH.
func (c *container) egosh(args ...string) string {
	output, _ := c.Command(c.mount("run", "bin", "egosh"), args...).CombinedOutput()
	return string(output)
}

// hosts is host name to status.
func (c *container) hosts() map[string]string {
	found := map[string]string{}
	for at, line := range strings.Split(strings.TrimSpace(c.egosh("resource", "list", "-ll")), "\n") {
		if fields := strings.Split(strings.Trim(line, `"`), `","`); at > 0 && len(fields) > 1 {
			found[fields[0]] = fields[1]
		}
	}
	return found
}

// fails waits for the end of a script and returns its termination message.
func (c *container) fails(this *run) string {
	c.t.Helper()
	c.g.Eventually(this.ended, symsimtest.Deadline).Should(BeClosed())
	c.g.Expect(this.command.ProcessState.ExitCode()).To(Equal(1))
	c.g.Expect(strings.Count(c.terminationMessage(), "\n")).To(Equal(1), "one line")
	return c.terminationMessage()
}
