// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package install reads and writes the files of a Symphony installation: ego.conf, ego.cluster.<name>, ego.shared and
// EGO's hosts file.
package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Installation is where Symphony is. ConfDir is below Top, or below the shared directory after `egoconfig mghost`.
type Installation struct {
	Top     string
	ConfDir string
}

// FromEnvironment is the installation whose profile was sourced.
func FromEnvironment() (Installation, error) {
	top, conf := os.Getenv("EGO_TOP"), os.Getenv("EGO_CONFDIR")
	if top == "" || conf == "" {
		return Installation{}, errors.New("EGO_TOP and EGO_CONFDIR are not set: source profile.platform first")
	}
	return Installation{Top: top, ConfDir: conf}, nil
}

// FromProgram is the installation that the running program belongs to: for what is called without a profile.
func FromProgram() (Installation, error) {
	program, err := os.Executable()
	if err != nil {
		return Installation{}, err
	}
	where := Installation{Top: filepath.Dir(filepath.Dir(program))}
	where.ConfDir = where.LocalConfDir()
	return where, nil
}

// LocalConfDir is the configuration in the container's own file system, which is where EGO_MASTER_LIST is.
func (i Installation) LocalConfDir() string { return filepath.Join(i.Top, "kernel", "conf") }

// Shared is the installation as its profile would say after `egoconfig mghost`: for what is called without a profile and
// reads the master's files.
func (i Installation) Shared() Installation {
	text, err := os.ReadFile(i.sharedProfile())
	if i.ConfDir == i.LocalConfDir() && err == nil {
		_, value, _ := strings.Cut(strings.TrimSpace(string(text)), "=")
		i.ConfDir = strings.Trim(value, "'")
	}
	return i
}

// SetShared makes the profile say so.
func (i Installation) SetShared(confDir string) error {
	return WriteFile(i.sharedProfile(), []byte("EGO_CONFDIR='"+confDir+"'\n"), 0o664)
}

func (i Installation) sharedProfile() string {
	return filepath.Join(i.LocalConfDir(), "profile.shared")
}

// SharedTop is the shared directory, empty if there is none.
func (i Installation) SharedTop() string {
	if i.ConfDir == i.LocalConfDir() {
		return ""
	}
	return filepath.Dir(filepath.Dir(i.ConfDir))
}

// Conf is the last setting of a key in ego.conf, without its quotes.
func (i Installation) Conf(key string) string { return confValue(i.ConfDir, key) }

// SetConf sets a key in ego.conf.
func (i Installation) SetConf(key, value string) error { return setConfValue(i.ConfDir, key, value) }

// MasterList is the list of candidates that `egoconfig join` and `egoconfig masterlist` wrote, empty before a join.
func (i Installation) MasterList() []string {
	return strings.Fields(confValue(i.LocalConfDir(), "EGO_MASTER_LIST"))
}

// SetMasterList stores the candidates as the product does: in quotes, with spaces between.
func (i Installation) SetMasterList(hosts []string) error {
	return setConfValue(i.LocalConfDir(), "EGO_MASTER_LIST", `"`+strings.Join(hosts, " ")+`"`)
}

// Port is a port of ego.conf.
func (i Installation) Port(key string, otherwise int) int {
	port, err := strconv.Atoi(i.Conf(key))
	if err != nil || port <= 0 {
		return otherwise
	}
	return port
}

// VersionAtLeast compares EGO_VERSION: 3.8 is Symphony 7.3.0, 4.0 is 7.3.2.
func (i Installation) VersionAtLeast(major, minor int) bool {
	parts := strings.SplitN(i.Conf("EGO_VERSION"), ".", 3)
	have := [2]int{}
	for at := range min(len(parts), len(have)) {
		have[at], _ = strconv.Atoi(parts[at])
	}
	return have[0] > major || have[0] == major && have[1] >= minor
}

// LogDir is where the daemons write.
func (i Installation) LogDir() string {
	if dir := i.Conf("EGO_LOGDIR"); dir != "" {
		return dir
	}
	return filepath.Join(i.Top, "kernel", "log")
}

// WorkDir is where vemkd keeps what must survive a restart; after mghost it is in the shared directory.
func (i Installation) WorkDir() string { return filepath.Join(filepath.Dir(i.ConfDir), "work", "data") }

// TaskLog has what happened to tasks.
func (i Installation) TaskLog() string {
	return filepath.Join(filepath.Dir(i.ConfDir), "work", "symsim-tasks.log")
}

// WriteLog has who wrote what to the shared directory, empty if there is none.
func (i Installation) WriteLog() string {
	if i.SharedTop() == "" {
		return ""
	}
	return filepath.Join(i.SharedTop(), "symsim-writes.log")
}

// PIDFile tells egosh which process is this installation's LIM.
func (i Installation) PIDFile() string { return filepath.Join(i.Top, "kernel", "work", "lim.pid") }

// KeyStore is what the GUI's certificate is read from. In the product it is a Java key store; here it holds PEM.
func (i Installation) KeyStore() string {
	return filepath.Join(i.Top, "wlp", "usr", "shared", "resources", "security", "serverKeyStore.jks")
}

// HostTimeout is EGO_DYNAMIC_HOST_TIMEOUT: 10m or 10M are minutes, a plain number is hours, nothing is never (0).
func (i Installation) HostTimeout() (time.Duration, error) {
	text := i.Conf("EGO_DYNAMIC_HOST_TIMEOUT")
	if text == "" {
		return 0, nil
	}
	unit := time.Hour
	if number, ok := strings.CutSuffix(strings.ToLower(text), "m"); ok {
		unit, text = time.Minute, number
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number <= 0 {
		return 0, fmt.Errorf("EGO_DYNAMIC_HOST_TIMEOUT: %q is no time", i.Conf("EGO_DYNAMIC_HOST_TIMEOUT"))
	}
	return time.Duration(number * float64(unit)), nil
}

// WaitTime is EGO_DYNAMIC_HOST_WAIT_TIME in seconds, 60 by default.
func (i Installation) WaitTime() time.Duration {
	seconds, err := strconv.ParseFloat(i.Conf("EGO_DYNAMIC_HOST_WAIT_TIME"), 64)
	if err != nil || seconds <= 0 {
		return time.Minute
	}
	return time.Duration(seconds * float64(time.Second))
}

func confValue(dir, key string) string {
	text, _ := os.ReadFile(filepath.Join(dir, "ego.conf"))
	value := ""
	for line := range strings.Lines(string(text)) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.TrimSpace(name) == key {
			value = strings.Trim(strings.TrimSpace(rest), `"`)
		}
	}
	return value
}

func setConfValue(dir, key, value string) error {
	path := filepath.Join(dir, "ego.conf")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.TrimSpace(name) == key {
			continue
		}
		out.WriteString(strings.TrimSuffix(line, "\n") + "\n")
	}
	fmt.Fprintf(&out, "%s=%s\n", key, value)
	return WriteFile(path, []byte(out.String()), 0o664)
}

// WriteFile replaces a file at once, so that no reader sees half of it.
func WriteFile(path string, content []byte, mode os.FileMode) error {
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
