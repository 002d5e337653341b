// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// hostsPerShard is how many compute hosts one ConfigMap lists, on average. With the longest names and addresses of version 6, a
// line has 95 bytes, so some 11,000 lines fit.
const hostsPerShard = 10000

// ComputeHostsInterval is the least time between two writes of the lists of compute hosts. While thousands of pods start, each
// pass sees some more addresses, and would write megabytes for each of them. It is short beside the minute and more until the kubelet of
// the master's node looks at its ConfigMaps again.
const ComputeHostsInterval = 10 * time.Second

// PodHasHost reports whether the pod is a host that the master has to resolve. One that is on its way out still is, as its work
// may go on; the address of a finished one may be another pod's by now.
func PodHasHost(pod *corev1.Pod) bool { return pod.Status.PodIP != "" && !podFinished(pod) }

// PodsWithHost counts the compute pods that are hosts.
func (f *Facts) PodsWithHost() int {
	hosts := 0
	for _, pod := range f.ComputePods {
		if PodHasHost(pod) {
			hosts++
		}
	}
	return hosts
}

// ComputeHostsShards is over how many ConfigMaps the compute hosts are to be spread. Fewer come only when a fifth of the last
// one is free: a number of hosts that goes up and down by a few must not move thousands of lines each time.
func (f *Facts) ComputeHostsShards() int {
	shards := 0
	for i, live := range f.ComputeHosts {
		if live != nil && live.Data[names.HostsKey] != "" {
			shards = i + 1
		}
	}
	hosts := f.PodsWithHost()
	for shards < names.ComputeHostsShards && hosts > shards*hostsPerShard {
		shards++
	}
	for shards > 1 && hosts <= (shards-1)*hostsPerShard*4/5 {
		shards--
	}
	return shards
}

// FirstComputeHostsWait is how long the first list of a new ReplicaSet waits for all hosts, as long as it would for another after it: with the
// first host alone it had to be written twice. 0 when it is due, and once there is a list.
func (f *Facts) FirstComputeHostsWait() time.Duration {
	if f.ComputeSet == nil || slices.ContainsFunc(f.ComputeHosts[:], func(live *corev1.ConfigMap) bool { return live != nil }) {
		return 0
	}
	since := f.ComputeSet.CreationTimestamp.Time
	wait := since.Add(ComputeHostsInterval).Sub(f.Now)
	// With a wrong clock, nothing is held up. The pods are counted last: each pass asks, and there may be 30,000.
	if wait <= 0 || since.After(f.Now) || f.PodsWithHost() >= int(f.ComputeWanted()) {
		return 0
	}
	return wait
}

// computeHosts reads the lists of compute hosts. The API server is asked only about those that are needed, and when they are: a small cluster has
// one, and would ask for the others in every pass, and for that one in each until all its hosts have addresses.
func (o *Observer) computeHosts(ctx context.Context, facts *Facts) error {
	read := func(shard int, needed bool) (err error) {
		name := names.ComputeHostsName(facts.Cluster.Name, shard)
		facts.ComputeHosts[shard], err = mortalChild(ctx, o, facts, name, &corev1.ConfigMap{}, needed)
		return err
	}
	for shard := range facts.ComputeHosts {
		if err := read(shard, false); err != nil {
			return err
		}
	}
	if facts.FirstComputeHostsWait() > 0 {
		return nil
	}
	for shard := range facts.ComputeHostsShards() {
		key := ChildKey{Kind: "ConfigMap", Name: names.ComputeHostsName(facts.Cluster.Name, shard)}
		if facts.ComputeHosts[shard] != nil || facts.IsTaken(key) {
			continue
		}
		if err := read(shard, true); err != nil {
			return err
		}
	}
	return nil
}
