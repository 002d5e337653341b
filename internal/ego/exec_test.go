// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

// apiServer is one whose exec does what the test says.
func apiServer(t *testing.T, serve http.HandlerFunc) *ego.PodRunner {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	runner, err := ego.NewPodRunner(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

// status is how the end of a command is told.
func status(code string) []byte {
	end := metav1.Status{Status: metav1.StatusSuccess}
	if code != "0" {
		end = metav1.Status{Status: metav1.StatusFailure, Reason: "NonZeroExitCode", Message: "it failed", Details: &metav1.StatusDetails{
			Causes: []metav1.StatusCause{{Type: "ExitCode", Message: code}},
		}}
	}
	text, err := json.Marshal(end)
	if err != nil {
		panic(err)
	}
	return text
}

// overWebSocket answers with an output and an exit status.
func overWebSocket(stdout, stderr, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		read, write := wsstream.ReadChannel, wsstream.WriteChannel
		connection := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
			"v5.channel.k8s.io": {Binary: true, Channels: []wsstream.ChannelType{read, write, write, write, read}},
		})
		_, channels, err := connection.Open(w, r)
		if err != nil {
			return
		}
		_, _ = io.WriteString(channels[1], stdout)
		_, _ = io.WriteString(channels[2], stderr)
		_, _ = channels[3].Write(status(code))
		_ = connection.Close()
	}
}

// overSPDY does the same for those who do not get WebSocket.
func overSPDY(t *testing.T, stdout, code string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.Error(w, "a proxy that knows no WebSocket", http.StatusBadGateway)
			return
		}
		if _, err := httpstream.Handshake(r, w, []string{"v4.channel.k8s.io"}); err != nil {
			return
		}
		var mutex sync.Mutex
		streams := map[string]httpstream.Stream{}
		complete := make(chan struct{})
		connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, _ <-chan struct{}) error {
			mutex.Lock()
			defer mutex.Unlock()
			if streams[stream.Headers().Get(corev1.StreamType)] = stream; len(streams) == 3 {
				close(complete)
			}
			return nil
		})
		if connection == nil {
			return
		}
		<-complete
		_, _ = io.WriteString(streams[corev1.StreamTypeStdout], stdout)
		_, _ = streams[corev1.StreamTypeError].Write(status(code))
		for _, stream := range streams {
			_ = stream.Close()
		}
		<-connection.CloseChan()
	}
}

func refuse(code int, reason metav1.StatusReason) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		text, err := json.Marshal(metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
			Code: int32(code), Reason: reason, Message: `pods "prod-master-0": cannot create resource "pods/exec"`,
		})
		if err == nil {
			_, _ = w.Write(text)
		}
	}
}

func TestExec(t *testing.T) {
	g := NewWithT(t)
	var asked *http.Request
	runner := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r
		overWebSocket("out\n", "", "0")(w, r)
	})
	output, err := runner.Run(t.Context(), pod, []string{"/bin/bash", "-c", `echo "$1"`, "x", "a b&c"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(output)).To(Equal("out\n"))
	g.Expect(asked.URL.Path).To(Equal("/api/v1/namespaces/default/pods/prod-master-0/exec"))
	g.Expect(asked.URL.Query()).To(And(
		HaveKeyWithValue("container", []string{"symphony"}),
		HaveKeyWithValue("command", []string{"/bin/bash", "-c", `echo "$1"`, "x", "a b&c"}),
		Not(HaveKey("stdin")), Not(HaveKey("tty")),
	))
}

func TestExecOverSPDY(t *testing.T) {
	g := NewWithT(t)
	runner := apiServer(t, overSPDY(t, "out\n", "0"))
	output, err := runner.Run(t.Context(), pod, []string{"true"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(output)).To(Equal("out\n"))
	_, err = apiServer(t, overSPDY(t, "", "71")).Run(t.Context(), pod, []string{"true"})
	g.Expect(err).To(Equal(&ego.ExitError{Code: 71}))
}

func TestExecFails(t *testing.T) {
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  error
		text  string
	}{
		"no right":         {refuse(403, metav1.StatusReasonForbidden), ego.ErrForbidden, "pods/exec"},
		"no pod":           {refuse(404, metav1.StatusReasonNotFound), ego.ErrUnreachable, "prod-master-0"},
		"no kubelet":       {refuse(500, metav1.StatusReasonInternalError), ego.ErrUnreachable, "prod-master-0"},
		"a broken proxy":   {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, ego.ErrUnreachable, "no"},
		"output all wrong": {overWebSocket(strings.Repeat("x", 17<<20), "", "0"), ego.ErrNotUnderstood, "16 MiB"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = connection.Close()
			}
		}, ego.ErrUnreachable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			output, err := apiServer(t, test.serve).Run(t.Context(), pod, []string{"true"})
			g.Expect(err).To(MatchError(test.want))
			g.Expect(err.Error()).To(ContainSubstring(test.text))
			g.Expect(output).To(BeEmpty())
		})
	}
	g := NewWithT(t)
	output, err := apiServer(t, overWebSocket("half\n", "why\n", "73")).Run(t.Context(), pod, []string{"false"})
	g.Expect(err).To(Equal(&ego.ExitError{Code: 73, Stderr: "why\n"}))
	g.Expect(string(output)).To(Equal("half\n"))

	runner, err := ego.NewPodRunner(&rest.Config{Host: "http://127.0.0.1:1"})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = runner.Run(t.Context(), pod, []string{"true"})
	g.Expect(err).To(MatchError(ego.ErrUnreachable))
}

func TestExecHasADeadline(t *testing.T) {
	g := NewWithT(t)
	end := make(chan struct{})
	runner := apiServer(t, func(http.ResponseWriter, *http.Request) { <-end })
	t.Cleanup(func() { close(end) })
	_, err := ego.New(runner, pod, 100*time.Millisecond).Hosts(t.Context())
	g.Expect(err).To(MatchError(ego.ErrUnreachable))
	g.Expect(errors.Is(err, context.DeadlineExceeded)).To(BeTrue())
}
