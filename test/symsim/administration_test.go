// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// newCluster is a master and one member, both ok.
func newCluster(t *testing.T) (master, member *symsimtest.Host) {
	t.Helper()
	master = newMaster(t, "m")
	startMaster(t, master)
	member = startMember(t, "c", master)
	NewWithT(t).Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).
		Should(Equal(map[string]string{"m": "ok", "c": "ok"}))
	return master, member
}

// allocated is the sixth field of the lines of `alloc list -ll` that name the host.
func allocated(master *symsimtest.Host, host string) []string {
	var found []string
	for line := range strings.Lines(master.Run("", "egosh", "alloc", "list", "-ll").Out) {
		if strings.Contains(line, `"`+host+`"`) {
			found = append(found, strings.Trim(strings.TrimSpace(strings.Split(line, `","`)[5]), `"`))
		}
	}
	return found
}

func TestAdministrationTakesALogon(t *testing.T) {
	g := NewWithT(t)
	master, member := newCluster(t)
	for _, verb := range []string{"close", "open", "remove"} {
		refused := master.Run("", "egosh", "resource", verb, "c")
		g.Expect(refused.Code).NotTo(BeZero())
		g.Expect(refused.Err).To(ContainSubstring("log on"))
	}
	g.Expect(statuses(master)).To(HaveKeyWithValue("c", "ok"))
	g.Expect(master.Run("", "egosh", "user", "logon", "-u", "Admin", "-x", "wrong").Code).NotTo(BeZero())
	logon(t, master)
	succeed(t, master.Run("", "egosh", "resource", "close", "c"))
	// The credential is this container's, and a file says where it is.
	g.Expect(member.Run("", "egosh", "resource", "open", "c").Code).NotTo(BeZero())
	other := *master
	other.Env = append(other.Env, "EGOCC_FILE="+filepath.Join(master.Dir, "other"))
	g.Expect(other.Run("", "egosh", "resource", "open", "c").Code).NotTo(BeZero())

	logoff := master.Run("", "egosh", "user", "logoff")
	g.Expect(logoff.Out).To(Equal("Logged off successfully\n"))
	g.Expect(master.Run("", "egosh", "resource", "open", "c").Code).NotTo(BeZero())
}

func TestCloseAndOpen(t *testing.T) {
	g := NewWithT(t)
	master, _ := newCluster(t)
	logon(t, master)
	succeed(t, master.Run("", "symsim", "alloc", "c", "2"))
	g.Expect(allocated(master, "c")).To(Equal([]string{"2"}))

	// IBM's requestor passes long and short names, half of them unknown.
	mixed := master.Run("", "egosh", "resource", "close", "-c", "drain", "c.example.com", "c")
	g.Expect(mixed.Err).To(ContainSubstring("Resource <c.example.com> is not found"))
	g.Expect(statuses(master)).To(HaveKeyWithValue("c", "closed"))
	g.Expect(allocated(master, "c")).To(Equal([]string{"2"}), "what runs goes on")
	g.Expect(master.Run("", "symsim", "alloc", "c", "1").Code).NotTo(BeZero(), "nothing new comes")
	view := master.Run("", "egosh", "resource", "view", "c").Out
	g.Expect(view).To(And(ContainSubstring("closed by administrator"), ContainSubstring("drain")))

	succeed(t, master.Run("", "egosh", "resource", "open", "c"))
	g.Expect(statuses(master)).To(HaveKeyWithValue("c", "ok"))
	succeed(t, master.Run("", "egosh", "resource", "close", "-reclaim", "c"))
	g.Eventually(func() []string { return allocated(master, "c") }, symsimtest.Deadline).Should(BeEmpty())
	g.Expect(master.Run("", "egosh", "activity", "list", "-ll", "-r", "c").Out).NotTo(ContainSubstring(`"c"`))
}

