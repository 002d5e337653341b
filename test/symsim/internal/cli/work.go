// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// grid prints lines in columns, or quoted and separated by commas.
func (s *shell) grid(long bool, widths []int, lines [][]string) {
	for _, line := range lines {
		if long {
			s.record(line)
			continue
		}
		var row strings.Builder
		for at, field := range line {
			if at < len(widths) {
				field = fmt.Sprintf("%-*s", widths[at], cut(field, widths[at]-1))
			}
			row.WriteString(field)
		}
		s.printf("%s\n", strings.TrimRight(row.String(), " "))
	}
}

func cut(text string, width int) string {
	if len(text) <= width {
		return text
	}
	return text[:width-1] + "*"
}

// allocList: the sixth field of -ll is the allocated count, the first four are as documented; the rest is a guess.
func (s *shell) allocList(args []string) int {
	flags, _, unknown := options(args, "-a -c", "-l -ll -p -s")
	if unknown != "" {
		return s.complain("egosh alloc list: unknown option %s", unknown)
	}
	response, err := s.ask(wire.Request{Verb: "alloc list"})
	if err != nil {
		return s.complain("%v", err)
	}
	lines := [][]string{{"ALLOC", "CLIENT", "CONSUMER", "RGROUP", "RESOURCE", "ALLOCATED"}}
	for _, alloc := range response.Allocs {
		if (flags["-a"] != "" && flags["-a"] != fmt.Sprint(alloc.ID)) || (flags["-c"] != "" && flags["-c"] != alloc.Consumer) {
			continue
		}
		lines = append(lines, []string{
			fmt.Sprint(alloc.ID), alloc.Client, alloc.Consumer, alloc.Group, alloc.Host, fmt.Sprint(alloc.Slots),
		})
	}
	s.grid(flags["-ll"] != "", []int{6, 12, 32, 14, 48}, lines)
	return 0
}

// activityList: one activity for each allocation; the columns are a guess.
func (s *shell) activityList(args []string) int {
	flags, _, unknown := options(args, "-t -a -p -c -r", "-l -ll -f")
	if unknown != "" {
		return s.complain("egosh activity list: unknown option %s", unknown)
	}
	response, err := s.ask(wire.Request{Verb: "alloc list"})
	if err != nil {
		return s.complain("%v", err)
	}
	lines := [][]string{{"ACTIVITY", "STATE", "ALLOC", "CONSUMER", "RESOURCE"}}
	for _, alloc := range response.Allocs {
		if flags["-r"] != "" && !strings.EqualFold(flags["-r"], alloc.Host) {
			continue
		}
		lines = append(lines, []string{fmt.Sprint(alloc.ID), "RUN", fmt.Sprint(alloc.ID), alloc.Consumer, alloc.Host})
	}
	s.grid(flags["-ll"] != "", []int{9, 10, 6, 32}, lines)
	return 0
}

// service fields as the product has them: 15 with -ll, of which the state is the 7th.
func (s *shell) serviceList(args []string) int {
	flags, _, unknown := options(args, "-s", "-l -ll")
	if unknown != "" {
		return s.complain("egosh service list: unknown option %s", unknown)
	}
	services, err := s.services(flags["-s"])
	if err != nil {
		return s.complain("%v", err)
	}
	lines := [][]string{{
		"SERVICE", "STATE", "ALLOC", "CONSUMER", "RGROUP", "RESOURCE", "SLOTS", "SEQ_NO", "INST_STATE", "ACTI",
	}}
	widths := []int{9, 9, 6, 9, 7, 9, 6, 7, 11}
	switch {
	case flags["-ll"] != "":
		lines[0] = []string{
			"SERVICE", "", "", "", "", "", "STATE", "ALLOC", "CONSUMER", "RGROUP", "RESOURCE", "SLOTS", "SEQ_NO",
			"INST_STATE", "ACTI",
		}
	case flags["-l"] != "":
		widths = []int{23, 13, 6, 23, 23, 23, 8, 8, 13}
	}
	for _, service := range services {
		lines = append(lines, serviceLine(service, flags["-ll"] != ""))
	}
	s.grid(flags["-ll"] != "", widths, lines)
	return 0
}

func serviceLine(service wire.Service, long bool) []string {
	line := []string{
		service.State, "", "/ManagementServices/EGOManagementServices", "ManagementHosts", service.Host, "", "", "", "",
	}
	if service.State == "STARTED" {
		id := fmt.Sprint(service.ID)
		line[1], line[5], line[6], line[7], line[8] = id, "1", "1", "RUN", id
	}
	if long {
		return append([]string{service.Name, "", "", "", "", ""}, line...)
	}
	return append([]string{service.Name}, line...)
}

func (s *shell) services(name string) ([]wire.Service, error) {
	response, err := s.ask(wire.Request{Verb: "service list"})
	if err != nil || name == "" {
		return response.Services, err
	}
	for _, service := range response.Services {
		if service.Name == name {
			return []wire.Service{service}, nil
		}
	}
	return nil, fmt.Errorf("%s: service does not exist", name)
}

// serviceView: the layout is a guess.
func (s *shell) serviceView(names []string) int {
	for _, name := range names {
		services, err := s.services(name)
		if err != nil {
			return s.complain("%v", err)
		}
		s.printf("%-24s: %s\n%-24s: %s\n", "Service Name", services[0].Name, "State", services[0].State)
	}
	return 0
}

// clientView: that the URL is on the line DESCRIPTION is a fact, the rest is a guess.
func (s *shell) clientView(names []string) int {
	for _, name := range names {
		if name != "GUIURL_1" {
			return s.complain("Client <%s> is not found", name)
		}
	}
	services, err := s.services("WEBGUI")
	if err != nil {
		return s.complain("%v", err)
	}
	if services[0].State != "STARTED" {
		return s.complain("Client <GUIURL_1> is not found")
	}
	s.printf("CLIENT NAME: GUIURL_1\nDESCRIPTION: %s\n", services[0].URL)
	return 0
}

func (s *shell) entitlementInfo([]string) int {
	response, err := s.ask(wire.Request{Verb: "entitlement info"})
	if err != nil {
		return s.complain("%v", err)
	}
	s.printf("%s\n", response.Text)
	return 0
}
