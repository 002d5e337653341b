// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ociimage

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// write writes an image of one program and returns the archive's path.
func write(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/true"), 0o600); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "image.tar")
	err := Write(&Image{
		Tag: "operator:dev", Files: []File{{Source: program, Target: "/opt/bin/manager", Mode: 0o755}},
		Entrypoint: []string{"/opt/bin/manager"}, Env: []string{"A=b"}, User: "65532:65532", Architecture: "amd64",
	}, target)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestAnImageOfOneProgram(t *testing.T) {
	image, err := tarball.ImageFromPath(write(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != "amd64" || config.Config.User != "65532:65532" ||
		!slices.Equal(config.Config.Entrypoint, []string{"/opt/bin/manager"}) || !slices.Equal(config.Config.Env, []string{"A=b"}) {
		t.Errorf("got %+v", config)
	}
	if got := list(t, image); !slices.Equal(got, []string{"opt/ root", "opt/bin/ root", "opt/bin/manager root"}) {
		t.Errorf("got %v", got)
	}
}

// A cluster that has an image need not be given it again: the same files must make the same image.
func TestTheSameFilesMakeTheSameBytes(t *testing.T) {
	first, err := os.ReadFile(write(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(write(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("they differ")
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for wanted, image := range map[string]Image{
		"reading the tag":             {Tag: "UPPER:dev"},
		"needs at least one file":     {Tag: "a:b"},
		"must be an absolute path":    {Tag: "a:b", Files: []File{{Source: "/dev/null", Target: "relative"}}},
		"reading a file of the image": {Tag: "a:b", Files: []File{{Source: "/does/not/exist", Target: "/a"}}},
		"/no/layer: no such file":     {Tag: "a:b", Layer: "/no/layer"},
	} {
		if err := Write(&image, filepath.Join(t.TempDir(), "out")); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("got %v, wanted %s", err, wanted)
		}
	}
}

// list has the names and owners of the only layer's entries.
func list(t *testing.T, image v1.Image) []string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		owner := "root"
		if header.Uid != 0 || !header.ModTime.IsZero() && header.ModTime.Unix() != 0 {
			owner = "somebody, some time"
		}
		all = append(all, header.Name+" "+owner)
	}
}
