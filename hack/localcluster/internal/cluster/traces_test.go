// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The cluster of the checkout is brought up and down for real: its addresses are fixed, so none may run.

func checkout(t *testing.T) *Cluster {
	t.Helper()
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	c := &Cluster{Layout: Layout{Dir: filepath.Join(source, "..", "..", ".localcluster"), Source: source}, Out: &said}
	if processes, err := c.processes(); err != nil || len(processes) > 0 {
		t.Fatalf("end the local cluster first (make demo-down): %d processes, %v", len(processes), err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return c
}

func TestDownLeavesNothing(t *testing.T) {
	c := checkout(t)
	changeAParameter(t)
	before := traces(t, c)
	size := Size{Nodes: 2, FakeNodes: 2}
	if err := c.Up(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	during := traces(t, c)
	for _, kind := range []string{"processes", "namespaces", "links", "routes", "cgroups"} {
		if len(during[kind]) <= len(before[kind]) {
			t.Errorf("the test sees no %s of a cluster that runs: %v", kind, during[kind])
		}
	}
	upAgainIsHarmless(t, c, size)

	// Pods run, so that there are containers and mounts to leave behind.
	runPod(t, c, "real", `{}`)
	runPod(t, c, "simulated", `{"spec": {"nodeSelector": {"type": "kwok"}, "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}]}}`)

	othersLeaveItAlone(t, c)
	aDeathIsNoticed(t, c, Size{Nodes: 2, FakeNodes: 3})
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingIsLeft(t, before, traces(t, c))
	if err := c.Down(t.Context()); err != nil {
		t.Errorf("down for the second time: %v", err)
	}
}

// changeAParameter gives the kernel a value that no kubelet gives it, as on a machine where none has been.
func changeAParameter(t *testing.T) {
	t.Helper()
	const file = "/proc/sys/kernel/keys/root_maxkeys"
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("999999"), 0o600); err != nil {
		t.Logf("the kernel's parameters cannot be changed here, nor need be given back: %v", err)
		return
	}
	t.Cleanup(func() {
		if err := os.WriteFile(file, was, 0o600); err != nil {
			t.Error(err)
		}
	})
}

func upAgainIsHarmless(t *testing.T, c *Cluster, size Size) {
	t.Helper()
	started := pids(t, c)
	if err := c.Up(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	if err := c.Up(t.Context(), Size{Nodes: 1}); err == nil || !strings.Contains(err.Error(), "a cluster of 2 nodes and 2 fake nodes runs already") {
		t.Errorf("up with another size: %v", err)
	}
	if err := c.Up(t.Context(), Size{Nodes: 2, FakeNodes: 3}); err != nil {
		t.Errorf("up with one more fake node: %v", err)
	}
	if now := pids(t, c); !maps.Equal(now, started) {
		t.Errorf("up for the second time changed what runs: %v, before %v", now, started)
	}
	for selector, wanted := range map[string]int{realNodes: 2, fakeNodes: 3} {
		if all, ready, err := c.countNodes(t.Context(), selector); all != wanted || ready != wanted || err != nil {
			t.Errorf("%d of %d nodes with %s are Ready (%v), wanted %d", ready, all, selector, err, wanted)
		}
	}
}

// othersLeaveItAlone: links, namespaces and cgroups have the same names whatever directory the cluster is in.
func othersLeaveItAlone(t *testing.T, c *Cluster) {
	t.Helper()
	before := traces(t, c)
	other := &Cluster{Layout: Layout{Dir: t.TempDir(), Source: c.Source}, Out: io.Discard}
	// As it is after the machine was restarted under a cluster: records of processes that have ended.
	if err := other.record(process{Name: "etcd", PID: 1, Started: "no longer"}); err != nil {
		t.Fatal(err)
	}
	if err := other.Down(t.Context()); err != nil {
		t.Errorf("down of another directory: %v", err)
	}
	if err := other.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "the local cluster of "+c.Dir+" runs on this machine") {
		t.Errorf("check of another directory: %v", err)
	}
	after := traces(t, c)
	for kind := range before {
		for _, one := range before[kind] {
			if !slices.Contains(after[kind], one) {
				t.Errorf("down of another directory took of this one's %s: %s", kind, one)
			}
		}
	}
}

// Whoever ends all processes of a machine's user (a CI runner between two jobs, say) knows nothing of `down`.
func TestUpClearsAwayWhatNobodyRuns(t *testing.T) {
	c := checkout(t)
	for name, remove := range map[string]bool{"its directory is there": false, "its directory is gone": true} {
		t.Run(name, func(t *testing.T) {
			before := traces(t, c)
			other := otherCluster(t, c)
			if err := other.Up(t.Context(), Size{Nodes: 1}); err != nil {
				t.Fatal(err)
			}
			if err := c.Check(t.Context()); err == nil {
				t.Error("check does not see that another cluster runs")
			}
			if err := stop(slices.Collect(maps.Values(pids(t, other))), 0); err != nil {
				t.Fatal(err)
			}
			giveBack := func() error { return nil }
			if remove {
				giveBack = lose(t, other)
			}
			if err := errors.Join(c.Check(t.Context()), c.Up(t.Context(), Size{}), c.Down(t.Context()), giveBack()); err != nil {
				t.Fatal(err)
			}
			nothingIsLeft(t, before, traces(t, c))
		})
	}
}

// otherCluster is one of another directory, with the binaries of c.
func otherCluster(t *testing.T, c *Cluster) *Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "other") //nolint:usetesting // A test's own directory has too long a name for a socket.
	if err != nil {
		t.Fatal(err)
	}
	other := &Cluster{Layout: Layout{Dir: dir, Source: c.Source}, Out: io.Discard}
	t.Cleanup(func() {
		if err := errors.Join(other.Down(context.Background()), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(c.Build(t.Context(), nil), os.Symlink(c.in("bin"), other.in("bin"))); err != nil {
		t.Fatal(err)
	}
	return other
}

// lose removes a cluster's directory. Without it nobody knows what the kernel's parameters were: for the tests to come, what
// is returned gives them back.
func lose(t *testing.T, c *Cluster) (giveBack func() error) {
	t.Helper()
	borrowed, err := os.ReadFile(c.in("machine.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(c.Dir); err != nil {
		t.Fatal(err)
	}
	return func() error {
		return errors.Join(c.write(c.in("machine.json"), string(borrowed)), c.Down(t.Context()))
	}
}

func nothingIsLeft(t *testing.T, before, after map[string][]string) {
	t.Helper()
	for kind := range before {
		for _, one := range after[kind] {
			if !slices.Contains(before[kind], one) {
				t.Errorf("down left of its %s: %s", kind, one)
			}
		}
	}
}

func aDeathIsNoticed(t *testing.T, c *Cluster, size Size) {
	t.Helper()
	started := pids(t, c)
	if err := stop([]int{started["kube-scheduler"]}, 0); err != nil {
		t.Fatal(err)
	}
	err := c.Status(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "the cluster is not whole, `localcluster up` starts it anew: kube-scheduler: it ended") {
		t.Errorf("status: %v", err)
	}
	if err := c.Up(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	if err := c.Status(t.Context()); err != nil {
		t.Errorf("status after another up: %v", err)
	}
	if now := pids(t, c)["kube-apiserver"]; now == started["kube-apiserver"] {
		t.Error("the cluster was not started anew")
	}
}

func TestUpNamesWhatIsTaken(t *testing.T) {
	c := checkout(t)
	for address, wanted := range map[string]string{
		fmt.Sprintf("127.0.0.1:%d", etcdPort): "port 23790 of 127.0.0.1, which etcd needs, is taken: end the process that `ss -ltnp sport = :23790` shows",
		fmt.Sprintf(":%d", apiPort):           "port 6443 of all addresses, which the API server needs, is taken: end the process that `ss -ltnp sport = :6443` shows",
		fmt.Sprintf("0.0.0.0:%d", apiPort):    "port 6443 of all addresses, which the API server needs, is taken: end the process that `ss -ltnp sport = :6443` shows",
		// The API server has an address of its own: this is in nobody's way.
		fmt.Sprintf("127.0.0.1:%d", apiPort): "",
	} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if wanted == "" {
			err = c.Check(t.Context())
		} else {
			err = c.Up(t.Context(), Size{Nodes: 1})
		}
		if err != nil {
			got = err.Error()
		}
		if got != wanted {
			t.Errorf("%s: got %q, wanted %q", address, got, wanted)
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestUpNamesTheRightsThatAreMissing(t *testing.T) {
	c := checkout(t)
	// Every user must be able to read it: the checkout need not be so.
	dir := t.TempDir()
	for at := dir; at != os.TempDir(); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// By this file localcluster knows its sources.
	marker := filepath.Join(dir, "binaries", "kubernetes", "go.mod")
	if err := os.MkdirAll(filepath.Dir(marker), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(marker, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "localcluster")
	if _, err := run(t.Context(), "go", "build", "-C", c.Source, "-buildvcs=false", "-o", program, "."); err != nil {
		t.Fatal(err)
	}
	for wanted, rights := range map[string][]string{
		"needs root: it makes network namespaces and containers": {"--reuid=65534", "--clear-groups"},
		"needs CAP_NET_ADMIN and CAP_SYS_ADMIN, which this container or user does not have": {
			"--bounding-set=-net_admin,-sys_admin",
		},
	} {
		command := exec.CommandContext(t.Context(), "setpriv", append(rights, program, "up", "--dir", "/tmp/none")...)
		command.Dir = dir
		output, err := command.CombinedOutput()
		if err == nil || string(output) != "localcluster: the local cluster "+wanted+"\n" {
			t.Errorf("%v: %v, %s", rights, err, output)
		}
	}
}

// runPod runs a pod of the pause image, with what the overrides add to it, until it is Ready.
func runPod(t *testing.T, c *Cluster, name, overrides string) {
	t.Helper()
	_, err := c.kubectl(t.Context(), "run", name, "--image="+pauseImage, "--image-pull-policy=Never", "--override-type=strategic", "--overrides="+overrides)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.kubectl(t.Context(), "wait", "--for=condition=Ready", "pod/"+name, "--timeout=60s"); err != nil {
		t.Fatal(err)
	}
}

func pids(t *testing.T, c *Cluster) map[string]int {
	t.Helper()
	processes, err := c.processes()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, process := range processes {
		all[process.Name] = process.PID
	}
	return all
}

// traces are all the places where a cluster could leave something, on the whole machine.
func traces(t *testing.T, c *Cluster) map[string][]string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	routes, err := run(t.Context(), "ip", "route", "show", "table", "all")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]string{
		"processes":   programs(t, c),
		"mounts":      strings.Split(strings.TrimSpace(string(mounts)), "\n"),
		"namespaces":  names(t, namespaces),
		"links":       names(t, "/sys/class/net"),
		"routes":      strings.Split(routes, "\n"),
		"chains":      chains(t),
		"cgroups":     topCgroups(t),
		"directories": directories(t),
		"parameters":  parameters(t),
	}
}

// topCgroups are the first level of every hierarchy.
func topCgroups(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, hierarchy := range hierarchies() {
		found, err := filepath.Glob(filepath.Join(hierarchy, "*", "cgroup.procs"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// directories are those where programs keep what they have, two levels deep.
func directories(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"/*", "/etc/*", "/opt/*", "/opt/*/*", "/run/*", "/var/*", "/var/lib/*", "/var/log/*", "/usr/libexec/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if at, err := os.Lstat(path); err == nil && at.IsDir() {
				all = append(all, path)
			}
		}
	}
	return all
}

// parameters are the kernel's, of the machine.
func parameters(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"vm/*", "kernel/*", "kernel/keys/*", "net/ipv4/*", "net/ipv4/conf/all/*", "net/netfilter/*", "net/bridge/*"} {
		found, err := filepath.Glob("/proc/sys/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			// These count, or are random.
			if slices.Contains([]string{"ns_last_pid", "nf_conntrack_count", "pty", "random"}, filepath.Base(path)) {
				continue
			}
			if value, err := os.ReadFile(path); err == nil {
				all = append(all, path+" = "+strings.TrimSpace(string(value)))
			}
		}
	}
	return all
}

// programs are the processes that have to do with a file of the cluster other than its binaries, which other tests
// run too, and the containers.
func programs(t *testing.T, c *Cluster) []string {
	t.Helper()
	var all []string
	for _, pid := range names(t, "/proc") {
		program, err := os.Readlink("/proc/" + pid + "/exe")
		if err != nil || program == os.Args[0] {
			continue
		}
		arguments, err := os.ReadFile("/proc/" + pid + "/cmdline")
		if err != nil {
			continue
		}
		others := strings.ReplaceAll(string(arguments), c.in("bin")+"/", "")
		if program == "/pause" || strings.Contains(others, c.in()+"/") {
			all = append(all, pid+" "+program)
		}
	}
	return all
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	all := make([]string, 0, len(entries))
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// chains are iptables' chains and rules of the machine itself.
func chains(t *testing.T) []string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "iptables-save").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(output)) {
		// Counters and times change by themselves.
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			name, _, _ := strings.Cut(line, " [")
			all = append(all, name)
		}
	}
	return all
}
