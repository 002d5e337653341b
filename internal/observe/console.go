// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// Console asks a web console whether it answers.
type Console interface {
	// Answers reports whether the console of the master at this address serves its login page.
	Answers(ctx context.Context, masterIP string) bool
}

// LoginPath is the path of the login page on the web console (facts: the article's last step).
const LoginPath = "/platform/login/login.html"

// GUIPort is the web console's HTTPS port in the master pod.
const GUIPort = "8443"

// HTTPSConsole is the Console that sends a real request. No answer within a second counts as none.
type HTTPSConsole struct {
	client *http.Client
}

// NewHTTPSConsole returns a Console over HTTPS.
func NewHTTPSConsole() *HTTPSConsole {
	return &HTTPSConsole{client: &http.Client{
		Timeout: time.Second,
		Transport: &http.Transport{
			// The product makes its own certificate. The answer decides a condition and nothing else, and no
			// credential is sent.
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see the comment above
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answers implements Console.
func (c *HTTPSConsole) Answers(ctx context.Context, masterIP string) bool {
	url := "https://" + net.JoinHostPort(masterIP, GUIPort) + LoginPath
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := c.client.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16))
	return err == nil && response.StatusCode < http.StatusInternalServerError && response.StatusCode != http.StatusNotFound
}
