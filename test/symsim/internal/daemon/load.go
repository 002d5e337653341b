// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// sampler reads the host's load. Containers see the machine's, and so do the product's in them.
type sampler struct {
	at          time.Time
	busy, total uint64
	last        wire.Load
}

// load is at most a few seconds old: a beat need not cost a walk through /proc.
func (s *sampler) load(top string) wire.Load {
	if time.Since(s.at) < 5*time.Second {
		return s.last
	}
	s.at = time.Now()
	s.last = wire.Load{NCPUs: runtime.NumCPU(), CPUPercent: s.cpu()}
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		unit := uint64(info.Unit)
		s.last.MaxMemory, s.last.FreeMemory, s.last.FreeSwap = info.Totalram*unit, info.Freeram*unit, info.Freeswap*unit
		s.last.IdleMins = int(info.Uptime / 60)
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(top, &disk) == nil {
		s.last.FreeTmp = disk.Bavail * uint64(disk.Bsize)
	}
	text, _ := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); len(fields) >= 3 {
		s.last.Run1m, _ = strconv.ParseFloat(fields[0], 64)
		s.last.Run15s = s.last.Run1m
		s.last.Run15m, _ = strconv.ParseFloat(fields[2], 64)
	}
	return s.last
}

func (s *sampler) cpu() int {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	var busy, total uint64
	for at, field := range strings.Fields(line) {
		value, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			continue
		}
		total += value
		if at != 4 && at != 5 { // idle and iowait
			busy += value
		}
	}
	percent := 0
	if total > s.total && s.total > 0 {
		percent = int(100 * (busy - s.busy) / (total - s.total))
	}
	s.busy, s.total = busy, total
	return percent
}
