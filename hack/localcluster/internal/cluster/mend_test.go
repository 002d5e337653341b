// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"
)

// A newer module must not be built with a mend that does not fit it, nor silently without.
func TestAMendFitsOnceOrNotAtAll(t *testing.T) {
	m := mend{from: "if a {", to: "if a && b {"}
	if mended, err := m.of("x\nif a {\n}\n"); err != nil || mended != "x\nif a && b {\n}\n" {
		t.Errorf("got %q, %v", mended, err)
	}
	for _, source := range []string{"", "if b {", "if a { if a {"} {
		if mended, err := m.of(source); err == nil || !strings.Contains(err.Error(), "see whether it still has to be mended") {
			t.Errorf("of %q: got %q, %v", source, mended, err)
		}
	}
}
