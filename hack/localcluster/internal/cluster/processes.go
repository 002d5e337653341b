// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one that this program started. Its start time tells it from a later process of the same number:
// `down` must end nothing that is not the cluster's.
type process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Started is field 22 of /proc/PID/stat: clock ticks since boot.
	Started string `json:"started"`
	// Mounts is the process's mount namespace; that of a node's containerd finds the shims it left.
	Mounts string `json:"mounts"`
	// Command is the program with its arguments, without what put it into a node's namespaces.
	Command []string `json:"command"`
	// Stopped: somebody has asked for its end, who will start it again.
	Stopped bool `json:"stopped,omitempty"`
}

func (p process) alive() bool { return startTime(p.PID) == p.Started && p.Started != "" }

// startTime is "" for a process that does not exist or is a zombie.
func startTime(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The command's name is in parentheses and may hold anything.
	_, rest, found := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 20 {
		return ""
	}
	// A process of several threads looks like a zombie as soon as its first one has ended, and holds its ports until the last has.
	if threads := fields[17]; fields[0] == "Z" && (threads == "0" || threads == "1") {
		return ""
	}
	return fields[19]
}

func mountNamespace(pid int) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil {
		return ""
	}
	return link
}

// spawn starts a process that outlives this program, with its output in a log file.
func (c *Cluster) spawn(name string, command ...string) (process, error) {
	return c.spawnInside(nil, name, command...)
}

// spawnInside has another command start it: one that becomes the process, in the namespaces of a node.
func (c *Cluster) spawnInside(entering []string, name string, command ...string) (process, error) {
	if err := os.MkdirAll(c.in("logs"), 0o755); err != nil {
		return process{}, fmt.Errorf("creating a directory: %w", err)
	}
	// What it said before a restart is wanted after it.
	log, err := os.OpenFile(c.in("logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return process{}, fmt.Errorf("creating a log: %w", err)
	}
	defer func() { _ = log.Close() }()
	whole := slices.Concat(entering, command)
	// It must outlive the context of this program.
	started := exec.Command(whole[0], whole[1:]...) //nolint:noctx // see above
	started.Stdout, started.Stderr = log, log
	started.Env = append(os.Environ(), "PATH="+c.in("bin")+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	started.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := started.Start(); err != nil {
		return process{}, fmt.Errorf("starting %s: %w", name, err)
	}
	// Reap it if it ends while this program runs: a zombie would count as alive for others.
	go func() { _ = started.Wait() }()
	result := process{Name: name, PID: started.Process.Pid, Started: startTime(started.Process.Pid), Command: command}
	return result, c.record(result)
}

func (c *Cluster) record(p process) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	return c.write(c.in("run", p.Name+".json"), string(data))
}

// processes are all that were started, by name.
func (c *Cluster) processes() ([]process, error) {
	files, err := filepath.Glob(c.in("run", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	slices.Sort(files)
	var all []process
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a process: %w", err)
		}
		var one process
		if err := json.Unmarshal(data, &one); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// stop ends processes: SIGTERM, and SIGKILL after patience.
func stop(pids []int, patience time.Duration) error {
	alive := map[int]string{}
	for _, pid := range pids {
		if started := startTime(pid); started != "" {
			alive[pid] = started
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	}
	deadline := time.Now().Add(patience)
	killed := false
	for len(alive) > 0 {
		for pid, started := range alive {
			if startTime(pid) != started {
				delete(alive, pid)
			} else if killed {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		switch {
		case killed && time.Now().After(deadline.Add(30*time.Second)):
			return fmt.Errorf("%d processes do not end", len(alive))
		case time.Now().After(deadline):
			killed = true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// run runs a command and returns its output; the error holds what it said.
func run(ctx context.Context, command ...string) (string, error) {
	var out bytes.Buffer
	started := exec.CommandContext(ctx, command[0], command[1:]...)
	started.Stdout, started.Stderr = &out, &out
	if err := started.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}

// kubectl runs kubectl as the administrator and returns its output.
func (c *Cluster) kubectl(ctx context.Context, arguments ...string) (string, error) {
	return run(ctx, append([]string{c.bin("kubectl"), "--kubeconfig", c.Kubeconfig()}, arguments...)...)
}

// errEnded is the error of a wait for a component that is not there any more.
var errEnded = errors.New("it ended")

// ended is the error for the first component that is not there any more, with its last words: waiting longer for
// any of them would be pointless, since each needs others. One that was stopped on purpose has not ended by itself.
func (c *Cluster) ended() error {
	processes, err := c.processes()
	if err != nil {
		return err
	}
	for _, process := range processes {
		if process.alive() || process.Stopped {
			continue
		}
		file := c.in("logs", process.Name+".log")
		log, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s: %w, and its log cannot be read: %w", process.Name, errEnded, err)
		}
		return fmt.Errorf("%s: %w; the end of %s:\n%s", process.Name, errEnded, file, lastLines(string(log), 5))
	}
	return nil
}

// wait repeats a check until it is content, or until any component has ended.
func (c *Cluster) wait(ctx context.Context, patience time.Duration, check func(context.Context) error) error {
	return until(ctx, patience, func(ctx context.Context) error {
		if err := c.ended(); err != nil {
			return err
		}
		return check(ctx)
	})
}

// until repeats a check until it is content, or until what it waits for has ended.
func until(parent context.Context, patience time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(parent, patience)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			if parent.Err() != nil {
				return fmt.Errorf("interrupted: %w", parent.Err())
			}
			return errors.Join(fmt.Errorf("not within %.0f s", patience.Seconds()), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func dirOf(path string) string { return filepath.Dir(path) }

func intText(number int) string { return strconv.Itoa(number) }