func TestRemovedHostsComeBackWhileTheirLIMRuns(t *testing.T) {
	g := NewWithT(t)
	master, member := newCluster(t)
	logon(t, master)
	succeed(t, master.Run("", "egosh", "resource", "close", "-reclaim", "c"))
	succeed(t, master.Run("", "egosh", "resource", "remove", "c"))
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "ok"))
	succeed(t, member.Run("", "egosh", "ego", "shutdown", "-f"))
	g.Eventually(func() map[string]string { return statuses(master) }, symsimtest.Deadline).Should(HaveKeyWithValue("c", "unavail"))
	succeed(t, master.Run("", "egosh", "resource", "remove", "c"))
	g.Consistently(func() map[string]string { return statuses(master) }, time.Second).ShouldNot(HaveKey("c"))
}

func TestAllocationsAreFreed(t *testing.T) {
	g := NewWithT(t)
	master, member := newCluster(t)
	succeed(t, master.Run("", "symsim", "alloc", "c", "1"))
	succeed(t, master.Run("", "symsim", "alloc", "c", "3"))
	g.Expect(allocated(master, "c")).To(Equal([]string{"1", "3"}))
	g.Expect(master.Run("", "egosh", "activity", "list", "-ll", "-r", "c").Out).To(ContainSubstring(`"RUN"`))
	succeed(t, master.Run("", "symsim", "free", "1"))
	g.Expect(allocated(master, "c")).To(Equal([]string{"3"}))
	member.KillLIM()
	g.Eventually(func() []string { return allocated(master, "c") }, symsimtest.Deadline).Should(BeEmpty())
}

func TestUsers(t *testing.T) {
	g := NewWithT(t)
	master, _ := newCluster(t)
	logon(t, master)
	added := master.Run("", "egosh", "user", "add", "-u", "operator", "-x", "operator1")
	g.Expect(added.Out).To(Equal("User account < operator > added successfully\n"))
	assigned := master.Run("", "egosh", "user", "assignrole", "-u", "operator", "-r", "CONSUMER_USER", "-p", "/")
	g.Expect(assigned.Out).To(Equal("Role <Consumer User> is assigned to user <operator>.\n"))
	g.Expect(master.Run("", "egosh", "user", "modify", "-u", "Admin", "-x", "new").Code).NotTo(BeZero(), "it asks about Admin")
	succeed(t, master.Run("y\n", "egosh", "user", "modify", "-u", "Admin", "-x", "new"))
	succeed(t, master.Run("", "egosh", "user", "modify", "-u", "Guest", "-x", "new"))
	g.Expect(master.Run("", "egosh", "user", "modify", "-u", "Guest", "-x", "a<b").Code).NotTo(BeZero())
	g.Expect(master.Run("", "egosh", "user", "logon", "-u", "Admin", "-x", "Admin").Code).NotTo(BeZero())
	// A user without the role is refused.
	succeed(t, master.Run("", "egosh", "user", "logon", "-u", "operator", "-x", "operator1"))
	g.Expect(master.Run("", "egosh", "resource", "close", "c").Code).NotTo(BeZero())
	// Commands on the standard input, which keeps passwords off the process list.
	session := master.Run("user logon -u Admin -x new\nresource close c\nquit\n", "egosh")
	g.Expect(session.Out).To(ContainSubstring("Logged on successfully"))
	g.Expect(statuses(master)).To(HaveKeyWithValue("c", "closed"))
}

func TestServicesAndClient(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_GUI_DELAY=1s")
	startMaster(t, master)
	g.Expect(master.Run("", "egosh", "client", "view", "GUIURL_1").Code).NotTo(BeZero(), "the console comes later than EGO")
	g.Eventually(func() string { return master.Run("", "egosh", "service", "list", "-ll", "-s", "WEBGUI").Out }, symsimtest.Deadline).
		Should(ContainSubstring(`"WEBGUI","","","","","","STARTED","3","/ManagementServices/EGOManagementServices","ManagementHosts","m"`))
	g.Expect(master.Run("", "egosh", "service", "list").Out).To(MatchRegexp(
		`(?m)^SERVICE  STATE    ALLOC CONSUMER RGROUP RESOURCE SLOTS SEQ_NO INST_STATE ACTI$`))
	g.Expect(master.Run("", "egosh", "client", "view", "GUIURL_1").Out).To(MatchRegexp(`DESCRIPTION.*https://m:[0-9]+/platform`))
	unknown := master.Run("", "egosh", "service", "list", "-s", "nothing")
	g.Expect(unknown.Code).NotTo(BeZero())
	g.Expect(unknown.Err).To(ContainSubstring("service does not exist"))
}

