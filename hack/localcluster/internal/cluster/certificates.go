// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authority is the cluster's throw-away CA.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// certificates makes the CA, what each component serves and calls with, and their kubeconfigs.
func (c *Cluster) certificates(size Size) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	template := certificate(pkix.Name{CommonName: "local-cluster-ca"})
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	ca := authority{certificate: template, key: key}
	if err := c.issue(ca, "ca", template, key); err != nil {
		return err
	}
	// The CA's key signs service account tokens as well: one key less, in a cluster that lives for an hour.
	server := certificate(pkix.Name{CommonName: "kube-apiserver"}, "127.0.0.1", apiAddress, apiServiceIP)
	server.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	if err := c.issueNew(ca, "apiserver", server); err != nil {
		return err
	}
	clients := map[string]pkix.Name{
		"admin":              {CommonName: "admin", Organization: []string{"system:masters"}},
		"apiserver-kubelet":  {CommonName: "apiserver-kubelet", Organization: []string{"system:masters"}},
		"controller-manager": {CommonName: "system:kube-controller-manager"},
		"scheduler":          {CommonName: "system:kube-scheduler"},
		"kube-proxy":         {CommonName: "system:kube-proxy"},
		"kwok":               {CommonName: "kwok", Organization: []string{"system:masters"}},
	}
	for name, subject := range clients {
		if err := c.client(ca, name, subject); err != nil {
			return err
		}
	}
	for _, n := range nodes(size.Nodes) {
		subject := pkix.Name{CommonName: "system:node:" + n.name(), Organization: []string{"system:nodes"}}
		if err := c.client(ca, n.name(), subject, n.address()); err != nil {
			return err
		}
	}
	return c.write(c.Kubeconfig(), c.kubeconfig("admin"))
}

// client issues a certificate for calling (and, with addresses, for serving) and a kubeconfig that uses it.
func (c *Cluster) client(ca authority, name string, subject pkix.Name, addresses ...string) error {
	if err := c.issueNew(ca, name, certificate(subject, addresses...)); err != nil {
		return err
	}
	return c.write(c.pki(name+".kubeconfig"), c.kubeconfig(name))
}

func certificate(subject pkix.Name, addresses ...string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // The system's random source does not fail.
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, address := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
	}
	return template
}

func (c *Cluster) issueNew(ca authority, name string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	return c.issue(ca, name, template, key)
}

func (c *Cluster) issue(ca authority, name string, template *x509.Certificate, key crypto.Signer) error {
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key.Public(), ca.key)
	if err != nil {
		return fmt.Errorf("signing the certificate of %s: %w", name, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key of %s: %w", name, err)
	}
	if err := c.write(c.pki(name+".crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))); err != nil {
		return err
	}
	return c.write(c.pki(name+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func (c *Cluster) kubeconfig(name string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: local
  cluster: {server: "https://%s:%d", certificate-authority: %q}
users:
- name: %s
  user: {client-certificate: %q, client-key: %q}
contexts:
- name: local
  context: {cluster: local, user: %s}
current-context: local
`, apiAddress, apiPort, c.pki("ca.crt"), name, c.pki(name+".crt"), c.pki(name+".key"), name)
}
