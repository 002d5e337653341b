// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
)

// replicaSet is one with this JSON as its spec.
func replicaSet(g *WithT, spec string) *appsv1ac.ReplicaSetApplyConfiguration {
	set := appsv1ac.ReplicaSet("prod-compute", "grid")
	g.Expect(json.Unmarshal([]byte(`{"spec":`+spec+`}`), set)).To(Succeed())
	return set
}

func TestWhatIsOwnedIsHeldAgainstWhatIsWanted(t *testing.T) {
	container := func(rest string) string {
		return `{"replicas":2,"template":{"spec":{"containers":[{"name":"symphony"` + rest + `}]}}}`
	}
	for name, c := range map[string]struct {
		owned, wanted string
		unchanged     bool
	}{
		"the same":                            {container(`,"image":"a"`), container(`,"image":"a"`), true},
		"another value":                       {container(`,"image":"a"`), container(`,"image":"b"`), false},
		"another number":                      {`{"replicas":2}`, `{"replicas":3}`, false},
		"zero is a number":                    {`{"replicas":2}`, `{"replicas":0}`, false},
		"a field that somebody took over":     {`{}`, `{"replicas":2}`, false},
		"an amount that is spelt differently": {container(`,"resources":{"requests":{"cpu":"1"}}`), container(`,"resources":{"requests":{"cpu":"1000m"}}`), true},
		"another amount":                      {container(`,"resources":{"requests":{"cpu":"1"}}`), container(`,"resources":{"requests":{"cpu":"1001m"}}`), false},
		"an empty value that the API server drops": {
			container(`,"env":[{"name":"A"}]`), container(`,"env":[{"name":"A","value":""}]`), true,
		},
		"a default that the API server put in": {
			container(`,"env":[{"name":"A","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}}]`),
			container(`,"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}}]`), true,
		},
		"one more item":  {container(`,"env":[{"name":"A"}]`), container(`,"env":[{"name":"A"},{"name":"B"}]`), false},
		"one item fewer": {container(`,"env":[{"name":"A"},{"name":"B"}]`), container(`,"env":[{"name":"A"}]`), false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(unchanged[appsv1.ReplicaSet](replicaSet(g, c.owned), replicaSet(g, c.wanted))).To(Equal(c.unchanged))
		})
	}
}

// A field that the operator does not want any more is still owned, like a default: only the intent's hash tells.
func TestAnIntentHasAHashOfItsOwn(t *testing.T) {
	g := NewWithT(t)
	hash := func(spec string) string {
		found, err := hashOf(replicaSet(g, spec))
		g.Expect(err).NotTo(HaveOccurred())
		return found
	}
	g.Expect(hash(`{"replicas":2,"minReadySeconds":5}`)).To(Equal(hash(`{"minReadySeconds":5,"replicas":2}`)))
	g.Expect(hash(`{"replicas":2,"minReadySeconds":5}`)).NotTo(Equal(hash(`{"replicas":2}`)))
	g.Expect(hash(`{"replicas":2}`)).To(HaveLen(16))
}
