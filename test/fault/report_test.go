// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/symphony-operator/symphony-operator/test/rig"
)

var update = flag.Bool("update", false, "write the table in docs/reliability.md anew")

// report counts what was tried, for docs/reliability.md.
var report = struct {
	sync.Mutex

	writes map[string]int
}{writes: map[string]int{}}

func tried(load string, writes int) {
	report.Lock()
	defer report.Unlock()
	report.writes[load] = writes
}

const (
	reportFile  = "../../docs/reliability.md"
	reportBegin = "<!-- what was tried: written by go test ./test/fault -run TestEveryWrite -update -->\n"
	reportEnd   = "<!-- end of what was tried -->\n"
)

// checkReport holds the table in the docs against the run, when all workloads were part of it.
func checkReport(t *testing.T) {
	t.Helper()
	report.Lock()
	defer report.Unlock()
	if len(report.writes) < len(workloads)+len(weaveWorkloads) || t.Failed() {
		return // Some were left out by -run, or their writes are in doubt.
	}
	var lines []string
	sum := 0
	for _, load := range slices.Sorted(maps.Keys(report.writes)) {
		lines = append(lines, fmt.Sprintf("| %s | %d | %d |", load, report.writes[load], report.writes[load]*len(rig.Phases)))
		sum += report.writes[load]
	}
	table := "| workload | writes and EGO commands | ways in which one of them fails |\n|---|---|---|\n" + strings.Join(lines, "\n") +
		fmt.Sprintf("\n| **all %d** | **%d** | **%d** |\n", len(lines), sum, sum*len(rig.Phases))
	data, err := os.ReadFile(filepath.Clean(reportFile))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), reportBegin)
	old, after, ended := strings.Cut(rest, reportEnd)
	switch {
	case !found || !ended:
		t.Errorf("%s has no place for the table", reportFile)
	case old == table:
	case *update:
		if err := os.WriteFile(filepath.Clean(reportFile), []byte(before+reportBegin+table+reportEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s says something else: run go test ./test/fault -run TestEveryWrite -update. The table is now\n%s", reportFile, table)
	}
}
