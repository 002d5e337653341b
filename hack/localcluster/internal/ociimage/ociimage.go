// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ociimage writes images without Docker and without a registry: one layer of files over nothing, the
// same bytes for the same files. containerd, Docker and kind load them.
package ociimage

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// File is one file of the image.
type File struct {
	// Source is the file on this machine, Target its absolute path in the image.
	Source, Target string
	// Mode are its permissions.
	Mode int64
}

// Image is what to write.
type Image struct {
	// Tag is the image's name, such as symphony-operator:dev.
	Tag string
	// Layer is a tar file with the image's files; when it is empty, Files are.
	Layer      string
	Files      []File
	Entrypoint []string
	// Env are variables as NAME=VALUE.
	Env []string
	// User runs the entry point, as UID or UID:GID.
	User         string
	Architecture string
}

// Write writes the image as an archive that `ctr images import` and `docker load` take.
func Write(image *Image, target string) error {
	tag, err := name.NewTag(image.Tag)
	if err != nil {
		return fmt.Errorf("reading the tag: %w", err)
	}
	files, err := image.layer()
	if err != nil {
		return err
	}
	built, err := mutate.AppendLayers(empty.Image, files)
	if err != nil {
		return fmt.Errorf("adding the layer: %w", err)
	}
	built, err = mutate.ConfigFile(built, &v1.ConfigFile{
		OS:           "linux",
		Architecture: image.Architecture,
		Config:       v1.Config{Entrypoint: image.Entrypoint, Env: image.Env, User: image.User},
		RootFS:       rootFS(built),
	})
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if err := tarball.WriteToFile(target, tag, built); err != nil {
		return fmt.Errorf("writing %s: %w", target, err)
	}
	return nil
}

func rootFS(image v1.Image) v1.RootFS {
	config, err := image.ConfigFile()
	if err != nil {
		return v1.RootFS{Type: "layers"}
	}
	return config.RootFS
}

func (i *Image) layer() (v1.Layer, error) {
	open := func() (io.ReadCloser, error) { return os.Open(i.Layer) }
	if i.Layer == "" {
		content, err := pack(i.Files)
		if err != nil {
			return nil, err
		}
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	}
	layer, err := tarball.LayerFromOpener(open)
	if err != nil {
		return nil, fmt.Errorf("making the layer: %w", err)
	}
	return layer, nil
}

// pack has no times and no owners of this machine, so that the same files make the same image.
func pack(files []File) ([]byte, error) {
	if len(files) == 0 {
		return nil, errors.New("an image needs at least one file")
	}
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	made := map[string]bool{}
	for _, file := range files {
		if !path.IsAbs(file.Target) {
			return nil, fmt.Errorf("the target %q must be an absolute path", file.Target)
		}
		if err := directories(archive, made, path.Dir(file.Target)); err != nil {
			return nil, err
		}
		content, err := os.ReadFile(file.Source)
		if err != nil {
			return nil, fmt.Errorf("reading a file of the image: %w", err)
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: strings.TrimPrefix(file.Target, "/"), Mode: file.Mode, Size: int64(len(content)),
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("writing the layer: %w", err)
		}
		if _, err := archive.Write(content); err != nil {
			return nil, fmt.Errorf("writing the layer: %w", err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("writing the layer: %w", err)
	}
	return out.Bytes(), nil
}

func directories(archive *tar.Writer, made map[string]bool, dir string) error {
	if dir == "/" || made[dir] {
		return nil
	}
	if err := directories(archive, made, path.Dir(dir)); err != nil {
		return err
	}
	made[dir] = true
	header := &tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(dir, "/") + "/", Mode: 0o755}
	if err := archive.WriteHeader(header); err != nil {
		return fmt.Errorf("writing the layer: %w", err)
	}
	return nil
}
