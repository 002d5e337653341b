// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package nodeagent is what the operator does on a node itself: it reads what Weave Net does there, and what Weave would
// meet there, and ends and removes it when it is asked to. It needs no shell and none of Weave's programs.
package nodeagent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Place is a file or a directory of the node's.
type Place struct {
	// Path is where the agent has it.
	Path string
	// Host is its name on the node, for messages; "" if it is the same.
	Host string
}

func (p Place) name() string {
	return cmp.Or(p.Host, p.Path)
}

// Options are what an agent is told about its node.
type Options struct {
	// Task is what it was started for.
	Task v1alpha1.WeaveAgentTask
	// IPRange is the overlay's range of addresses; the zero value looks for no routes.
	IPRange netip.Prefix
	// PasswordFile is where the Secret's key would be; "" if there is no password.
	PasswordFile string
	// CNIConfig and CNIBin are the container runtime's, Data is Weave's.
	CNIConfig, CNIBin, Data Place
	// ModulesDir has the kernel's modules, in a directory of the kernel's release: /lib/modules.
	ModulesDir string
	// MachineID is the file /etc/machine-id.
	MachineID Place
	// ProcDir is /proc, and SysModuleDir is /sys/module.
	ProcDir, SysModuleDir string
	// KernelRelease is the running kernel's; "" asks it.
	KernelRelease string
	// RouterAPI is where the router answers.
	RouterAPI string
	// Clock tells the time.
	Clock clock.PassiveClock
}

// DefaultOptions are a node's usual places, for the task Report.
func DefaultOptions() Options {
	return Options{
		Task:         v1alpha1.AgentReport,
		CNIConfig:    Place{Path: "/etc/cni/net.d"},
		CNIBin:       Place{Path: "/opt/cni/bin"},
		Data:         Place{Path: "/var/lib/weave"},
		ModulesDir:   "/lib/modules",
		MachineID:    Place{Path: "/etc/machine-id"},
		ProcDir:      "/proc",
		SysModuleDir: "/sys/module",
		RouterAPI:    RouterAPI,
		Clock:        clock.RealClock{},
	}
}

// Host looks at a node, and does there what its task says. It is for one caller at a time.
type Host struct {
	Options
	router *api
	kernel kernel
}

// NewHost is the node that the process runs on.
func NewHost(options *Options) *Host {
	return &Host{
		Options: *options,
		router:  newAPI(options.RouterAPI),
		kernel: kernel{
			modules: options.ModulesDir, loaded: options.SysModuleDir,
			config: options.ProcDir + "/config.gz", release: options.KernelRelease,
		},
	}
}

// Look is one pass: it asks the router, does what the task says, and reads the rest. former is the status that was written
// last, nil if there is none. What could not be looked at is as in former, and in the error.
func (h *Host) Look(ctx context.Context, former *v1alpha1.WeaveNodeStatus) (v1alpha1.WeaveNodeStatus, error) {
	if former == nil {
		former = &v1alpha1.WeaveNodeStatus{}
	}
	status := v1alpha1.WeaveNodeStatus{Agent: h.Task}
	asked := h.ask(ctx, former, &status)
	switch h.Task {
	case v1alpha1.AgentLeave:
		status.Cleanup = h.leave(ctx, former, status.Router, asked)
	case v1alpha1.AgentClean:
		status.Cleanup = h.clean(ctx, former, status.Router, asked)
	case v1alpha1.AgentReport:
	}
	// The node itself is looked at after the task, so that the status shows what the task did.
	seen := h.see(ctx, former, &status, asked == nil)
	keepSince(&status, former, metav1.NewTime(h.Clock.Now()).Rfc3339Copy())
	return status, errors.Join(asked, seen)
}

// ask writes the router's parts of the status.
func (h *Host) ask(ctx context.Context, former, status *v1alpha1.WeaveNodeStatus) error {
	found, err := h.router.report(ctx)
	switch {
	case err == nil:
		found.fill(status)
		return nil
	case errors.Is(err, errNoRouter), errors.Is(err, errNoReport) && former.Router != v1alpha1.RouterRunning:
		// What has never been a router is none: the ports in use tell that something listens there.
		status.Router = v1alpha1.RouterAbsent
		return nil
	}
	// A router that hangs has not ended, and its connections are not gone: what is called absent is removed from under it.
	kept := former.DeepCopy()
	status.Router, status.PeerName, status.Version, status.Encrypted = kept.Router, kept.PeerName, kept.Version, kept.Encrypted
	status.IPAM, status.Connected, status.Connections = kept.IPAM, kept.Connected, kept.Connections
	return err
}

// see writes the node's parts of the status; answers is false when the router hangs.
func (h *Host) see(ctx context.Context, former, status *v1alpha1.WeaveNodeStatus, answers bool) error {
	kept := former.DeepCopy()
	status.Overlay, status.Host = kept.Overlay, kept.Host
	links, err := listLinks()
	if err != nil {
		return err
	}
	var problems []error
	if answers {
		overlay, err := h.overlay(ctx, links, status.Router == v1alpha1.RouterRunning)
		if err == nil {
			status.Overlay = overlay
		}
		problems = append(problems, err)
	}
	host, err := h.host(links)
	if err == nil {
		status.Host = host
	}
	return errors.Join(append(problems, err)...)
}

// inWords is an error's text as a status has it: one line, and the same each time.
func inWords(format string, arguments ...any) string {
	return steady(fmt.Sprintf(format, arguments...))
}
