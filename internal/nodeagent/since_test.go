// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

var (
	noon  = metav1.NewTime(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	later = metav1.NewTime(noon.Add(time.Minute))
)

func reported(since metav1.Time) v1alpha1.WeaveNodeStatus {
	return v1alpha1.WeaveNodeStatus{
		Overlay: v1alpha1.WeaveOverlay{Address: "10.32.0.1/12", Claim: "10.32.0.1/12", Since: since},
		IPAM:    v1alpha1.WeaveIPAM{State: v1alpha1.IPAMReady, Owners: []string{peer1}, Since: since},
		Connections: []v1alpha1.WeaveConnection{
			{Address: "192.0.2.2", State: stateEstablished, Datapath: "fastdp", Since: since},
			{Address: "192.0.2.3", State: stateFailed, Message: "connection refused", Since: since},
		},
	}
}

func TestSinceIsKeptWhileNothingChanges(t *testing.T) {
	g := NewWithT(t)
	former, status := reported(noon), reported(metav1.Time{})
	keepSince(&status, &former, later)
	g.Expect(status).To(Equal(former))
}

func TestSinceIsNowForWhatChanged(t *testing.T) {
	for name, change := range map[string]struct {
		change  func(*v1alpha1.WeaveNodeStatus)
		changed func(*v1alpha1.WeaveNodeStatus) []*metav1.Time
	}{
		"address": {
			func(s *v1alpha1.WeaveNodeStatus) { s.Overlay.Address = "" },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.Overlay.Since} },
		},
		"claim": {
			func(s *v1alpha1.WeaveNodeStatus) { s.Overlay.Claim = "10.40.0.0/12" },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.Overlay.Since} },
		},
		"owners": {
			func(s *v1alpha1.WeaveNodeStatus) { s.IPAM.Owners = []string{peer1, peer2} },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.IPAM.Since} },
		},
		"IPAM's state": {
			func(s *v1alpha1.WeaveNodeStatus) { s.IPAM.State = v1alpha1.IPAMAwaitingConsensus },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.IPAM.Since} },
		},
		"range": {
			func(s *v1alpha1.WeaveNodeStatus) { s.IPAM.Range = "10.0.0.0/8" },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.IPAM.Since} },
		},
		"what of IPAM comes and goes": {
			func(s *v1alpha1.WeaveNodeStatus) {
				s.IPAM.Pending, s.IPAM.Quorum, s.IPAM.KnownNodes, s.IPAM.Unreachable = 1, 2, 1, []string{peer1}
			},
			func(*v1alpha1.WeaveNodeStatus) []*metav1.Time { return nil },
		},
		"a connection that is down": {
			func(s *v1alpha1.WeaveNodeStatus) { s.Connections[0].State = statePending },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.Connections[0].Since} },
		},
		"a connection that is up": {
			func(s *v1alpha1.WeaveNodeStatus) { s.Connections[1].State = stateEstablished },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.Connections[1].Since} },
		},
		"a connection that is dialled anew": {
			func(s *v1alpha1.WeaveNodeStatus) { s.Connections[1].State = statePending },
			func(*v1alpha1.WeaveNodeStatus) []*metav1.Time { return nil },
		},
		"a new connection": {
			func(s *v1alpha1.WeaveNodeStatus) { s.Connections[1].Address = "192.0.2.9" },
			func(s *v1alpha1.WeaveNodeStatus) []*metav1.Time { return []*metav1.Time{&s.Connections[1].Since} },
		},
		"what does not count": {
			func(s *v1alpha1.WeaveNodeStatus) {
				s.Connections[0].Datapath, s.Connections[1].Message = "sleeve", "no route to host"
			},
			func(*v1alpha1.WeaveNodeStatus) []*metav1.Time { return nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			former, status, want := reported(noon), reported(metav1.Time{}), reported(noon)
			change.change(&status)
			change.change(&want)
			for _, since := range change.changed(&want) {
				*since = later
			}
			keepSince(&status, &former, later)
			NewWithT(t).Expect(status).To(Equal(want))
		})
	}
}

func TestNothingHasNoSince(t *testing.T) {
	g := NewWithT(t)
	var status v1alpha1.WeaveNodeStatus
	keepSince(&status, &v1alpha1.WeaveNodeStatus{}, later)
	g.Expect(status).To(Equal(v1alpha1.WeaveNodeStatus{}))
}
