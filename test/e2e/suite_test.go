// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package e2e drives the installed operator as its users do, on a real Kubernetes with real containers. Symphony
// itself is the simulator of test/symsim, whose images symsim:dev, symsim:7.3.2 and sym712 the nodes must have.
// KUBECONFIG names the cluster; KUBECTL is the kubectl to use, by default the one on the path.
package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

const (
	// operatorNamespace is where config/default installs the operator.
	operatorNamespace = "symphony-operator-system"
	// promptly is how long a cluster of a few hosts may take for anything, on a machine that does much else.
	promptly = 3 * time.Minute
	interval = 500 * time.Millisecond
	// inPods is the interval of what has a program started in a pod: each takes a third of a second of a core here.
	inPods = time.Second
)

var (
	// config and api reach the API server as the user of KUBECONFIG.
	config *rest.Config
	api    client.WithWatch
	// monitor holds every status of every SymphonyCluster against the invariants of kstatus.
	monitor *oracle.Monitor
)

func TestEndToEnd(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "End to end")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	Expect(os.Getenv("KUBECONFIG")).NotTo(BeEmpty(),
		"KUBECONFIG must name a cluster with the operator and the simulator's images: run `make test-e2e`, which brings one up")
	var err error
	config, err = clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	Expect(err).NotTo(HaveOccurred())
	config.QPS, config.Burst = 100, 200
	scheme, err := controllers.NewScheme()
	Expect(err).NotTo(HaveOccurred())
	api, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())

	SetDefaultEventuallyTimeout(promptly)
	SetDefaultEventuallyPollingInterval(interval)
	SetDefaultConsistentlyPollingInterval(interval)
	EnforceDefaultTimeoutsWhenUsingContexts()

	operator := &appsv1.Deployment{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: operatorDeployment}, operator)).To(Succeed(),
		"the operator must be installed: `kubectl apply -k config/default`")
	Expect(operator.Status.ReadyReplicas).To(Equal(*operator.Spec.Replicas), "the operator must run")

	monitor, err = oracle.Watch(context.Background(), api, "")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() {
		Expect(monitor.Stop()).To(BeEmpty(), "statuses that broke an invariant")
	})
})
