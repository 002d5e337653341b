// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

func nodesUpTo(count int) []string {
	all := make([]string, 0, count)
	for i := range count {
		all = append(all, fmt.Sprintf("node%d", i+1))
	}
	return all
}

func pairsOf(t *testing.T, kind v1alpha1.NetworkCheckPairs, uid string, nodes int) []Pair {
	t.Helper()
	check := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid)}, Spec: v1alpha1.NetworkCheckSpec{Pairs: kind}}
	pairs, err := Pairs(check, nodesUpTo(nodes))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for i, pair := range pairs {
		NewWithT(t).Expect(pair.Index).To(Equal(i))
		NewWithT(t).Expect(pair.From).NotTo(Equal(pair.To))
	}
	return pairs
}

func texts(pairs []Pair) []string {
	var all []string
	for _, pair := range pairs {
		all = append(all, pair.From+">"+pair.To)
	}
	return all
}

func TestWhichPairsThereAre(t *testing.T) {
	g := NewWithT(t)
	g.Expect(pairsOf(t, "", "", 0)).To(BeEmpty())
	g.Expect(pairsOf(t, "", "", 1)).To(BeEmpty())
	g.Expect(texts(pairsOf(t, v1alpha1.PairsRing, "", 3))).To(Equal([]string{"node1>node2", "node2>node3", "node3>node1"}))
	g.Expect(texts(pairsOf(t, v1alpha1.PairsAll, "", 3))).To(Equal([]string{
		"node1>node2", "node2>node1", "node1>node3", "node3>node1", "node2>node3", "node3>node2",
	}))
	g.Expect(pairsOf(t, "", "", 6)).To(HaveLen(30), "few nodes: each with every other")
	g.Expect(pairsOf(t, "", "", 7)).To(HaveLen(7), "more nodes: a ring")
	g.Expect(pairsOf(t, v1alpha1.PairsAll, "", 23)).To(HaveLen(506))
	g.Expect(pairsOf(t, v1alpha1.PairsRing, "", 1000)).To(HaveLen(1000))

	_, err := Pairs(&v1alpha1.NetworkCheck{Spec: v1alpha1.NetworkCheckSpec{Pairs: v1alpha1.PairsAll}}, nodesUpTo(24))
	g.Expect(err).To(MatchError(
		"24 nodes have 552 pairs, and All measures at most 512: create another check with pairs Ring or Sample, or with fewer nodes"))
}

// A pod is called by its pair's number: another choice in the next pass would take one pair's result for another's.
func TestASampleIsTheSameAtEveryLook(t *testing.T) {
	g := NewWithT(t)
	first := pairsOf(t, v1alpha1.PairsSample, "a", 1000)
	g.Expect(first).To(HaveLen(32))
	g.Expect(pairsOf(t, v1alpha1.PairsSample, "a", 1000)).To(Equal(first))
	g.Expect(pairsOf(t, v1alpha1.PairsSample, "b", 1000)).NotTo(Equal(first))
	g.Expect(pairsOf(t, v1alpha1.PairsSample, "a", 3)).To(HaveLen(6), "there are no more")
	seen := map[string]bool{}
	for _, pair := range first {
		key := pair.From + pair.To
		g.Expect(seen).NotTo(HaveKey(key))
		seen[key] = true
	}
}
