// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controlplane starts a real etcd, kube-apiserver and kube-controller-manager, with the operator's kinds, for tests.
package controlplane

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Plane is one that runs.
type Plane struct {
	// KubeConfig has all rights.
	KubeConfig []byte

	plane   *envtest.Environment
	manager *exec.Cmd
}

// Start starts one with these controllers; log gets what kube-controller-manager says. A kubeconfig file is kept in dir. Stop it in
// the end.
func Start(dir string, log io.Writer, controllers ...string) (*Plane, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS must be the directory of etcd, kube-apiserver, kube-controller-manager and kubectl: run `make test-integration` or `make test-fault`")
	}
	_, here, _, _ := runtime.Caller(0)
	config := filepath.Join(filepath.Dir(here), "..", "..", "config")
	plane := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(config, "crd", "bases"), filepath.Join(config, "weave", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		// A suite's failures must not be those of a slow machine.
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	// What a test wrote need not outlive the machine.
	plane.ControlPlane.Etcd = &envtest.Etcd{}
	plane.ControlPlane.Etcd.Configure().Append("unsafe-no-fsync", "true")
	// A suite writes more than etcd's 2 GB before the default of 5 minutes has old versions thrown away for the second time.
	plane.ControlPlane.GetAPIServer().Configure().Append("etcd-compaction-interval", "1m")
	token, tokens := rand.Text(), filepath.Join(dir, "tokens.csv")
	if err := os.WriteFile(tokens, []byte(token+",administrator,administrator,system:masters\n"), 0o600); err != nil {
		return nil, fmt.Errorf("writing a token: %w", err)
	}
	plane.ControlPlane.GetAPIServer().Configure().Append("token-auth-file", tokens)
	if _, err := plane.Start(); err != nil {
		return nil, fmt.Errorf("starting etcd and kube-apiserver: %w", err)
	}
	started := &Plane{plane: plane}
	var err error
	if started.KubeConfig, err = withToken(plane.KubeConfig, token); err != nil {
		return nil, errors.Join(err, started.Stop())
	}
	path := filepath.Join(dir, "controller-manager.kubeconfig")
	if err := os.WriteFile(path, started.KubeConfig, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("writing a kubeconfig: %w", err), started.Stop())
	}
	if err := started.startControllerManager(path, log, controllers); err != nil {
		return nil, errors.Join(err, started.Stop())
	}
	return started, nil
}

// withToken is a kubeconfig with a token instead of its certificate, which the API server would verify anew with every request.
func withToken(kubeconfig []byte, token string) ([]byte, error) {
	config, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading a kubeconfig: %w", err)
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	}
	written, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return written, nil
}

func (p *Plane) startControllerManager(kubeconfig string, log io.Writer, controllers []string) error {
	p.manager = exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kube-controller-manager"),
		"--kubeconfig="+kubeconfig,
		"--controllers="+strings.Join(controllers, ","),
		"--leader-elect=false",
		"--use-service-account-credentials=false",
		"--secure-port=0",
		"--kube-api-qps=1000", "--kube-api-burst=2000",
		"--concurrent-gc-syncs=5",
		// A quota that changes must be seen by the test that changed it.
		"--resource-quota-sync-period=1s",
	)
	p.manager.Stdout, p.manager.Stderr = log, log
	// It must not outlive a test binary that is killed.
	p.manager.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.manager.Start(); err != nil {
		p.manager = nil
		return fmt.Errorf("starting kube-controller-manager: %w", err)
	}
	return nil
}

// Stop ends all of it.
func (p *Plane) Stop() error {
	if p.manager != nil {
		_ = p.manager.Process.Kill()
		_ = p.manager.Wait() // It says that it was killed.
	}
	if err := p.plane.Stop(); err != nil {
		return fmt.Errorf("stopping etcd and kube-apiserver: %w", err)
	}
	return nil
}
