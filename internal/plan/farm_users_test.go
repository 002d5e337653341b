// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// meddle is what people do.
func (f *farm) meddle() {
	if f.chance(50) {
		f.user()
		return
	}
	f.administrator()
}

// user edits the cluster.
func (f *farm) user() {
	spec := &f.cluster.Spec
	switch f.random.IntN(9) {
	case 0, 1, 2:
		spec.Compute.Replicas = new(int32(f.random.IntN(11)))
		f.logf("the user wants %d", *spec.Compute.Replicas)
	case 3, 4:
		f.revision = fmt.Sprintf("r%d", f.random.IntN(4))
		f.logf("the user wants %s", f.revision)
	case 5:
		f.revision = "bad"
		f.bad[f.revision] = true
		f.logf("the user wants a broken template")
	case 6:
		spec.Suspend = !spec.Suspend
		f.logf("suspend=%t", spec.Suspend)
	case 7:
		spec.Compute.ScaleIn.Policy = v1alpha1.Drain
		if f.chance(15) {
			spec.Compute.ScaleIn.Policy = v1alpha1.Immediate
		}
		f.logf("policy=%s", spec.Compute.ScaleIn.Policy)
	default:
		most := intstr.FromInt32(int32(1 + f.random.IntN(4)))
		spec.Compute.Update.MaxUnavailable = &most
		spec.Compute.Update.Type = v1alpha1.RollingUpdate
		if f.chance(20) {
			spec.Compute.Update.Type = v1alpha1.OnDelete
		}
		f.logf("update=%+v", spec.Compute.Update)
	}
}

// administrator closes or opens a host, or spoils EGO.
func (f *farm) administrator() {
	switch f.random.IntN(9) {
	case 0:
		f.some(f.closes)
	case 1, 2:
		f.some(f.opens)
	case 3:
		f.ego.asking = []error{nil, ego.ErrForbidden, ego.ErrUnreachable, ego.ErrNotUnderstood}[f.random.IntN(4)]
		f.logf("asking EGO: %v", f.ego.asking)
	case 4:
		f.ego.changing = []error{nil, ego.ErrRefused, ego.ErrUnreachable}[f.random.IntN(3)]
		f.ego.hidden = errors.Is(f.ego.changing, ego.ErrUnreachable) && f.chance(50)
		f.logf("changing EGO: %v, hidden=%t", f.ego.changing, f.ego.hidden)
	case 5, 6, 7:
		f.ego.asking, f.ego.changing = nil, nil
		f.logf("EGO is well")
	default:
		f.moveMaster()
	}
}

func (f *farm) closes(p *farmPod) {
	host := f.ego.hosts[p.Name]
	if host == nil || host.closed {
		return
	}
	host.closed, host.administrator, host.disputed = true, true, p.Annotations[names.AnnotationHostClosed] != ""
	f.logf("an administrator closes %s", p.Name)
}

func (f *farm) opens(p *farmPod) {
	host := f.ego.hosts[p.Name]
	if host == nil || !host.closed {
		return
	}
	host.closed, host.administrator, host.disputed, host.reclaiming, p.opened = false, false, false, false, true
	if p.Annotations[names.AnnotationDrain] == names.Released {
		p.cameLate = true
	}
	f.logf("an administrator opens %s", p.Name)
}

// moveMaster ends the master, or starts the next one.
func (f *farm) moveMaster() {
	if f.master != nil {
		f.logf("the master is gone")
		f.master, f.read = nil, nil
		return
	}
	f.logf("a master starts")
	f.startMaster()
	if f.chance(20) {
		f.logf("it has lost all")
		for _, host := range f.ego.sorted() {
			delete(f.ego.hosts, host.name)
		}
	}
}

// work comes to hosts that are open, and to instances that hosts still hold, and ends.
func (f *farm) work(p *farmPod) {
	host := f.ego.hosts[p.Name]
	if host == nil || host.silent || f.master == nil {
		return
	}
	switch {
	case host.task && f.chance(f.brief):
		host.task = false
	case host.task || host.reclaiming:
	case host.held && f.chance(50):
		// An idle instance gets a task, also on a host that is closed, or is given back.
		host.task = f.chance(50)
		host.held = host.task
	case host.state() == ego.StateOK && f.chance(60):
		host.held, host.task = true, true
	}
}

// endReclaims is the end of what EGO takes back.
func (f *farm) endReclaims() {
	for _, host := range f.ego.sorted() {
		if host.reclaiming {
			host.held, host.task, host.reclaiming = false, false, false
		}
	}
}

// poll is the operator's look at EGO.
func (f *farm) poll() {
	if f.master == nil {
		f.read = nil
		return
	}
	refused := ""
	if f.read != nil {
		refused = f.read.Refused
	}
	f.read = f.ego.answer(f.now, f.read)
	f.read.Refused = refused
	for _, p := range f.pods {
		p.opened = false
	}
}
