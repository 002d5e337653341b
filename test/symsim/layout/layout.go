// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package layout is the installation tree of the simulator, as the product has it: for its image, and for tests that
// run it in a directory.
package layout

import (
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed files
var files embed.FS

// Version is a release of Symphony that the simulator plays.
type Version struct {
	Symphony string
	EGO      string
	// Top is where the release is installed.
	Top string
	// BasePort is LIM's port; VEMKD and PEM have the next ones.
	BasePort int
}

// V712 is the article's release; V732 wants a password and an accepted licence.
var (
	V712 = Version{Symphony: "7.1.2", EGO: "3.4", Top: "/opt/ibm/platform", BasePort: 17869}
	V732 = Version{Symphony: "7.3.2", EGO: "4.0", Top: "/opt/ibm/spectrumcomputing", BasePort: 17869}
)

// ProgramPath is where the simulator itself is, below Top.
const ProgramPath = "symsim/symsim"

// Entry is a file, a directory (no content, no link) or a symbolic link below Top.
type Entry struct {
	Path    string
	Content string
	Link    string
	Dir     bool
	Mode    os.FileMode
}

// Entries are what is below Top, without the program, directories before what is in them.
func (v Version) Entries() ([]Entry, error) {
	var entries []Entry
	for _, dir := range []string{
		"symsim", "kernel", "kernel/conf", "kernel/log", "kernel/work",
		v.EGO, v.EGO + "/linux-x86_64", v.EGO + "/linux-x86_64/bin", v.EGO + "/linux-x86_64/etc",
		"soam", "soam/conf", "soam/" + v.Symphony, "soam/" + v.Symphony + "/linux-x86_64",
		"soam/" + v.Symphony + "/linux-x86_64/bin",
		"jre", "jre/8.0", "jre/8.0/linux-x86_64", "jre/8.0/linux-x86_64/bin",
	} {
		entries = append(entries, Entry{Path: dir, Dir: true, Mode: 0o775})
	}
	for _, file := range [][2]string{
		{"profile.platform", "profile.platform"},
		{"kernel/conf/profile.ego", "profile.ego"},
		{"kernel/conf/ego.conf", "ego.conf"},
		{"kernel/conf/ego.shared", "ego.shared"},
		{"kernel/conf/ego.cluster.cluster1", "ego.cluster"},
		{"soam/conf/profile.soam", "profile.soam"},
	} {
		text, err := files.ReadFile("files/" + file[1])
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Path: file[0], Content: v.fill(string(text)), Mode: 0o664})
	}
	for _, link := range []string{
		v.EGO + "/linux-x86_64/bin/egosh", v.EGO + "/linux-x86_64/bin/egoconfig", v.EGO + "/linux-x86_64/etc/lim",
		"soam/" + v.Symphony + "/linux-x86_64/bin/soamview", "jre/8.0/linux-x86_64/bin/keytool",
	} {
		target := strings.Repeat("../", strings.Count(link, "/")) + ProgramPath
		entries = append(entries, Entry{Path: link, Link: target})
	}
	return entries, nil
}

func (v Version) fill(text string) string {
	return strings.NewReplacer(
		"@EGO_TOP@", v.Top, "@EGO_VERSION@", v.EGO, "@SYMPHONY_VERSION@", v.Symphony,
		"@LIM_PORT@", fmt.Sprint(v.BasePort), "@KD_PORT@", fmt.Sprint(v.BasePort+1), "@PEM_PORT@", fmt.Sprint(v.BasePort+2),
	).Replace(text)
}

// Entitlement is the file that the article bakes into its image.
func Entitlement() (string, error) {
	text, err := files.ReadFile("files/entitlement.dat")
	return string(text), err
}

// Install writes the tree at v.Top, with a copy of the program: a link would make the processes of two installations
// look alike.
func (v Version) Install(program string, uid, gid int) error {
	entries, err := v.Entries()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(v.Top, 0o775); err != nil {
		return err
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	entries = append(entries, Entry{Path: ProgramPath, Content: string(binary), Mode: 0o755})
	for _, entry := range append([]Entry{{Path: ".", Dir: true, Mode: 0o775}}, entries...) {
		if err := entry.write(filepath.Join(v.Top, path.Clean(entry.Path)), uid, gid); err != nil {
			return err
		}
	}
	return nil
}

func (e Entry) write(target string, uid, gid int) error {
	var err error
	switch {
	case e.Dir:
		err = os.MkdirAll(target, e.Mode)
	case e.Link != "":
		err = os.Symlink(e.Link, target)
	default:
		err = os.WriteFile(target, []byte(e.Content), e.Mode)
	}
	if err != nil {
		return err
	}
	return os.Lchown(target, uid, gid)
}
