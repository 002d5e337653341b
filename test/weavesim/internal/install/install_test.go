// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestInitWritesThePluginAndTheNetwork(t *testing.T) {
	root := t.TempDir()
	var complaints strings.Builder
	if code := Main(environment(map[string]string{"HOST_ROOT": root}), &complaints); code != 0 {
		t.Fatal(code, complaints.String())
	}
	bin := filepath.Join(root, "opt", "cni", "bin")
	if info, err := os.Stat(filepath.Join(bin, "weave-plugin-2.9.0")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v", info, err)
	}
	for _, name := range []string{"weave-net", "weave-ipam"} {
		if target, err := os.Readlink(filepath.Join(bin, name)); err != nil || target != "weave-plugin-2.9.0" {
			t.Errorf("%s is a link to %q, %v", name, target, err)
		}
	}
	if entries, err := os.ReadDir(bin); err != nil || len(entries) != 3 {
		t.Errorf("got %v, %v", entries, err)
	}
}

func TestTheNetworkIsWeaveWithPortmap(t *testing.T) {
	root := t.TempDir()
	var complaints strings.Builder
	if code := Main(environment(map[string]string{"HOST_ROOT": root}), &complaints); code != 0 {
		t.Fatal(code, complaints.String())
	}
	data, err := os.ReadFile(filepath.Join(root, "etc", "cni", "net.d", "10-weave.conflist"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		CNIVersion string
		Plugins    []struct {
			Type        string
			HairpinMode *bool
		}
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if list.CNIVersion != "1.0.0" || len(list.Plugins) != 2 || list.Plugins[0].Type != "weave-net" || !*list.Plugins[0].HairpinMode ||
		list.Plugins[1].Type != "portmap" || list.Plugins[1].HairpinMode != nil {
		t.Errorf("got %s", data)
	}
}

func TestASecondInitLeavesTheNetworkAsItIs(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "etc", "cni", "net.d", "10-weave.conflist")
	for _, hairpin := range []string{"false", "true"} {
		var complaints strings.Builder
		if code := Main(environment(map[string]string{"HOST_ROOT": root, "HAIRPIN_MODE": hairpin}), &complaints); code != 0 {
			t.Fatal(code, complaints.String())
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), `"hairpinMode": false`) {
			t.Errorf("after HAIRPIN_MODE=%s: %s, %v", hairpin, data, err)
		}
	}
}

func TestInitSaysWhatItCannotWrite(t *testing.T) {
	root := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	if code := Main(environment(map[string]string{"HOST_ROOT": root}), &complaints); code != 1 {
		t.Error(code)
	}
	if !strings.Contains(complaints.String(), "Failed to install the Weave CNI plugin") || !strings.Contains(complaints.String(), root) {
		t.Error(complaints.String())
	}
}

func TestInitFallsBackToTheOtherDirectory(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "opt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	if code := Main(environment(map[string]string{"HOST_ROOT": root}), &complaints); code != 0 {
		t.Fatal(code, complaints.String())
	}
	if _, err := os.Stat(filepath.Join(root, "home", "kubernetes", "bin", "weave-net")); err != nil {
		t.Error(err)
	}
}
