// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"fmt"
	"time"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

// errSameNamespace is the answer to a look that was not made.
var errSameNamespace = fmt.Errorf("%w: so the API server has just said of another master in this namespace", ego.ErrForbidden)

// missingRights are the namespaces in which the API server does not let masters be asked, and when it said so last. The right is given by namespace, and a
// look costs a connection of its own: of 1,000 clusters without the right, each asked five times while they came up.
type missingRights map[string]time.Time

// note takes what came of a look.
func (m missingRights) note(namespace string, err error, now time.Time) {
	if errors.Is(err, ego.ErrForbidden) {
		m[namespace] = now
		return
	}
	delete(m, namespace)
}

// instead is the answer to a look that need not be made, nil if it must be. Who could ask before asks by itself: a policy may forbid single pods. What
// was said longer than half an interval ago does not count, so that a cluster by itself always asks.
func (m missingRights) instead(namespace string, before *EGORead, now time.Time, interval time.Duration) *EGORead {
	at, is := m[namespace]
	if !is || now.Sub(at) >= interval/2 || before != nil && !errors.Is(before.Err, ego.ErrForbidden) {
		return nil
	}
	return &EGORead{At: now, Err: errSameNamespace}
}
