// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package install is the stand-in's init container: it writes the files that weave-net's writes on a node.
package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Version is the version of weave that is played.
const Version = "2.9.0"

// plugin is what the container runtime would run. The real one is a program; nothing may take this one for it.
const plugin = `#!/bin/sh
# weavesim's stand-in for weave-net's CNI plugin.
echo '{"cniVersion":"1.0.0","code":999,"msg":"weavesim is a stand-in for weave-net: it gives pods no network"}'
exit 1
`

// Main installs below $HOST_ROOT and returns the exit code.
func Main(getenv func(string) string, complaints io.Writer) int {
	root := getenv("HOST_ROOT")
	if root == "" {
		root = "/host" // Facts 1.6.
	}
	// Facts 1.6: init.sh alone reads it, and true is the default.
	hairpin := getenv("HAIRPIN_MODE") != "false"
	if err := install(root, hairpin); err != nil {
		fmt.Fprintln(complaints, "weavesim, a stand-in for weave-net: Failed to install the Weave CNI plugin:", err)
		return 1
	}
	return 0
}

// install follows facts 2, row `weave setup`: a versioned file, two links to it, and a network for the container runtime.
func install(root string, hairpin bool) error {
	bin, err := pluginDirectory(root)
	if err != nil {
		return err
	}
	versioned := "weave-plugin-" + Version
	if err := replace(filepath.Join(bin, versioned), func(path string) error {
		if err := os.WriteFile(path, []byte(plugin), 0o600); err != nil {
			return err
		}
		return os.Chmod(path, 0o755)
	}); err != nil {
		return err
	}
	for _, name := range []string{"weave-net", "weave-ipam"} {
		if err := replace(filepath.Join(bin, name), func(path string) error { return os.Symlink(versioned, path) }); err != nil {
			return err
		}
	}
	return network(filepath.Join(root, "etc", "cni", "net.d"), hairpin)
}

// pluginDirectory falls back to a second directory, as init.sh does (facts 1.2).
func pluginDirectory(root string) (string, error) {
	first, second := filepath.Join(root, "opt", "cni", "bin"), filepath.Join(root, "home", "kubernetes", "bin")
	err := os.MkdirAll(first, 0o755)
	if err == nil {
		return first, nil
	}
	if also := os.MkdirAll(second, 0o755); also != nil {
		return "", errors.Join(err, also)
	}
	return second, nil
}

// replace puts a file where another one may be. Nodes of a local cluster can share the directory, and install at the same
// time.
func replace(path string, create func(path string) error) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".weavesim")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	temporary := filepath.Join(dir, filepath.Base(path))
	if err := create(temporary); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// network writes the list that facts 2 describe, but only where there is none: a later change of HAIRPIN_MODE has no
// effect (facts 1.6).
func network(dir string, hairpin bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, "10-weave.conflist")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	type network struct {
		Name         string          `json:"name,omitempty"`
		Type         string          `json:"type"`
		HairpinMode  *bool           `json:"hairpinMode,omitempty"`
		Capabilities map[string]bool `json:"capabilities,omitempty"`
		SNAT         bool            `json:"snat,omitempty"`
	}
	content, err := json.MarshalIndent(map[string]any{
		"cniVersion": "1.0.0",
		"name":       "weave",
		"plugins": []network{
			{Name: "weave", Type: "weave-net", HairpinMode: &hairpin},
			{Type: "portmap", Capabilities: map[string]bool{"portMappings": true}, SNAT: true},
		},
	}, "", "    ")
	if err != nil {
		return err
	}
	return replace(path, func(path string) error {
		if err := os.WriteFile(path, append(content, '\n'), 0o600); err != nil {
			return err
		}
		return os.Chmod(path, 0o644)
	})
}
