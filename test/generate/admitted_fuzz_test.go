// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate_test

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/admission"
	"github.com/symphony-operator/symphony-operator/test/generate"
)

// ofStatus are the problems of the status alone.
func ofStatus(errs field.ErrorList) string {
	var about []string
	for _, err := range errs {
		if strings.Contains(err.Error(), "status.") {
			about = append(about, err.Error())
		}
	}
	return strings.Join(about, "; ")
}

// seedSpecs are generated specs as JSON, and texts at the borders of what the types hold.
func seedSpecs(f *testing.F) {
	f.Helper()
	for seed := range int64(8) {
		source := generate.FromSeed(seed)
		for _, spec := range []any{source.Cluster().Spec, source.NetworkCheck().Spec, source.WeaveNetwork().Spec} {
			data, err := json.Marshal(spec)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, text := range []string{
		`{"image":"a","compute":{"update":{"maxUnavailable":3000000000}}}`, `{"image":"a","compute":{"replicas":3000000000}}`,
		`{"image":"a","compute":{"resources":{"limits":{"cpu":"1e1.5"}}}}`, `{"image":"a","master":{"storage":{"size":"1e99999999999"}}}`,
		`{"image":"a","compute":{"resources":{"limits":{"cpu":"1e-.5","memory":1.5,"x":1e30}}}}`,
		`{"image":"a","compute":{"resources":{"limits":{"cpu":99999999999999999999}}}}`,
		`{"image":"a","compute":{"scaleIn":{"drainTimeout":"1d","settle":"+1h","reclaimGrace":"0"}}}`, `{"image":"a","compute":{"scaleIn":{"settle":".5s"}}}`,
		`{"image":"a","master":{"env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1e1.5"}}}]}}`,
		`{"image":"a","gui":{"nodePort":30000.0,"annotations":null}}`, `{"image":"a","master":{"podTemplate":{"spec":{"x":1e308}}}}`,
		`{"image":"a","egoConf":{"A":"x\u0000"}}`, `{"image":"a","master":null,"compute":null,"entitlement":null}`,
		`{"ipRange":"10.32.0.0/012"}`, `{"ipRange":"::ffff:10.32.0.0/12"}`, `{"ipRange":"10.32.0.0/12","update":{"maxUnavailable":"100%"}}`,
		`{"ipRange":"10.32.0.0/12","mtu":4294967872}`, `{"placement":{"tolerations":[{"tolerationSeconds":9223372036854775808}]},"seconds":1.0}`,
	} {
		f.Add([]byte(text))
	}
}

// FuzzAdmitted holds admission against the operator: what the API server takes, the operator's caches can decode (one object
// that they cannot, of whoever may create one, hides all others), and the operator's own check of a spec, which is a guard
// behind the other one, does not refuse it.
func FuzzAdmitted(f *testing.F) {
	kinds := []struct {
		judge *admission.Judge
		name  string
		empty func() metav1.Object
	}{
		{judge(f, "clusters"), "prod", func() metav1.Object { return &v1alpha1.SymphonyCluster{} }},
		{judge(f, "checks"), "check", func() metav1.Object { return &v1alpha1.NetworkCheck{} }},
		{judge(f, "networks"), "default", func() metav1.Object { return &v1alpha1.WeaveNetwork{} }},
	}
	seedSpecs(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		spec := map[string]any{}
		if utiljson.Unmarshal(data, &spec) != nil || spec == nil {
			return
		}
		for _, kind := range kinds {
			stored, errs := kind.judge.Create(kind.judge.Object(kind.name, spec))
			if len(errs) > 0 {
				continue
			}
			object := kind.empty()
			if err := json.Unmarshal([]byte(text(t, stored)), object); err != nil {
				t.Fatalf("%s is admitted and cannot be decoded: %v", data, err)
			}
			if cluster, ok := object.(*v1alpha1.SymphonyCluster); ok {
				if invalid := cluster.Validate(); len(invalid) > 0 {
					t.Fatalf("%s is admitted and refused by the operator: %v", data, invalid)
				}
			}
		}
	})
}
