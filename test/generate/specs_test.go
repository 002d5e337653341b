// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	. "github.com/onsi/gomega"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/admission"
	"github.com/symphony-operator/symphony-operator/test/generate"
)

// judge is the admission of a kind: clusters, checks or networks.
func judge(tb testing.TB, kind string) *admission.Judge {
	tb.Helper()
	file := map[string]string{
		"clusters": "config/crd/bases/symphony-operator.io_symphonyclusters.yaml",
		"checks":   "config/crd/bases/symphony-operator.io_networkchecks.yaml",
		"networks": "config/weave/crd/bases/symphony-operator.io_weavenetworks.yaml",
	}[kind]
	made, err := admission.Load(filepath.Join("..", "..", filepath.FromSlash(file)))
	if err != nil {
		tb.Fatal(err)
	}
	return made
}

// sent is an object as a client sends it.
func sent(tb testing.TB, judge *admission.Judge, object any) map[string]any {
	tb.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		tb.Fatal(err)
	}
	content := map[string]any{}
	if err := utiljson.Unmarshal(data, &content); err != nil {
		tb.Fatal(err)
	}
	for key, value := range judge.Object("", nil) {
		if key != "metadata" {
			content[key] = value
		}
	}
	return content
}

const seeds = 500

func TestWhatIsGeneratedIsAdmitted(t *testing.T) {
	clusters, checks, networks := judge(t, "clusters"), judge(t, "checks"), judge(t, "networks")
	for seed := range int64(seeds) {
		g := NewWithT(t)
		source := generate.FromSeed(seed)
		cluster := source.Cluster()
		_, errs := clusters.Create(sent(t, clusters, cluster))
		g.Expect(errs.ToAggregate()).NotTo(HaveOccurred(), "seed %d: %+v", seed, cluster.Spec)
		g.Expect(cluster.Validate()).To(BeEmpty(), "seed %d", seed)
		_, errs = checks.Create(sent(t, checks, source.NetworkCheck()))
		g.Expect(errs.ToAggregate()).NotTo(HaveOccurred(), "seed %d", seed)
		_, errs = networks.Create(sent(t, networks, source.WeaveNetwork()))
		g.Expect(errs.ToAggregate()).NotTo(HaveOccurred(), "seed %d", seed)
	}
}

func TestTheSameSeedMakesTheSame(t *testing.T) {
	g := NewWithT(t)
	for seed := range int64(20) {
		g.Expect(generate.FromSeed(seed).Wild().Cluster()).To(Equal(generate.FromSeed(seed).Wild().Cluster()))
		data := []byte{byte(seed), 1, 2, 3, 4, 5, 6, 7, 8, 9}
		g.Expect(generate.FromBytes(data).WeaveNetwork()).To(Equal(generate.FromBytes(data).WeaveNetwork()))
	}
}

// What no seed ever sets is tested by nothing that is generated.
func TestEveryFieldIsGenerated(t *testing.T) {
	never := map[string]bool{}
	set := map[string]bool{}
	for seed := range int64(seeds) {
		source := generate.FromSeed(seed)
		note(reflect.ValueOf(source.Cluster().Spec), "SymphonyCluster", set, never)
		note(reflect.ValueOf(source.WeaveNetwork().Spec), "WeaveNetwork", set, never)
		note(reflect.ValueOf(source.NetworkCheck().Spec), "NetworkCheck", set, never)
	}
	for field := range never {
		if !set[field] {
			t.Errorf("%s is never set", field)
		}
	}
}

// note goes down into the structs of the API, and not into Kubernetes' own.
func note(value reflect.Value, path string, set, all map[string]bool) {
	if value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct || value.Type().PkgPath() != reflect.TypeFor[v1alpha1.SymphonyCluster]().PkgPath() {
		return
	}
	for i := range value.NumField() {
		field := path + "." + value.Type().Field(i).Name
		all[field] = true
		set[field] = set[field] || !value.Field(i).IsZero()
		note(value.Field(i), field, set, all)
	}
}
