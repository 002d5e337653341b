// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// programs are stand-ins: only busybox is run, to ask for its applets.
func programs(t *testing.T) (symsim, bash, busybox string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"symsim": "simulator", "bash": "shell", "busybox": "#!/bin/sh\necho bin/cat\necho bin/sh\necho usr/bin/awk\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "symsim"), filepath.Join(dir, "bash"), filepath.Join(dir, "busybox")
}

func entries(t *testing.T, file string) map[string]*tar.Header {
	t.Helper()
	open, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	found := map[string]*tar.Header{}
	for reader := tar.NewReader(open); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if found[header.Name] != nil {
			t.Fatalf("%s is there twice", header.Name)
		}
		found[header.Name] = header
	}
}

func TestLayer(t *testing.T) {
	g := NewWithT(t)
	symsim, bash, busybox := programs(t)
	for release, top := range map[string]string{"7.1.2": "opt/ibm/platform/", "7.3.2": "opt/ibm/spectrumcomputing/"} {
		first, second := filepath.Join(t.TempDir(), "1.tar"), filepath.Join(t.TempDir(), "2.tar")
		g.Expect(writeLayer(release, symsim, bash, busybox, first)).To(Succeed())
		g.Expect(writeLayer(release, symsim, bash, busybox, second)).To(Succeed())
		one, err := os.ReadFile(first)
		g.Expect(err).NotTo(HaveOccurred())
		two, err := os.ReadFile(second)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(one).To(Equal(two), "the same input gives the same bytes")

		found := entries(t, first)
		for _, name := range []string{
			top + "profile.platform", top + "kernel/conf/ego.conf", top + "symsim/symsim", top + "kernel/log/",
		} {
			g.Expect(found).To(HaveKey(name))
			g.Expect(found[name].Uid).To(Equal(adminUID), name)
			g.Expect(found[name].Gid).To(Equal(adminGID), name)
		}
		g.Expect(found["bin/sh"].Linkname).To(Equal("bash"), "not busybox's")
		g.Expect(found["usr/bin/awk"].Linkname).To(Equal("/bin/busybox"))
		g.Expect(found["tmp/"].Mode).To(Equal(int64(0o1777)))
	}
	g.Expect(writeLayer("6.1", symsim, bash, busybox, filepath.Join(t.TempDir(), "x"))).To(MatchError(ContainSubstring("6.1")))
}
