// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// legacyNote is what a cleaned node's status says when iptables-legacy is in use beside the other kind.
const legacyNote = "The node has tables of iptables-legacy, which the agent cannot read: " +
	"Weave's rules in them, if there are any, go with the next reboot, and so do the sets of ipset that they use."

// clean removes what a router left on the node. Each step finds what is there, so that it can be the first one after a
// crash, and a step that fails keeps none of the others from being done. A node that is clean is left alone: what comes
// later is somebody else's.
func (h *Host) clean(
	ctx context.Context, former *v1alpha1.WeaveNodeStatus, router v1alpha1.WeaveRouter, asked error,
) *v1alpha1.WeaveCleanup {
	if former.Agent == v1alpha1.AgentClean && former.Cleanup != nil && former.Cleanup.State == v1alpha1.CleanupCleaned {
		return former.Cleanup.DeepCopy()
	}
	if router == v1alpha1.RouterRunning {
		return &v1alpha1.WeaveCleanup{
			State: v1alpha1.CleanupFailed, Message: "Weave's router still runs: it would put back what is removed.",
		}
	}
	if asked != nil {
		return &v1alpha1.WeaveCleanup{
			State: v1alpha1.CleanupFailed, Message: inWords("Whether Weave's router still runs is not known: %v.", asked),
		}
	}
	var failed []string
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"links", removeLinks},
		{"IPsec", removeIPsec}, // Before the rules, which name a part of it and close the way to what it protected.
		{"rules of iptables", removeRules},
		{"sets of ipset", h.removeUnusedSets}, // After the rules, which refer to them.
		{"files", h.removeFiles},
	} {
		if err := step.do(ctx); err != nil {
			failed = append(failed, step.what+" ("+oneLine(err)+")")
		}
	}
	if len(failed) > 0 {
		return &v1alpha1.WeaveCleanup{
			State: v1alpha1.CleanupFailed, Message: "Not removed: " + strings.Join(failed, ", ") + ".",
		}
	}
	return &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupCleaned, Message: h.noteOfLegacy()}
}

// oneLine is an error's text with each of its lines once: a refused transaction tells the same for each of its parts.
func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "; ")
}

// removeUnusedSets leaves sets to the rules of iptables-legacy that use them: to wait for these would be in vain.
func (h *Host) removeUnusedSets(ctx context.Context) error {
	err := removeSets(ctx)
	if errors.Is(err, errSetInUse) && h.noteOfLegacy() != "" {
		return nil
	}
	return err
}

// noteOfLegacy tells of rules that cannot be seen from here: those of iptables-legacy are not read by netlink.
func (h *Host) noteOfLegacy() string {
	tables, err := os.ReadFile(filepath.Join(h.ProcDir, "net", "ip_tables_names"))
	if err != nil || len(bytes.TrimSpace(tables)) == 0 {
		return ""
	}
	return legacyNote
}

// removeFiles removes Weave's own files, and nothing else of the directories that they share with others.
func (h *Host) removeFiles(context.Context) error {
	var problems []error
	for _, files := range []struct {
		in       Place
		patterns []string
	}{
		{h.CNIConfig, []string{conflist}},
		{h.CNIBin, []string{"weave-net", "weave-ipam", "weave-plugin-*"}},
		{h.Data, []string{"weave-netdata*"}},
	} {
		for _, pattern := range files.patterns {
			if err := removeMatching(files.in.Path, pattern); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", filepath.Join(files.in.name(), pattern), err))
			}
		}
	}
	return errors.Join(problems...)
}

func removeMatching(directory, pattern string) error {
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return cause(err)
	}
	var problems []error
	for _, entry := range entries {
		if matched, err := filepath.Match(pattern, entry.Name()); err != nil || !matched || entry.IsDir() {
			continue
		}
		err := os.Remove(filepath.Join(directory, entry.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, cause(err))
		}
	}
	if len(problems) > 0 {
		return problems[0]
	}
	return nil
}

// cause is an error without the path, which is the agent's own and not the node's.
func cause(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}
