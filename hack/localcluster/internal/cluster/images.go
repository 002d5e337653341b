// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/symphony-operator/symphony-operator/hack/localcluster/internal/ociimage"
)

const pauseImage = "localcluster.invalid/pause:local"

// pauseImage builds the image of every pod's first container.
func (c *Cluster) pauseImage(ctx context.Context) error {
	program := c.in("bin", "pause")
	if _, err := run(ctx, "env", "CGO_ENABLED=0", "GOFLAGS=", "go", "build", "-C", c.Source, "-buildvcs=false", "-o", program, "./pause"); err != nil {
		return err
	}
	return ociimage.Write(&ociimage.Image{
		Tag:          pauseImage,
		Files:        []ociimage.File{{Source: program, Target: "/pause", Mode: 0o755}},
		Entrypoint:   []string{"/pause"},
		Architecture: runtime.GOARCH,
	}, c.in("pause.tar"))
}

// LoadImages imports image tars into every real node.
func (c *Cluster) LoadImages(ctx context.Context, files []string) error {
	if len(files) == 0 {
		return UsageError("load-image needs the names of image tars")
	}
	size, err := c.running()
	if err != nil {
		return err
	}
	if size == nil {
		return errors.New("no whole cluster runs: `localcluster up` first")
	}
	for _, file := range files {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return fmt.Errorf("finding %s: %w", file, err)
		}
		for _, n := range nodes(size.Nodes) {
			what := fmt.Sprintf("%s → %s", filepath.Base(file), n.name())
			if err := c.step(ctx, what, func(ctx context.Context) error { return c.importImage(ctx, n, absolute) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cluster) importImage(ctx context.Context, n node, file string) error {
	_, err := run(ctx, c.bin("ctr"), "-a", c.containerdSocket(n), "-n", "k8s.io", "images", "import", file)
	return err
}
