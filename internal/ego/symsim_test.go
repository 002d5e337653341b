// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// master is a host that the operator's own start script runs on, and a Runner: its commands are local processes, with
// what a container's exec sees of the environment and the files.
type master struct {
	*symsimtest.Host

	variables []string
	password  string
}

func (m *master) Run(ctx context.Context, _ types.NamespacedName, args []string) ([]byte, error) {
	command := m.Command(args[0], args[1:]...)
	command.Env = append(command.Env, m.variables...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ego.ErrUnreachable, err)
	}
	defer context.AfterFunc(ctx, func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) })()
	err := command.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return stdout.Bytes(), &ego.ExitError{Code: exit.ExitCode(), Stderr: stderr.String()}
	}
	return stdout.Bytes(), err
}

// newMaster starts a master and returns EGO on it, whether it is up yet or not.
func newMaster(t *testing.T, version layout.Version, env ...string) (*master, *ego.Client) {
	t.Helper()
	host := symsimtest.NewHost(t, "prod-master", version)
	host.Env = append(host.Env, env...)
	root := filepath.Join(host.Dir, "symphony")
	this := &master{Host: host, password: filepath.Join(root, "admin", "password")}
	this.variables = []string{
		"PATH=" + filepath.Join(root, "run", "bin") + ":" + host.Path("symsim") + ":/usr/local/bin:/usr/bin:/bin",
		"LICENSE=accept",
		"SYMPHONY_INSTALL_DIR=" + host.Version.Top,
		"SYMPHONY_EGO_CONF=EGO_DYNAMIC_HOST_WAIT_TIME=0.1",
		"SYMPHONY_ROOT=" + root,
		"SYMPHONY_PASSWD_FILE=" + filepath.Join(host.Dir, "passwd"),
		"SYMPHONY_TERMINATION_LOG=" + filepath.Join(host.Dir, "termination-log"),
		"SYMPHONY_ADMIN_PASSWORD_FILE=" + this.password,
	}
	host.Write(filepath.Join(host.Dir, "passwd"), fmt.Sprintf("egoadmin:x:%d:0::/:/bin/sh\n", symsimtest.Administrator()))
	host.Write(this.password, "first-Password1\n")
	host.Mkdir(filepath.Join(root, "run"))
	command := host.Command("/bin/bash", "-c", scripts.Master())
	command.Env = append(command.Env, this.variables...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
		if t.Failed() {
			t.Logf("the master says:\n%s", output.String())
		}
	})
	return this, ego.New(this, pod, 0)
}

// startCompute is a host that joins.
func startCompute(t *testing.T, name string, of *master) *symsimtest.Host {
	t.Helper()
	host := symsimtest.NewHost(t, name, of.Version)
	conf := host.Path("kernel", "conf", "ego.conf")
	host.Write(conf, host.Read(conf)+"EGO_DYNAMIC_HOST_WAIT_TIME=0.1\n")
	host.Write(host.Path("kernel", "conf", "hosts"), of.Address+" "+of.Name+"\n")
	host.Env = append(host.Env, "EGOCONFIG_DISABLE_HOST_CHECK=Y")
	for _, command := range [][]string{{"egoconfig", "join", of.Name, "-f"}, {"egosh", "ego", "start"}} {
		if result := host.Run("", command...); result.Code != 0 {
			t.Fatal(result.Err)
		}
	}
	return host
}

// states is each host's state and slots.
func states(t *testing.T, client ego.EGO) func() map[string]string {
	t.Helper()
	return func() map[string]string {
		hosts, err := client.Hosts(t.Context())
		if err != nil {
			return map[string]string{"error": err.Error()}
		}
		found := map[string]string{}
		for _, host := range hosts {
			found[host.Name] = fmt.Sprintf("%s %d", host.State, host.Slots())
		}
		return found
	}
}

func TestWithTheSimulator(t *testing.T) {
	for name, version := range map[string]layout.Version{"7.1.2": layout.V712, "7.3.2": layout.V732} {
		t.Run(name, func(t *testing.T) { withTheSimulator(t, version) })
	}
}

