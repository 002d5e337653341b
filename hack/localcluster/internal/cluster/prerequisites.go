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
	"strconv"
	"strings"
)

// capabilities that nodes need, by their bit in /proc/self/status.
var capabilities = map[uint]string{12: "CAP_NET_ADMIN", 21: "CAP_SYS_ADMIN"}

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
func (c *Cluster) Check() error {
	if err := c.possible(); err != nil {
		return err
	}
	running, err := c.running()
	if err == nil && running != nil {
		err = errors.New("a local cluster runs already: `localcluster down` ends it")
	}
	return err
}

// possible checks what no package can mend: one sentence for the first thing that is missing.
func (c *Cluster) possible() error {
	if runtime.GOOS != "linux" {
		return errors.New("the local cluster needs Linux")
	}
	if longest := len(c.containerdSocket(node{maxNodes})); longest > maxSocketPath {
		return fmt.Errorf("the directory %s is too long by %d characters for the path of a unix socket: choose a shorter --dir", c.Dir, longest-maxSocketPath)
	}
	if os.Geteuid() != 0 {
		return errors.New("the local cluster needs root: it makes network namespaces and containers")
	}
	if missing := missingCapabilities(); len(missing) > 0 {
		return fmt.Errorf("the local cluster needs %s, which this container or user does not have", strings.Join(missing, " and "))
	}
	return nil
}

const maxSocketPath = 100

func missingCapabilities() []string {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(data), "CapEff:")
	line, _, _ := strings.Cut(rest, "\n")
	effective, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil {
		return nil
	}
	var missing []string
	for bit, name := range capabilities {
		if effective&(1<<bit) == 0 {
			missing = append(missing, name)
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
	return c.step(ctx, "installing "+strings.Join(missing, " "), func(ctx context.Context) error {
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
		missing = append(missing, one.name)
	}
	return missing
}

// free reports what of the cluster's addresses and names somebody else uses.
func (c *Cluster) free(ctx context.Context) error {
	if _, err := os.Stat("/sys/class/net/" + bridge); err == nil {
		return fmt.Errorf("the network link %s exists: another local cluster runs from a different --dir, or was not ended", bridge)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("reading addresses: %w", err)
	}
	for _, wanted := range []string{apiAddress, apiServiceIP, strings.Split(podRange, "/")[0]} {
		for _, address := range addresses {
			if in, ok := address.(*net.IPNet); ok && in.Contains(net.ParseIP(wanted)) {
				return fmt.Errorf("the address %s, which the cluster needs, is in this machine's network %s", wanted, in)
			}
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", etcdPort))
	if err != nil {
		return fmt.Errorf("port %d of 127.0.0.1, which etcd needs, is taken", etcdPort)
	}
	return listener.Close()
}
