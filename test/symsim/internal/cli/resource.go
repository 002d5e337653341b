// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// column is one attribute of a host: its title and width in the tables, and how a load is shown.
type column struct {
	name  string
	width int
	show  func(wire.Host) string
}

func size(bytes uint64) string {
	switch {
	case bytes >= 10<<30:
		return fmt.Sprintf("%dG", bytes>>30)
	default:
		return fmt.Sprintf("%dM", bytes>>20)
	}
}

func decimal(value float64) string { return fmt.Sprintf("%.1f", value) }

func number(get func(wire.Load) int) func(wire.Host) string {
	return func(host wire.Host) string { return fmt.Sprint(get(host.Load)) }
}

func cpus(load wire.Load) int { return load.NCPUs }

// The attributes that are simulated. The first eleven are the default ones, in the product's order and widths.
var columns = []column{
	{"mem", 6, func(h wire.Host) string { return size(h.Load.FreeMemory) }},
	{"swp", 7, func(h wire.Host) string { return size(h.Load.FreeSwap) }},
	{"tmp", 7, func(h wire.Host) string { return size(h.Load.FreeTmp) }},
	{"ut", 5, func(h wire.Host) string { return fmt.Sprintf("%d%%", h.Load.CPUPercent) }},
	{"it", 6, number(func(l wire.Load) int { return l.IdleMins })},
	{"pg", 6, func(wire.Host) string { return "0.0" }},
	{"r1m", 6, func(h wire.Host) string { return decimal(h.Load.Run1m) }},
	{"r15s", 6, func(h wire.Host) string { return decimal(h.Load.Run15s) }},
	{"r15m", 6, func(h wire.Host) string { return decimal(h.Load.Run15m) }},
	{"ls", 4, func(wire.Host) string { return "0" }},
	{"ncpus", 6, number(cpus)},
	{"nprocs", 7, number(cpus)},
	{"ncores", 7, number(cpus)},
	{"nthreads", 9, number(cpus)},
	{"maxmem", 7, func(h wire.Host) string { return size(h.Load.MaxMemory) }},
	{"resourceattr", 14, resourceAttr},
}

const statusWidth = 10

func resourceAttr(host wire.Host) string {
	if host.Load.Management {
		return "(mg)"
	}
	return "()"
}

// chosen are the columns of -o, or the default ones; withStatus tells whether the status is among them.
func chosen(list string) (selected []column, withStatus bool, err error) {
	if list == "" {
		return columns[:10], true, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		if name == "status" {
			withStatus = true
			continue
		}
		found := false
		for _, candidate := range columns {
			if candidate.name == name {
				selected, found = append(selected, candidate), true
			}
		}
		if !found {
			return nil, false, fmt.Errorf("Attribute <%s> is not found", name)
		}
	}
	return selected, withStatus, nil
}

func (s *shell) resourceList(args []string) int {
	flags, names, unknown := options(args, "-o -R", "-l -ll -m")
	if unknown != "" {
		return s.complain("egosh resource list: unknown option %s", unknown)
	}
	selected, withStatus, err := chosen(flags["-o"])
	if err != nil {
		return s.complain("%v", err)
	}
	response, err := s.ask(wire.Request{Verb: "resource list"})
	if err != nil {
		return s.complain("%v", err)
	}
	hosts, code := s.pick(response.Hosts, names), 0
	if flags["-m"] != "" {
		hosts = onlyMaster(hosts, s.MasterList())
	}
	if hosts, err = matching(hosts, flags["-R"]); err != nil {
		return s.complain("%v", err)
	}
	if len(hosts) == 0 {
		return s.complain("No resource found")
	}
	if flags["-ll"] != "" {
		s.csv(hosts, selected, withStatus)
	} else {
		s.printTable(hosts, selected, withStatus, flags["-l"] != "")
	}
	return code
}

// pick keeps the named hosts and complains about names that are none, on standard error.
func (s *shell) pick(hosts []wire.Host, names []string) []wire.Host {
	if len(names) == 0 {
		return hosts
	}
	var picked []wire.Host
	for _, name := range names {
		found := false
		for _, host := range hosts {
			if strings.EqualFold(host.Name, name) {
				picked, found = append(picked, host), true
			}
		}
		if !found {
			s.complain("Resource <%s> is not found", name)
		}
	}
	return picked
}

func onlyMaster(hosts []wire.Host, candidates []string) []wire.Host {
	for _, host := range hosts {
		if len(candidates) > 0 && strings.EqualFold(host.Name, candidates[0]) {
			return []wire.Host{host}
		}
	}
	return nil
}