func withTheSimulator(t *testing.T, version layout.Version) {
	t.Helper()
	g := NewWithT(t)
	m, client := newMaster(t, version)
	ctx := t.Context()
	g.Eventually(func() error { return client.Logon(ctx) }, symsimtest.Deadline).Should(Succeed())
	compute := startCompute(t, "prod-compute-a", m)
	startCompute(t, "prod-compute-b", m)
	is := states(t, client)
	g.Eventually(is, symsimtest.Deadline).Should(Equal(map[string]string{
		"prod-master": "ok 0", "prod-compute-a": "ok 0", "prod-compute-b": "ok 0",
	}))
	hosts, err := client.Hosts(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hosts[0].Load.Memory.Known).To(BeTrue())

	g.Expect(m.Run(ctx, pod, []string{m.Path("symsim", "symsim"), "alloc", "prod-compute-a", "2"})).NotTo(BeEmpty())
	g.Expect(is()).To(HaveKeyWithValue("prod-compute-a", "ok 2"))

	closing := ego.CloseOptions{Comment: "symphony-operator: scale-in of default/prod ($HOME; `id`)"}
	g.Expect(client.Close(ctx, []string{"prod-compute-a"}, closing)).To(Succeed())
	g.Expect(is()).To(HaveKeyWithValue("prod-compute-a", "closed 2"), "what runs goes on")
	g.Expect(m.Host.Run("", "egosh", "resource", "view", "prod-compute-a").Out).To(ContainSubstring(closing.Comment))
	g.Expect(client.Open(ctx, []string{"PROD-COMPUTE-A"})).To(Succeed())
	g.Expect(is()).To(HaveKeyWithValue("prod-compute-a", "ok 2"))
	closing.Reclaim = true
	g.Expect(client.Close(ctx, []string{"prod-compute-a"}, closing)).To(Succeed())
	g.Eventually(is, symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-a", "closed 0"))

	// Known and unknown ones together.
	err = client.Close(ctx, []string{"nobody", "prod-compute-b", "no.body"}, ego.CloseOptions{})
	g.Expect(err).To(MatchError(ego.ErrRefused))
	g.Expect(err).To(Equal(&ego.NotFoundError{Hosts: []string{"nobody", "no.body"}}))
	g.Expect(is()).To(HaveKeyWithValue("prod-compute-b", "closed 0"))

	compute.KillLIM()
	g.Eventually(is, symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-a", "unavail 0"))
	g.Expect(client.Remove(ctx, []string{"prod-compute-a"})).To(Succeed())
	g.Expect(is()).NotTo(HaveKey("prod-compute-a"))

	applications, err := client.Applications(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(applications).To(BeEmpty())
	workloads, err := client.Workloads(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(workloads).To(BeEmpty())
	// No credential stays behind.
	g.Expect(filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(m.password)), "run", "egocc.exec*"))).To(BeEmpty())
}

func TestWorkloadOfTheSimulator(t *testing.T) {
	g := NewWithT(t)
	m, client := newMaster(t, layout.V732)
	ctx := t.Context()
	g.Eventually(func() error { return client.Logon(ctx) }, symsimtest.Deadline).Should(Succeed())
	startCompute(t, "prod-compute-a", m)
	g.Eventually(states(t, client), symsimtest.Deadline).Should(HaveKeyWithValue("prod-compute-a", "ok 0"))
	symsim := func(args ...string) {
		t.Helper()
		_, err := m.Run(ctx, pod, append([]string{m.Path("symsim", "symsim")}, args...))
		g.Expect(err).NotTo(HaveOccurred())
	}
	symsim("app", "add", "symping7.3.2", "--consumer", "/SymTesting/Symping732", "--keep-idle")
	symsim("task", "start", "prod-compute-a", "--app", "symping7.3.2")
	symsim("task", "start", "prod-compute-a", "--app", "symping7.3.2", "--slots", "3")
	symsim("task", "start", "any", "--app", "symping7.3.2", "--slots", "4")
	symsim("task", "finish", "1")
	hosts, err := client.Hosts(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hosts[1].Allocations).To(HaveLen(2))
	g.Expect(hosts[1].Allocations[0].Consumer).To(Equal("/SymTesting/Symping732"))
	g.Expect(client.Applications(ctx)).To(Equal([]ego.Application{{Name: "symping7.3.2", Enabled: true}}))
	symsim("app", "add", "SampleAppCPP")
	g.Expect(client.Workloads(ctx)).To(ConsistOf(ego.Workload{
		Application: "symping7.3.2", Enabled: true, Consumer: "/SymTesting/Symping732",
		Pending: 1, Running: 1, Done: 1, Occupied: 4, Unused: 1,
	}, ego.Workload{Application: "SampleAppCPP", Enabled: true, Consumer: "/SampleApplications/SOASamples"}))
}

func TestThePasswordStaysInThePod(t *testing.T) {
	for name, env := range map[string]string{"a prompt that reads a pipe": "A=B", "a prompt that does not": "SYMSIM_NO_PROMPT=Y"} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			m, client := newMaster(t, layout.V732, env)
			g.Eventually(func() error { return client.Logon(t.Context()) }, symsimtest.Deadline).Should(Succeed())
			// One that EGO does not take, or takes only later: the start script needs a moment to follow the Secret.
			for _, wrong := range []string{"two words", "a&b", ""} {
				m.Write(m.password, wrong)
				err := client.Open(t.Context(), []string{"prod-master"})
				g.Expect(err).To(MatchError(ego.ErrRefused))
				g.Expect(err.Error()).To(ContainSubstring("cannot be used"))
			}
			m.Write(m.password, "another-Password1")
			if err := client.Logon(t.Context()); err != nil {
				g.Expect(err).To(MatchError(ego.ErrRefused))
				g.Expect(err.Error()).NotTo(ContainSubstring("another"))
			}
			// If the start script came to see one that cannot be used, it looks again a minute later.
			g.Eventually(func() error { return client.Logon(t.Context()) }, time.Minute+symsimtest.Deadline).Should(Succeed())
			m.variables[len(m.variables)-1] += "-that-is-not-there"
			err := client.Close(t.Context(), []string{"prod-master"}, ego.CloseOptions{})
			g.Expect(err).To(MatchError(ContainSubstring("there is no password file")))
			g.Expect(states(t, client)()).To(HaveKeyWithValue("prod-master", "ok 0"))
		})
	}
}

