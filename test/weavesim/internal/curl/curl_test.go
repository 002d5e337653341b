// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package curl

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCurl(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "fine")
	}))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	defer server.Close()
	for _, test := range []struct {
		arguments []string
		code      int
		out       string
	}{
		{[]string{"-fsS", server.URL + "/status"}, 0, "fine"},
		{[]string{"-fsS", server.URL + "/other"}, 22, ""},
		{[]string{"-fsS", gone.URL}, 7, ""},
		{[]string{"-X", "POST", server.URL}, 2, ""},
		{[]string{server.URL}, 2, ""},
	} {
		var out, complaints strings.Builder
		code := Main(test.arguments, &out, &complaints)
		if code != test.code || out.String() != test.out || (code != 0) != (complaints.Len() > 0) {
			t.Errorf("%q: %d %q %q", test.arguments, code, out.String(), complaints.String())
		}
	}
}
