// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package scripts holds the start scripts of the master and compute containers. They are constant text, passed as the
// container's argument: a ConfigMap would hand new scripts to pods that started with old ones.
package scripts

import _ "embed"

var (
	//go:embed ego.sh
	ego string
	//go:embed master.sh
	master string
	//go:embed compute.sh
	compute string
)

// Master is the script of the master container.
func Master() string { return ego + "\n" + master }

// Compute is the script of a compute container.
func Compute() string { return ego + "\n" + compute }
