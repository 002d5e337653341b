// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// fakeRouter answers as a router does.
type fakeRouter struct {
	mu      sync.Mutex
	report  []byte
	claim   string
	left    int
	leaving int // what DELETE /peer answers
}

func (f *fakeRouter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "GET /report":
		if r.Header.Get("Accept") != "application/json" {
			http.Error(w, "must supply one format parameter", http.StatusBadRequest)
			return
		}
		_, _ = w.Write(f.report)
	case "GET /ip/weave:expose":
		_, _ = io.WriteString(w, f.claim)
	case "DELETE /peer":
		f.left++
		w.WriteHeader(f.leaving)
	default:
		http.NotFound(w, r)
	}
}

func (f *fakeRouter) start(t *testing.T, node *Host) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	node.router = newAPI(server.URL)
	return server
}

func TestLookReportsARunningRouter(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, map[string]string{"machine-id": "1", "bin/portmap": ""})
	router := &fakeRouter{report: fixture(t, "established"), claim: "10.32.0.1/12"}
	router.start(t, node)

	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Agent).To(Equal(v1alpha1.AgentReport))
	g.Expect(status.Router).To(Equal(v1alpha1.RouterRunning))
	g.Expect(status.Connected).To(Equal("1/1"))
	g.Expect(status.Overlay.Claim).To(Equal("10.32.0.1/12"))
	g.Expect(status.Overlay.Since).To(Equal(noon))
	g.Expect(status.IPAM.Since).To(Equal(noon))
	g.Expect(status.Connections[0].Since).To(Equal(noon))
	g.Expect(status.Host.Machine).To(HaveLen(16))
	g.Expect(status.Cleanup).To(BeNil())

	// Another process, later: nothing has changed.
	again := nodeOf(t, map[string]string{"machine-id": "1", "bin/portmap": ""})
	again.router, again.Clock = node.router, clocktesting.NewFakePassiveClock(later.Time)
	g.Expect(again.Look(t.Context(), &status)).To(Equal(status))
}

func TestNoClaimIsAnEmptyAnswer(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	(&fakeRouter{report: fixture(t, "quorum")}).start(t, node)
	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Overlay.Claim).To(BeEmpty())
	g.Expect(status.IPAM.State).To(Equal(v1alpha1.IPAMAwaitingConsensus))
}

func TestARouterThatEndsIsAbsent(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	server := (&fakeRouter{report: fixture(t, "established"), claim: "10.32.0.1/12"}).start(t, node)
	former, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())

	server.Close()
	node.Clock = clocktesting.NewFakePassiveClock(later.Time)
	status, err := node.Look(t.Context(), &former)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Router).To(Equal(v1alpha1.RouterAbsent))
	g.Expect(status.PeerName).To(BeEmpty())
	g.Expect(status.Connected).To(BeEmpty())
	g.Expect(status.Connections).To(BeEmpty())
	g.Expect(status.IPAM).To(Equal(v1alpha1.WeaveIPAM{Since: later}))
	g.Expect(status.Overlay.Claim).To(BeEmpty())
	g.Expect(status.Overlay.Since).To(Equal(later))
}

func TestARouterThatHangsIsAsItWasLastSeen(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	(&fakeRouter{report: fixture(t, "established"), claim: "10.32.0.1/12"}).start(t, node)
	former, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())

	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	node.router = newAPI(hanging.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	status, err := node.Look(ctx, &former)
	g.Expect(err).To(MatchError(ContainSubstring("asking the router")))
	g.Expect(status).To(Equal(former))

	node.Task = v1alpha1.AgentLeave
	status, err = node.Look(ctx, &former)
	g.Expect(err).To(HaveOccurred())
	g.Expect(status.Cleanup.State).To(Equal(v1alpha1.CleanupFailed))
}

func TestWhatIsNotWeaveIsNoRouter(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a page":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"not found": http.NotFound,
		"elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"no HTTP": func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(connection, "SSH-2.0-OpenSSH_9.2\r\n")
				_ = connection.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			node := nodeOf(t, nil)
			serve(t, node, handler)
			for _, former := range []v1alpha1.WeaveRouter{"", v1alpha1.RouterAbsent, v1alpha1.RouterRunning} {
				status, err := node.Look(t.Context(), &v1alpha1.WeaveNodeStatus{Router: former})
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(status.Router).To(Equal(v1alpha1.RouterAbsent))
			}
		})
	}
}

// serve has the node's router be this.
func serve(t *testing.T, node *Host, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	node.router = newAPI(server.URL)
}

