// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// operator is the operator's binary in a process of its own, with its own account.
type operator struct {
	process *exec.Cmd
	ended   chan error
	log     *os.File
	// health and metrics are addresses; scraper may read from the second.
	health, metrics string
	scraper         string
}

// startOperator starts it and waits until its caches are filled.
func (m *machine) startOperator(ctx context.Context) (*operator, error) {
	kubeconfig := filepath.Join(m.out, "operator.kubeconfig")
	if err := m.writeKubeconfig(ctx, kubeconfig); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(m.out, "operator.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening its log: %w", err)
	}
	o := &operator{log: log, ended: make(chan error, 1)}
	if o.health, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	if o.metrics, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	if o.scraper, err = m.token(ctx, scraperAccount); err != nil {
		return nil, err
	}
	// Not with the context: it is stopped as a kubelet stops it.
	o.process = exec.Command(filepath.Join(m.root, "bin", "manager"), "--kubeconfig", kubeconfig,
		"--health-probe-bind-address", o.health, "--metrics-bind-address", o.metrics)
	o.process.Stdout, o.process.Stderr = log, log
	// It must not outlive this program, however that ends.
	o.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := o.process.Start(); err != nil {
		return nil, fmt.Errorf("starting the operator: %w", err)
	}
	go func() { o.ended <- o.process.Wait() }()
	if err := o.waitUntilReady(ctx); err != nil {
		return nil, errors.Join(err, o.stop())
	}
	return o, nil
}

// writeKubeconfig has a token of the operator's own account.
func (m *machine) writeKubeconfig(ctx context.Context, path string) error {
	token, err := m.token(ctx, operatorAccount)
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["local"] = &clientcmdapi.Cluster{Server: m.config.Host, CertificateAuthority: m.config.CAFile, CertificateAuthorityData: m.config.CAData}
	config.AuthInfos["operator"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["local"] = &clientcmdapi.Context{Cluster: "local", AuthInfo: "operator"}
	config.CurrentContext = "local"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// token is for a day, which no run takes.
func (m *machine) token(ctx context.Context, account string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(24 * 60 * 60))}}
	given, err := m.kube.CoreV1().ServiceAccounts(operatorNamespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking for a token of %s: %w", account, err)
	}
	return given.Status.Token, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

func (o *operator) waitUntilReady(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		select {
		case err := <-o.ended:
			o.ended <- err
			return false, fmt.Errorf("it ended: %w", err)
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.health+"/readyz", http.NoBody)
		if err != nil {
			return false, fmt.Errorf("asking whether it is ready: %w", err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			return response.StatusCode == http.StatusOK, response.Body.Close()
		}
		return false, nil // Not yet.
	})
	if err != nil {
		return fmt.Errorf("starting the operator (%s): %w", o.log.Name(), err)
	}
	return nil
}

// stop ends it and waits for its end.
func (o *operator) stop() error {
	defer func() { _ = o.log.Close() }()
	if err := o.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the operator: %w", err)
	}
	if err := <-o.ended; err != nil {
		return fmt.Errorf("the operator ended: %w", err)
	}
	return nil
}

// cpu is the time that it has computed so far.
func (o *operator) cpu() (time.Duration, error) {
	return computedBy(o.process.Process.Pid)
}

// resident is its memory in MB: now, and at its peak since forgetPeak.
func (o *operator) resident() (now, peak float64, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.process.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading the operator's memory: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch key {
		case "VmRSS":
			now = kilobytes / 1024
		case "VmHWM":
			peak = kilobytes / 1024
		}
	}
	if now == 0 || peak == 0 {
		return 0, 0, errors.New("the operator's memory is unknown")
	}
	return now, peak, nil
}

// forgetPeak has the peak begin anew (proc(5), clear_refs).
func (o *operator) forgetPeak() error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", o.process.Process.Pid), []byte("5"), 0o200); err != nil {
		return fmt.Errorf("forgetting the operator's peak memory: %w", err)
	}
	return nil
}
