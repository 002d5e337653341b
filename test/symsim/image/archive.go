// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
)

// imageConfig is the part of the OCI image configuration that is needed.
type imageConfig struct {
	Architecture string         `json:"architecture"`
	OS           string         `json:"os"`
	Config       runConfig      `json:"config"`
	RootFS       rootFS         `json:"rootfs"`
	History      []historyEntry `json:"history"`
}

type runConfig struct {
	User       string   `json:"User"`
	Env        []string `json:"Env"`
	Cmd        []string `json:"Cmd"`
	WorkingDir string   `json:"WorkingDir"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type historyEntry struct {
	CreatedBy string `json:"created_by"`
}

type archiveEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// archive packs one layer as the archive that `docker save` writes and containerd, kind and Docker load.
func archive(layerPath, tag, out string) error {
	layer, err := os.ReadFile(layerPath)
	if err != nil {
		return err
	}
	layerID := identifier(layer)
	config, err := json.Marshal(imageConfig{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Config: runConfig{
			User: fmt.Sprintf("%d:%d", adminUID, adminGID), Cmd: []string{"/bin/bash"}, WorkingDir: "/",
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{"sha256:" + layerID}},
		History: []historyEntry{{CreatedBy: "symsim, a simulator of IBM Spectrum Symphony"}},
	})
	if err != nil {
		return err
	}
	configName := identifier(config) + ".json"
	manifest, err := json.Marshal([]archiveEntry{{
		Config: configName, RepoTags: []string{"docker.io/library/" + tag}, Layers: []string{layerID + ".tar"},
	}})
	if err != nil {
		return err
	}
	return writeTar(out, []archivePart{
		{configName, config}, {layerID + ".tar", layer}, {"manifest.json", manifest},
	})
}

func identifier(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

type archivePart struct {
	name    string
	content []byte
}

func writeTar(out string, parts []archivePart) (err error) {
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	writer := tar.NewWriter(file)
	for _, part := range parts {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: part.name, Mode: 0o644, Size: int64(len(part.content))}
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		if _, err := writer.Write(part.content); err != nil {
			return err
		}
	}
	return writer.Close()
}
