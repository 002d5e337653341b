// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// leave has the router hand its addresses over, once: what the status says was done is not done again. A router that is
// not there has nothing to hand over: who removes Weave must not wait for one that has crashed.
func (h *Host) leave(
	ctx context.Context, former *v1alpha1.WeaveNodeStatus, router v1alpha1.WeaveRouter, asked error,
) *v1alpha1.WeaveCleanup {
	if former.Agent == v1alpha1.AgentLeave && former.Cleanup != nil && former.Cleanup.State == v1alpha1.CleanupLeft {
		return former.Cleanup.DeepCopy()
	}
	err := asked
	if err == nil && router == v1alpha1.RouterRunning {
		err = h.router.leave(ctx)
	}
	if err != nil && !errors.Is(err, errNoRouter) {
		return &v1alpha1.WeaveCleanup{
			State: v1alpha1.CleanupFailed, Message: inWords("The router did not hand its addresses over: %v.", err),
		}
	}
	return &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupLeft}
}
