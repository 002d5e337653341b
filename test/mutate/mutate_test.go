// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mutate_test

import (
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/symphony-operator/symphony-operator/test/admission"
	"github.com/symphony-operator/symphony-operator/test/mutate"
)

// kind is a CRD with the smallest object of it.
type kind struct {
	file, object string
	smallest     map[string]any
}

var kinds = map[string]kind{
	"SymphonyCluster": {"config/crd/bases/symphony-operator.io_symphonyclusters.yaml", "prod", map[string]any{"image": "sym"}},
	"NetworkCheck":    {"config/crd/bases/symphony-operator.io_networkchecks.yaml", "check", map[string]any{}},
	"WeaveNetwork":    {"config/weave/crd/bases/symphony-operator.io_weavenetworks.yaml", "default", map[string]any{"ipRange": "10.48.0.0/12"}},
}

// each runs a test for every field of every kind.
func each(t *testing.T, test func(t *testing.T, judge *admission.Judge, of kind, field *mutate.Field)) {
	t.Helper()
	for name, of := range kinds {
		t.Run(name, func(t *testing.T) {
			judge, err := admission.Load(filepath.Join("..", "..", filepath.FromSlash(of.file)))
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			fields := mutate.Fields(judge.CRD)
			NewWithT(t).Expect(len(fields)).To(BeNumerically(">", 20))
			for i := range fields {
				t.Run(fields[i].Path, func(t *testing.T) { test(t, judge, of, &fields[i]) })
			}
		})
	}
}

func TestEveryLeafHasValues(t *testing.T) {
	each(t, func(t *testing.T, _ *admission.Judge, _ kind, field *mutate.Field) {
		t.Helper()
		g := NewWithT(t)
		if field.Leaf {
			g.Expect(field.Valid).NotTo(BeEmpty(), "name a value in semantics.go")
		}
		// A type alone is a constraint.
		g.Expect(field.Invalid).NotTo(BeEmpty())
	})
}

func TestValidMutationsAreAdmitted(t *testing.T) {
	each(t, func(t *testing.T, judge *admission.Judge, of kind, field *mutate.Field) {
		t.Helper()
		for _, mutation := range field.Valid {
			spec := runtime.DeepCopyJSON(of.smallest)
			mutation.Apply(spec)
			_, errs := judge.Create(judge.Object(of.object, spec))
			NewWithT(t).Expect(errs.ToAggregate()).NotTo(HaveOccurred(), mutation.Name)
			NewWithT(t).Expect(spec).NotTo(Equal(of.smallest), mutation.Name)
		}
	})
}

func TestInvalidMutationsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, judge *admission.Judge, of kind, field *mutate.Field) {
		t.Helper()
		g := NewWithT(t)
		for _, mutation := range field.Invalid {
			spec := runtime.DeepCopyJSON(of.smallest)
			mutation.Apply(spec)
			_, errs := judge.Create(judge.Object(of.object, spec))
			if mutation.Later != "" {
				g.Expect(errs.ToAggregate()).NotTo(HaveOccurred(), mutation.Name)
				continue
			}
			g.Expect(errs).NotTo(BeEmpty(), mutation.Name)
			g.Expect(errs.ToAggregate().Error()).To(ContainSubstring(mutation.Says), mutation.Name)
		}
	})
}

func TestNamesAreStableAndTellMutationsApart(t *testing.T) {
	g := NewWithT(t)
	for name, of := range kinds {
		judge, err := admission.Load(filepath.Join("..", "..", filepath.FromSlash(of.file)))
		g.Expect(err).NotTo(HaveOccurred())
		seen := map[string]bool{}
		first, second := names(mutate.Fields(judge.CRD)), names(mutate.Fields(judge.CRD))
		g.Expect(first).To(Equal(second))
		for _, one := range first {
			g.Expect(seen[one]).To(BeFalse(), "%s: %s", name, one)
			seen[one] = true
		}
	}
}

func names(fields []mutate.Field) []string {
	var all []string
	for _, field := range fields {
		for _, mutation := range append(field.Valid, field.Invalid...) {
			all = append(all, mutation.Name)
		}
	}
	return all
}

// A mutation is used on one object after the other, and in sequences.
func TestMutationsArePure(t *testing.T) {
	each(t, func(t *testing.T, _ *admission.Judge, of kind, field *mutate.Field) {
		t.Helper()
		g := NewWithT(t)
		for i, mutation := range append(field.Valid, field.Invalid...) {
			once, twice, again := runtime.DeepCopyJSON(of.smallest), runtime.DeepCopyJSON(of.smallest), runtime.DeepCopyJSON(of.smallest)
			mutation.Apply(once)
			mutation.Apply(twice)
			if i < len(field.Valid) {
				mutation.Apply(twice)
			}
			g.Expect(twice).To(Equal(once), "twice is not like once: %s", mutation.Name)
			spoil(once)
			mutation.Apply(again)
			g.Expect(again).To(Equal(twice), "it shares what it sets: %s", mutation.Name)
		}
	})
}

// spoil changes everything in a value in place.
func spoil(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			spoil(value[key])
			delete(value, key)
		}
	case []any:
		for i := range value {
			spoil(value[i])
			value[i] = "spoilt"
		}
	}
}

func TestWhatIsFrozenIsSo(t *testing.T) {
	frozen := map[string]bool{}
	each(t, func(t *testing.T, judge *admission.Judge, of kind, field *mutate.Field) {
		t.Helper()
		if field.Frozen == "" || strings.Contains(field.Frozen, "once Weave is installed") {
			return
		}
		g := NewWithT(t)
		refusals := 0
		for _, before := range field.Valid {
			for _, after := range field.Valid {
				old, changed := runtime.DeepCopyJSON(of.smallest), runtime.DeepCopyJSON(of.smallest)
				before.Apply(old)
				after.Apply(changed)
				stored, errs := judge.Create(judge.Object(of.object, old))
				g.Expect(errs).To(BeEmpty())
				if _, errs = judge.Update(judge.Object(of.object, changed), stored); len(errs) > 0 {
					refusals++
				}
			}
		}
		g.Expect(refusals > 0 || len(field.Valid) < 2).To(BeTrue(), "every change is admitted")
		frozen[field.Path] = true
	})
	NewWithT(t).Expect(len(frozen)).To(BeNumerically(">", 20))
}
