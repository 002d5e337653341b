// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

const (
	// maxOutput is what 30,000 hosts need, several times over: a command that runs wild must not take the operator down.
	maxOutput = 16 << 20
	maxStderr = 16 << 10
)

// PodRunner runs commands through the API server's exec. It is safe for concurrent use.
type PodRunner struct {
	config *rest.Config
	core   rest.Interface
}

var _ Runner = &PodRunner{}

// NewPodRunner uses the operator's own account.
func NewPodRunner(config *rest.Config) (*PodRunner, error) {
	client, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &PodRunner{config: config, core: client.RESTClient()}, nil
}

// Run takes its deadline from the context. When that is over, the connection ends, and so does the call; the command in
// the pod may not.
func (r *PodRunner) Run(ctx context.Context, pod types.NamespacedName, args []string) ([]byte, error) {
	executor, err := r.executor(r.url(pod, args))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	// What does not fit ends the call at once.
	streaming, cancel := context.WithCancel(ctx)
	defer cancel()
	stdout := &bounded{limit: maxOutput, full: cancel}
	stderr := &bounded{limit: maxStderr, full: func() {}}
	err = executor.StreamWithContext(streaming, remotecommand.StreamOptions{Stdout: stdout, Stderr: stderr})
	output, overflow := stdout.take()
	if overflow {
		return nil, fmt.Errorf("%w: it is longer than %d MiB", ErrNotUnderstood, maxOutput>>20)
	}
	said, _ := stderr.take()
	return output, meaning(err, said)
}

func (r *PodRunner) url(pod types.NamespacedName, args []string) *url.URL {
	return r.core.Post().Namespace(pod.Namespace).Resource("pods").Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: names.Container, Command: args, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec).URL()
}

// executor speaks WebSocket, and SPDY where a proxy or an old API server does not let WebSocket through. It is for one
// call: it keeps the connection.
func (r *PodRunner) executor(target *url.URL) (remotecommand.Executor, error) {
	websocket, err := remotecommand.NewWebSocketExecutor(r.config, http.MethodGet, target.String())
	if err != nil {
		return nil, err
	}
	spdy, err := remotecommand.NewSPDYExecutor(r.config, http.MethodPost, target)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(websocket, spdy, func(err error) bool {
		// The API server's own answer would be the same again, and SPDY's errors have lost its reason.
		if statusOf(err) != nil {
			return false
		}
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// statusOf is what the API server itself answered, if it did.
func statusOf(err error) *apierrors.StatusError {
	if upgrade, ok := errors.AsType[*httpstream.UpgradeFailureError](err); ok {
		err = upgrade.Cause
	}
	status, _ := errors.AsType[*apierrors.StatusError](err)
	return status
}

// meaning gives an error of the transport its policy.
func meaning(err error, stderr []byte) error {
	if err == nil {
		return nil
	}
	if exit, ok := errors.AsType[exec.CodeExitError](err); ok {
		return &ExitError{Code: exit.Code, Stderr: string(stderr)}
	}
	status := statusOf(err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case isNet && timeout.Timeout():
		// The transport has many words for it.
		return fmt.Errorf("%w: %w", ErrUnreachable, context.DeadlineExceeded)
	case status == nil:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case apierrors.IsForbidden(status):
		return fmt.Errorf("%w: %s", ErrForbidden, oneLine(status.Error()))
	default:
		return fmt.Errorf("%w: %w", ErrUnreachable, status)
	}
}

// bounded keeps the beginning of what is written to it. It has a lock because the streams' readers go on for a while after
// a call that was cut off.
type bounded struct {
	limit int
	full  func()

	mutex    sync.Mutex
	buffer   bytes.Buffer
	overflow bool
}

// Write never fails: an error would be logged by client-go and change nothing.
func (b *bounded) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	keep := text[:min(len(text), b.limit-b.buffer.Len())]
	b.buffer.Write(keep)
	if len(keep) < len(text) {
		b.overflow = true
		b.full()
	}
	return len(text), nil
}

// take returns what was written, and keeps nothing.
func (b *bounded) take() (text []byte, overflow bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	text, b.buffer = b.buffer.Bytes(), bytes.Buffer{}
	return text, b.overflow
}
