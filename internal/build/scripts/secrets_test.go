// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scripts_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

func TestEntitlementOfTheImage(t *testing.T) {
	t.Parallel()
	master := newMaster(t)
	master.variables["SYMPHONY_ENTITLEMENT_FILE"] = master.Path("entitlement.dat")
	master.Write(master.Path("entitlement.dat"), "baked in\n")
	master.startMaster()
	master.becomesReady()
	master.g.Expect(master.egosh("entitlement", "info")).To(ContainSubstring("baked in"))
}

func TestMissingEntitlementHeals(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newMaster(t)
	master.variables["SYMPHONY_ENTITLEMENT_FILE"] = master.mount("entitlement", "entitlement")
	g.Expect(master.fails(master.startMaster())).To(ContainSubstring("No entitlement file"))
	// The Secret appears, the kubelet starts the container again.
	master.Write(master.mount("entitlement", "entitlement"), "first\n")
	master.startMaster()
	master.becomesReady()
	g.Expect(master.egosh("entitlement", "info")).To(ContainSubstring("first"))
	lim := master.LIM()
	master.Write(master.mount("entitlement", "entitlement"), "second\n")
	g.Eventually(func() string { return master.egosh("entitlement", "info") }, symsimtest.Deadline).Should(ContainSubstring("second"))
	g.Expect(master.LIM()).To(Equal(lim))
}

func (c *container) logonCode(password string) int {
	command := c.Command(c.mount("run", "bin", "egosh"), "user", "logon", "-u", "Admin", "-x", password)
	_ = command.Run()
	return command.ProcessState.ExitCode()
}

func TestPasswordBefore732(t *testing.T) {
	t.Parallel()
	for name, noPrompt := range map[string]string{"by egosh's prompt": "", "egosh reads no pipe": "Y"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			master := newMaster(t)
			master.variables["SYMSIM_NO_PROMPT"] = noPrompt
			master.variables["SYMPHONY_ADMIN_PASSWORD_FILE"] = master.mount("admin", "password")
			master.Write(master.mount("admin", "password"), "first-password\n")
			running := master.startMaster()
			g.Eventually(func() int { return master.logonCode("first-password") }, symsimtest.Deadline).Should(BeZero())
			g.Expect(master.logonCode("Admin")).NotTo(BeZero(), "the product's own password is gone")
			g.Expect(running.output.String()).NotTo(ContainSubstring("first-password"))
		})
	}
}

func TestPassword732(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newContainer(t, "prod-master", layout.V732)
	master.variables["LICENSE"] = "accept"
	master.variables["SYMPHONY_ADMIN_PASSWORD_FILE"] = master.mount("admin", "password")
	master.Write(master.mount("admin", "password"), "first-password")
	running := master.startMaster()
	master.becomesReady()
	g.Expect(master.egosh("ego", "info")).To(ContainSubstring("primary host name"))
	g.Expect(master.logonCode("first-password")).To(BeZero())

	master.Write(master.mount("admin", "password"), "not usable")
	g.Eventually(running.output.String, symsimtest.Deadline).Should(ContainSubstring("cannot be used"))
	g.Expect(master.logonCode("first-password")).To(BeZero())
}

func TestChangedPasswordIsApplied(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newContainer(t, "prod-master", layout.V732)
	master.variables["LICENSE"] = "accept"
	master.variables["SYMPHONY_ADMIN_PASSWORD_FILE"] = master.mount("admin", "password")
	master.Write(master.mount("admin", "password"), "first-password")
	running := master.startMaster()
	master.becomesReady()
	master.Write(master.mount("admin", "password"), "second-password")
	g.Eventually(func() int { return master.logonCode("second-password") }, symsimtest.Deadline).Should(BeZero())
	g.Expect(master.logonCode("first-password")).NotTo(BeZero())
	// A person who is logged on stays so: the script's credential is another.
	g.Expect(master.logonCode("second-password")).To(BeZero())
	g.Expect(master.egosh("resource", "open", "prod-master")).To(BeEmpty())
	g.Expect(running.output.String()).NotTo(Or(ContainSubstring("first-password"), ContainSubstring("second-password")))
}

// consoleName is the common name in the console's certificate.
func (c *container) consoleName() (string, error) {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	address := net.JoinHostPort(c.Address, fmt.Sprint(symsimtest.GUIPort))
	connection, err := dialer.DialContext(context.Background(), "tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestConsoleCertificate(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := newMaster(t)
	master.variables["SYMPHONY_GUI_TLS_DIR"] = master.mount("gui-tls")
	running := master.startMaster()
	// No Secret yet: the product's own.
	g.Eventually(master.consoleName, symsimtest.Deadline).Should(Equal("prod-master"))
	for _, name := range []string{"one.example.com", "two.example.com"} {
		certificate, key := symsimtest.NewCertificate(t, name)
		master.Write(master.mount("gui-tls", "tls.crt"), certificate)
		master.Write(master.mount("gui-tls", "tls.key"), key)
		g.Eventually(master.consoleName, symsimtest.Deadline).Should(Equal(name))
	}
	master.Write(master.mount("gui-tls", "tls.crt"), "nonsense")
	g.Eventually(running.output.String, symsimtest.Deadline).Should(ContainSubstring("could not be taken from its Secret"))
	g.Expect(master.consoleName()).To(Equal("two.example.com"))
}
