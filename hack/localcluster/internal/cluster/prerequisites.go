// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// capabilities that nodes need, by their bit in /proc/self/status.
var capabilities = []struct {
	bit  uint
	name string
}{{12, "CAP_NET_ADMIN"}, {21, "CAP_SYS_ADMIN"}}

// packages are Debian's, by a file of theirs.
var packages = []struct{ file, name string }{
	{"iptables", "iptables"},
	{"conntrack", "conntrack"},
	{"ip", "iproute2"},
	{"ethtool", "ethtool"},
	{"socat", "socat"},
	{"nsenter", "util-linux"},
	{"unshare", "util-linux"},
	{"mount", "mount"},
	{"gcc", "gcc"},
	{"pkg-config", "pkg-config"},
	{"/usr/lib/cni/ptp", "containernetworking-plugins"},
	{"/usr/include/seccomp.h", "libseccomp-dev"},
}

// Check says in one sentence why no cluster can be brought up here, or nothing.
func (c *Cluster) Check(ctx context.Context) error {
	if err := c.possible(); err != nil {
		return err
	}
	running, err := c.running()
	if err == nil && running != nil {
		err = errors.New("a local cluster runs already: `localcluster down` ends it")
	}
	if err != nil {
		return err
	}
	abandoned, err := c.abandoned()
	// What is left of this directory's own cluster, or of one that nobody runs, would be ended by `up`.
	if err != nil || abandoned != nil || c.hasTraces() && c.ownsMachine() {
		return err
	}
	return c.free(ctx)
}

// possible checks what no package can mend: one sentence for the first thing that is missing.
func (c *Cluster) possible() error {
	if runtime.GOOS != "linux" {
		return errors.New("the local cluster needs Linux")
	}
	if longest := len(c.ttrpcSocket(node{maxNodes})); longest > maxSocketPath {
		return fmt.Errorf("the directory %s is too long by %d characters for the path of a unix socket: choose a shorter --dir", c.Dir, longest-maxSocketPath)
	}
	if os.Geteuid() != 0 {
		return errors.New("the local cluster needs root: it makes network namespaces and containers")
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Errorf("reading this process's capabilities: %w", err)
	}
	if missing := missingCapabilities(string(status)); len(missing) > 0 {
		return fmt.Errorf("the local cluster needs %s, which this container or user does not have", strings.Join(missing, " and "))
	}
	return nil
}

// maxSocketPath is containerd's own limit, a little below the kernel's.
const maxSocketPath = 104

// missingCapabilities reads /proc/self/status. What it cannot read is not missing: a step will say so.
func missingCapabilities(status string) []string {
	_, rest, _ := strings.Cut(status, "CapEff:")
	line, _, _ := strings.Cut(rest, "\n")
	effective, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil {
		return nil
	}
	var missing []string
	for _, one := range capabilities {
		if effective&(1<<one.bit) == 0 {
			missing = append(missing, one.name)
		}
	}
	return missing
}

// install installs the Debian packages that are missing; elsewhere it names them.
func (c *Cluster) install(ctx context.Context) error {
	missing := missingPackages()
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("install these first (they are named as Debian names them): %s", strings.Join(missing, " "))
	}
	fmt.Fprintf(c.Out, "Installing what is missing: %s\n", strings.Join(missing, " "))
	return c.step(ctx, "packages", func(ctx context.Context) error {
		if _, err := run(ctx, "apt-get", "update", "-q"); err != nil {
			return err
		}
		_, err := run(ctx, append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-yq", "--no-install-recommends"}, missing...)...)
		return err
	})
}

func missingPackages() []string {
	var missing []string
	for _, one := range packages {
		if filepath.IsAbs(one.file) {
			if _, err := os.Stat(one.file); err == nil {
				continue
			}
		} else if _, err := exec.LookPath(one.file); err == nil {
			continue
		}
		if !slices.Contains(missing, one.name) {
			missing = append(missing, one.name)
		}
	}
	return missing
}

// free reports what of the cluster's addresses and names somebody else uses.
func (c *Cluster) free(ctx context.Context) error {
	if exists("/sys/class/net/" + bridge) {
		if owner := bridgeOwner(); owner != "" {
			return fmt.Errorf("the local cluster of %[1]s runs on this machine, and there can be only one: `localcluster down --dir %[1]s` ends it", owner)
		}
		return fmt.Errorf("the network link %[1]s, whose name the cluster needs, exists: `ip link del %[1]s` removes it", bridge)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("reading addresses: %w", err)
	}
	if err := freeAddresses(addresses); err != nil {
		return err
	}
	return freePorts(ctx)
}

// freeAddresses holds the cluster's against those of the machine.
func freeAddresses(addresses []net.Addr) error {
	for _, wanted := range []string{apiAddress, apiServiceIP, strings.Split(podRange, "/")[0]} {
		for _, address := range addresses {
			if in, ok := address.(*net.IPNet); ok && in.Contains(net.ParseIP(wanted)) {
				return fmt.Errorf("the address %s, which the cluster needs, is in this machine's network %s", wanted, in)
			}
		}
	}
	return nil
}

// freePorts tries them. The bridge's address does not exist yet, so that only who listens on all addresses can be in
// the way there, and then is so on every address of the loopback network too.
func freePorts(ctx context.Context) error {
	for _, one := range []struct {
		address string
		port    int
		of, who string
	}{
		{"127.0.0.1", etcdPort, "127.0.0.1", "etcd"},
		{everywhere, apiPort, "all addresses", "the API server"},
		{everywhere, controllersPort, "all addresses", "the controller manager"},
		{everywhere, schedulerPort, "all addresses", "the scheduler"},
	} {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", net.JoinHostPort(one.address, intText(one.port)))
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("port %[1]d of %[2]s, which %[3]s needs, is taken: end the process that `ss -ltnp sport = :%[1]d` shows", one.port, one.of, one.who)
		}
		if err != nil {
			return fmt.Errorf("trying port %d: %w", one.port, err)
		}
		if err := listener.Close(); err != nil {
			return fmt.Errorf("trying port %d: %w", one.port, err)
		}
	}
	return nil
}

// everywhere is an address of the machine that nobody listens on but who listens on all.
const everywhere = "127.30.88.1"