// matching understands select(mg), select(!mg) and select('name'=='value')-like tests of the name only: what scripts use.
func matching(hosts []wire.Host, expression string) ([]wire.Host, error) {
	if expression == "" {
		return hosts, nil
	}
	if len(expression) > 512 {
		return nil, fmt.Errorf("The resource requirement is longer than 512 characters")
	}
	inner, ok := strings.CutPrefix(strings.ReplaceAll(expression, " ", ""), "select(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("The resource requirement <%s> is not valid", expression)
	}
	var picked []wire.Host
	for _, host := range hosts {
		var match bool
		switch inner {
		case "mg":
			match = host.Load.Management
		case "!mg":
			match = !host.Load.Management
		default:
			name := strings.Trim(strings.TrimPrefix(strings.TrimPrefix(inner, "NAME"), "=="), `'"`)
			match = strings.EqualFold(host.Name, name)
		}
		if match {
			picked = append(picked, host)
		}
	}
	return picked, nil
}

// The load of a host that does not answer is not known.
func cell(host wire.Host, shown column) string {
	if host.Status == "unavail" {
		return "-"
	}
	return shown.show(host)
}

func (s *shell) printTable(hosts []wire.Host, selected []column, withStatus, long bool) {
	width := 8
	for _, host := range hosts {
		if long {
			width = max(width, len(host.Name), 24)
		}
	}
	s.printRow(width, "NAME", withStatus, "status", selected, func(shown column) string { return shown.name })
	for _, host := range hosts {
		name := host.Name
		if !long && len(name) > 8 {
			name = name[:7] + "*"
		}
		s.printRow(width, name, withStatus, host.Status, selected, func(shown column) string { return cell(host, shown) })
	}
}

func (s *shell) printRow(
	width int, name string, withStatus bool, status string, selected []column, text func(column) string,
) {
	var line strings.Builder
	fmt.Fprintf(&line, "%-*s ", width, name)
	if withStatus {
		fmt.Fprintf(&line, "%-*s", statusWidth, status)
	}
	for _, shown := range selected {
		fmt.Fprintf(&line, "%*s", shown.width, text(shown))
	}
	s.printf("%s\n", strings.TrimRight(line.String(), " "))
}

func (s *shell) csv(hosts []wire.Host, selected []column, withStatus bool) {
	header := []string{"NAME"}
	if withStatus {
		header = append(header, "status")
	}
	for _, shown := range selected {
		header = append(header, shown.name)
	}
	s.record(header)
	for _, host := range hosts {
		fields := []string{host.Name}
		if withStatus {
			fields = append(fields, host.Status)
		}
		for _, shown := range selected {
			fields = append(fields, cell(host, shown))
		}
		s.record(fields)
	}
}

func (s *shell) record(fields []string) { s.printf("\"%s\"\n", strings.Join(fields, `","`)) }

// resourceView: keys and values; the layout is a guess, but for `resourceattr … mg`, which scripts look for.
func (s *shell) resourceView(names []string) int {
	response, err := s.ask(wire.Request{Verb: "resource list"})
	if err != nil {
		return s.complain("%v", err)
	}
	if len(names) == 0 {
		names = []string{install.HostName()}
	}
	hosts := s.pick(response.Hosts, names)
	if len(hosts) == 0 {
		return s.complain("No resource found")
	}
	for _, host := range hosts {
		for _, line := range [][2]string{
			{"Resource Name", host.Name},
			{"status", host.Status},
			{"reason", host.Reason},
			{"comment", host.Comment},
			{"address", host.Address},
			{"ncpus", fmt.Sprint(host.Load.NCPUs)},
			{"resourceattr", resourceAttr(host)},
		} {
			s.printf("%-24s: %s\n", line[0], line[1])
		}
		s.printf("\n")
	}
	return 0
}

// resourceClose, -Open and -Remove serve the hosts that exist and complain about the others. The exit status then is
// not documented; 0 here, so that nobody relies on it.
func (s *shell) resourceClose(args []string) int {
	flags, names, unknown := options(args, "-c", "-reclaim -b")
	if unknown != "" || len(names) == 0 {
		return s.complain("Usage: egosh resource close [-reclaim] [-c comment] [-b] host ...")
	}
	return s.change(wire.Request{
		Verb: "resource close", Args: names, Reclaim: flags["-reclaim"] != "", Comment: flags["-c"],
	})
}

func (s *shell) resourceOpen(names []string) int {
	return s.change(wire.Request{Verb: "resource open", Args: names})
}

func (s *shell) resourceRemove(names []string) int {
	return s.change(wire.Request{Verb: "resource remove", Args: names})
}

func (s *shell) change(request wire.Request) int {
	response, err := s.ask(request)
	if err != nil {
		return s.complain("%v", err)
	}
	for _, complaint := range response.Complaints {
		s.complain("%s", complaint)
	}
	return 0
}
