// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fault fails the operator's writes, each and in every way, and holds what comes of it against runs in which
// nothing fails. Its tests are plain Go subtests and no Ginkgo specs: thousands run side by side in one process, and each is chosen by
// `-run`.
package fault

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/onsi/gomega"
	"github.com/onsi/gomega/gleak"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/symphony-operator/symphony-operator/test/rig"
)

// machine is what all worlds share.
var machine *rig.Rig

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	before := gleak.Goroutines()
	dir, err := os.MkdirTemp("", "fault-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		machine, err = rig.Start(dir, io.Discard)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := machine.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if leaked := leaks(before); leaked != "" && code == 0 {
		fmt.Fprintln(os.Stderr, leaked)
		return 1
	}
	return code
}

// leaks are goroutines of operators that have ended, or of the rig's: one a restart would be the end of a long-lived process.
func leaks(before []gleak.Goroutine) (told string) {
	g := gomega.NewGomega(func(message string, _ ...int) { told = message })
	g.Eventually(gleak.Goroutines).WithTimeout(10 * time.Second).ShouldNot(gleak.HaveLeaked(before))
	return told
}
