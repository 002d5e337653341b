// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Weavesim is a stand-in for weave-net: one program that is the init container, the router, the network policy
// controller and curl, by the name that it is called by. It connects nothing. README.md says what it copies and what
// it does not.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/symphony-operator/symphony-operator/test/weavesim/internal/curl"
	"github.com/symphony-operator/symphony-operator/test/weavesim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/weavesim/internal/npc"
	"github.com/symphony-operator/symphony-operator/test/weavesim/internal/router"
)

func main() {
	// Both images have a launch.sh: weave-npc's is in /usr/bin, weave-kube's in /home/weave (facts 1.2).
	if os.Args[0] == "/usr/bin/launch.sh" {
		os.Exit(npc.Main())
	}
	var code int
	switch filepath.Base(os.Args[0]) {
	case "init.sh":
		code = install.Main(os.Getenv, os.Stderr)
	case "launch.sh":
		code = router.Main(os.Getenv)
	case "curl":
		code = curl.Main(os.Args[1:], os.Stdout, os.Stderr)
	default:
		fmt.Fprintln(os.Stderr, "weavesim is a stand-in for weave-net. It is called as init.sh, launch.sh or curl.")
		code = 2
	}
	os.Exit(code)
}