func TestWhileEGOIsNotUp(t *testing.T) {
	g := NewWithT(t)
	m, client := newMaster(t, layout.V712, "SYMSIM_START_DELAY=4s")
	unreachable := func() {
		t.Helper()
		_, err := client.Hosts(t.Context())
		g.Expect(err).To(MatchError(ego.ErrUnreachable))
		_, err = client.Applications(t.Context())
		g.Expect(err).To(MatchError(ego.ErrUnreachable))
		g.Expect(client.Logon(t.Context())).To(MatchError(ego.ErrUnreachable))
		g.Expect(client.Remove(t.Context(), []string{"prod-compute-a"})).To(MatchError(ego.ErrUnreachable))
	}
	unreachable()
	g.Eventually(m.LIM, symsimtest.Deadline).ShouldNot(BeZero())
	unreachable()
	g.Eventually(func() error { return client.Logon(t.Context()) }, symsimtest.Deadline).Should(Succeed())
	m.KillLIM()
	g.Eventually(m.LIM, symsimtest.Deadline).Should(BeZero())
	unreachable()
}

// replaceEgosh makes the file egosh another script, which finds the one from before beside it with the suffix .moved.
func (m *master) replaceEgosh(t *testing.T, script string) (egosh string) {
	t.Helper()
	egosh = filepath.Join(filepath.Dir(filepath.Dir(m.password)), "run", "bin", "egosh")
	if result := m.Host.Run("", "mv", egosh, egosh+".moved"); result.Code != 0 {
		t.Fatal(result.Err)
	}
	m.Write(egosh, "#!/bin/bash\n"+script)
	if result := m.Host.Run("", "chmod", "0755", egosh); result.Code != 0 {
		t.Fatal(result.Err)
	}
	return egosh
}

// EGO comes up whenever it likes, between a command that fails and the question whether EGO answers, too.
func TestWhatFailsOnceIsNotRefused(t *testing.T) {
	g := NewWithT(t)
	m, client := newMaster(t, layout.V712)
	g.Eventually(states(t, client), symsimtest.Deadline).Should(HaveKeyWithValue("prod-master", "ok 0"))
	egosh := m.replaceEgosh(t, `case "$*" in
"resource list -ll") [ -e "$0.failed" ] || { : >"$0.failed"; echo "Cannot contact EGO"; exit 1; } ;;
"alloc list -ll") [ ! -e "$0.refuses" ] || exit 1 ;;
esac
exec "$0.moved" "$@"
`)
	g.Expect(states(t, client)()).To(HaveKeyWithValue("prod-master", "ok 0"))
	g.Expect(egosh+".failed").To(BeAnExistingFile(), "the first command failed")

	m.Write(egosh+".refuses", "")
	_, err := client.Hosts(t.Context())
	g.Expect(err).To(MatchError(ego.ErrRefused), "what goes on failing is")
}

// A container's processes go on when an exec is cut off, so the script ends them.
func TestACommandThatHangsEnds(t *testing.T) {
	g := NewWithT(t)
	m, client := newMaster(t, layout.V712)
	g.Eventually(func() error { return client.Logon(t.Context()) }, symsimtest.Deadline).Should(Succeed())
	m.replaceEgosh(t, "exec sleep 60\n")
	var runner answer
	quick := ego.New(&runner, pod, time.Second)
	_, _ = quick.Hosts(t.Context())
	_ = quick.Logon(t.Context())
	for _, args := range runner.calls {
		ctx, cancel := context.WithTimeout(t.Context(), symsimtest.Deadline)
		_, err := m.Run(ctx, pod, args)
		cancel()
		g.Expect(err).To(Equal(&ego.ExitError{Code: 71, Stderr: "EGO does not answer\n"}))
	}
}
