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
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/symphony-operator/symphony-operator/controllers"
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
var _ = SynchronizedBeforeSuite(func(_ SpecContext) []byte {
	Expect(os.Getenv("KUBEBUILDER_ASSETS")).NotTo(BeEmpty(),
		"KUBEBUILDER_ASSETS must be the directory of etcd, kube-apiserver, kube-controller-manager and kubectl: run `make test-integration`")
	plane := &envtest.Environment{
		CRDDirectoryPaths: []string{
			filepath.Join("..", "..", "config", "crd", "bases"), filepath.Join("..", "..", "config", "weave", "crd", "bases"),
		},
		ErrorIfCRDPathMissing: true,
		// The suite's failures must not be those of a slow machine.
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	_, err := plane.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })

	path := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(path, plane.KubeConfig, 0o600)).To(Succeed())
	startControllerManager(path)
	return plane.KubeConfig
}, func(ctx SpecContext, given []byte) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	SetDefaultEventuallyTimeout(20 * time.Second)
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
	registerNodes(ctx)
})

// nodes are those that the kubelet of this suite plays.
var nodes = map[string]string{"node-1": "192.0.2.1", "node-2": "192.0.2.2"}

func registerNodes(ctx context.Context) {
	GinkgoHelper()
	for name, address := range nodes {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelOSStable: "linux"}}}
		err := api.Create(ctx, node)
		if apierrors.IsAlreadyExists(err) {
			continue // by another of the parallel processes
		}
		Expect(err).NotTo(HaveOccurred())
		node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		Expect(api.Status().Update(ctx, node)).To(Succeed())
		// Admission taints a new node until a controller that does not run here sees that it is ready.
		node.Spec.Taints = nil
		Expect(api.Update(ctx, node)).To(Succeed())
	}
}

func newClient(config *rest.Config) (client.WithWatch, error) {
	scheme, err := controllers.NewScheme()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// background is for what outlives one step of a spec and ends with its clean-up.
func background() context.Context { return context.Background() }
