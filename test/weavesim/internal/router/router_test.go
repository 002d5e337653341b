// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

// newKernel is that of a network namespace of the test's own, which ends with the handle's sockets.
func newKernel(t *testing.T) *netlink.Handle {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = before.Close() }()
	own, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	kernel, err := netlink.NewHandle()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kernel.Close)
	if err := netns.Set(before); err != nil {
		t.Fatal(err)
	}
	return kernel
}

func addresses(t *testing.T, kernel *netlink.Handle) string {
	t.Helper()
	link, err := kernel.LinkByName(bridgeName)
	if err != nil {
		t.Fatal(err)
	}
	list, err := kernel.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, 0, len(list))
	for i := range list {
		texts = append(texts, list[i].IPNet.String())
	}
	return strings.Join(texts, " ")
}

func TestTheBridge(t *testing.T) {
	kernel := newKernel(t)
	link := &bridge{kernel: kernel}
	for range 2 {
		if err := link.ready("02:00:00:00:00:01", sleeveBridgeMTU); err != nil {
			t.Fatal(err)
		}
	}
	found, err := kernel.LinkByName("weave")
	if err != nil {
		t.Fatal(err)
	}
	if found.Type() != "bridge" || found.Attrs().HardwareAddr.String() != "02:00:00:00:00:01" || found.Attrs().MTU != 65535 {
		t.Errorf("got %s %+v", found.Type(), found.Attrs())
	}
	for _, want := range []string{"10.32.0.1/12", "10.40.0.0/12", "10.40.0.0/12", "10.40.0.0/12 10.32.0.1/12", ""} {
		if err := link.set(want); err != nil {
			t.Error(err)
		}
		if got := addresses(t, kernel); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := link.set("10.40.0.0/12"); err != nil {
		t.Fatal(err)
	}
	if err := link.check(netip.MustParsePrefix("10.32.0.0/12")); err != nil {
		t.Errorf("its own route is in its way: %v", err)
	}
}

func TestARangeThatOverlapsARoute(t *testing.T) {
	kernel := newKernel(t)
	other := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "other"}}
	address, err := netlink.ParseAddr("10.40.7.1/24")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return kernel.LinkAdd(other) },
		func() error { return kernel.LinkSetUp(other) },
		func() error { return kernel.AddrAdd(other, address) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	link := &bridge{kernel: kernel}
	if err := link.check(netip.MustParsePrefix("10.32.0.0/12")); err == nil || !strings.Contains(err.Error(), "overlaps with existing route 10.40.7.0/24") {
		t.Errorf("got %v", err)
	}
	if err := link.check(netip.MustParsePrefix("10.64.0.0/12")); err != nil {
		t.Error(err)
	}
}

// started is a router of node1 of two nodes that serves nobody yet, its API and what tests say to it.
type started struct {
	*router
	client *fake.Clientset
	kernel *netlink.Handle
	// address is where the control is.
	address string
}

func start(t *testing.T, database string) *started {
	t.Helper()
	kernel := newKernel(t)
	internal := func(address string) corev1.NodeAddress {
		return corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address}
	}
	client := fake.NewClientset(machine("node1", internal("192.0.2.1")), machine("node2", internal("192.0.2.2")), book(nil))
	return restart(t, database, client, kernel)
}

func restart(t *testing.T, database string, client *fake.Clientset, kernel *netlink.Handle) *started {
	t.Helper()
	environment := map[string]string{
		"HOSTNAME": "node1", "WEAVE_NO_FASTDP": "1", "IPALLOC_INIT": "consensus=2", "DB_PREFIX": database, "WEAVE_HTTP_ADDR": "127.0.0.1:0",
	}
	settings, err := configuration(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRouter(t.Context(), settings, &kubernetes{client: client.CoreV1()}, &bridge{kernel: kernel})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	server := httptest.NewServer(r.control())
	t.Cleanup(server.Close)
	return &started{router: r, client: client, kernel: kernel, address: strings.TrimPrefix(server.URL, "http://")}
}

// call asks the router's API, not through its port.
func (s *started) call(t *testing.T, method, path string, header http.Header) (int, string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	request.Header = header
	recorder := httptest.NewRecorder()
	s.api().ServeHTTP(recorder, request)
	body, err := io.ReadAll(recorder.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return recorder.Code, string(body)
}

func TestANodeIsExposedAndFollowsTheTest(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "weave-net"))
	if err := s.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := addresses(t, s.kernel); got != "10.32.0.1/12" {
		t.Errorf("the link has %q", got)
	}
	nothing, stale := "", "10.44.0.0/12"
	for _, test := range []struct {
		document      control.Document
		claim, bridge string
	}{
		{control.Document{Bridge: &stale}, "10.32.0.1/12", stale},
		{control.Document{Claim: &stale}, stale, "10.32.0.1/12"},
		{control.Document{Claim: &nothing, Bridge: &nothing}, "", ""},
		{control.Document{Paxos: &control.Paxos{Quorum: 2, Known: 1}}, "", ""},
		{control.Document{}, "10.32.0.1/12", "10.32.0.1/12"},
	} {
		if err := control.Put(t.Context(), s.address, &test.document); err != nil {
			t.Fatal(err)
		}
		if code, claim := s.call(t, http.MethodGet, "/ip/weave:expose", nil); code != http.StatusOK || claim != test.claim {
			t.Errorf("%+v: claim %d %q", test.document, code, claim)
		}
		if got := addresses(t, s.kernel); got != test.bridge {
			t.Errorf("%+v: the link has %q", test.document, got)
		}
	}
}

