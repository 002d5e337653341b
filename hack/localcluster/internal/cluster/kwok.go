// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fakeNodes starts kwok, which plays the kubelets of nodes that exist in the API alone: pods on them are Running
// and Ready at once, and run nothing. The nodes have a taint, so that only pods that tolerate it get there. Those
// that exist stay as they are.
func (c *Cluster) fakeNodes(ctx context.Context, size Size) error {
	if size.FakeNodes == 0 {
		return nil
	}
	if err := c.startKwok(ctx, size); err != nil {
		return err
	}
	tell := &teller{out: c.Out, next: time.Now().Add(tellingPause)}
	if err := c.createFakeNodes(ctx, size.FakeNodes, tell); err != nil {
		return err
	}
	return c.wait(ctx, patienceForFakeNodes, func(ctx context.Context) error {
		_, ready, err := c.countNodes(ctx, fakeNodes)
		if err != nil || ready >= size.FakeNodes {
			return err
		}
		tell.now("%d of %d simulated nodes are Ready", ready, size.FakeNodes)
		return fmt.Errorf("%d of %d simulated nodes are Ready", ready, size.FakeNodes)
	})
}

// patienceForFakeNodes is enough for thousands: 1,000 took 28 s on two cores.
const patienceForFakeNodes = 5 * time.Minute

// startKwok leaves it alone when it runs: more nodes need no other process.
func (c *Cluster) startKwok(ctx context.Context, size Size) error {
	processes, err := c.processes()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(processes, func(p process) bool { return p.Name == "kwok" && p.alive() }) {
		return nil
	}
	stages, err := c.stages(ctx)
	if err != nil {
		return err
	}
	if err := c.write(c.in("kwok.yaml"), stages); err != nil {
		return err
	}
	_, err = c.spawn("kwok", c.bin("kwok"),
		"--config", c.in("kwok.yaml"), "--kubeconfig", c.pki("kwok.kubeconfig"),
		"--manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node=fake",
		"--cidr", fakePodRange,
		// Leases are renewed after a quarter of this: well within the controller manager's grace period, or the
		// nodes would flap. A thousand every few seconds are most of what kwok does.
		"--node-lease-duration-seconds", strconv.Itoa(int(2*size.lostAfter().Seconds())))
	return err
}

// createFakeNodes creates those that are missing. They are not applied: the controller manager changes their taints,
// and an apply would dispute them.
func (c *Cluster) createFakeNodes(ctx context.Context, count int, tell *teller) error {
	listed, err := c.kubectl(ctx, "get", "nodes", "-l", fakeNodes, "-o", `jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}`)
	if err != nil {
		return err
	}
	missing := missingFakeNodes(listed, count)
	created := count - len(missing)
	// kubectl sends its first 300 requests at once, and then 50 a second.
	for batch := range slices.Chunk(missing, 200) {
		if err := c.write(c.in("fake-nodes.yaml"), fakeNodeManifests(batch)); err != nil {
			return err
		}
		if _, err := c.kubectl(ctx, "create", "-f", c.in("fake-nodes.yaml")); err != nil {
			return err
		}
		created += len(batch)
		tell.now("%d of %d simulated nodes are created", created, count)
	}
	return nil
}

// missingFakeNodes are the numbers up to count that have no node in kubectl's list of names.
func missingFakeNodes(listed string, count int) []int {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(listed) {
		names[name] = true
	}
	var missing []int
	for number := 1; number <= count; number++ {
		if !names[fakeNodeName(number)] {
			missing = append(missing, number)
		}
	}
	return missing
}

func fakeNodeName(number int) string { return fmt.Sprintf("fake-%d", number) }

// tellingPause is how long a user is left without a word.
const tellingPause = 5 * time.Second

// teller says how far a step is, now and then.
type teller struct {
	out  io.Writer
	next time.Time
}

func (t *teller) now(format string, arguments ...any) {
	if time.Now().Before(t.next) {
		return
	}
	t.next = time.Now().Add(tellingPause)
	fmt.Fprintf(t.out, "  … "+format+"\n", arguments...)
}

// stages are kwok's own rules for how nodes and pods behave, as its module has them.
func (c *Cluster) stages(ctx context.Context) (string, error) {
	module, err := c.moduleDirectory(ctx, "kubernetes", "sigs.k8s.io/kwok")
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
		data, err := os.ReadFile(filepath.Join(module, "kustomize", "stage", filepath.FromSlash(file)))
		if err != nil {
			return "", fmt.Errorf("reading kwok's stages: %w", err)
		}
		documents = append(documents, string(data))
	}
	return strings.Join(documents, "\n---\n"), nil
}

func fakeNodeManifests(numbers []int) string {
	var all strings.Builder
	for _, number := range numbers {
		fmt.Fprintf(&all, fakeNodeManifest, fakeNodeName(number), runtime.GOARCH)
	}
	return all.String()
}

const fakeNodeManifest = `---
apiVersion: v1
kind: Node
metadata:
  name: %[1]s
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {type: kwok, kubernetes.io/hostname: %[1]s, kubernetes.io/os: linux, kubernetes.io/arch: %[2]s}
spec:
  taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]
status:
  allocatable: {cpu: "32", memory: 256Gi, pods: "110"}
  capacity: {cpu: "32", memory: 256Gi, pods: "110"}
`
