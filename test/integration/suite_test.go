// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package integration runs the operator against a real API server, etcd and kube-controller-manager. Scheduler
// and kubelet are played by the tests, so that a pod gets its address, becomes ready or fails when a test says so.
package integration

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/test/controlplane"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

var (
	// config and api reach the API server as a user with all rights.
	config *rest.Config
	api    client.WithWatch
	// kubeconfig is the path of a kubeconfig for kubectl.
	kubeconfig string
)

func TestIntegration(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Integration")
}

// The first of parallel processes starts the control plane; all share it.
var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	plane, err := controlplane.Start(GinkgoT().TempDir(), GinkgoWriter,
		"deployment-controller", "replicaset-controller", "garbage-collector-controller", "namespace-controller",
		"resourcequota-controller", "endpointslice-controller")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	admin, err := clientcmd.RESTConfigFromKubeConfig(plane.KubeConfig)
	Expect(err).NotTo(HaveOccurred())
	all, err := newClient(admin)
	Expect(err).NotTo(HaveOccurred())
	grantRights(ctx, all)
	return plane.KubeConfig
}, func(ctx SpecContext, given []byte) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	// Who waits this long waits for what does not come, even where two cores are shared with the end-to-end tests.
	SetDefaultEventuallyTimeout(2 * time.Minute)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	SetDefaultConsistentlyPollingInterval(50 * time.Millisecond)
	EnforceDefaultTimeoutsWhenUsingContexts()

	kubeconfig = filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(kubeconfig, given, 0o600)).To(Succeed())
	var err error
	config, err = clientcmd.RESTConfigFromKubeConfig(given)
	Expect(err).NotTo(HaveOccurred())
	config.QPS, config.Burst = 1000, 2000
	api, err = newClient(config)
	Expect(err).NotTo(HaveOccurred())
	Expect(kubelet.Register(ctx, api)).To(Succeed())
})

func newClient(config *rest.Config) (client.WithWatch, error) {
	scheme, err := controllers.NewScheme()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// background is for what outlives one step of a spec and ends with its clean-up.
func background() context.Context { return context.Background() }
