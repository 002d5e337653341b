// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

// answers is a master whose commands answer with a text.
type answers []byte

// Run implements ego.Runner.
func (a answers) Run(context.Context, types.NamespacedName, []string) ([]byte, error) { return a, nil }

// poll is what one look at the hosts of a large cluster costs the operator: reading what EGO lists, but not the way there.
func poll(hosts int) scenario {
	return scenario{"poll", fmt.Sprintf("one look at %d hosts", hosts), func(ctx context.Context, b *bench) error {
		master := ego.New(answers(listed(hosts)), types.NamespacedName{}, 0)
		for range b.runs + 2 { // The first finds no memory to use again.
			var memoryBefore, memoryAfter runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&memoryBefore)
			before, err := ownCPU()
			if err != nil {
				return err
			}
			found, err := master.Hosts(ctx)
			if err != nil {
				return fmt.Errorf("looking at hosts: %w", err)
			}
			after, err := ownCPU()
			if err != nil {
				return err
			}
			runtime.ReadMemStats(&memoryAfter)
			if len(found) != hosts {
				return fmt.Errorf("%d hosts are listed, and %d found", hosts, len(found))
			}
			b.note(figure{"CPU of one look", seconds, 0.05, true}, (after - before).Seconds())
			b.note(plain("memory that one look takes and gives back", megabytes), float64(memoryAfter.TotalAlloc-memoryBefore.TotalAlloc)/1024/1024)
		}
		return nil
	}}
}

// listed is what EGO prints of hosts that all have work, in the form of internal/ego/testdata.
func listed(hosts int) string {
	var resources, allocations strings.Builder
	resources.WriteString(`"NAME","status","mem","swp","tmp","ut","it","pg","r1m","r15s","r15m","ls"` + "\n")
	allocations.WriteString(`"ALLOC","CLIENT","CONSUMER","RGROUP","RESOURCE","ALLOCATED"` + "\n")
	for number := range hosts {
		fmt.Fprintf(&resources, `"prod-compute-%05d","ok","15G","0M","65G","2%%","11","0.0","0.1","0.0","0.1","0"`+"\n", number)
		fmt.Fprintf(&allocations, `"%d","SSM_symping7.3.2","/SampleApplications/SOASamples","ComputeHosts","prod-compute-%05d","1"`+"\n", number+1, number)
	}
	return resources.String() + "symphony-operator: alloc list\n" + allocations.String()
}

// ownCPU is the time that this process has computed so far.
func ownCPU() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("reading the CPU time: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
