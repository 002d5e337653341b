// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package scripts holds the start scripts of the master and compute containers. They are constant text, passed as the
// container's argument: a ConfigMap would hand new scripts to pods that started with old ones.
package scripts

import (
	_ "embed"
	"strings"
	"sync"
)

var (
	//go:embed ego.sh
	ego string
	//go:embed storage.sh
	storage string
	//go:embed master.sh
	master string
	//go:embed compute.sh
	compute string
	//go:embed prestop.sh
	preStop string
)

// endOfPreStop is a line that ends the text of the preStop hook, and is none of its lines.
const endOfPreStop = "END OF PRESTOP"

// ForeignDirectory begins the last words of a master whose shared directory is another cluster's.
const ForeignDirectory = "The shared directory is not this cluster's: "

// The texts are put together once: each pass asks for them.
var (
	masterText = sync.OnceValue(func() string { return withoutComments(ego + "\n" + storage + "\n" + master) })
	// computeText brings the preStop hook along: kept pod templates keep the hook that goes with their script.
	computeText = sync.OnceValue(func() string {
		return withoutComments(ego + "\nprestop_text() {\n  cat <<'" + endOfPreStop + "'\n" + preStop + endOfPreStop + "\n}\n\n" + compute)
	})
)

// Master is the script of the master container.
func Master() string { return masterText() }

// Compute is the script of a compute container.
func Compute() string { return computeText() }

// withoutComments is a script without the lines that are comments, which are a third of it: etcd, the API server and whoever watches pods has
// it once for each compute pod. The line that names the interpreter of the preStop hook is none.
func withoutComments(script string) string {
	var bare strings.Builder
	for line := range strings.Lines(script) {
		if text := strings.TrimSpace(line); !strings.HasPrefix(text, "#") || strings.HasPrefix(text, "#!") {
			bare.WriteString(line)
		}
	}
	return bare.String()
}
