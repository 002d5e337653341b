// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"html"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
)

const loginPath = "/platform/login/login.html"

// runGUI serves the console some time after EGO came up, as the product does.
func (m *master) runGUI(ctx context.Context) {
	if !wait(ctx, m.guiDelay) {
		return
	}
	keys, err := newKeyStore(m.Installation, m.host)
	if err != nil {
		m.vemkd.Printf("WEBGUI: %v", err)
		return
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(install.BindAddress(), strconv.Itoa(m.guiPort)))
	if err != nil {
		m.vemkd.Printf("WEBGUI: %v", err)
		return
	}
	server := &http.Server{
		Handler:           m.console(),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: keys.certificate},
		ErrorLog:          m.vemkd,
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	m.guiUp.Store(true)
	m.vemkd.Printf("WEBGUI: listening on %s", listener.Addr())
	if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		m.vemkd.Printf("WEBGUI: %v", err)
	}
	m.guiUp.Store(false)
}

func (m *master) console() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+loginPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><title>Symphony simulator</title><h1>Cluster %s</h1>"+
			"<p>This is symsim, a test double: not IBM Spectrum Symphony. Master host: %s.</p>\n",
			html.EscapeString(m.cluster), html.EscapeString(m.host))
	})
	for _, path := range []string{"GET /platform", "GET /platform/{$}"} {
		mux.Handle(path, http.RedirectHandler(loginPath, http.StatusFound))
	}
	return mux
}

// keyStore is the console's certificate: that of the key store if it has one, looked at again when the file changed
// (Liberty does so too), else one made at the start.
type keyStore struct {
	mutex     sync.Mutex
	path      string
	generated *tls.Certificate
	loaded    *tls.Certificate
	changed   time.Time
}

func newKeyStore(where install.Installation, host string) (*keyStore, error) {
	generated, err := selfSigned(host)
	if err != nil {
		return nil, err
	}
	return &keyStore{path: where.KeyStore(), generated: generated}, nil
}

func (k *keyStore) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	info, err := os.Stat(k.path)
	if err != nil {
		return k.generated, nil // No key store: the generated certificate
	}
	if k.loaded == nil || !info.ModTime().Equal(k.changed) {
		loaded, err := tls.LoadX509KeyPair(k.path, k.path)
		if err != nil {
			return nil, err
		}
		k.loaded, k.changed = &loaded, info.ModTime()
	}
	return k.loaded, nil
}

func selfSigned(host string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: host, Organization: []string{"symsim"}},
		DNSNames:     []string{host},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
