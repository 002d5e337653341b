// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package curl is a stand-in for curl, which weave-kube's image has and busybox has not: the readiness probe calls it.
package curl

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The exit codes are curl's own.
const (
	ok           = 0
	badArguments = 2
	noConnection = 7
	httpError    = 22
)

// Main is `curl -fsS URL`, and nothing else.
func Main(arguments []string, out, complaints io.Writer) int {
	if len(arguments) != 2 || arguments[0] != "-fsS" {
		fmt.Fprintln(complaints, "curl: this is weavesim's stand-in for curl: it knows only curl -fsS URL")
		return badArguments
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, arguments[1], http.NoBody)
	if err != nil {
		fmt.Fprintln(complaints, "curl: (3)", err)
		return badArguments
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Fprintln(complaints, "curl: (7)", err)
		return noConnection
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		fmt.Fprintln(complaints, "curl: (22) The requested URL returned error:", response.StatusCode)
		return httpError
	}
	if _, err := io.Copy(out, response.Body); err != nil {
		fmt.Fprintln(complaints, "curl: (23)", err)
		return noConnection
	}
	return ok
}
