// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A component that lives until it is ended, and says how that was.
const mortal = "trap 'echo told to end; exit' TERM; echo begins; while :; do sleep 0.05; done"

func TestAComponentIsStoppedAndStartedAsItWas(t *testing.T) {
	for _, kill := range []bool{false, true} {
		c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
		first, err := c.spawn("etcd", "/bin/sh", "-c", mortal)
		if err != nil {
			t.Fatal(err)
		}
		log := "begins\n"
		waitForLog(t, c, log)
		if err := c.Stop(t.Context(), "etcd", "", kill); err != nil {
			t.Fatal(err)
		}
		if first.alive() {
			t.Error("it lives")
		}
		if err := c.startComponent(t.Context(), component{name: "etcd"}); err != nil {
			t.Fatal(err)
		}
		again, err := c.find(component{name: "etcd"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(again.PID, syscall.SIGKILL) })
		if !again.alive() || again.Stopped || again.PID == first.PID || !slices.Equal(again.Command, first.Command) {
			t.Errorf("first %+v, then %+v", first, again)
		}
		if !kill {
			log += "told to end\n"
		}
		waitForLog(t, c, log+"begins\n")
	}
}

func TestAStoppedComponentHasNotEndedByItself(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if _, err := c.spawn("etcd", "/bin/sh", "-c", mortal); err != nil {
		t.Fatal(err)
	}
	if err := c.startComponent(t.Context(), component{name: "etcd"}); err == nil || err.Error() != "it runs already" {
		t.Errorf("starting what runs: %v", err)
	}
	if err := c.Stop(t.Context(), "etcd", "", true); err != nil {
		t.Fatal(err)
	}
	if err := c.ended(); err != nil {
		t.Errorf("it did not end by itself: %v", err)
	}
	if err := c.Status(t.Context()); err == nil || err.Error() != "the cluster is not whole: etcd was stopped (`localcluster start`)" {
		t.Errorf("status: %v", err)
	}
	if err := c.Stop(t.Context(), "etcd", "", true); err == nil || err.Error() != "stopping etcd: it does not run" {
		t.Errorf("stopping it twice: %v", err)
	}
}

// waitForLog waits until etcd has said this and nothing else.
func waitForLog(t *testing.T, c *Cluster, said string) {
	t.Helper()
	var log []byte
	err := until(t.Context(), patience, func(context.Context) (err error) {
		log, err = os.ReadFile(c.in("logs", "etcd.log"))
		if err == nil && string(log) != said {
			err = os.ErrNotExist
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v: the log is %q, wanted %q", err, log, said)
	}
}

func TestANodeWithoutProcessesHasNoMounts(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if err := c.record(process{Name: "node1-containerd", PID: 1, Started: "no longer", Mounts: "mnt:[1]"}); err != nil {
		t.Fatal(err)
	}
	err := c.startComponent(t.Context(), component{name: "containerd", node: &node{1}})
	if err == nil || !strings.HasPrefix(err.Error(), "nothing runs on node1 any more") {
		t.Errorf("got %v", err)
	}
}
