// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCertificates(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: t.TempDir()}, Out: io.Discard}
	if err := c.certificates(Size{Nodes: 2}); err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	pem, err := os.ReadFile(c.pki("ca.crt"))
	if err != nil || !authorities.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in ca.crt: %v", err)
	}
	for name, one := range map[string]struct {
		user, group string
		servesAs    []string
	}{
		"apiserver": {"kube-apiserver", "", []string{
			"localhost", "kubernetes", "kubernetes.default.svc", "127.0.0.1", apiAddress, apiServiceIP,
		}},
		"admin":              {"admin", "system:masters", nil},
		"apiserver-kubelet":  {"apiserver-kubelet", "system:masters", nil},
		"controller-manager": {"system:kube-controller-manager", "", nil},
		"scheduler":          {"system:kube-scheduler", "", nil},
		"kube-proxy":         {"system:kube-proxy", "", nil},
		"kwok":               {"kwok", "system:masters", nil},
		"node1":              {"system:node:node1", "system:nodes", []string{"172.30.88.11"}},
		"node2":              {"system:node:node2", "system:nodes", []string{"172.30.88.12"}},
	} {
		// This also fails when the key is not the certificate's.
		pair, err := tls.LoadX509KeyPair(c.pki(name+".crt"), c.pki(name+".key"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: authorities, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if subject := pair.Leaf.Subject; subject.CommonName != one.user || strings.Join(subject.Organization, " ") != one.group {
			t.Errorf("%s is %s of %v", name, subject.CommonName, subject.Organization)
		}
		for _, host := range one.servesAs {
			if err := pair.Leaf.VerifyHostname(host); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := pair.Leaf.VerifyHostname("172.30.88.99"); err == nil {
			t.Errorf("%s may serve as an address that is not its own", name)
		}
	}
}

func TestKubeconfigIsForItsOwnerOnly(t *testing.T) {
	c := &Cluster{Layout: Layout{Dir: filepath.Join(t.TempDir(), "with blanks")}, Out: io.Discard}
	if err := c.certificates(Size{}); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{c.Kubeconfig(), c.pki("admin.key"), c.pki("ca.key")} {
		at, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if at.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", file, at.Mode().Perm())
		}
	}
	text, err := os.ReadFile(c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{
		`server: "https://172.30.88.1:6443"`, `certificate-authority: "` + c.pki("ca.crt") + `"`,
		`client-certificate: "` + c.pki("admin.crt") + `"`,
	} {
		if !strings.Contains(string(text), wanted) {
			t.Errorf("no %s in %s", wanted, text)
		}
	}
}
