// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// served is how a request came to the API server.
type served struct{ path, protocol, from string }

func TestEachWatchHasAConnectionOfItsOwn(t *testing.T) {
	g := NewWithT(t)
	requests := make(chan served, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requests <- served{r.URL.Path, r.Proto, r.RemoteAddr}
		<-r.Context().Done() // A watch of which nothing comes.
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"ConfigMap", "Pod"} {
		mapper.Add(corev1.SchemeGroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: authority}}
	caches, err := NewCache(config, cache.Options{Scheme: clientgoscheme.Scheme, Mapper: mapper})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(config.NextProtos).To(BeEmpty(), "writes share a connection of HTTP/2")

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- caches.Start(ctx) }()
	defer func() {
		stop()
		g.Expect(<-ended).To(Succeed())
	}()
	for _, kind := range []client.Object{&corev1.ConfigMap{}, &corev1.Pod{}} {
		_, err := caches.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		g.Expect(err).NotTo(HaveOccurred())
	}
	var first, second served
	g.Eventually(requests, time.Minute).Should(Receive(&first))
	g.Eventually(requests, time.Minute).Should(Receive(&second))
	g.Expect([]string{first.path, second.path}).To(ConsistOf("/api/v1/configmaps", "/api/v1/pods"))
	g.Expect([]string{first.protocol, second.protocol}).To(HaveEach("HTTP/1.1"))
	g.Expect(first.from).NotTo(Equal(second.from))
}

func TestAWatchThatSaysNothingEnds(t *testing.T) {
	g := NewWithT(t)
	server, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = server.Close() }()
	connection, err := dialWatches(time.Second)(t.Context(), "tcp", server.Addr().String())
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = connection.Close() }()
	frozen, err := server.Accept()
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = frozen.Close() }()

	said := []byte("a bookmark")
	g.Expect(frozen.Write(said)).To(Equal(len(said)))
	g.Expect(connection.Read(make([]byte, 100))).To(Equal(len(said)))
	_, err = connection.Read(make([]byte, 100))
	g.Expect(err).To(MatchError(os.ErrDeadlineExceeded))
}

func TestConnectionsOfWatchesHaveKeepAlives(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	connection, err := watchDialer().DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = connection.Close() }()
	raw, err := connection.(*net.TCPConn).SyscallConn()
	g.Expect(err).NotTo(HaveOccurred())
	set := optionsOf(g, raw)
	g.Expect(set(unix.SOL_SOCKET, unix.SO_KEEPALIVE)).To(Equal(1))
	g.Expect(set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)).To(Equal(15))
	g.Expect(set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)).To(Equal(15))
	g.Expect(set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)).To(Equal(2))
	g.Expect(set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)).To(Equal(45_000))
}

// optionsOf reads what a socket is set to.
func optionsOf(g Gomega, socket syscall.RawConn) func(level, option int) (int, error) {
	return func(level, option int) (value int, err error) {
		g.Expect(socket.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, option) })).To(Succeed())
		return value, err
	}
}
