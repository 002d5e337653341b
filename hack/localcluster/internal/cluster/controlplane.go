// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"net"
	"time"
)

// apiServer starts etcd and the API server, and waits until it is ready.
func (c *Cluster) apiServer(ctx context.Context) error {
	// Two processes may share a peer port of 0: there is one member. Of its storage it takes all that etcd's authors advise: with its default of 2 GB, a
	// benchmark's third 3,000 pods could not be deleted any more, because each version of an object stays until the API server's next compaction.
	if _, err := c.spawn("etcd", c.bin("etcd"), "--data-dir", c.in("etcd"), "--unsafe-no-fsync", "--quota-backend-bytes", intText(8<<30),
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
		"--listen-peer-urls", "http://127.0.0.1:0", "--log-level", "warn"); err != nil {
		return err
	}
	if err := c.write(c.in("audit-policy.yaml"), auditPolicy); err != nil {
		return err
	}
	_, err := c.spawn("kube-apiserver", c.bin("kube-apiserver"),
		"--etcd-servers", etcdURL,
		"--bind-address", apiAddress, "--advertise-address", apiAddress, "--secure-port", intText(apiPort),
		"--tls-cert-file", c.pki("apiserver.crt"), "--tls-private-key-file", c.pki("apiserver.key"),
		"--client-ca-file", c.pki("ca.crt"),
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", c.pki("ca.crt"), "--service-account-signing-key-file", c.pki("ca.key"),
		"--kubelet-certificate-authority", c.pki("ca.crt"),
		"--kubelet-client-certificate", c.pki("apiserver-kubelet.crt"),
		"--kubelet-client-key", c.pki("apiserver-kubelet.key"),
		// Node names do not resolve here.
		"--kubelet-preferred-address-types", "InternalIP",
		"--service-cluster-ip-range", serviceRange,
		"--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction",
		"--allow-privileged",
		"--audit-policy-file", c.in("audit-policy.yaml"), "--audit-log-path", c.AuditLog(),
		// In one file: by default it is moved aside after 100 MB.
		"--audit-log-maxsize", "16384")
	if err != nil {
		return err
	}
	return c.wait(ctx, time.Minute, c.apiServerAnswers)
}

// etcdURL is where the API server finds etcd.
var etcdURL = fmt.Sprintf("http://127.0.0.1:%d", etcdPort)

// apiServerAnswers that it is ready, and so that etcd is.
func (c *Cluster) apiServerAnswers(ctx context.Context) error {
	_, err := c.kubectl(ctx, "get", "--raw", "/readyz")
	return err
}

// auditPolicy records every write once, without its body, and also what the accounts of this project read: what they
// ask for is held against their roles.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users:
  - system:serviceaccount:symphony-operator-system:symphony-operator-controller-manager
  - system:serviceaccount:symphony-operator-weave:symphony-weave-manager
  - system:serviceaccount:kube-system:symphony-weave-agent
- level: None
  verbs: [get, list, watch]
- level: Metadata
`

// lostAfter is for how long a node may be silent. Tests that lose real nodes need not wait for the usual 50 s. Nobody loses simulated ones: of a
// thousand, beside 30,000 new pods on two cores, kwok renews the leases too late, and never makes a pod ready again whose node was lost.
func (s Size) lostAfter() time.Duration {
	if s.Nodes == 0 {
		return 20 * time.Minute
	}
	return 20 * time.Second
}

// controllers starts the controller manager and the scheduler, and waits until they work. The default of 20 requests a second would hide
// everything else at scale.
func (c *Cluster) controllers(ctx context.Context, size Size) error {
	if _, err := c.spawn("kube-controller-manager", c.bin("kube-controller-manager"),
		"--kubeconfig", c.pki("controller-manager.kubeconfig"),
		"--authentication-kubeconfig", c.pki("controller-manager.kubeconfig"),
		"--authorization-kubeconfig", c.pki("controller-manager.kubeconfig"),
		"--bind-address", apiAddress, "--secure-port", intText(controllersPort),
		"--leader-elect=false", "--use-service-account-credentials",
		"--root-ca-file", c.pki("ca.crt"), "--service-account-private-key-file", c.pki("ca.key"),
		"--node-monitor-grace-period", size.lostAfter().String(),
		"--kube-api-qps", "2000", "--kube-api-burst", "4000"); err != nil {
		return err
	}
	if err := c.write(c.in("scheduler.yaml"), fmt.Sprintf(schedulerConfiguration, c.pki("scheduler.kubeconfig"))+size.withoutSpreading()); err != nil {
		return err
	}
	if _, err := c.spawn("kube-scheduler", c.bin("kube-scheduler"),
		"--config", c.in("scheduler.yaml"), "--bind-address", apiAddress, "--secure-port", intText(schedulerPort),
		"--authentication-kubeconfig", c.pki("scheduler.kubeconfig"),
		"--authorization-kubeconfig", c.pki("scheduler.kubeconfig")); err != nil {
		return err
	}
	return c.wait(ctx, time.Minute, func(ctx context.Context) error {
		for _, port := range []int{controllersPort, schedulerPort} {
			if err := listens(ctx, port); err != nil {
				return err
			}
		}
		// The controller manager makes it; without it, the first pod of an impatient user is refused.
		_, err := c.kubectl(ctx, "get", "serviceaccount", "--namespace", "default", "default")
		return err
	})
}

// listens reports whether a component of the control plane listens on its port.
func listens(ctx context.Context, port int) error {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(apiAddress, intText(port)))
	if err != nil {
		return fmt.Errorf("waiting for it to listen: %w", err)
	}
	return connection.Close()
}

const schedulerConfiguration = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: %q, qps: 2000, burst: 4000}
leaderElection: {leaderElect: false}
`

// withoutSpreading has the scheduler not spread a ReplicaSet's pods over nodes when all nodes are simulated: to do that it looks at all these pods
// for each new one, which takes 70 ms a pod once there are 20,000.
func (s Size) withoutSpreading() string {
	if s.Nodes > 0 {
		return ""
	}
	return `profiles:
- schedulerName: default-scheduler
  pluginConfig:
  - name: PodTopologySpread
    args: {defaultingType: List, defaultConstraints: []}
`
}
