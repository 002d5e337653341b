// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command image writes the files of the simulator's image as one tar: the installation, bash, busybox, and the few files
// that a user land needs. The same input gives the same bytes. build.sh makes an image of it.
package main

import (
	"archive/tar"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"

	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
)

// The cluster administrator, as in IBM's images.
const (
	adminUID = 1000
	adminGID = 0
)

func main() {
	release := flag.String("release", layout.V712.Symphony, "the release of Symphony to play")
	program := flag.String("symsim", "", "the simulator")
	bash := flag.String("bash", "", "a static bash")
	busybox := flag.String("busybox", "", "a static busybox")
	out := flag.String("out", "", "the tar to write")
	flag.Parse()
	if err := writeLayer(*release, *program, *bash, *busybox, *out); err != nil {
		fmt.Fprintln(os.Stderr, "symsim image:", err)
		os.Exit(1)
	}
}

func writeLayer(release, program, bash, busybox, out string) (err error) {
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	layer := &layer{Writer: tar.NewWriter(file), made: map[string]bool{}}
	if err := layer.system(); err != nil {
		return err
	}
	if err := layer.userland(bash, busybox); err != nil {
		return err
	}
	if err := layer.symphony(release, program); err != nil {
		return err
	}
	return layer.Close()
}

type layer struct {
	*tar.Writer

	made map[string]bool
}

// add writes an entry after the directories above it, which are root's.
func (l *layer) add(header tar.Header, content io.Reader) error {
	for at := range len(header.Name) {
		if header.Name[at] != '/' || l.made[header.Name[:at]] {
			continue
		}
		l.made[header.Name[:at]] = true
		parent := tar.Header{Typeflag: tar.TypeDir, Name: header.Name[:at] + "/", Mode: 0o755}
		if err := l.WriteHeader(&parent); err != nil {
			return err
		}
	}
	if header.Typeflag == tar.TypeDir {
		if l.made[header.Name] {
			return nil
		}
		l.made[header.Name] = true
		header.Name += "/"
	}
	if err := l.WriteHeader(&header); err != nil {
		return err
	}
	if content == nil {
		return nil
	}
	_, err := io.Copy(l, content)
	return err
}

func (l *layer) text(name, text string, mode int64, uid int) error {
	header := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Uid: uid, Size: int64(len(text))}
	return l.add(header, strings.NewReader(text))
}

func (l *layer) program(name, source string, uid int) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return l.add(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Uid: uid, Size: info.Size()}, file)
}

func (l *layer) link(name, target string) error {
	return l.add(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, nil)
}

func (l *layer) dir(name string, mode int64, uid int) error {
	return l.add(tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: uid}, nil)
}

func (l *layer) system() error {
	// /etc/passwd is the group's to write: on OpenShift IBM's start script puts the container's uid into it.
	passwd := "root:x:0:0:root:/root:/bin/bash\n" +
		fmt.Sprintf("egoadmin:x:%d:%d:EGO administrator:/home/egoadmin:/bin/bash\n", adminUID, adminGID)
	if err := l.text("etc/passwd", passwd, 0o664, 0); err != nil {
		return err
	}
	if err := l.text("etc/group", "root:x:0:egoadmin\n", 0o644, 0); err != nil {
		return err
	}
	if err := l.dir("tmp", 0o1777, 0); err != nil {
		return err
	}
	if err := l.dir("root", 0o700, 0); err != nil {
		return err
	}
	return l.dir("home/egoadmin", 0o770, adminUID)
}

// userland: bash is bash, as on the distributions that Symphony runs on; all other commands are busybox's.
func (l *layer) userland(bash, busybox string) error {
	if err := l.program("bin/bash", bash, 0); err != nil {
		return err
	}
	if err := l.link("bin/sh", "bash"); err != nil {
		return err
	}
	if err := l.program("bin/busybox", busybox, 0); err != nil {
		return err
	}
	applets, err := exec.Command(busybox, "--list-full").Output()
	if err != nil {
		return fmt.Errorf("%s --list-full: %w", busybox, err)
	}
	for name := range strings.FieldsSeq(string(applets)) {
		switch path.Base(name) {
		case "sh", "ash", "bash", "busybox", "openssl":
			continue
		}
		if err := l.link(name, "/bin/busybox"); err != nil {
			return err
		}
	}
	return nil
}

func (l *layer) symphony(release, program string) error {
	version := layout.V712
	if release == layout.V732.Symphony {
		version = layout.V732
	} else if release != version.Symphony {
		return fmt.Errorf("release %s is not simulated", release)
	}
	top := strings.TrimPrefix(version.Top, "/")
	if err := l.dir(top, 0o775, adminUID); err != nil {
		return err
	}
	entries, err := version.Entries()
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(top, entry.Path)
		switch {
		case entry.Dir:
			err = l.dir(name, int64(entry.Mode), adminUID)
		case entry.Link != "":
			err = l.link(name, entry.Link)
		default:
			err = l.text(name, entry.Content, int64(entry.Mode), adminUID)
		}
		if err != nil {
			return err
		}
	}
	if err := l.program(path.Join(top, layout.ProgramPath), program, adminUID); err != nil {
		return err
	}
	for _, name := range []string{"usr/bin/symsim", "usr/bin/openssl"} {
		if err := l.link(name, path.Join(version.Top, layout.ProgramPath)); err != nil {
			return err
		}
	}
	entitlement, err := layout.Entitlement()
	if err != nil {
		return err
	}
	return l.text("opt/platform_sym_adv_entitlement.dat", entitlement, 0o644, adminUID)
}
