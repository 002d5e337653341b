// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// soamviewNotUp is the documented exit status while the session director is not up.
const soamviewNotUp = 85

// Soamview lists the applications, or shows one. That a name without -l shows as much as with it is a guess.
func Soamview(streams Streams, args []string) int {
	where, err := install.FromEnvironment()
	if err != nil {
		return streams.complain("soamview: %v", err)
	}
	if len(args) == 0 || args[0] != "app" {
		return streams.complain("Usage: soamview app [name [-l]]")
	}
	var names []string
	for _, arg := range args[1:] {
		if arg != "-l" {
			names = append(names, arg)
		}
	}
	if len(names) > 1 {
		return streams.complain("Usage: soamview app [name [-l]]")
	}
	response, err := ask(where, wire.Request{Verb: "soam app", Args: names})
	switch {
	case err != nil && response.Code == 0:
		streams.complain("Unable to contact IBM Spectrum Symphony system")
		return soamviewNotUp
	case err != nil:
		streams.complain("%v", err)
		return response.Code
	case len(names) == 1:
		return streams.application(where, response.Workloads[0])
	case len(response.Workloads) == 0:
		streams.printf("No applications found\n")
		return 0
	}
	const row = "%-17s %-9s %s\n"
	streams.printf(row, "APPLICATION", "STATUS", "CONSUMER")
	for _, load := range response.Workloads {
		streams.printf(row, load.Name, "enabled", load.Consumer)
	}
	return 0
}

// application: the keys are those that scripts read, the order is a guess. All applications are enabled.
func (s *Streams) application(where install.Installation, load wire.Workload) int {
	for _, line := range []struct {
		key   string
		value any
	}{
		{"Application name", load.Name},
		{"Status", "enabled"},
		{"SSM host", cmp.Or(where.MasterList()...)},
		{"SSM PID", 1},
		{"Consumer", load.Consumer},
		{"Pending tasks", load.Pending},
		{"Running tasks", load.Running},
		{"Done tasks", load.Done},
		{"Occupied", load.Occupied},
		{"Unused", load.Unused},
	} {
		s.printf("%s: %v\n", line.key, line.value)
	}
	return 0
}
