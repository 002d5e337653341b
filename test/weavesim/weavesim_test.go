// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// The processes run in a network namespace of the test's own: their ports are fixed, and they make a link. The goroutine
// of a test is tied to a thread in it, which is thrown away with the test.
func enterNamespace(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	runtime.LockOSThread()
	own, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		t.Fatal(err)
	}
}

// build makes the image's paths in a directory.
func build(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	program := filepath.Join(root, "weavesim")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"launch.sh", "curl"} {
		if err := os.Symlink(program, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// api is as much of a Kubernetes API as the stand-in needs: two nodes and a ConfigMap.
type api struct {
	mutex sync.Mutex
	book  string
	patch string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v1/nodes":
		fmt.Fprint(w, `{"kind":"NodeList","apiVersion":"v1","items":[
			{"metadata":{"name":"node1"},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"}]}},
			{"metadata":{"name":"node2"},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.2"}]}}]}`)
	case "PUT /api/v1/namespaces/kube-system/configmaps/weave-net":
		a.book = string(body)
		fallthrough
	case "GET /api/v1/namespaces/kube-system/configmaps/weave-net":
		if a.book == "" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"no such ConfigMap","code":404}`)
			return
		}
		fmt.Fprint(w, a.book)
	case "PATCH /api/v1/nodes/node2/status":
		a.patch = string(body)
		fmt.Fprint(w, `{"kind":"Node","apiVersion":"v1","metadata":{"name":"node2"}}`)
	default:
		http.Error(w, r.URL.Path, http.StatusTeapot)
	}
}

// serve runs the API in the namespace and returns the environment of a router on node2.
func serve(t *testing.T, a *api, root string) (environment []string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: a, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	kubeconfig := filepath.Join(root, "kubeconfig")
	content := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"x","contexts":[{"name":"x","context":{"cluster":"x","user":"x"}}],
		"clusters":[{"name":"x","cluster":{"server":"http://%s"}}],"users":[{"name":"x","user":{}}]}`, listener.Addr())
	if err := os.WriteFile(kubeconfig, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"WEAVESIM_KUBECONFIG=" + kubeconfig, "HOSTNAME=node2", "IPALLOC_INIT=consensus=2", "WEAVE_NO_FASTDP=1",
		"DB_PREFIX=" + filepath.Join(root, "weave-net"),
	}
}

func ask(t *testing.T, root, path string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(root, "curl"), "-fsS", "http://127.0.0.1:6784"+path).Output()
	return string(out), err
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-ticker.C {
		if check() {
			return
		}
	}
	t.Fatal("not within 20 s: ", what)
}

func TestWithoutTheConfigMapItExits(t *testing.T) {
	root := build(t)
	enterNamespace(t)
	command := exec.CommandContext(t.Context(), filepath.Join(root, "launch.sh"))
	command.Env = serve(t, &api{}, root)
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "could not check peer list") {
		t.Errorf("%v: %s", err, out)
	}
}

// launch starts a router on node2 and returns it with a channel that tells its end.
func launch(t *testing.T, cluster *api, root string) (process *os.Process, ended <-chan error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(root, "launch.sh"))
	command.Env, command.Stderr = serve(t, cluster, root), os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() { end <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	return command.Process, end
}

func TestARouterFromItsStartToItsEnd(t *testing.T) {
	root := build(t)
	enterNamespace(t)
	cluster := &api{book: `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"weave-net","namespace":"kube-system","resourceVersion":"1"}}`}
	process, ended := launch(t, cluster, root)
	eventually(t, "the node is exposed", func() bool {
		claim, err := ask(t, root, "/ip/weave:expose")
		return err == nil && claim == "10.40.0.0/12"
	})
	probe := `ip -4 -o addr show dev weave | grep -q 'inet 10.40.0.0/12'`
	if err := exec.CommandContext(t.Context(), "sh", "-c", probe).Run(); err != nil {
		t.Error("the readiness probe: ", err)
	}
	eventually(t, "the API is told", func() bool {
		cluster.mutex.Lock()
		defer cluster.mutex.Unlock()
		return strings.Contains(cluster.book, `NodeName\":\"node2`) && strings.Contains(cluster.patch, "WeaveIsUp")
	})
	listens(t)
	data, err := os.ReadFile(filepath.Join(root, "weave-netdata.db"))
	if err != nil || !strings.Contains(string(data), `"standIn":"weavesim"`) || !strings.Contains(string(data), `"claim":"10.40.0.0/12"`) {
		t.Errorf("the database has %s, %v", data, err)
	}
	// SIGTERM ends it not, SIGKILL does; the link stays.
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Fatal("it ended: ", err)
	case <-time.After(500 * time.Millisecond):
	}
	if _, err := ask(t, root, "/status"); err != nil {
		t.Error(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("SIGKILL was its end, and it says none")
	}
	if _, err := netlink.LinkByName("weave"); err != nil {
		t.Error(err)
	}
}

// listens tries weave's ports (facts 1.4) and the stand-in's own.
func listens(t *testing.T) {
	t.Helper()
	for _, port := range []string{"6782", "6783", "6784", "16784"} {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp4", "127.0.0.1:"+port)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = connection.Close()
	}
	// A second one can have no port that the first one has.
	if packets, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "0.0.0.0:6783"); err == nil {
		_ = packets.Close()
		t.Error("nobody listens on 6783/UDP")
	}
}

func TestTheNetworkPolicyControllerEndsWhenItIsTold(t *testing.T) {
	root := build(t)
	enterNamespace(t)
	command := &exec.Cmd{Path: filepath.Join(root, "weavesim"), Args: []string{"/usr/bin/launch.sh"}, Stderr: os.Stderr}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	eventually(t, "it listens", func() bool {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp4", "127.0.0.1:6781")
		return err == nil && connection.Close() == nil
	})
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
}
