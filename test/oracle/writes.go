// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Write is one request that can change something.
type Write struct {
	Method, Path, Body string
	// Code is the answer's status code, 0 when there was none.
	Code int
}

func (w Write) String() string { return fmt.Sprintf("%s %s %d", w.Method, w.Path, w.Code) }

// Recorder records the writes of the clients whose configuration it wraps.
type Recorder struct {
	mu     sync.Mutex
	writes []Write
}

// Wrap is for rest.Config.Wrap.
func (r *Recorder) Wrap(next http.RoundTripper) http.RoundTripper {
	return RoundTripper(func(request *http.Request) (*http.Response, error) {
		if !IsWrite(request) {
			return next.RoundTrip(request)
		}
		body := ""
		if request.Body != nil {
			data, err := io.ReadAll(request.Body)
			if err != nil {
				return nil, fmt.Errorf("recording a request: %w", err)
			}
			_ = request.Body.Close()
			request.Body = io.NopCloser(bytes.NewReader(data))
			body = string(data)
		}
		response, err := next.RoundTrip(request)
		write := Write{Method: request.Method, Path: request.URL.Path, Body: body}
		if response != nil {
			write.Code = response.StatusCode
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.writes = append(r.writes, write)
		return response, err
	})
}

// IsWrite reports whether a request can change something: a dry run cannot. It leaves out what an operator at rest does all the same: it
// renews its lease and asks who a scraper is.
func IsWrite(request *http.Request) bool {
	if request.Method == http.MethodGet || request.Method == http.MethodHead || request.URL.Query().Has("dryRun") {
		return false
	}
	for _, part := range []string{"/leases", "/tokenreviews", "/subjectaccessreviews"} {
		if strings.Contains(request.URL.Path, part) {
			return false
		}
	}
	return true
}

// Writes returns the writes so far.
func (r *Recorder) Writes() []Write {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Write(nil), r.writes...)
}

// Count returns the number of writes so far.
func (r *Recorder) Count() int { return len(r.Writes()) }

// Matching returns the writes with this method and with this text in their path.
func (r *Recorder) Matching(method, path string) []Write {
	var found []Write
	for _, write := range r.Writes() {
		if write.Method == method && strings.Contains(write.Path, path) {
			found = append(found, write)
		}
	}
	return found
}

// RoundTripper is a transport that is a function.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls it.
func (f RoundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
