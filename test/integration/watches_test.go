// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// watches is the way of an operator whose watches are held for a while. Then each of them is told that the API server does not know any more what
// came in between (410 Gone), and it has to list anew.
type watches struct {
	grids *egotest.Grids

	mu sync.Mutex
	// open are the bodies of the watches that run.
	open map[*watched]bool
	// free is closed when nothing is held.
	free chan struct{}
	// stale are the paths of watches that were ended, and not yet told that they are too old.
	stale map[string]bool
}

func newWatches(all *egotest.Grids) *watches {
	w := &watches{grids: all, open: map[*watched]bool{}, free: make(chan struct{}), stale: map[string]bool{}}
	close(w.free)
	return w
}

// hold ends all watches, and lets none begin before release.
func (w *watches) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free = make(chan struct{})
	for body := range w.open {
		w.stale[body.path], body.ended = true, true
		_ = body.ReadCloser.Close()
	}
	clear(w.open)
}

func (w *watches) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.free)
}

// counts are how many watches run, and how many have not been told yet that they are too old.
func (w *watches) counts() (running, untold int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.open), len(w.stale)
}

func (w *watches) toEGO(master types.NamespacedName) ego.EGO { return w.grids.Connect(master) }

func (w *watches) toAPI(next http.RoundTripper) http.RoundTripper {
	return oracle.RoundTripper(func(request *http.Request) (*http.Response, error) {
		query := request.URL.Query()
		if !query.Has("watch") {
			return next.RoundTrip(request)
		}
		w.mu.Lock()
		free := w.free
		w.mu.Unlock()
		select {
		case <-free:
		case <-request.Context().Done():
			return nil, request.Context().Err() //nolint:wrapcheck // As a transport's.
		}
		// One that asks for everything to begin with is the new list.
		if query.Get("sendInitialEvents") != "true" && w.isStale(request.URL.Path) {
			return gone()
		}
		response, err := next.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		body := &watched{ReadCloser: response.Body, of: w, path: request.URL.Path}
		response.Body, w.open[body] = body, true
		return response, nil
	})
}

// isStale is true once for each watch that was ended.
func (w *watches) isStale(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.stale[path]
	delete(w.stale, path)
	return was
}

// gone is the API server's answer to a watch from a version that it does not know any more.
func gone() (*http.Response, error) {
	status := apierrors.NewResourceExpired("too old resource version").ErrStatus
	status.Kind, status.APIVersion = "Status", "v1"
	body, err := json.Marshal(status)
	return &http.Response{
		StatusCode: http.StatusGone, Status: "410 Gone", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(body))),
	}, err //nolint:wrapcheck // There is none: it is a plain struct.
}

// watched is the body of a watch.
type watched struct {
	io.ReadCloser

	of    *watches
	path  string
	ended bool
}

// Read ends as the API server ends a watch, after which a client goes on from the last version that it has seen. After any other end it lists.
func (b *watched) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	if err != nil && b.ended {
		err = io.EOF
	}
	return n, err //nolint:wrapcheck // It stands for the body.
}

// Close ends it.
func (b *watched) Close() error {
	b.of.mu.Lock()
	delete(b.of.open, b)
	b.of.mu.Unlock()
	return b.ReadCloser.Close() //nolint:wrapcheck // It stands for the body.
}

var _ = Describe("An operator whose watches were held", func() {
	It("makes good what it never saw, once it has listed anew", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		way := newWatches(w.grids)
		w.operator = startOperator(w.namespace, w.console, way, ctrl.Options{})
		w.ready(ctx, "prod", replicas(4))
		busy := w.pods(ctx, "prod", names.Compute)[:2]
		w.work("prod", busy[0].Name, busy[1].Name)
		w.settle(ctx)
		running, _ := way.counts()
		Expect(running).To(BeNumerically(">", 5))

		way.hold()
		By("moving the master, replacing an idle host, and scaling in meanwhile")
		old := w.master(ctx, "prod")
		Expect(api.Delete(ctx, old)).To(Succeed())
		Eventually(func() types.UID { return w.anyMaster(ctx) }).ShouldNot(BeElementOf(old.UID, types.UID("")))
		idle := w.pods(ctx, "prod", names.Compute)
		lost := slices.IndexFunc(idle, func(pod corev1.Pod) bool { return pod.Name != busy[0].Name && pod.Name != busy[1].Name })
		Expect(api.Delete(ctx, &idle[lost])).To(Succeed())
		Eventually(func() []string { return w.computeUIDs(ctx, "prod") }).Should(And(HaveLen(4), Not(ContainElement(string(idle[lost].UID)))))
		w.kubectl("scale", "symphonycluster/prod", "--replicas=3")
		Expect(w.cluster(ctx, "prod").Status.ObservedGeneration).To(BeNumerically("<", w.cluster(ctx, "prod").Generation))

		way.release()
		w.waitSound(ctx, "prod", 3)
		_, untold := way.counts()
		Expect(untold).To(BeZero(), "every watch was told that it is too old")
		Expect(w.computeUIDs(ctx, "prod")).To(ContainElements(uids(busy)))
		w.tidy(ctx, "prod")
		written := w.settle(ctx)
		w.restartOperator()
		Eventually(w.operator.elected).Should(BeClosed())
		Consistently(func() []string { return w.snapshot(ctx).Touched(written) }).Should(BeEmpty())
	})
})
