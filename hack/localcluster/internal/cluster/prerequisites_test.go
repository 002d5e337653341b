// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"io"
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
