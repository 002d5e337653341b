// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package symsimtest runs the simulator on the machine of the test: several hosts beside each other, each in a directory
// and on a loopback address of its own.
package symsimtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	// The program is built, not imported: without these, `go test` would take old results for a changed simulator.
	_ "github.com/symphony-operator/symphony-operator/test/symsim/internal/cli"
	_ "github.com/symphony-operator/symphony-operator/test/symsim/internal/daemon"
	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
)

// Administrator is the uid that hosts run as: egoconfig refuses root, so a test that is root steps down.
func Administrator() int {
	if uid := os.Geteuid(); uid != 0 {
		return uid
	}
	return 1000
}

const (
	basePort = 27869
	// GUIPort is the console's on every host's address.
	GUIPort = 28443
)

var (
	program string
	hosts   atomic.Int32
)

// Main builds the simulator, runs the tests of a package and removes the simulator.
func Main(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "symsim")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program = filepath.Join(dir, "symsim")
	build := exec.Command("go", "build", "-trimpath", "-o", program,
		"github.com/symphony-operator/symphony-operator/test/symsim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build symsim: %w\n%s", err, output)
	}
	return m.Run(), nil
}

// Host is one machine with an installation of the simulator.
type Host struct {
	Name    string
	Address string
	Dir     string
	Version layout.Version
	// Env is added to the environment of every command.
	Env []string

	t *testing.T
}

// NewHost installs the simulator for a host. What runs on it ends with the test.
func NewHost(t *testing.T, name string, version layout.Version) *Host {
	t.Helper()
	dir := t.TempDir()
	// The directories above belong to this user; the administrator has to get through them.
	for _, above := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, Administrator(), -1); err != nil {
			t.Fatal(err)
		}
	}
	host := &Host{Name: name, Address: loopback(), Dir: dir, Version: version, t: t}
	host.Version.Top = filepath.Join(dir, "top")
	host.Version.BasePort = basePort
	if err := host.Version.Install(program, Administrator(), -1); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("symsim", host.Path("symsim", "openssl")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.kill)
	return host
}

// loopback is an address that no other host of this or another test process has.
func loopback() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>8&0x7f, pid&0xff, 1+hosts.Add(1)%250)
}

// Path is a file of the installation.
func (h *Host) Path(elements ...string) string {
	return filepath.Join(append([]string{h.Version.Top}, elements...)...)
}

// Mkdir makes a directory of the administrator's, with those above it.
func (h *Host) Mkdir(path string) {
	h.t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	h.Mkdir(filepath.Dir(path))
	if err := os.Mkdir(path, 0o755); err != nil {
		h.t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, Administrator(), -1); err != nil {
			h.t.Fatal(err)
		}
	}
}

// Write puts a file of the administrator's, replacing it at once as the kubelet does.
func (h *Host) Write(path, text string) {
	h.t.Helper()
	h.Mkdir(filepath.Dir(path))
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Lchown(path+".new", Administrator(), -1); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := os.Rename(path+".new", path); err != nil {
		h.t.Fatal(err)
	}
}

// Read is a file's text, empty if there is none.
func (h *Host) Read(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// Environment is what a process on this host sees.
func (h *Host) Environment() []string {
	env := []string{
		"PATH=" + h.Path("symsim") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOSTNAME=" + h.Name,
		"TMPDIR=" + h.Dir,
		"SYMSIM_HOSTNAME=" + h.Name,
		"SYMSIM_ADDRESS=" + h.Address,
		"SYMSIM_GUI_PORT=" + strconv.Itoa(GUIPort),
		"SYMSIM_HEARTBEAT=100ms",
		"SYMSIM_UNAVAILABLE_AFTER=700ms",
	}
	return append(env, h.Env...)
}

// Command is a process on this host, as the administrator, in a process group of its own.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	command := exec.Command(name, args...)
	command.Env = h.Environment()
	command.Dir = h.Dir
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(Administrator()), NoSetGroups: true}
	}
	return command
}

// Result is what a command said.
type Result struct {
	Out, Err string
	Code     int
}

// Run runs a command with the profile sourced, and input as its standard input.
func (h *Host) Run(input string, args ...string) Result {
	h.t.Helper()
	command := h.Command("/bin/bash", append([]string{
		"-c", `. "$0/profile.platform"; exec "$@"`, h.Version.Top,
	}, args...)...)
	return h.finish(command, input)
}

// RunAsRoot is Run without stepping down.
func (h *Host) RunAsRoot(args ...string) Result {
	h.t.Helper()
	command := h.Command("/bin/bash", append([]string{
		"-c", `. "$0/profile.platform"; exec "$@"`, h.Version.Top,
	}, args...)...)
	command.SysProcAttr.Credential = nil
	return h.finish(command, "")
}

func (h *Host) finish(command *exec.Cmd, input string) Result {
	h.t.Helper()
	var out, complaints bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &out, &complaints
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("%v: %v", command.Args, err)
	}
	return Result{Out: out.String(), Err: complaints.String(), Code: command.ProcessState.ExitCode()}
}

// LIM is the process of this host's LIM, 0 if there is none.
func (h *Host) LIM() int {
	pid, err := strconv.Atoi(strings.TrimSpace(h.Read(h.Path("kernel", "work", "lim.pid"))))
	if err != nil {
		return 0
	}
	if !strings.HasPrefix(h.Read(fmt.Sprintf("/proc/%d/cmdline", pid)), h.Version.Top) {
		return 0
	}
	return pid
}

// KillLIM ends LIM without a word, as a crash does.
func (h *Host) KillLIM() {
	h.t.Helper()
	pid := h.LIM()
	if pid == 0 {
		h.t.Fatalf("host %s has no LIM", h.Name)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		h.t.Fatal(err)
	}
}

func (h *Host) kill() {
	if pid := h.LIM(); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if h.t.Failed() {
		for _, name := range []string{"lim", "vemkd"} {
			h.t.Logf("%s.log of %s:\n%s", name, h.Name, h.Read(h.Path("kernel", "log", name+".log."+h.Name)))
		}
	}
}

// Deadline is long enough for a slow machine: tests wait for conditions, not for it.
const Deadline = 20 * time.Second
