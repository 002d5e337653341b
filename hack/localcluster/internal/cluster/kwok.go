// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
)

// fakeNodes starts simulated nodes.
func (c *Cluster) fakeNodes(_ context.Context, size Size) error {
	if size.FakeNodes == 0 {
		return nil
	}
	return errors.New("simulated nodes are not built yet")
}