func TestAnAnswerThatBreaksOffIsARoutersOnlyWhereThereWasOne(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"no word": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half a one": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		},
		"its fault": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			node := nodeOf(t, nil)
			serve(t, node, handler)
			status, err := node.Look(t.Context(), nil)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(status.Router).To(Equal(v1alpha1.RouterAbsent))

			status, err = node.Look(t.Context(), &v1alpha1.WeaveNodeStatus{Router: v1alpha1.RouterRunning, PeerName: peer1})
			g.Expect(err).To(HaveOccurred())
			g.Expect(status.Router).To(Equal(v1alpha1.RouterRunning))
			g.Expect(status.PeerName).To(Equal(peer1))
		})
	}
}

func TestWhatCannotBeToldIsNotAbsent(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"no answer yet": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"far too long": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), answerLimit+1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			node := nodeOf(t, nil)
			serve(t, node, handler)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			status, err := node.Look(ctx, nil)
			g.Expect(err).To(MatchError(ContainSubstring("the router")))
			g.Expect(status.Router).To(BeEmpty())
		})
	}
}

func TestAnEndOfTheAgentTellsNothingOfTheRouter(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	(&fakeRouter{report: fixture(t, "established")}).start(t, node)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := node.Look(ctx, nil)
	g.Expect(err).To(MatchError(context.Canceled))
}

func TestARouterWithoutARangeHasNoClaim(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	serve(t, node, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/report" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"Version":"2.9.0","Router":{"Name":"`+peer1+`"},"IPAM":null}`)
	})
	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Router).To(Equal(v1alpha1.RouterRunning))
	g.Expect(status.Overlay.Claim).To(BeEmpty())
	g.Expect(status.IPAM).To(Equal(v1alpha1.WeaveIPAM{}))
}

func TestLeaveAsksOnce(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	node.Task = v1alpha1.AgentLeave
	router := &fakeRouter{report: fixture(t, "established"), leaving: http.StatusNoContent}
	router.start(t, node)
	status, err := node.Look(t.Context(), &v1alpha1.WeaveNodeStatus{Agent: v1alpha1.AgentReport})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Agent).To(Equal(v1alpha1.AgentLeave))
	g.Expect(status.Cleanup).To(Equal(&v1alpha1.WeaveCleanup{State: v1alpha1.CleanupLeft}))
	status, err = node.Look(t.Context(), &status)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup.State).To(Equal(v1alpha1.CleanupLeft))
	g.Expect(router.left).To(Equal(1))
}

func TestLeaveOfAnEarlierRemovalDoesNotCount(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	node.Task = v1alpha1.AgentLeave
	router := &fakeRouter{report: fixture(t, "established"), leaving: http.StatusOK}
	router.start(t, node)
	_, err := node.Look(t.Context(), &v1alpha1.WeaveNodeStatus{
		Agent: v1alpha1.AgentClean, Cleanup: &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupCleaned},
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(router.left).To(Equal(1))
}

func TestLeaveWithoutARouterIsDone(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	node.Task = v1alpha1.AgentLeave
	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Router).To(Equal(v1alpha1.RouterAbsent))
	g.Expect(status.Cleanup.State).To(Equal(v1alpha1.CleanupLeft))
}

func TestLeaveThatIsRefusedIsTriedAgain(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	node.Task = v1alpha1.AgentLeave
	router := &fakeRouter{report: fixture(t, "established"), leaving: http.StatusInternalServerError}
	router.start(t, node)
	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup).To(Equal(&v1alpha1.WeaveCleanup{
		State:   v1alpha1.CleanupFailed,
		Message: "The router did not hand its addresses over: asking the router for /peer: it answers 500 Internal Server Error.",
	}))
	router.leaving = http.StatusNoContent
	status, err = node.Look(t.Context(), &status)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup.State).To(Equal(v1alpha1.CleanupLeft))
}

func TestReportForgetsARemoval(t *testing.T) {
	g := NewWithT(t)
	status, err := nodeOf(t, nil).Look(t.Context(), &v1alpha1.WeaveNodeStatus{
		Agent: v1alpha1.AgentClean, Cleanup: &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupCleaned},
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup).To(BeNil())
}

func TestAClosedPortIsNoRouter(t *testing.T) {
	g := NewWithT(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	address := listener.Addr().String()
	g.Expect(listener.Close()).To(Succeed())
	_, err = newAPI("http://" + address).report(t.Context())
	g.Expect(err).To(MatchError(errNoRouter))
}
