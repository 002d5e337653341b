// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
)

// startControllerManager runs the real kube-controller-manager: Deployments make ReplicaSets, those make pods,
// and the garbage collector deletes what has lost its owner.
func startControllerManager(kubeconfig string) {
	command := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kube-controller-manager"),
		"--kubeconfig="+kubeconfig,
		"--controllers="+strings.Join([]string{
			"deployment-controller", "replicaset-controller", "garbage-collector-controller", "namespace-controller",
			"resourcequota-controller", "endpointslice-controller",
		}, ","),
		"--leader-elect=false",
		"--use-service-account-credentials=false",
		"--secure-port=0",
		"--kube-api-qps=1000", "--kube-api-burst=2000",
		"--concurrent-gc-syncs=5",
		// A quota that changes must be seen by the spec that changed it.
		"--resource-quota-sync-period=1s",
	)
	// It must not outlive a test binary that is killed.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	session, err := gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { session.Kill().Wait("10s") })
}
