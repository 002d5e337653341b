// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/admission"
)

// A judge that lets everything pass, or nothing, would be believed by every fuzz target.
func TestJudge(t *testing.T) {
	g := NewWithT(t)
	judge, err := admission.Load(filepath.Join("..", "..", "config", "crd", "bases", "symphony-operator.io_symphonyclusters.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	stored, errs := judge.Create(judge.Object("prod", map[string]any{"image": "sym712"}))
	g.Expect(errs).To(BeEmpty())
	cluster := &v1alpha1.SymphonyCluster{}
	g.Expect(admission.Decode(stored, cluster)).To(Succeed())
	g.Expect(cluster.Spec.Compute.Replicas).To(HaveValue(BeEquivalentTo(1)), "the CRD's default")

	for sentence, spec := range map[string]map[string]any{
		"spec.image: Required value":                {},
		"spec.image: Invalid value":                 {"image": int64(7)},
		"unknown field":                             {"image": "a", "imagee": "b"},
		"entitlement needs exactly one source":      {"image": "a", "entitlement": map[string]any{}},
		"spec.imagePullSecrets[1]: Duplicate value": {"image": "a", "imagePullSecrets": []any{map[string]any{"name": "a"}, map[string]any{"name": "a"}}},
	} {
		_, errs := judge.Create(judge.Object("prod", spec))
		g.Expect(errs).NotTo(BeEmpty(), sentence)
		g.Expect(errs.ToAggregate().Error()).To(ContainSubstring(sentence))
	}
	_, errs = judge.Create(judge.Object("7prod", map[string]any{"image": "sym712"}))
	g.Expect(errs.ToAggregate()).To(MatchError(ContainSubstring("metadata.name must be a DNS label")))
	_, errs = judge.Update(judge.Object("prod", map[string]any{"image": "sym712", "clusterName": "a"}), stored)
	g.Expect(errs.ToAggregate()).To(MatchError(ContainSubstring("clusterName cannot be changed")))
}
