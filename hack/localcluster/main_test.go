// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestHelpNamesEveryCommand(t *testing.T) {
	for _, arguments := range [][]string{nil, {"help"}, {"--help"}} {
		var out bytes.Buffer
		if err := run(t.Context(), arguments, &out); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"up", "down", "load-image", "status", "kubeconfig", "build", "check"} {
			if !strings.Contains(out.String(), "localcluster "+command) {
				t.Errorf("%v: no word of %s", arguments, command)
			}
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for wanted, arguments := range map[string][]string{
		`"start" is no command; see localcluster help`: {"start"},
		"flag provided but not defined: -nodes":        {"down", "--nodes", "2"},
		"load-image needs the names of image tars":     {"load-image"},
	} {
		err := run(t.Context(), arguments, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%v: got %v", arguments, err)
		}
	}
}

func TestKubeconfigIsInTheDirectory(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"kubeconfig", "--dir", dir}, &out); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != filepath.Join(dir, "kubeconfig") {
		t.Errorf("got %s", got)
	}
}
