// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Who may do what, as one reads it in a review: a right more is a line more in testdata/rights.txt.
func TestRights(t *testing.T) {
	g := NewWithT(t)
	var lines []string
	for _, file := range []string{"rbac/manager.yaml", "rbac/agent.yaml", "rbac/users.yaml", "weave-net/rbac.yaml"} {
		rights, err := rightsIn(filepath.Join("..", "..", "config", "weave", file))
		g.Expect(err).NotTo(HaveOccurred())
		lines = append(append(lines, "# "+file), rights...)
	}
	text := strings.Join(lines, "\n") + "\n"
	path := filepath.Join("testdata", "rights.txt")
	if *update {
		g.Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	}
	golden, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(text).To(Equal(string(golden)), "run go test ./internal/weave -update and read the diff")
	g.Expect(text).NotTo(ContainSubstring("secrets"))

	operator, err := os.ReadFile(filepath.Join("..", "..", "config", "rbac", "role.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(operator)).NotTo(ContainSubstring("weave"), "an installation without Weave has none of its rights")
}

// rightsIn are the rules of a file's roles, a line each, and who has them.
func rightsIn(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the roles: %w", err)
	}
	var lines []string
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		// A binding has what a role has not, and the other way round.
		var object struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Rules    []rbacv1.PolicyRule
			Subjects []rbacv1.Subject
			RoleRef  rbacv1.RoleRef
		}
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decoding %s: %w", path, err)
		}
		where := "everywhere"
		if object.Metadata.Namespace != "" {
			where = object.Metadata.Namespace
		}
		for _, rule := range object.Rules {
			slices.Sort(rule.Verbs)
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s, %s: %s %s.%s %s", object.Metadata.Name, where,
				strings.Join(rule.Verbs, "+"), strings.Join(rule.Resources, "+"), strings.Join(rule.APIGroups, "+"), strings.Join(rule.ResourceNames, "+"))))
		}
		for _, subject := range object.Subjects {
			lines = append(lines, fmt.Sprintf("%s, %s: held by %s/%s", object.RoleRef.Name, where, subject.Namespace, subject.Name))
		}
	}
}
