// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fakeNodes starts kwok, which plays the kubelets of nodes that exist in the API alone: pods on them are Running
// and Ready at once, and run nothing. The nodes have a taint, so that only pods that tolerate it get there.
func (c *Cluster) fakeNodes(ctx context.Context, size Size) error {
	if size.FakeNodes == 0 {
		return nil
	}
	stages, err := c.stages(ctx)
	if err != nil {
		return err
	}
	if err := c.write(c.in("kwok.yaml"), stages); err != nil {
		return err
	}
	if _, err := c.spawn("kwok", c.bin("kwok"),
		"--config", c.in("kwok.yaml"), "--kubeconfig", c.pki("kwok.kubeconfig"),
		"--manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node=fake",
		"--cidr", fakePodRange,
		// Leases are renewed after a quarter of this: well within the controller manager's grace period, or the
		// nodes would flap.
		"--node-lease-duration-seconds", "40"); err != nil {
		return err
	}
	if err := c.write(c.in("fake-nodes.yaml"), fakeNodeManifests(size.FakeNodes)); err != nil {
		return err
	}
	var said bytes.Buffer
	if err := c.kubectl(ctx, &said, "apply", "--server-side", "-f", c.in("fake-nodes.yaml")); err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(said.String(), 5))
	}
	return until(ctx, patienceForFakeNodes, func(ctx context.Context) error {
		if err := c.ended("kwok"); err != nil {
			return err
		}
		return c.nodesReady(ctx, "type=kwok", size.FakeNodes)
	})
}

// patienceForFakeNodes is enough for thousands: 1,000 took 28 s on two cores.
const patienceForFakeNodes = 5 * time.Minute

// stages are kwok's own rules for how nodes and pods behave, as its module has them.
func (c *Cluster) stages(ctx context.Context) (string, error) {
	printed, err := run(ctx, "env", "GOFLAGS=", "GOWORK=off", "go", "-C", filepath.Join(c.Source, "binaries", "kubernetes"),
		"list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")
	if err != nil {
		return "", err
	}
	var documents []string
	for _, file := range []string{
		"node/fast/node-initialize.yaml",
		"node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
		"pod/fast/pod-ready.yaml",
		"pod/fast/pod-complete.yaml",
		"pod/fast/pod-delete.yaml",
	} {
		data, err := os.ReadFile(filepath.Join(strings.TrimSpace(printed), "kustomize", "stage", filepath.FromSlash(file)))
		if err != nil {
			return "", fmt.Errorf("reading kwok's stages: %w", err)
		}
		documents = append(documents, string(data))
	}
	return strings.Join(documents, "\n---\n"), nil
}

func fakeNodeManifests(count int) string {
	var all strings.Builder
	for number := 1; number <= count; number++ {
		fmt.Fprintf(&all, fakeNodeManifest, number)
	}
	return all.String()
}

const fakeNodeManifest = `---
apiVersion: v1
kind: Node
metadata:
  name: fake-%[1]d
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {type: kwok, kubernetes.io/hostname: fake-%[1]d, kubernetes.io/os: linux, kubernetes.io/arch: amd64}
spec:
  taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]
status:
  allocatable: {cpu: "32", memory: 256Gi, pods: "110"}
  capacity: {cpu: "32", memory: 256Gi, pods: "110"}
`
