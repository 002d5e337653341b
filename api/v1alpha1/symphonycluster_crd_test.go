// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// The rules exist twice, in the CRD for admission and in Go as a guard. These tests hold one against the other: a rule
// that is stricter in Go would stop clusters that were admitted.

// partOfCRD is a part of the CRD's schema, by its path below the object.
func partOfCRD(t *testing.T, path ...string) map[string]any {
	t.Helper()
	g := NewWithT(t)
	data, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", "bases", "symphony-operator.io_symphonyclusters.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	var crd map[string]any
	g.Expect(yaml.Unmarshal(data, &crd)).To(Succeed())
	versions, _, err := unstructured.NestedSlice(crd, "spec", "versions")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(versions).To(HaveLen(1))
	node, _, err := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema")
	g.Expect(err).NotTo(HaveOccurred())
	for _, name := range path {
		node, _, err = unstructured.NestedMap(node, "properties", name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(node).NotTo(BeNil(), "%v has no %s", path, name)
	}
	return node
}

// rules are the CEL rules of a part, joined.
func rules(t *testing.T, path ...string) string {
	t.Helper()
	var all []string
	validations, _, err := unstructured.NestedSlice(partOfCRD(t, path...), "x-kubernetes-validations")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, validation := range validations {
		all = append(all, validation.(map[string]any)["rule"].(string))
	}
	return strings.Join(all, "\n")
}

func valid(change func(*SymphonyCluster)) bool {
	cluster := &SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Name: "prod"}, Spec: SymphonyClusterSpec{Image: "sym712"}}
	change(cluster)
	return len(cluster.Validate()) == 0
}

func TestTheProtectedSettingsAreThoseOfTheCRD(t *testing.T) {
	g := NewWithT(t)
	list := regexp.MustCompile(`k in \[([^\]]*)\]`).FindStringSubmatch(rules(t, "spec", "egoConf"))
	g.Expect(list).To(HaveLen(2))
	var keys []string
	for key := range strings.SplitSeq(list[1], ",") {
		keys = append(keys, strings.Trim(key, " '"))
	}
	g.Expect(keys).To(Equal(protectedEgoConf))
	g.Expect(slices.IsSorted(keys)).To(BeTrue(), "people look them up")
}

func TestTextsAreValidInGoWhenTheyAreForTheCRD(t *testing.T) {
	samples := []string{
		"a", "A", "a.b", "a_b", "a-b", "-", ".", "a b", "a/b", "/", "/a", "/a b", "/opt/ibm/platform", "/ä", "a\n", "/a\n", "\na",
		strings.Repeat("a", 39), strings.Repeat("a", 40), strings.Repeat("a", 41), "A0", "1a", "a-", "a1-2",
	}
	for name, c := range map[string]struct {
		path []string
		set  func(*SymphonyCluster, string)
	}{
		"clusterName": {[]string{"spec", "clusterName"}, func(c *SymphonyCluster, text string) { c.Spec.ClusterName = text }},
		"installDir":  {[]string{"spec", "installDir"}, func(c *SymphonyCluster, text string) { c.Spec.InstallDir = text }},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			rule := partOfCRD(t, c.path...)
			pattern := regexp.MustCompile(rule["pattern"].(string))
			for _, text := range samples {
				longest, ok := rule["maxLength"].(int64)
				g.Expect(ok).To(BeTrue())
				want := pattern.MatchString(text) && int64(utf8.RuneCountInString(text)) <= longest
				g.Expect(valid(func(cluster *SymphonyCluster) { c.set(cluster, text) })).To(Equal(want), "%q", text)
			}
		})
	}
}

func TestNamesAreValidInGoWhenTheyAreForTheCRD(t *testing.T) {
	g := NewWithT(t)
	parts := regexp.MustCompile(`size\(\) <= (\d+) && self\.metadata\.name\.matches\('([^']*)'\)`).FindStringSubmatch(rules(t))
	g.Expect(parts).To(HaveLen(3))
	g.Expect(parts[1]).To(Equal("40"))
	pattern := regexp.MustCompile(parts[2])
	for _, name := range []string{
		"a", "prod", "prod-2", "2prod", "-prod", "prod-", "Prod", "pr.od", "pr_od", "", strings.Repeat("a", 40), strings.Repeat("a", 41),
	} {
		want := pattern.MatchString(name) && len(name) <= MaxNameLength
		g.Expect(valid(func(c *SymphonyCluster) { c.Name = name })).To(Equal(want), "%q", name)
	}
}

func TestTheBudgetIsValidInGoWhenItIsForTheCRD(t *testing.T) {
	g := NewWithT(t)
	parts := regexp.MustCompile(`self >= (\d+) && self <= 1000000 : self\.matches\('([^']*)'\)`).FindStringSubmatch(rules(t, "spec", "compute", "update", "maxUnavailable"))
	g.Expect(parts).To(HaveLen(3))
	g.Expect(parts[1]).To(Equal("1"))
	pattern := regexp.MustCompile(parts[2])
	budget := func(value intstr.IntOrString) bool {
		return valid(func(c *SymphonyCluster) { c.Spec.Compute.Update.MaxUnavailable = &value })
	}
	for _, text := range []string{"0%", "1%", "9%", "10%", "99%", "100%", "101%", "01%", "5", "%", "", "-1%", "1.5%", "50% "} {
		g.Expect(budget(intstr.FromString(text))).To(Equal(pattern.MatchString(text)), "%q", text)
	}
	for number, want := range map[int32]bool{-1: false, 0: false, 1: true, 1000000: true, 1000001: false} {
		g.Expect(budget(intstr.FromInt32(number))).To(Equal(want), "%d", number)
	}
}

func TestTheOperatorsVariablesAreThoseOfTheCRD(t *testing.T) {
	g := NewWithT(t)
	for _, role := range []string{"master", "compute"} {
		g.Expect(rules(t, "spec", role, "env")).To(Equal(
			"self.all(e, !e.name.startsWith('SYMPHONY_') && !(e.name in ['LICENSE', 'PATH']))"))
	}
	for name, want := range map[string]bool{
		"SYMPHONY_": true, "SYMPHONY_MASTER_HOST": true, "LICENSE": true, "PATH": true,
		"SYMPHONY": false, "symphony_x": false, "MY_SYMPHONY_X": false, "LICENSE_KEY": false, "PATHS": false, "": false,
	} {
		g.Expect(IsOperatorEnv(name)).To(Equal(want), "%q", name)
		env := []corev1.EnvVar{{Name: name}}
		g.Expect(valid(func(c *SymphonyCluster) { c.Spec.Master.Env = env })).To(Equal(!want), "%q on the master", name)
		g.Expect(valid(func(c *SymphonyCluster) { c.Spec.Compute.Env = env })).To(Equal(!want), "%q on compute hosts", name)
	}
}
