// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package networkcheck decides what a NetworkCheck does next and what came of it: pure functions of the object, the
// pods that it made, and the clock's time. All that is known of a check that runs is in its pods and in the nodes that its
// status names, so that an operator that starts in the middle goes on with it.
package networkcheck

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// Pair is one node that sends to another; its index names its pod.
type Pair struct {
	Index    int
	From, To string
	// Overlay is the receiving node's own address on the overlay, "" when the way to it is not measured.
	Overlay string
}

const (
	// allUpTo is how many nodes are measured each with every other by default.
	allUpTo = 6
	// maxPairs bounds what a check measures one by one; a Ring has as many pairs as nodes.
	maxPairs          = 512
	defaultSampleSize = 32
)

// Pairs are the pairs to measure of the nodes, the same ones at every call.
func Pairs(check *v1alpha1.NetworkCheck, nodes []string) ([]Pair, error) {
	if len(nodes) < 2 {
		return nil, nil
	}
	kind := check.Spec.Pairs
	if kind == "" {
		kind = v1alpha1.PairsRing
		if len(nodes) <= allUpTo {
			kind = v1alpha1.PairsAll
		}
	}
	switch kind {
	case v1alpha1.PairsRing:
		return ring(nodes), nil
	case v1alpha1.PairsSample:
		return sample(check, nodes), nil
	default:
		if all := len(nodes) * (len(nodes) - 1); all > maxPairs {
			return nil, fmt.Errorf("%d nodes have %d pairs, and All measures at most %d: create another check with pairs Ring or Sample, or with fewer nodes",
				len(nodes), all, maxPairs)
		}
		return all(nodes), nil
	}
}

func ring(nodes []string) []Pair {
	pairs := make([]Pair, 0, len(nodes))
	for i, node := range nodes {
		pairs = append(pairs, Pair{Index: i, From: node, To: nodes[(i+1)%len(nodes)]})
	}
	return pairs
}

// all has each pair in both directions: a firewall may drop new flows to one of the two nodes only.
func all(nodes []string) []Pair {
	pairs := make([]Pair, 0, len(nodes)*(len(nodes)-1))
	for i := range nodes {
		for j := i + 1; j < len(nodes); j++ {
			pairs = append(pairs,
				Pair{Index: len(pairs), From: nodes[i], To: nodes[j]}, Pair{Index: len(pairs) + 1, From: nodes[j], To: nodes[i]})
		}
	}
	return pairs
}

// sample chooses at random, by the check's UID: at every call the same pairs, and others for another check.
func sample(check *v1alpha1.NetworkCheck, nodes []string) []Pair {
	size := int(check.Spec.SampleSize)
	if size < 1 { // Less than none is what only an object can have that was stored past admission.
		size = defaultSampleSize
	}
	size = min(size, len(nodes)*(len(nodes)-1))
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(check.UID))
	random := rand.New(rand.NewPCG(hash.Sum64(), 0)) //nolint:gosec // a choice of nodes, no secret
	chosen := map[[2]int]bool{}
	pairs := make([]Pair, 0, size)
	for len(pairs) < size {
		i, j := random.IntN(len(nodes)), random.IntN(len(nodes))
		if i == j || chosen[[2]int{i, j}] {
			continue
		}
		chosen[[2]int{i, j}] = true
		pairs = append(pairs, Pair{Index: len(pairs), From: nodes[i], To: nodes[j]})
	}
	return pairs
}
