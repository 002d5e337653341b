// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// component is one that can be stopped and started while the others run: one of the control plane, or of a node.
type component struct {
	name string
	// node is nil for the control plane.
	node *node
}

// process is the name under which it runs.
func (w component) process() string {
	if w.node == nil {
		return w.name
	}
	return w.node.name() + "-" + w.name
}

// What can be stopped and started, and where it runs.
var (
	ofControlPlane = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
	ofNodes        = []string{"kubelet", "containerd"}
)

// component finds the component of a name, on a node or, with "" for the node, of the control plane.
func (c *Cluster) component(name, onNode string) (component, error) {
	switch {
	case slices.Contains(ofControlPlane, name):
		if onNode != "" {
			return component{}, UsageError(fmt.Sprintf("%s runs on no node: leave out --node", name))
		}
		return component{name: name}, nil
	case !slices.Contains(ofNodes, name):
		return component{}, UsageError(fmt.Sprintf("%q is none of %s", name, strings.Join(append(slices.Clone(ofControlPlane), ofNodes...), ", ")))
	case onNode == "":
		return component{}, UsageError(fmt.Sprintf("each node has a %s: --node says which, as in --node node1", name))
	}
	for _, n := range nodes(maxNodes) {
		if n.name() == onNode {
			return component{name: name, node: &n}, nil
		}
	}
	return component{}, UsageError(fmt.Sprintf("%q is no node: they are node1, node2 and so on", onNode))
}

// Stop ends a component and waits for its end; kill gives it no time to do anything before. Containers go on without
// their node's containerd and kubelet. The cluster counts as not whole until it is started again.
func (c *Cluster) Stop(ctx context.Context, name, onNode string, kill bool) error {
	wanted, err := c.component(name, onNode)
	if err != nil {
		return err
	}
	return c.step(ctx, "stopping "+wanted.process(), func(ctx context.Context) error {
		unlock, err := lockMachine(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		return c.stopComponent(ctx, wanted, kill)
	})
}

// Start starts a stopped component exactly as `up` did, and waits until it works.
func (c *Cluster) Start(ctx context.Context, name, onNode string) error {
	wanted, err := c.component(name, onNode)
	if err != nil {
		return err
	}
	return c.step(ctx, "starting "+wanted.process(), func(ctx context.Context) error {
		if err := c.startComponent(ctx, wanted); err != nil {
			return err
		}
		return c.wait(ctx, 2*time.Minute, func(ctx context.Context) error { return c.works(ctx, wanted) })
	})
}

// Restart is Stop and Start.
func (c *Cluster) Restart(ctx context.Context, name, onNode string, kill bool) error {
	if err := c.Stop(ctx, name, onNode, kill); err != nil {
		return err
	}
	return c.Start(ctx, name, onNode)
}

// patience is how long a component may take to end: the API server would wait for a minute for its clients.
const patience = 10 * time.Second

func (c *Cluster) stopComponent(ctx context.Context, wanted component, kill bool) error {
	found, err := c.find(wanted)
	if err != nil {
		return err
	}
	if !found.alive() {
		return errors.New("it does not run")
	}
	// Before it ends, so that nobody takes it for one that has ended by itself.
	found.Stopped = true
	if err := c.record(found); err != nil {
		return err
	}
	if !kill {
		return stop([]int{found.PID}, patience)
	}
	if err := syscall.Kill(found.PID, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing it: %w", err)
	}
	return until(ctx, patience, func(context.Context) error {
		if found.alive() {
			return errors.New("it does not end")
		}
		return nil
	})
}

func (c *Cluster) startComponent(ctx context.Context, wanted component) error {
	unlock, err := lockMachine(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	before, err := c.find(wanted)
	if err != nil {
		return err
	}
	if before.alive() {
		return errors.New("it runs already")
	}
	var enter []string
	if wanted.node != nil {
		inside, err := c.insideOf(*wanted.node)
		if err != nil {
			return err
		}
		enter = entering(inside)
	}
	started, err := c.spawnInside(enter, before.Name, before.Command...)
	if err != nil {
		return err
	}
	// A restarted containerd is where the one before was, whose shims `down` finds by this.
	started.Mounts = before.Mounts
	return c.record(started)
}

func (c *Cluster) find(wanted component) (process, error) {
	processes, err := c.processes()
	if err != nil {
		return process{}, err
	}
	at := slices.IndexFunc(processes, func(p process) bool { return p.Name == wanted.process() })
	if at < 0 {
		return process{}, fmt.Errorf("this cluster has no %s: `localcluster status` lists what it has", wanted.process())
	}
	return processes[at], nil
}

// insideOf is a process in the mount namespace of a node, the only way to the mounts of the node's containers when its
// containerd is away. kube-proxy always runs.
func (c *Cluster) insideOf(n node) (int, error) {
	containerd, err := c.find(component{name: "containerd", node: &n})
	if err != nil {
		return 0, err
	}
	processes, err := c.processes()
	if err != nil {
		return 0, err
	}
	for _, one := range processes {
		if one.alive() && containerd.Mounts != "" && mountNamespace(one.PID) == containerd.Mounts {
			return one.PID, nil
		}
	}
	return 0, fmt.Errorf("nothing runs on %s any more, so that its mounts are gone: `localcluster up` starts the cluster anew", n.name())
}

// works reports why a component that was started does not work yet.
func (c *Cluster) works(ctx context.Context, wanted component) error {
	switch wanted.name {
	case "etcd":
		return c.etcdWorks(ctx)
	case "kube-apiserver":
		return c.apiServerAnswers(ctx)
	case "kube-controller-manager":
		return listens(ctx, controllersPort)
	case "kube-scheduler":
		return listens(ctx, schedulerPort)
	case "containerd":
		return c.containerdAnswers(ctx, *wanted.node)
	default:
		return c.kubeletWorks(ctx, *wanted.node)
	}
}

// kubeletWorks asks the kubelet itself for its containers, by way of the API server: its node stays Ready for seconds after
// it has ended.
func (c *Cluster) kubeletWorks(ctx context.Context, n node) error {
	if _, err := c.kubectl(ctx, "get", "--raw", "/api/v1/nodes/"+n.name()+"/proxy/runningpods/"); err != nil {
		return err
	}
	ready, err := c.kubectl(ctx, "get", "node", n.name(), "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
	if err == nil && ready != "True" {
		err = errors.New("the node is not Ready")
	}
	return err
}

// etcdWorks when it answers, and the API server is content with it, unless that was stopped too.
func (c *Cluster) etcdWorks(ctx context.Context) error {
	if err := etcdAnswers(ctx); err != nil {
		return err
	}
	server, err := c.find(component{name: "kube-apiserver"})
	if err != nil || server.Stopped {
		return err
	}
	return c.apiServerAnswers(ctx)
}

func etcdAnswers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, etcdURL+"/health", http.NoBody)
	if err != nil {
		return fmt.Errorf("asking etcd: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking etcd: %w", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("etcd answers %s", response.Status)
	}
	return nil
}
