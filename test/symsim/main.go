// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Symsim is a test double of IBM Spectrum Symphony: one program that is egoconfig, egosh, soamview and the LIM daemon,
// by the name that it is called by. README.md says what it copies and what it does not.
package main

import (
	"os"
	"path/filepath"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/cli"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/daemon"
)

func main() {
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	var code int
	switch filepath.Base(os.Args[0]) {
	case "egosh":
		code = cli.Egosh(streams, os.Args[1:])
	case "egoconfig":
		code = cli.Egoconfig(streams, os.Args[1:])
	case "soamview":
		code = cli.Soamview(streams, os.Args[1:])
	case "openssl":
		code = cli.Openssl(streams, os.Args[1:])
	case "keytool":
		code = cli.Keytool(streams, os.Args[1:])
	case "lim":
		code = daemon.Main()
	default:
		code = cli.Symsim(streams, os.Args[1:])
	}
	os.Exit(code)
}
