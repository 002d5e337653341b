// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"testing"

	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

func TestMain(m *testing.M) { symsimtest.Main(m) }
