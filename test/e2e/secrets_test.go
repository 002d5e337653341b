// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

var _ = Describe("A Secret", func() {
	It("holds the administrator's password and the entitlement; a change is applied without a restart", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.secret(ctx, "admin", map[string]string{"password": "first-secret"})
		g.secret(ctx, "entitlement", map[string]string{"file": "sym_adv_entitlement first"})
		g.start(ctx, object{
			"image": "symsim:7.3.2", "license": "accept",
			"adminPassword": object{"secretKeyRef": object{"name": "admin", "key": "password"}},
			"entitlement":   object{"secretKeyRef": object{"name": "entitlement", "key": "file"}},
		})
		master := g.containers(ctx, names.Master)
		logon := func(password string) func() (string, error) {
			return func() (string, error) { return g.egosh("user", "logon", "-u", "Admin", "-x", password) }
		}
		Expect(logon("first-secret")()).To(ContainSubstring("Logged on successfully"))

		By("changing both")
		g.kubectl("patch", "secret/admin", "-p", `{"stringData":{"password":"second-secret"}}`)
		g.kubectl("patch", "secret/entitlement", "-p", `{"stringData":{"file":"sym_adv_entitlement second"}}`)
		// The kubelet brings a changed Secret into a running pod within about a minute.
		Eventually(ctx, logon("second-secret")).WithPolling(inPods).Should(ContainSubstring("Logged on successfully"))
		Eventually(ctx, func() string { return g.kubectl("logs", "deployment/prod-master") }).Should(And(
			ContainSubstring("the entitlement changed and was set again"), ContainSubstring("the password of Admin was set from its Secret")))
		Expect(g.containers(ctx, names.Master)).To(Equal(master), "nothing was restarted")

		Eventually(ctx, func() (string, error) { return g.egosh("entitlement", "info") }).WithPolling(inPods).Should(ContainSubstring("second"))

		By("telling neither password to anybody")
		for _, look := range [][]string{
			{"logs", "deployment/prod-master"},
			{"get", "events", "-o", "yaml"},
			{"get", "symphonyclusters,deployments,replicasets,pods,controllerrevisions,configmaps", "-o", "yaml"},
		} {
			Expect(g.kubectl(look...)).NotTo(Or(ContainSubstring("first-secret"), ContainSubstring("second-secret")))
		}
	})

	It("holds the web console's certificate", func(ctx SpecContext) {
		g := newGrid(ctx)
		certificate, key := selfSigned("console.example.com")
		g.secret(ctx, "console", map[string]string{"tls.crt": certificate, "tls.key": key})
		g.start(ctx, object{"gui": object{"tls": object{"secretName": "console"}}})
		g.kubectl("wait", "--for=condition=GUIReady", "symphonycluster/prod", "--timeout="+promptly.String())
		address := net.JoinHostPort(g.cluster(ctx).Status.Master.HostIP, strconv.Itoa(int(g.cluster(ctx).Status.GUI.NodePort)))
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		connection, err := dialer.DialContext(ctx, "tcp", address)
		Expect(err).NotTo(HaveOccurred())
		defer func() { _ = connection.Close() }()
		shown, ok := connection.(*tls.Conn)
		Expect(ok).To(BeTrue())
		Expect(shown.ConnectionState().PeerCertificates[0].Subject.CommonName).To(Equal("console.example.com"))
	})

	It("that is missing is named", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.apply(object{"image": "symsim:7.3.2", "license": "accept"})
		message := g.waitCondition(ctx, "Ready", "False", "MasterFailed")
		Expect(message).To(ContainSubstring("Symphony 7.3.2 and later need a password for Admin: set spec.adminPassword.secretKeyRef."))
		Expect(g.containers(ctx, names.Compute)).NotTo(BeNil())

		By("getting well by the edit that the message asks for")
		g.secret(ctx, "admin", map[string]string{"password": "first-secret"})
		g.patch(object{"adminPassword": object{"secretKeyRef": object{"name": "admin", "key": "password"}}})
		g.waitReady()
		g.waitHosts(ctx, 3)
	})
})

// selfSigned makes a certificate and its key, as PEM.
func selfSigned(name string) (certificate, key string) {
	GinkgoHelper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	Expect(err).NotTo(HaveOccurred())
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	Expect(err).NotTo(HaveOccurred())
	return pemOf("CERTIFICATE", signed), pemOf("PRIVATE KEY", encoded)
}

func pemOf(kind string, data []byte) string {
	GinkgoHelper()
	var text bytes.Buffer
	Expect(pem.Encode(&text, &pem.Block{Type: kind, Bytes: data})).To(Succeed())
	return text.String()
}
