// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Whom config/default and config/weave give rights to. What the suite starts runs as these: a right that is missing shows here, and not
// only in a cluster.
const (
	operatorAccount = "system:serviceaccount:symphony-operator-system:symphony-operator-controller-manager"
	weaveAccount    = "system:serviceaccount:symphony-operator-weave:symphony-weave-manager"
)

// as is the suite's configuration for an account.
func as(account string) *rest.Config {
	own := rest.CopyConfig(config)
	own.Impersonate.UserName = account
	return own
}

// grantRights installs the roles and bindings of config, and the namespaces that they are in.
func grantRights(ctx context.Context, to client.Client) {
	GinkgoHelper()
	for _, part := range []string{"default", "weave"} {
		rendered, err := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), "kustomize", filepath.Join("..", "..", "config", part)).Output()
		Expect(err).NotTo(HaveOccurred())
		for document := range strings.SplitSeq(string(rendered), "\n---\n") {
			object := &unstructured.Unstructured{}
			Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed())
			switch object.GetKind() {
			case "Namespace", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding":
				Expect(to.Create(ctx, object)).To(Succeed())
			}
		}
	}
}
