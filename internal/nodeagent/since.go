// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// keepSince stamps what differs from the former status with now, and leaves the former time on what does not. The former
// status comes from the object, so that an agent that starts again changes nothing.
func keepSince(status, former *v1alpha1.WeaveNodeStatus, now metav1.Time) {
	overlay := status.Overlay
	overlay.Since = former.Overlay.Since
	status.Overlay.Since = since(equality.Semantic.DeepEqual(overlay, former.Overlay), former.Overlay.Since, now)

	// Who is in reach comes and goes with every connection, and a request that waits with every pod: since when a node
	// has no addresses to give, or shares them with these others, is told by the rest.
	ipam, before := &status.IPAM, &former.IPAM
	same := ipam.State == before.State && ipam.Range == before.Range && slices.Equal(ipam.Owners, before.Owners)
	ipam.Since = since(same, before.Since, now)

	known := make(map[string]*v1alpha1.WeaveConnection, len(former.Connections))
	for i := range former.Connections {
		known[former.Connections[i].Address] = &former.Connections[i]
	}
	for i := range status.Connections {
		connection := &status.Connections[i]
		before, found := known[connection.Address]
		if !found {
			before = &v1alpha1.WeaveConnection{}
		}
		// A connection that is up is no newer because its data path is another one. One that is down is dialled anew each
		// minute, and passes through several states: it is down since it was last up.
		same := (before.State == stateEstablished) == (connection.State == stateEstablished)
		connection.Since = since(found && same, before.Since, now)
	}
}

func since(same bool, former, now metav1.Time) metav1.Time {
	if same {
		return former
	}
	return now
}
