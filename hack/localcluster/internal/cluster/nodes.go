// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// nodes starts the real nodes and waits until they are Ready.
func (c *Cluster) nodes(ctx context.Context, size Size) error {
	all := nodes(size.Nodes)
	if len(all) == 0 {
		return nil
	}
	if err := c.pauseImage(ctx); err != nil {
		return err
	}
	for _, n := range all {
		if err := c.startNode(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.name(), err)
		}
	}
	return c.wait(ctx, 2*time.Minute, func(ctx context.Context) error {
		_, ready, err := c.countNodes(ctx, realNodes)
		if err == nil && ready < len(all) {
			err = fmt.Errorf("%d of %d nodes are Ready", ready, len(all))
		}
		return err
	})
}

// Label selectors of the two kinds of nodes.
const (
	realNodes = "type!=kwok"
	fakeNodes = "type=kwok"
)

// countNodes counts the selected nodes and those that are Ready. (`kubectl wait` would ask for them one by one.)
func (c *Cluster) countNodes(ctx context.Context, selector string) (all, ready int, err error) {
	conditions, err := c.kubectl(ctx, "get", "nodes", "-l", selector,
		"-o", `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}`)
	return strings.Count(conditions, "\n"), strings.Count(conditions, "True\n"), err
}

// startNode starts containerd in the node's network and a mount namespace of its own, and kubelet and kube-proxy
// in the same ones. All mounts of pods are in that mount namespace: they go with its last process.
func (c *Cluster) startNode(ctx context.Context, n node) error {
	if err := c.nodeFiles(n); err != nil {
		return err
	}
	if err := makeCgroup(n); err != nil {
		return err
	}
	// `ip netns exec` would hide /sys/fs/cgroup from the kubelet. The directories that the node's programs have no
	// flag for are bound to the cluster's own.
	script := fmt.Sprintf(`set -e
for at in %[2]s; do
  mkdir -p %[1]q"$at"
  mount --bind %[1]q"$at" "$at"
done
exec "$@"`, c.node(n, "bound"), strings.Join(boundDirectories, " "))
	enter := []string{"nsenter", "--net=/run/netns/" + n.netns(), "unshare", "-m", "/bin/sh", "-c", script, "sh"}
	containerd, err := c.spawnInside(enter, n.name()+"-containerd", c.bin("containerd"), "--config", c.node(n, "containerd.toml"))
	if err != nil {
		return err
	}
	if err := c.wait(ctx, 30*time.Second, func(ctx context.Context) error { return c.containerdAnswers(ctx, n) }); err != nil {
		return err
	}
	containerd.Mounts = mountNamespace(containerd.PID)
	if err := c.record(containerd); err != nil {
		return err
	}
	if err := c.importImage(ctx, n, c.in("pause.tar")); err != nil {
		return err
	}
	if _, err := c.spawnInside(entering(containerd.PID), n.name()+"-kubelet", c.bin("kubelet"),
		"--config", c.node(n, "kubelet.yaml"), "--kubeconfig", c.pki(n.name()+".kubeconfig"),
		"--root-dir", c.node(n, "kubelet"), "--hostname-override", n.name(), "--node-ip", n.address()); err != nil {
		return err
	}
	_, err = c.spawnInside(entering(containerd.PID), n.name()+"-kube-proxy", c.bin("kube-proxy"), "--config", c.node(n, "kube-proxy.yaml"))
	return err
}

// entering starts a command in the network and the mounts of a node's process.
func entering(pid int) []string { return []string{"nsenter", "-t", intText(pid), "-m", "-n"} }

// containerdAnswers on its socket.
func (c *Cluster) containerdAnswers(ctx context.Context, n node) error {
	_, err := run(ctx, c.bin("ctr"), "-a", c.containerdSocket(n), "version")
	return err
}

func (c *Cluster) nodeFiles(n node) error {
	files := map[string]string{
		c.node(n, "containerd.toml"):         c.containerdConfiguration(n),
		c.node(n, "cni", "10-pods.conflist"): c.cni(n),
		c.node(n, "kubelet.yaml"):            c.kubeletConfiguration(n),
		c.node(n, "kube-proxy.yaml"):         c.proxyConfiguration(n),
		// No DNS server runs here; pods need a file to copy.
		c.node(n, "resolv.conf"): "",
	}
	for path, content := range files {
		if err := c.write(path, content); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) containerdConfiguration(n node) string {
	return fmt.Sprintf(`version = 3
root = %[1]q
state = %[2]q
[grpc]
  address = %[3]q
[ttrpc]
  address = %[4]q
[plugins.'io.containerd.internal.v1.opt']
  path = %[9]q
[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = %[5]q
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE every sandbox fails at "can't get final child's PID from pipe".
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = 'runc'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      disable_pause_image_pull = true
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = %[6]q
        Root = %[7]q
        SystemdCgroup = false
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['/usr/lib/cni']
    conf_dir = %[8]q
`, c.node(n, "containerd"), c.node(n, "state"), c.containerdSocket(n), c.ttrpcSocket(n),
		pauseImage, c.bin("runc"), c.node(n, "runc"), c.node(n, "cni"), c.node(n, "opt"))
}

func (c *Cluster) kubeletConfiguration(n node) string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %[1]s
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[2]q}}
authorization: {mode: Webhook}
tlsCertFile: %[3]q
tlsPrivateKeyFile: %[4]q
containerRuntimeEndpoint: %[5]q
cgroupDriver: cgroupfs
cgroupRoot: /%[6]s
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
podLogsDir: %[7]q
resolvConf: %[8]q
volumePluginDir: %[9]q
# The machine's disk belongs to others too: how full it is must not evict pods.
evictionHard: {memory.available: 100Mi, nodefs.available: "0%%", imagefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.inodesFree: "0%%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
maxPods: 250
# Images are loaded by hand. After one failed pull of the same name the kubelet would otherwise insist on a pull.
imagePullCredentialsVerificationPolicy: NeverVerify
`, n.address(), c.pki("ca.crt"), c.pki(n.name()+".crt"), c.pki(n.name()+".key"), "unix://"+c.containerdSocket(n),
		n.cgroup(), c.node(n, "pod-logs"), c.node(n, "resolv.conf"), c.node(n, "volume-plugins"))
}

func (c *Cluster) proxyConfiguration(n node) string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: %q}
hostnameOverride: %s
clusterCIDR: %s
healthzBindAddress: %s:10256
metricsBindAddress: %s:10249
# The limits of conntrack are the machine's, and cannot be changed from a network namespace.
conntrack: {maxPerCore: 0, min: 0, tcpCloseWaitTimeout: 0s, tcpEstablishedTimeout: 0s}
`, c.pki("kube-proxy.kubeconfig"), n.name(), podRange, n.address(), n.address())
}
