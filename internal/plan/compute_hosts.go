// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"hash/fnv"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// maxHostsBytes is what a ConfigMap holds.
const maxHostsBytes = 1 << 20

// HostsShard is a list of compute hosts, in the format of a hosts file.
type HostsShard struct {
	Number int
	Text   string
}

// computeHosts are the lists to write now, and when to look at them again. EGO wants hosts that resolve both ways, and pods of
// a ReplicaSet have no name in DNS.
//
// All lists that change are written in one pass: a host that goes from one to another must not be in none for a while. Soon
// after a write they are not even put together, which takes a large cluster long and comes with each pod that changes. While
// there is no ReplicaSet, whose pods are not known, the lists stay.
func computeHosts(facts *observe.Facts) (due []HostsShard, wait time.Duration) {
	if facts.ComputeSet == nil {
		return nil, 0
	}
	if wait = untilDue(facts); wait > 0 {
		return nil, wait
	}
	for number, text := range hostsTexts(facts.ComputePods, facts.ComputeHostsShards()) {
		if needsHosts(facts, number, text) {
			due = append(due, HostsShard{Number: number, Text: text})
		}
	}
	return due, 0
}

// untilDue is how long no list is to be written; 0 when any may be. One that lost its labels or its owner does not
// wait: without an owner it would outlive its cluster.
func untilDue(facts *observe.Facts) time.Duration {
	wait := facts.FirstComputeHostsWait()
	for _, live := range facts.ComputeHosts {
		if live == nil {
			continue
		}
		if !isIntact(facts, live) {
			return 0
		}
		wait = max(wait, writtenAt(live, facts.Now).Add(observe.ComputeHostsInterval).Sub(facts.Now))
	}
	return wait
}

// isIntact reports whether a list has the labels and the owner that it is found by.
func isIntact(facts *observe.Facts, live *corev1.ConfigMap) bool {
	for label, value := range names.Labels(facts.Cluster.Name, names.Compute) {
		if live.Labels[label] != value {
			return false
		}
	}
	return metav1.IsControlledBy(live, facts.Cluster)
}

// needsHosts reports whether a list is not there as it should be.
func needsHosts(facts *observe.Facts, number int, text string) bool {
	live := facts.ComputeHosts[number]
	if live == nil {
		key := observe.ChildKey{Kind: "ConfigMap", Name: names.ComputeHostsName(facts.Cluster.Name, number)}
		return text != "" && !facts.IsTaken(key)
	}
	return live.Data[names.HostsKey] != text || !isIntact(facts, live)
}

// writtenAt is when a list was last written. A time that is not known, or is still to come, holds nothing up: somebody has
// changed it, or a clock.
func writtenAt(live *corev1.ConfigMap, now time.Time) time.Time {
	written, err := time.Parse(time.RFC3339, live.Annotations[names.AnnotationWritten])
	if err != nil || written.After(now) {
		return time.Time{}
	}
	return written
}

// hostsTexts are the texts of all lists; those from shards on are empty. A line's place depends on nothing but its pod's name
// and the number of lists, and lines are in the order of names: few of them change at a time.
func hostsTexts(pods []*corev1.Pod, shards int) [names.ComputeHostsShards]string {
	type host struct{ name, address string }
	var hosts [names.ComputeHostsShards][]host
	var lengths [names.ComputeHostsShards]int
	for _, pod := range pods {
		if observe.PodHasHost(pod) {
			shard := shardOf(pod.Name, shards)
			hosts[shard] = append(hosts[shard], host{pod.Name, pod.Status.PodIP})
			lengths[shard] += len(pod.Status.PodIP) + len(pod.Name) + 2
		}
	}
	var texts [names.ComputeHostsShards]strings.Builder
	for shard := range hosts {
		slices.SortFunc(hosts[shard], func(a, b host) int { return strings.Compare(a.name, b.name) })
		text := &texts[shard]
		text.Grow(lengths[shard])
		for _, one := range hosts[shard] {
			if text.Len()+len(one.address)+len(one.name)+2 > maxHostsBytes {
				// More hosts than EGO ever had. With a line too many, none would be written any more.
				break
			}
			text.WriteString(one.address)
			text.WriteByte(' ')
			text.WriteString(one.name)
			text.WriteByte('\n')
		}
	}
	var all [names.ComputeHostsShards]string
	for i := range texts {
		all[i] = texts[i].String()
	}
	return all
}

// shardOf is the list that a pod's line is in: jump consistent hashing (Lamping and Veach, 2014). With one list more, lines go
// to the new one only; with one fewer, only those of the last one go.
func shardOf(name string, shards int) int {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // It cannot fail.
	key, shard, next := hash.Sum64(), int64(0), int64(0)
	for next < int64(shards) {
		shard = next
		key = key*2862933555777941757 + 1
		next = int64(float64(shard+1) * (float64(1<<31) / float64(key>>33+1)))
	}
	return int(shard)
}
