// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// egoInfo: the 7.3.1 labels were seen, those of 7.3.2 in part; that 7.1.2 has the former is a guess.
func (s *shell) egoInfo([]string) int {
	response, err := s.ask(wire.Request{Verb: "ego info"})
	if err != nil {
		return s.complain("%v", err)
	}
	title := "master"
	if s.VersionAtLeast(4, 0) {
		title = "primary"
	}
	for _, line := range [][2]string{
		{"Cluster name", response.Info.Cluster},
		{"EGO " + title + " host name", response.Info.Master},
		{"EGO " + title + " version", response.Info.Version},
	} {
		s.printf("%-24s: %s\n", line[0], line[1])
	}
	return 0
}

// local refuses hosts other than this one: reaching them takes rsh, which containers do not have.
func (s *shell) local(args []string) (force bool, err error) {
	flags, hosts, unknown := options(args, "-n", "-f")
	if unknown != "" {
		return false, fmt.Errorf("unknown option %s", unknown)
	}
	for _, host := range hosts {
		if !strings.EqualFold(host, install.HostName()) {
			return false, fmt.Errorf("host <%s> cannot be reached with rsh", host)
		}
	}
	return flags["-f"] != "", nil
}

func (s *shell) egoStart(args []string) int {
	if _, err := s.local(args); err != nil {
		return s.complain("egosh ego start: %v", err)
	}
	if err := s.start(); err != nil {
		return s.complain("egosh ego start: %v", err)
	}
	s.printf("Start up LIM on <%s> ...... done\n", install.HostName())
	return 0
}

func (s *shell) egoShutdown(args []string) int {
	force, err := s.local(args)
	if err != nil {
		return s.complain("egosh ego shutdown: %v", err)
	}
	if !force && !s.confirm("Shut down LIM on <"+install.HostName()+">?") {
		return 1
	}
	if err := s.stop(); err != nil {
		return s.complain("egosh ego shutdown: %v", err)
	}
	s.printf("Shut down LIM on <%s> ...... done\n", install.HostName())
	return 0
}

func (s *shell) egoRestart(args []string) int {
	force, err := s.local(args)
	if err != nil {
		return s.complain("egosh ego restart: %v", err)
	}
	if !force && !s.confirm("Restart LIM on <"+install.HostName()+">?") {
		return 1
	}
	if err := s.stop(); err != nil {
		return s.complain("egosh ego restart: %v", err)
	}
	if err := s.start(); err != nil {
		return s.complain("egosh ego restart: %v", err)
	}
	s.printf("Restart LIM on <%s> ...... done\n", install.HostName())
	return 0
}

// start starts LIM as a daemon. The full workload manager needs root for it, the simplified one does not.
func (s *shell) start() error {
	switch {
	case !strings.HasPrefix(strings.ToUpper(s.Conf("EGO_SIMPLIFIED_WEM")), "Y") && os.Geteuid() != 0:
		return errors.New("only root can start EGO (EGO_SIMPLIFIED_WEM is not Y)")
	case len(s.MasterList()) == 0:
		return errors.New("this host belongs to no cluster: run egoconfig join first")
	case !s.HasPassword() && s.MasterList()[0] == install.HostName():
		return errors.New("the password of Admin is not set: run egoconfig setpassword first")
	case s.running() > 0:
		return nil
	}
	server := os.Getenv("EGO_SERVERDIR")
	if server == "" {
		return errors.New("EGO_SERVERDIR is not set: source profile.platform first")
	}
	command := exec.Command(filepath.Join(server, "lim"))
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return err
	}
	pid := strconv.Itoa(command.Process.Pid)
	if err := os.MkdirAll(filepath.Dir(s.PIDFile()), 0o775); err != nil {
		return err
	}
	return install.WriteFile(s.PIDFile(), []byte(pid), 0o664)
}

func (s *shell) stop() error {
	pid := s.running()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return err
	}
	for until := time.Now().Add(20 * time.Second); s.running() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			return fmt.Errorf("LIM, process %d, does not stop", pid)
		}
	}
	return nil
}

// running is the process of this installation's LIM, or 0. A zombie does not run, nor does another process that got
// the number.
func (s *shell) running() int {
	text, err := os.ReadFile(s.PIDFile())
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	name, _, _ := strings.Cut(string(line), "\x00")
	if filepath.Base(name) != "lim" {
		return 0
	}
	return pid
}
