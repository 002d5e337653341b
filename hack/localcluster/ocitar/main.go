// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command ocitar writes an image tar without Docker:
//
//	ocitar -tag NAME -entrypoint /manager -file SRC:DST OUT.tar
//	ocitar -tag NAME -entrypoint /bin/bash -layer FILES.tar OUT.tar
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/symphony-operator/symphony-operator/hack/localcluster/internal/ociimage"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ocitar:", err)
		os.Exit(1)
	}
}

func run() error {
	image := ociimage.Image{Architecture: runtime.GOARCH}
	flag.StringVar(&image.Tag, "tag", "", "the image's name, such as symphony-operator:dev")
	flag.StringVar(&image.User, "user", "", "the user that runs the entry point: UID or UID:GID")
	entrypoint := flag.String("entrypoint", "", "the program to run")
	flag.StringVar(&image.Layer, "layer", "", "a tar file with all files of the image, instead of -file")
	flag.Func("env", "NAME=VALUE, a variable of the entry point; may be given again", func(text string) error {
		image.Env = append(image.Env, text)
		return nil
	})
	flag.Func("file", "SOURCE:TARGET, an executable file of the image; may be given again", func(text string) error {
		source, target, found := strings.Cut(text, ":")
		if !found {
			return fmt.Errorf("%q is not SOURCE:TARGET", text)
		}
		image.Files = append(image.Files, ociimage.File{Source: source, Target: target, Mode: 0o755})
		return nil
	})
	flag.Parse()
	if image.Tag == "" || *entrypoint == "" || flag.NArg() != 1 {
		return fmt.Errorf("usage: ocitar -tag NAME -entrypoint PROGRAM [-user UID] [-env NAME=VALUE…] {-layer FILES.tar | -file SOURCE:TARGET…} OUT.tar")
	}
	image.Entrypoint = []string{*entrypoint}
	return ociimage.Write(&image, flag.Arg(0))
}
