// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
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
		for _, command := range []string{"up", "down", "load-image", "status", "kubeconfig", "build", "check", "stop", "start", "restart"} {
			if !strings.Contains(out.String(), "localcluster "+command) {
				t.Errorf("%v: no word of %s", arguments, command)
			}
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for wanted, arguments := range map[string][]string{
		`"begin" is no command; see localcluster help`:                                                               {"begin", "--nodes", "2"},
		"down: flag provided but not defined: -nodes; see localcluster help":                                         {"down", "--nodes", "2"},
		`up takes no "3"; see localcluster help`:                                                                     {"up", "3"},
		`up: invalid value "two" for flag -nodes: parse error; see localcluster help`:                                {"up", "--nodes", "two"},
		"--nodes must be 0 to 9 and --fake-nodes 0 or more":                                                          {"up", "--nodes", "-1"},
		"load-image needs the names of image tars":                                                                   {"load-image"},
		`"kubelett" is none of the cluster's binaries`:                                                               {"build", "kubelett"},
		"name one component; see localcluster help":                                                                  {"restart"},
		"start: flag provided but not defined: -kill; see localcluster help":                                         {"start", "etcd", "--kill"},
		"etcd runs on no node: leave out --node":                                                                     {"restart", "etcd", "--kill", "--node", "node1"},
		`"kube-proxy" is none of etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, containerd`: {"stop", "kube-proxy"},
		"each node has a kubelet: --node says which, as in --node node1":                                             {"stop", "kubelet"},
		`"fake-1" is no node: they are node1, node2 and so on`:                                                       {"start", "--node", "fake-1", "containerd"},
	} {
		var out, problems bytes.Buffer
		code := runAndTell(t.Context(), arguments, &out, &problems)
		if code != 2 || problems.String() != "localcluster: "+wanted+"\n" || out.Len() > 0 {
			t.Errorf("%v: exit code %d, %q and %q", arguments, code, problems.String(), out.String())
		}
	}
}

func TestHelpOfACommandIsNoMistake(t *testing.T) {
	var out, problems bytes.Buffer
	if code := runAndTell(t.Context(), []string{"up", "--help"}, &out, &problems); code != 0 || out.String() != usage {
		t.Errorf("exit code %d: %s%s", code, out.String(), problems.String())
	}
}

func TestOtherFailuresAreNoMistakesOfTheUser(t *testing.T) {
	var out, problems bytes.Buffer
	code := runAndTell(t.Context(), []string{"load-image", "--dir", t.TempDir(), "image.tar"}, &out, &problems)
	if code != 1 || problems.String() != "localcluster: no whole cluster runs: `localcluster up` first\n" {
		t.Errorf("exit code %d: %s", code, problems.String())
	}
}

func TestAComponentThatIsNotThere(t *testing.T) {
	for _, command := range []string{"stop", "start", "restart"} {
		var out, problems bytes.Buffer
		code := runAndTell(t.Context(), []string{command, "kubelet", "--node", "node9", "--dir", t.TempDir()}, &out, &problems)
		if code != 1 || !strings.HasSuffix(problems.String(), "this cluster has no node9-kubelet: `localcluster status` lists what it has\n") {
			t.Errorf("exit code %d: %s", code, problems.String())
		}
	}
}

func TestKubeconfigIsInTheDirectory(t *testing.T) {
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{dir, link} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"kubeconfig", "--dir", given}, &out); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(out.String()); got != filepath.Join(dir, "kubeconfig") {
			t.Errorf("%s: got %s", given, got)
		}
	}
}
