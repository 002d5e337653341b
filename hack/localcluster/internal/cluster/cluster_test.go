// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestUpRefusesImpossibleSizes(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	for _, size := range []Size{{Nodes: -1}, {Nodes: maxNodes + 1}, {FakeNodes: -1}} {
		err := c.Up(t.Context(), size)
		if err == nil || !strings.Contains(err.Error(), "--nodes must be 0 to 9 and --fake-nodes 0 or more") {
			t.Errorf("%+v: %v", size, err)
		}
	}
}

func TestBuildNamesWhatItDoesNotKnow(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if err := c.Build(t.Context(), []string{"kubelett"}); err == nil || err.Error() != `"kubelett" is none of the cluster's binaries` {
		t.Errorf("got %v", err)
	}
}

func TestDirectoryTooLongForASocket(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: "/" + strings.Repeat("d", 100)}, Out: io.Discard}
	if err := c.possible(); err == nil || !strings.Contains(err.Error(), "choose a shorter --dir") {
		t.Errorf("got %v", err)
	}
}

// A process number is given again sooner or later: only its start time tells whose it is.
func TestAProcessOfTheSameNumberIsAnother(t *testing.T) {
	own := process{PID: os.Getpid(), Started: startTime(os.Getpid())}
	if !own.alive() {
		t.Fatal("this test's own process is not alive")
	}
	later := own
	later.Started = "1"
	if later.alive() {
		t.Error("a process with another start time counts as alive")
	}
}

func TestWaitEndsWithTheComponent(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if _, err := c.spawn("etcd", "/bin/sh", "-c", "echo no space left; exit 1"); err != nil {
		t.Fatal(err)
	}
	// The wait is longer than a test may take: it has to end by itself.
	err := until(t.Context(), time.Hour, func(context.Context) error {
		if err := c.ended(); err != nil {
			return err
		}
		return errors.New("not yet")
	})
	if err == nil || !strings.Contains(err.Error(), "etcd: it ended; the end of "+c.in("logs", "etcd.log")+":\nno space left") {
		t.Errorf("got %v", err)
	}
}

func TestStopEndsAProcessThatIgnoresTheFirstSignal(t *testing.T) {
	stubborn := exec.CommandContext(t.Context(), "/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
	output, err := stubborn.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stubborn.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	go func() { _ = stubborn.Wait() }()
	if err := stop([]int{stubborn.Process.Pid}, 50*time.Millisecond); err != nil {
		t.Error(err)
	}
	if startTime(stubborn.Process.Pid) != "" {
		t.Error("it lives")
	}
}

func TestFakeNodesAreNumberedAndTainted(t *testing.T) {
	manifests := fakeNodeManifests([]int{2, 3})
	for _, wanted := range []string{"name: fake-2\n", "name: fake-3\n", "value: fake, effect: NoSchedule"} {
		if !strings.Contains(manifests, wanted) {
			t.Errorf("no %q in %s", wanted, manifests)
		}
	}
	if strings.Count(manifests, "kind: Node\n") != 2 {
		t.Errorf("not the two that were asked for: %s", manifests)
	}
}

func TestOnlyMissingFakeNodesAreCreated(t *testing.T) {
	for listed, wanted := range map[string][]int{
		"":                                {1, 2, 3},
		"fake-1\nfake-3\n":                {2},
		"fake-1\nfake-10\nfake-2\nfake-3": nil,
	} {
		if got := missingFakeNodes(listed, 3); !slices.Equal(got, wanted) {
			t.Errorf("%q: got %v, wanted %v", listed, got, wanted)
		}
	}
}

func TestSocketPathsFitEveryNode(t *testing.T) {
	l := Layout{Dir: "/work/checkout/.localcluster"}
	seen := map[string]bool{}
	for _, n := range nodes(maxNodes) {
		socket := l.containerdSocket(n)
		if seen[socket] || filepath.Dir(filepath.Dir(socket)) != filepath.Join(l.Dir, "nodes") {
			t.Errorf("%s is not the socket of one node alone", socket)
		}
		seen[socket] = true
	}
}