func TestWhatTheAPIAnswers(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "weave-net"))
	if err := s.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	asJSON := http.Header{"Accept": {"application/json"}}
	for _, test := range []struct {
		method, path string
		header       http.Header
		code         int
		body         string
	}{
		{http.MethodGet, "/status", nil, http.StatusOK, "stand-in"},
		{http.MethodGet, "/report", nil, http.StatusBadRequest, "must supply one format parameter"},
		{http.MethodGet, "/report", asJSON, http.StatusOK, `"Version": "2.9.0"`},
		{http.MethodGet, "/ip", nil, http.StatusOK, `"containerid": "weave:expose"`},
		{http.MethodPost, "/connect", nil, http.StatusOK, ""},
		{http.MethodDelete, "/peer/" + control.PeerName("node2"), nil, http.StatusNotFound, ""},
		{http.MethodDelete, "/peer", nil, http.StatusNoContent, ""},
	} {
		if code, body := s.call(t, test.method, test.path, test.header); code != test.code || !strings.Contains(body, test.body) {
			t.Errorf("%s %s: got %d %s", test.method, test.path, code, body)
		}
	}
	var after report
	_, body := s.call(t, http.MethodGet, "/report", asJSON)
	if err := json.Unmarshal([]byte(body), &after); err != nil {
		t.Fatal(err)
	}
	for _, entry := range after.IPAM.Entries {
		if entry.Peer == after.Router.Name {
			t.Errorf("it owns addresses after it has left: %+v", entry)
		}
	}
}

func TestARouterThatIsDownAndUpAgain(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "weave-net"))
	if err := control.Delete(t.Context(), s.address); err != nil || s.server == nil {
		t.Errorf("it does not serve: %v", err)
	}
	if err := control.Put(t.Context(), s.address, &control.Document{Down: true}); err != nil || s.server != nil {
		t.Errorf("it serves: %v", err)
	}
	if got, err := control.Get(t.Context(), s.address); err != nil || !got.Down {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := control.Delete(t.Context(), s.address); err != nil || s.server == nil {
		t.Errorf("it does not serve: %v", err)
	}
	broken := &control.Document{Connections: map[string]control.Connection{"node2": {State: "broken"}}}
	if err := control.Put(t.Context(), s.address, broken); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("got %v", err)
	}
}

func TestWhatSurvivesARestart(t *testing.T) {
	database := filepath.Join(t.TempDir(), "weave-net")
	first := start(t, database)
	if err := first.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The link and the database stay; nobody has to agree again.
	second := restart(t, database, first.client, first.kernel)
	if second.kept.Claim != "10.32.0.1/12" || addresses(t, first.kernel) != "10.32.0.1/12" {
		t.Errorf("kept %+v", second.kept)
	}
	// A database is nothing to a peer that nobody has listed.
	listed, err := first.client.CoreV1().ConfigMaps(bookNamespace).Update(t.Context(), book(nil), metav1.UpdateOptions{})
	if err != nil || len(listed.Annotations) > 0 {
		t.Fatal(listed, err)
	}
	if third := restart(t, database, first.client, first.kernel); third.kept.Claim != "" {
		t.Errorf("kept %+v", third.kept)
	}
}

func TestADatabaseOfAnotherPeerOrRangeIsWiped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	kept := record{Peer: "02:00:00:00:00:01", Range: "10.32.0.0/12", Claim: "10.32.0.1/12"}
	if err := kept.save(path); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ peer, ipRange, claim string }{
		{kept.Peer, kept.Range, kept.Claim},
		{"02:00:00:00:00:02", kept.Range, ""},
		{kept.Peer, "10.64.0.0/12", ""},
	} {
		if got, err := load(path, test.peer, test.ipRange); err != nil || got.Claim != test.claim {
			t.Errorf("%+v: got %+v, %v", test, got, err)
		}
	}
}
