// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/controllers"
)

// nodeAgentCommand is started by the DaemonSet that internal/weave builds: its arguments are there.
func nodeAgentCommand(flags *flag.FlagSet) func() error {
	settings := controllers.NodeAgentSettings{}
	flags.StringVar(&settings.Node, "node", "", "Name of the node, and of its WeaveNode.")
	task := flags.String("task", string(v1alpha1.AgentReport), "What to do beside reporting: Report (nothing), Leave or Clean.")
	owner := flags.String("owner", "", "UID of the WeaveNetwork.")
	flags.StringVar(&settings.Revision, "revision", "", "Text that the report carries, for whoever started the agent.")
	flags.StringVar(&settings.IPRange, "ip-range", "", "The WeaveNetwork's range, in CIDR notation: routes that overlap it are reported.")
	flags.StringVar(&settings.PasswordFile, "password-file", "", "File whose presence is reported; it is not read.")
	flags.StringVar(&settings.CNIBinDir, "cni-bin", "", "Directory of CNI plugins. (default /opt/cni/bin)")
	flags.StringVar(&settings.HostCNIBinDir, "host-cni-bin", "", "What the node calls it. (default the same)")
	flags.StringVar(&settings.CNIConfigDir, "cni-config", "", "Directory of the container runtime's networks. (default /etc/cni/net.d)")
	flags.StringVar(&settings.HostCNIConfigDir, "host-cni-config", "", "What the node calls it. (default the same)")
	flags.StringVar(&settings.HostDataDir, "host-data", "", "What the node calls Weave's directory. (default the same)")
	flags.StringVar(&settings.DataDir, "data", "", "Weave's directory. (default /var/lib/weave)")
	flags.StringVar(&settings.ModulesDir, "modules", "", "Directory of kernel modules. (default /lib/modules)")
	flags.StringVar(&settings.MachineIDFile, "machine-id", "", "The machine's id, of which a digest is reported. (default /etc/machine-id)")
	health := flags.String("health-probe-bind-address", controllers.NodeAgentProbeAddress, "Address that serves /healthz and /readyz.")
	return func() error {
		to, err := apiServer()
		if err != nil {
			return err
		}
		settings.Task, settings.Owner = v1alpha1.WeaveAgentTask(*task), types.UID(*owner)
		manager, err := controllers.NewNodeAgent(to, settings, ctrl.Options{HealthProbeBindAddress: *health})
		if err != nil {
			return err
		}
		return manager.Start(ctrl.SetupSignalHandler())
	}
}
