// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
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

// What was compared once is not compared again, and anything new about it is.
func TestAVersionIsComparedOnce(t *testing.T) {
	g := NewWithT(t)
	var memory compared
	asked := 0
	ask := func(uid, version, hash string, is bool) bool {
		live := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid), ResourceVersion: version}}
		return memory.asWanted(live, hash, func() bool { asked++; return is })
	}
	g.Expect(ask("a", "1", "x", false)).To(BeFalse())
	g.Expect(ask("a", "1", "x", true)).To(BeTrue(), "a difference is looked at again")
	g.Expect(ask("a", "1", "x", false)).To(BeTrue())
	g.Expect(asked).To(Equal(2))
	for _, other := range [][3]string{{"b", "1", "x"}, {"a", "2", "x"}, {"a", "1", "y"}, {"a", "", "x"}} {
		g.Expect(ask(other[0], other[1], other[2], false)).To(BeFalse(), "%v", other)
	}
}

// A status is a new version; what is compared is the spec, which has a generation, and the metadata.
func TestAStatusIsNoReasonToCompareAgain(t *testing.T) {
	fields := func(manager, text string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(text)}
	}
	seen := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		UID: "a", ResourceVersion: "1", Generation: 1, Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
		OwnerReferences: []metav1.OwnerReference{{UID: "owner"}}, ManagedFields: []metav1.ManagedFieldsEntry{fields(names.FieldManager, `{"f:spec":{}}`)},
	}}
	for name, c := range map[string]struct {
		change func(*appsv1.Deployment)
		again  bool
	}{
		"a status": {change: func(d *appsv1.Deployment) { d.Status.Replicas = 1 }},
		"a status, and who wrote it": {change: func(d *appsv1.Deployment) {
			d.ManagedFields = append(d.ManagedFields, fields("kube-controller-manager", `{"f:status":{}}`))
		}},
		"a spec":        {func(d *appsv1.Deployment) { d.Generation = 2 }, true},
		"a label":       {func(d *appsv1.Deployment) { d.Labels["a"] = "c" }, true},
		"an annotation": {func(d *appsv1.Deployment) { delete(d.Annotations, "c") }, true},
		"an owner":      {func(d *appsv1.Deployment) { d.OwnerReferences = nil }, true},
		"a finalizer":   {func(d *appsv1.Deployment) { d.Finalizers = []string{"x"} }, true},
		"a field that somebody took over": {func(d *appsv1.Deployment) {
			d.ManagedFields[0].FieldsV1 = metav1.NewFieldsV1(`{}`)
		}, true},
		"another object": {func(d *appsv1.Deployment) { d.UID = "b" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var memory compared
			asked := 0
			ask := func(live *appsv1.Deployment) { memory.asWanted(live, "x", func() bool { asked++; return true }) }
			ask(seen)
			changed := seen.DeepCopy()
			changed.ResourceVersion = "2"
			c.change(changed)
			ask(changed)
			g.Expect(asked == 2).To(Equal(c.again))
		})
	}
}
