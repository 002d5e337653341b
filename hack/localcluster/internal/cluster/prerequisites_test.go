// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMissingCapabilities(t *testing.T) {
	for status, wanted := range map[string]string{
		"CapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\nCapBnd:\t0000000000000000\n": "",
		// A container without privileges has these.
		"CapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\n": "CAP_NET_ADMIN CAP_SYS_ADMIN",
		"CapEff:\t0000000000001000\n":                            "CAP_SYS_ADMIN",
		"CapEff:\t0000000000200000\n":                            "CAP_NET_ADMIN",
		"a kernel that says nothing of it":                       "",
	} {
		if got := strings.Join(missingCapabilities(status), " "); got != wanted {
			t.Errorf("%q: got %q, wanted %q", status, got, wanted)
		}
	}
}

func TestEveryMissingPackageIsNamedOnce(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	missing := missingPackages()
	for _, wanted := range []string{"iptables", "iproute2", "util-linux", "pkg-config"} {
		if !slices.Contains(missing, wanted) {
			t.Errorf("no %s in %v", wanted, missing)
		}
	}
	slices.Sort(missing)
	if len(slices.Compact(slices.Clone(missing))) != len(missing) {
		t.Errorf("one is named twice: %v", missing)
	}
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if err := c.install(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "install these first (they are named as Debian names them): iptables ") {
		t.Errorf("without apt-get: %v", err)
	}
}

func TestADirectoryThatIsGoneIsNobodys(t *testing.T) {
	dir := t.TempDir()
	if !sameDirectory(dir, dir+"/.") || sameDirectory(dir, t.TempDir()) || sameDirectory(dir+"/gone", dir+"/gone") {
		t.Error("directories are told apart by their names")
	}
}

func TestGivingBackLeavesWhatOthersUse(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if err := c.giveBack(); err != nil {
		t.Errorf("nothing was borrowed: %v", err)
	}
	empty, used := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	content := fmt.Sprintf(`{"made": [%q, %q, "/does/not/exist"], "parameters": {"no/such": "1"}}`, empty, used)
	if err := c.write(c.in("machine.json"), content); err != nil {
		t.Fatal(err)
	}
	if !c.hasTraces() {
		t.Error("down would not look at it")
	}
	if err := c.giveBack(); err != nil {
		t.Error(err)
	}
	if exists(empty) || !exists(filepath.Join(used, "file")) {
		t.Error("the empty one should go and the other stay")
	}
}

// Version 2 was never run: there is no machine with it here.
func TestControllersOfCgroupVersion2(t *testing.T) {
	root := t.TempDir()
	if got := disabledControllers(root); got != nil {
		t.Errorf("version 1: %v", got)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cgroup.controllers", "cpuset cpu io memory pids rdma misc\n")
	write("cgroup.subtree_control", "memory pids\n")
	missing := disabledControllers(root)
	if want := []string{"cpu", "cpuset", "io"}; !slices.Equal(missing, want) {
		t.Errorf("got %v, want %v", missing, want)
	}
	for sign, want := range map[string]string{"+": "+cpu +cpuset +io", "-": "-cpu -cpuset -io"} {
		if err := switchControllers(root, sign, missing); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control")); err != nil || string(got) != want {
			t.Errorf("got %q (%v), want %q", got, err, want)
		}
	}
	write("cgroup.subtree_control", "as before")
	if err := switchControllers(root, "+", nil); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control")); err != nil || string(got) != "as before" {
		t.Errorf("nothing to enable, and yet %q (%v)", got, err)
	}
}

func TestAddressesThatAreTakenAreNamed(t *testing.T) {
	for network, want := range map[string]string{
		"192.0.2.7/24":    "",
		"172.30.87.1/24":  "",
		"172.30.0.1/16":   "the address 172.30.88.1, which the cluster needs, is in this machine's network 172.30.0.1/16",
		"10.96.5.1/12":    "the address 10.96.0.1, which the cluster needs, is in this machine's network 10.96.5.1/12",
		"10.244.0.17/24":  "the address 10.244.0.0, which the cluster needs, is in this machine's network 10.244.0.17/24",
		"fd00:10::96/120": "",
	} {
		address, in, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := freeAddresses([]net.Addr{&net.UnixAddr{}, &net.IPNet{IP: address, Mask: in.Mask}}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", network, got, want)
		}
	}
}

func TestOneClusterComesUpOrGoesDownAtATime(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, as down does")
	}
	unlock, err := lockMachine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if err := c.Down(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "another localcluster is bringing a cluster up or down") {
		t.Errorf("got %v", err)
	}
	unlock()
	if err := c.Down(t.Context()); err != nil {
		t.Error(err)
	}
}
