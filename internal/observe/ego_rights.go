// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/recent"
)

// errSameNamespace is the answer to a look that was not made.
var errSameNamespace = fmt.Errorf("%w: so the API server has just said of another master in this namespace", ego.ErrForbidden)

// missingRights are the namespaces in which the API server does not let masters be asked. The right is given by namespace, and a look costs a connection
// of its own: of 1,000 clusters without the right, each asked five times while they came up. The zero value is ready for use.
type missingRights struct {
	recent.Things[string, missingRight]
}

// missingRight is of which cluster the API server said so last, and when.
type missingRight struct {
	cluster types.NamespacedName
	at      time.Time
}

// note takes what came of a look.
func (m *missingRights) note(cluster types.NamespacedName, err error, now time.Time) {
	if errors.Is(err, ego.ErrForbidden) {
		m.Remember(cluster.Namespace, missingRight{cluster, now})
		return
	}
	m.Forget(cluster.Namespace)
}

// instead is the answer to a look that need not be made, nil if it must be: of another cluster the same was said in the last half of an interval. Who
// could ask before asks by itself, because a policy may forbid single pods.
func (m *missingRights) instead(cluster types.NamespacedName, before *EGORead, now time.Time, interval time.Duration) *EGORead {
	last, is := m.Recall(cluster.Namespace)
	couldAsk := before != nil && !errors.Is(before.Err, ego.ErrForbidden)
	if !is || couldAsk || last.cluster == cluster || now.Sub(last.at) >= interval/2 {
		return nil
	}
	return &EGORead{At: now, Err: errSameNamespace}
}
