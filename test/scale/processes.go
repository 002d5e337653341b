// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// spent is the CPU time that each program has taken. Where all cores are full, a load takes longer by what is spent on it: who takes longer
// than the floor is told by who spent more.
type spent map[string]time.Duration

// since is what was spent since an earlier look.
func (s spent) since(before spent) spent {
	between := spent{}
	for program, now := range s {
		between[program] = now - before[program]
	}
	return between
}

func (s spent) total() time.Duration {
	var all time.Duration
	for _, one := range s {
		all += one
	}
	return all
}

// spent looks at the programs of the local cluster, at the operator if there is one, and at this program, whose watches cost what those of any user cost.
func (m *machine) spent(o *operator) (spent, error) {
	all, programs := spent{}, map[int]string{os.Getpid(): "scale"}
	if o != nil {
		programs[o.process.Process.Pid] = "manager"
	}
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return nil, fmt.Errorf("looking for processes: %w", err)
	}
	home := filepath.Join(filepath.Dir(m.kubeconfig), "bin")
	for _, link := range links {
		program, err := os.Readlink(link)
		// One that has ended meanwhile is not the local cluster's, which lives on; nor is one of another user's.
		if err != nil || filepath.Dir(program) != home {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err != nil {
			return nil, fmt.Errorf("looking at %s: %w", link, err)
		}
		programs[pid] = filepath.Base(program)
	}
	for pid, program := range programs {
		computed, err := computedBy(pid)
		if err != nil && !hasEnded(err) {
			return nil, err
		}
		all[program] += computed
	}
	return all, nil
}

func hasEnded(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// computedBy is the time that a process has computed so far.
func computedBy(pid int) (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	// The name of the program, in brackets, may have blanks; proc(5) counts utime and stime as fields 14 and 15.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const utime, stime, ticksASecond = 14 - 3, 15 - 3, 100
	total := 0
	for _, at := range []int{utime, stime} {
		ticks, err := strconv.Atoi(fields[at])
		if err != nil {
			return 0, fmt.Errorf("reading CPU time in %s: %w", path, err)
		}
		total += ticks
	}
	return time.Duration(total) * time.Second / ticksASecond, nil
}
