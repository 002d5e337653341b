// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// ego is what EGO said of the pods' hosts and of others.
func (w *World) ego(facts *observe.Facts) *observe.EGORead {
	s := w.source
	if s.one(4) {
		return nil
	}
	read := &observe.EGORead{At: facts.Now.Add(-time.Second), Stale: s.one(4), SessionDirector: s.one(2), IdleLooks: map[string]int{}}
	if s.one(5) {
		read.Refused = oneOf(s, v1alpha1.ReasonEGOForbidden, v1alpha1.ReasonEGORefused, v1alpha1.ReasonEGOUnreachable)
	}
	if s.one(4) {
		read.Err = fmt.Errorf("asking: %w", oneOf(s, ego.ErrUnreachable, ego.ErrForbidden, ego.ErrRefused, ego.ErrNotUnderstood))
		return read
	}
	hosts := []string{w.Cluster.Name + "-compute-zzzzz", "elsewhere", names.MasterHostname(w.Cluster.Name)}
	for _, pod := range facts.ComputePods {
		hosts = append(hosts, pod.Name)
	}
	for _, name := range hosts {
		if s.one(4) {
			continue
		}
		host := ego.Host{
			Name: name + oneOf(s, "", "", ".grid.svc"), State: oneOf(s, ego.StateOK, ego.StateOK, ego.StateClosed, ego.StateUnavailable, ego.StateUnknown),
		}
		for s.one(3) {
			host.Allocations = append(host.Allocations, ego.Allocation{ID: "1", Client: oneOf(s, "SSM_a", "EGO_SERVICE_CONTROLLER"), Consumer: oneOf(s, "/a", "/b"), Slots: s.random.Intn(4)})
		}
		read.Hosts = append(read.Hosts, host)
		read.IdleLooks[host.Name] = s.random.Intn(observe.EnoughIdleLooks + 1)
	}
	if s.one(2) {
		read.Workloads = []ego.Workload{{Application: "a", Enabled: true, Consumer: "/a", Pending: s.random.Intn(2), Running: s.random.Intn(2), Occupied: s.random.Intn(3), Unused: s.random.Intn(3)}}
	}
	return read
}

// network is what spec.network asks about.
func (w *World) network(facts *observe.Facts) {
	s := w.source
	if facts.Cluster.Spec.Network.Mode == v1alpha1.NetworkWeave {
		facts.Weave = s.weaveRead()
	}
	if !facts.Cluster.Spec.Network.Check || s.one(3) {
		return
	}
	check := &v1alpha1.NetworkCheck{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.Cluster.Namespace, Name: names.NetworkCheckName(w.Cluster.Name), UID: "check-uid", Generation: 1,
	}}
	if made := w.kept.NetworkCheck; made != nil && !s.one(4) {
		check = made.DeepCopy()
	} else {
		s.filler.Fill(&check.Spec)
	}
	if s.one(8) {
		check.DeletionTimestamp = new(metav1.NewTime(facts.Now))
	}
	if s.one(8) {
		check.OwnerReferences = nil
	}
	check.Status.Conditions = s.conditions(check.Generation, v1alpha1.ConditionReady, v1alpha1.ConditionComplete)
	facts.NetworkCheck = check
}

func (s *Source) weaveRead() *observe.WeaveRead {
	resource := schema.GroupResource{Group: v1alpha1.SchemeGroupVersion.Group, Resource: "weavenetworks"}
	switch s.random.Intn(5) {
	case 0:
		return &observe.WeaveRead{}
	case 1:
		return &observe.WeaveRead{Err: oneOf[error](s, apierrors.NewForbidden(resource, names.WeaveNetwork, errors.New("no")), errors.New("no answer"))}
	}
	network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork, Generation: 2}}
	network.Status.Conditions = s.conditions(oneOf(s, int64(1), 2), v1alpha1.ConditionReady)
	if s.one(8) {
		network.DeletionTimestamp = new(metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	}
	return &observe.WeaveRead{Network: network}
}

func (s *Source) conditions(generation int64, kinds ...string) []metav1.Condition {
	var all []metav1.Condition
	for _, kind := range kinds {
		if s.one(4) {
			continue
		}
		all = append(all, metav1.Condition{
			Type: kind, Status: oneOf(s, metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown), Reason: "Reason",
			Message: "words", ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		})
	}
	return all
}
