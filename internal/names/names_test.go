// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package names_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// A pod's name is its host's name in EGO; Kubernetes cuts host names at 63 characters, and two hosts could become one.
func TestTheLongestNamesAreHostNames(t *testing.T) {
	g := NewWithT(t)
	longest := strings.Repeat("a", v1alpha1.MaxNameLength)
	for _, name := range []string{
		names.ComputeName(longest) + "-abcde",
		names.MasterHostname(longest),
		names.MasterName(longest), names.GUIName(longest), names.HostsName(longest), names.ComputeName(longest),
		names.MasterPolicyName(longest), names.ComputePolicyName(longest),
		names.ComputeBudgetName(longest), names.ComputeHostsName(longest, names.ComputeHostsShards-1),
	} {
		g.Expect(validation.IsDNS1123Label(name)).To(BeEmpty(), name)
	}
	g.Expect(validation.IsValidLabelValue(longest)).To(BeEmpty())
	g.Expect(len(names.NetworkCheckName(longest))).To(BeNumerically("<=", 50), "the longest name of a NetworkCheck")
}

func TestSelectorsOfRolesAndClustersAreDifferent(t *testing.T) {
	g := NewWithT(t)
	g.Expect(names.SelectorText("prod", names.Compute)).To(Equal("symphony-operator.io/cluster=prod,symphony-operator.io/role=compute"))
	g.Expect(names.Selector("prod", names.Compute)).NotTo(Equal(names.Selector("prod", names.Master)))
	g.Expect(names.Selector("prod", names.Compute)).NotTo(Equal(names.Selector("test", names.Compute)))
	for key, value := range names.Selector("prod", names.Master) {
		g.Expect(names.Labels("prod", names.Master)).To(HaveKeyWithValue(key, value), "a child's labels have the selector's")
	}
}
