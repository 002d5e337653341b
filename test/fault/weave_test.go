// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/rig"
)

// weaveWorkload is a workload of the WeaveNetwork.
type weaveWorkload struct {
	name         string
	given, steps []weaveStep
}

type weaveStep func(*testing.T, *rig.Fabric)

type weaveEdit = func(*v1alpha1.WeaveNetwork)

func weaveIs(edits ...weaveEdit) weaveStep {
	return func(t *testing.T, f *rig.Fabric) {
		t.Helper()
		network := &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork}}
		network.Spec.IPRange = "10.32.0.0/12" // The played kubelet's addresses are of it.
		for _, edit := range edits {
			edit(network)
		}
		if err := f.API.Create(t.Context(), network); err != nil {
			t.Fatal(err)
		}
	}
}

func weaveBecomes(edits ...weaveEdit) weaveStep {
	return func(t *testing.T, f *rig.Fabric) {
		t.Helper()
		f.Change(edits...)
	}
}

// weaveGoes deletes the WeaveNetwork, or one of its objects, as a person does.
func weaveGoes(object client.Object) weaveStep {
	return func(t *testing.T, f *rig.Fabric) {
		t.Helper()
		if err := f.API.Delete(t.Context(), object.DeepCopyObject().(client.Object)); err != nil { //nolint:forcetypeassert // A copy is of the same kind.
			t.Fatal(err)
		}
	}
}

func managed(n *v1alpha1.WeaveNetwork) {
	n.Spec.ManagementPolicy, n.Spec.InitialPeerCount = v1alpha1.WeaveManaged, 2
}

func observed(n *v1alpha1.WeaveNetwork) { n.Spec.ManagementPolicy = v1alpha1.WeaveObserve }

func cleaned(n *v1alpha1.WeaveNetwork) { n.Spec.CleanupPolicy = v1alpha1.CleanupClean }

func counted(n *v1alpha1.WeaveNetwork) { n.Spec.InitialPeerCount = 0 }

func weaveImage(image string) weaveEdit {
	return func(n *v1alpha1.WeaveNetwork) { n.Spec.Image = image }
}

func weavePassword(n *v1alpha1.WeaveNetwork) {
	n.Spec.Password = &v1alpha1.WeavePassword{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "weave", Key: "password"}, Revision: "1"}
}

var (
	weaveNetwork = &v1alpha1.WeaveNetwork{ObjectMeta: metav1.ObjectMeta{Name: names.WeaveNetwork}}
	weaveRouters = &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: names.WeaveNamespace, Name: names.WeaveRouters}}
)

var weaveWorkloads = []weaveWorkload{
	{name: "install", steps: []weaveStep{weaveIs(managed)}},
	{name: "install when the nodes are counted", steps: []weaveStep{weaveIs(managed, counted)}},
	{name: "observe, manage, observe", steps: []weaveStep{weaveIs(observed), weaveBecomes(managed), weaveBecomes(observed)}},
	{name: "another image and back", given: []weaveStep{weaveIs(managed)}, steps: []weaveStep{weaveBecomes(weaveImage("weave:2")), weaveBecomes(weaveImage(""))}},
	{name: "a password", given: []weaveStep{weaveIs(managed)}, steps: []weaveStep{weaveBecomes(weavePassword)}},
	{name: "routers deleted by hand", given: []weaveStep{weaveIs(managed)}, steps: []weaveStep{weaveGoes(weaveRouters)}},
	{name: "delete, which leaves Weave, and take it up again", given: []weaveStep{weaveIs(managed)}, steps: []weaveStep{weaveGoes(weaveNetwork), weaveIs(managed)}},
	{name: "delete and clean", given: []weaveStep{weaveIs(managed, cleaned)}, steps: []weaveStep{weaveGoes(weaveNetwork)}},
}

// beginWeave has there be what a workload starts with.
func beginWeave(t *testing.T, on *rig.Rig, load *weaveWorkload) *rig.Fabric {
	t.Helper()
	f := on.NewFabric(t)
	for _, do := range load.given {
		do(t, f)
		f.Converge()
	}
	return f
}

// playWeave plays a workload of the WeaveNetwork, and has fail what is to fail.
func playWeave(t *testing.T, on *rig.Rig, load *weaveWorkload, what trial) *run {
	t.Helper()
	f := beginWeave(t, on, load)
	defer f.End()
	return record(f, what, len(load.steps), func(i int) { load.steps[i](t, f) })
}