func TestEntitlement(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	file := filepath.Join(master.Dir, "entitlement")
	g.Expect(master.Run("", "egoconfig", "setentitlement", file).Code).NotTo(BeZero(), "no such file")
	master.Write(file, "first\n")
	succeed(t, master.Run("", "egoconfig", "setentitlement", file))
	startMaster(t, master)
	g.Expect(master.Run("", "egosh", "entitlement", "info").Out).To(And(ContainSubstring("Entitled"), ContainSubstring("first")))
	master.Write(file, "second\n")
	g.Expect(master.Run("", "egosh", "entitlement", "info").Out).To(ContainSubstring("first"))
	succeed(t, master.Run("", "egoconfig", "setentitlement", file))
	g.Expect(master.Run("", "egosh", "entitlement", "info").Out).To(ContainSubstring("second"))
}

// console gets a page and the certificate that it came with.
func console(host *symsimtest.Host, path string) (status int, body string, certificate *x509.Certificate, err error) {
	config := &tls.Config{InsecureSkipVerify: true}
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	url := "https://" + net.JoinHostPort(host.Address, fmt.Sprint(symsimtest.GUIPort)) + path
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), response.TLS.PeerCertificates[0], err
}

func TestConsole(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	startMaster(t, master)
	g.Eventually(func(g Gomega) {
		status, body, certificate, err := console(master, "/platform/login/login.html")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(status).To(Equal(http.StatusOK))
		g.Expect(body).To(ContainSubstring("test double"))
		g.Expect(certificate.Subject.CommonName).To(Equal("m"))
	}, symsimtest.Deadline).Should(Succeed())
	status, _, _, err := console(master, "/platform")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status).To(Equal(http.StatusFound))
	status, _, _, err = console(master, "/nothing")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status).To(Equal(http.StatusNotFound))
}

func TestConsoleTakesTheCertificateOfTheKeyStore(t *testing.T) {
	g := NewWithT(t)
	master := newMaster(t, "m")
	certificate, key := symsimtest.NewCertificate(t, "gui.example.com")
	master.Write(filepath.Join(master.Dir, "tls.crt"), certificate)
	master.Write(filepath.Join(master.Dir, "tls.key"), key)
	startMaster(t, master)
	master.Mkdir(master.Path("wlp", "usr", "shared", "resources", "security"))
	master.Env = append(master.Env, "KEYSTORE_PASSWORD=Liberty")
	p12 := filepath.Join(master.Dir, "gui.p12")
	succeed(t, master.Run("", "openssl", "pkcs12", "-export", "-name", "srvalias",
		"-in", filepath.Join(master.Dir, "tls.crt"), "-inkey", filepath.Join(master.Dir, "tls.key"),
		"-out", p12, "-passout", "env:KEYSTORE_PASSWORD"))
	succeed(t, master.Run("", master.Path("jre", "8.0", "linux-x86_64", "bin", "keytool"), "-importkeystore", "-noprompt",
		"-srckeystore", p12, "-srcstorepass:env", "KEYSTORE_PASSWORD", "-deststorepass:env", "KEYSTORE_PASSWORD",
		"-destkeystore", master.Path("wlp", "usr", "shared", "resources", "security", "serverKeyStore.jks")))
	g.Eventually(func(g Gomega) {
		_, _, certificate, err := console(master, "/platform/login/login.html")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(certificate.Subject.CommonName).To(Equal("gui.example.com"))
	}, symsimtest.Deadline).Should(Succeed())
}
