// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

// file is one of the repository's.
func file(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(text)
}

var quoteMark = regexp.MustCompile(`(?m)^\s*> ?`)

// page is one of docs as one line, so that what it quotes is found wherever it is wrapped.
func page(t *testing.T, name string) string {
	t.Helper()
	return strings.Join(strings.Fields(quoteMark.ReplaceAllString(file(t, "docs", name), "")), " ")
}

var (
	reasonConstant = regexp.MustCompile(`\tReason\w+ = "(\w+)"`)
	inBackticks    = regexp.MustCompile("`(\\w+)`")
)

func reasonsIn(text string) []string {
	var all []string
	for _, match := range reasonConstant.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

func TestReasonsInTheDocs(t *testing.T) {
	g := NewWithT(t)
	all := file(t, "api", "v1alpha1", "conditions.go")
	_, table, _ := strings.Cut(file(t, "docs", "troubleshooting.md"), "| condition | reason |")
	table, _, _ = strings.Cut(table, "\n\n")
	var told []string
	for line := range strings.Lines(table) {
		columns := strings.Split(line, "|")
		if len(columns) < 4 {
			continue
		}
		for _, match := range inBackticks.FindAllStringSubmatch(columns[2], -1) {
			told = append(told, match[1])
			g.Expect(reasonsIn(all)).To(ContainElement(match[1]), "troubleshooting.md has a reason that there is not")
		}
	}
	// After these come those of other kinds, which have pages of their own.
	clusters, _, more := strings.Cut(all, "// Reasons of a NetworkCheck and of its pairs.")
	g.Expect(more).To(BeTrue())
	g.Expect(told).To(ContainElements(reasonsIn(clusters)), "reasons of a SymphonyCluster")
}

// draining are pods that are to go, until a time that the docs have, of so many that are there.
func draining(sum plan.Draining, wanted, live int) edit {
	return func(in *status.Input) {
		sum.Until = time.Date(2026, 1, 1, 12, 10, 0, 0, time.UTC)
		in.Plan.Compute.Replicas, in.Plan.Compute.Draining = int32(wanted), sum
		in.Facts.ComputePods = nil
		for i := range live {
			in.Facts.ComputePods = append(in.Facts.ComputePods, pod(fmt.Sprintf("prod-compute-%d", i), "c1"))
		}
	}
}

func outdated(n int) edit {
	return func(in *status.Input) {
		for i := range n {
			in.Facts.ComputePods[i] = pod(fmt.Sprintf("prod-compute-%d", i), "c0")
		}
	}
}

func answer(err error, hosts ...ego.Host) edit {
	return func(in *status.Input) { in.Facts.EGO = &observe.EGORead{Err: err, Hosts: hosts} }
}

// Who reads the docs looks for what the object says.
func TestMessagesInTheDocs(t *testing.T) {
	x := ego.Host{Name: "prod-compute-x", State: ego.StateOK}
	y := func(state ego.State) ego.Host { return ego.Host{Name: "prod-compute-y", State: state} }
	for name, c := range map[string]struct {
		in        *status.Input
		condition string
		page      string
	}{
		"pods are to go": {
			pass(draining(plan.Draining{Pods: 3}, 1, 4)), v1alpha1.ConditionReady, "scaling.md",
		},
		"some of them work": {
			pass(draining(plan.Draining{Pods: 3, Working: 2}, 1, 4), answer(nil)), v1alpha1.ConditionReady, "scaling.md",
		},
		"the right is missing, for a drain": {
			pass(draining(plan.Draining{Pods: 2, Working: 2, Unknown: 2}, 1, 3), answer(ego.ErrForbidden)), v1alpha1.ConditionReady, "scaling.md",
		},
		"a master was started": {
			pass(draining(plan.Draining{Pods: 2, Working: 2, Unknown: 2}, 1, 3), answer(nil)), v1alpha1.ConditionReady, "scaling.md",
		},
		"one is held back": {
			pass(draining(plan.Draining{Pods: 2, Held: 1}, 1, 3)), v1alpha1.ConditionReady, "scaling.md",
		},
		"an update": {
			pass(draining(plan.Draining{Pods: 1, Working: 1}, 4, 4), outdated(3)), v1alpha1.ConditionReady, "updates.md",
		},
		"the right is missing": {pass(answer(ego.ErrForbidden)), v1alpha1.ConditionHostsReady, "scaling.md"},
		"EGO is away":          {pass(answer(ego.ErrUnreachable)), v1alpha1.ConditionHostsReady, "scaling.md"},
		"no master":            {pass(noMaster), v1alpha1.ConditionHostsReady, "scaling.md"},
		"all hosts":            {pass(answer(nil, x, y(ego.StateOK))), v1alpha1.ConditionHostsReady, "scaling.md"},
		"a host is missing":    {pass(answer(nil, x)), v1alpha1.ConditionHostsReady, "scaling.md"},
		"a host is silent":     {pass(answer(nil, x, y(ego.StateUnavailable))), v1alpha1.ConditionHostsReady, "scaling.md"},
		"a host is closed":     {pass(answer(nil, x, y(ego.StateClosed))), v1alpha1.ConditionHostsReady, "scaling.md"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := meta.FindStatusCondition(status.Of(c.in).Conditions, c.condition)
			g.Expect(found).NotTo(BeNil())
			message, docs := found.Message, page(t, c.page)
			if c.condition == v1alpha1.ConditionReady {
				// The docs quote once what to do about it.
				message, _, _ = strings.Cut(message, " run EGO's commands")
			}
			g.Expect(docs).To(ContainSubstring("`" + message))
			g.Expect(found.Reason == v1alpha1.ReasonReady || strings.Contains(docs, "`"+found.Reason+"`")).To(BeTrue(), found.Reason)
		})
	}
}

func TestEventsInTheDocs(t *testing.T) {
	g := NewWithT(t)
	in := pass(was("True", "Ready"))
	in.Outcome.Reclaimed, in.Outcome.Forced = 2, 2
	told := status.Deeds(in)
	g.Expect(told).To(HaveLen(2))
	for _, event := range told {
		g.Expect(event.Type).To(Equal(corev1.EventTypeWarning))
		g.Expect(page(t, "scaling.md")).To(ContainSubstring("Warning `" + event.Reason + "`: `" + event.Note + "`"))
	}
}

var preStopSays = regexp.MustCompile(`\bsay "([^"]+)"`)

func TestLogLinesInTheDocs(t *testing.T) {
	g := NewWithT(t)
	values := strings.NewReplacer("$budget", "630", "$lost_seconds", "30")
	lines := preStopSays.FindAllStringSubmatch(file(t, "internal", "build", "scripts", "prestop.sh"), -1)
	g.Expect(lines).To(HaveLen(4))
	for _, line := range lines {
		g.Expect(page(t, "scaling.md")).To(ContainSubstring("`symphony-operator: preStop: " + values.Replace(line[1]) + "`"))
	}
}
