// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scripts_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
)

// What stops a container is its last word, in its termination message.
func TestFaultsAreNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version layout.Version
		prepare func(*container)
		want    string
	}{
		"no Symphony in the image": {layout.V712, func(c *container) {
			c.variables["SYMPHONY_INSTALL_DIR"] = filepath.Join(c.Dir, "nowhere")
		}, "No Symphony in this image: no profile.platform in"},
		"kernel 6": {layout.V712, func(c *container) {
			c.variables["SYMSIM_UNPATCHED_PROFILE"] = "Y"
		}, "BINARY_TYPE=fail"},
		"another user": {layout.V712, func(c *container) {
			c.Write(filepath.Join(c.Dir, "passwd"), "egoadmin:x:4711:0::/:/bin/sh\n")
		}, "the cluster administrator of this image is egoadmin, uid 4711"},
		"not ours to write": {layout.V712, func(c *container) {
			c.g.Expect(os.Chmod(c.conf("ego.conf"), 0o444)).To(Succeed())
		}, "cannot write"},
		"full workload manager": {layout.V712, func(c *container) {
			c.Write(c.conf("ego.conf"), c.Read(c.conf("ego.conf"))+"EGO_SIMPLIFIED_WEM=N\n")
		}, "full workload manager (SIMPLIFIEDWEM=N), which needs root"},
		"licence not accepted": {layout.V732, func(*container) {}, "set spec.license: accept"},
		"7.3.2 without a password": {layout.V732, func(c *container) {
			c.variables["LICENSE"] = "accept"
		}, "set spec.adminPassword.secretKeyRef"},
		"password Secret missing": {layout.V732, func(c *container) {
			c.variables["LICENSE"] = "accept"
			c.variables["SYMPHONY_ADMIN_PASSWORD_FILE"] = c.mount("admin", "password")
		}, "create the Secret and key that spec.adminPassword.secretKeyRef names"},
		"password unusable": {layout.V732, func(c *container) {
			c.variables["LICENSE"] = "accept"
			c.variables["SYMPHONY_ADMIN_PASSWORD_FILE"] = c.mount("admin", "password")
			c.Write(c.mount("admin", "password"), "two words\n")
		}, "1 to 40 characters"},
		"cluster that cannot be renamed": {layout.V712, func(c *container) {
			c.Write(c.conf("ego.shared"), "Begin Cluster\nClusterName\nanother\nEnd Cluster\n")
		}, "Cannot rename the cluster from cluster1 to prod"},
		"entitlement Secret missing": {layout.V712, func(c *container) {
			c.variables["SYMPHONY_ENTITLEMENT_FILE"] = c.mount("entitlement", "entitlement")
		}, "create the Secret and key that spec.entitlement.secretKeyRef names"},
		"entitlement refused": {layout.V712, func(c *container) {
			c.variables["SYMPHONY_ENTITLEMENT_FILE"] = c.mount("entitlement", "entitlement")
			c.Write(c.mount("entitlement", "entitlement"), "\n")
		}, "is no entitlement file"},
		"join impossible": {layout.V712, func(c *container) {
			c.variables["SYMPHONY_JOIN_SECONDS"] = "1"
			c.variables["SYMPHONY_CLUSTER_NAME"] = ""
			c.g.Expect(os.Remove(c.conf("ego.shared"))).To(Succeed())
		}, "egoconfig join prod-master failed: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			master := newContainer(t, "prod-master", test.version)
			test.prepare(master)
			running := master.startMaster()
			NewWithT(t).Expect(master.fails(running)).To(ContainSubstring(test.want))
			NewWithT(t).Expect(running.output.String()).To(ContainSubstring(test.want), "the log says it too")
		})
	}
}

func TestRootIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be refused")
	}
	master := newMaster(t)
	result := master.RunAsRoot("env", "SYMPHONY_INSTALL_DIR="+master.Version.Top,
		"SYMPHONY_TERMINATION_LOG="+master.variables["SYMPHONY_TERMINATION_LOG"], "/bin/bash", "-c", scripts.Master())
	master.g.Expect(result.Code).To(Equal(1))
	master.g.Expect(master.terminationMessage()).To(ContainSubstring("runs as root"))
	master.g.Expect(result.Out).To(ContainSubstring("runs as root"))
}

// An image whose ego.conf does not say which workload manager it has is tried: the article's may be one.
func TestUnknownWorkloadManagerIsTried(t *testing.T) {
	t.Parallel()
	master := newMaster(t)
	conf := master.Read(master.conf("ego.conf"))
	master.Write(master.conf("ego.conf"), conf[:len(conf)-len("EGO_SIMPLIFIED_WEM=Y\n")])
	message := master.fails(master.startMaster())
	master.g.Expect(message).To(And(ContainSubstring("egosh ego start failed: "), ContainSubstring("SIMPLIFIEDWEM=N")))
}
