// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/mutate"
	"github.com/symphony-operator/symphony-operator/test/rig"
)

// silent are fields whose change shows in no child, each with its reason. A prefix stands for what is below it.
var silent = map[string]string{
	"compute.scaleIn.drainTimeout":  "it is of pods that are to go; the grace period that follows from it is in the template, and shows",
	"compute.scaleIn.reclaimGrace":  "it is of pods that are to go",
	"compute.scaleIn.settle":        "it is of decisions after a start of the master",
	"compute.update.maxUnavailable": "it is of an update under way",
	"compute.update.type":           "it is of an update under way",
	"gui.nodePort":                  "ports are left out of comparisons: an allocated one is kept",
	"network.check":                 "compute pods are there: the network is not measured any more",
	"network.mode":                  "compute pods are there: the network holds nothing up any more",
}

// valuesTried is how many valid values of each field a running object gets.
const valuesTried = 3

// clusterFields are the fields of the SymphonyCluster's CRD.
func clusterFields(t *testing.T) []mutate.Field {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", "bases", "symphony-operator.io_symphonyclusters.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, crd); err != nil {
		t.Fatal(err)
	}
	return mutate.Fields(crd)
}

// TestEveryField changes every field of one running object, there and back: a valid change shows in a child, going back restores what there was;
// one that only the operator can refuse stalls it, and nothing that runs is touched.
func TestEveryField(t *testing.T) {
	inLanes(t, 8, func(t *testing.T, m *mutated, fields []*mutate.Field) {
		t.Helper()
		for _, field := range fields {
			m.field(t, field)
		}
	})
}

// inLanes shares the fields that can change out among several clusters, and does something with each one's.
func inLanes(t *testing.T, lanes int, do func(t *testing.T, m *mutated, fields []*mutate.Field)) {
	t.Helper()
	fields := clusterFields(t)
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane+1), func(t *testing.T) {
			t.Parallel()
			var own []*mutate.Field
			for i := lane; i < len(fields); i += lanes {
				if fields[i].Frozen == "" {
					own = append(own, &fields[i])
				}
			}
			m := newMutated(t)
			do(t, m, own)
			for _, breach := range m.w.Breaches() {
				t.Error(breach)
			}
		})
	}
}

// TestManyFields changes one field after the other and takes nothing back: the end is that of a new object with the same spec. Fields that are
// about a moment (silent) are left out: a new object may wait for what one that runs has behind it.
func TestManyFields(t *testing.T) {
	inLanes(t, 4, func(t *testing.T, m *mutated, fields []*mutate.Field) {
		t.Helper()
		var done []string
		for _, field := range fields {
			if len(field.Valid) == 0 || field.Path == "suspend" || silence(field.Path) != "" {
				continue
			}
			// Two fields may exclude each other: then the API server says so, and the next one is tried.
			if err := m.change(&field.Valid[0]); err == nil {
				done = append(done, field.Path)
				m.w.Converge()
			} else if !apierrors.IsInvalid(err) {
				t.Fatal(err)
			}
		}
		for path, what := range rig.Differences(fresh(t, m.w, "prod"), lasting(m.w.State())) {
			t.Errorf("after %v: %s: %s", done, path, what)
		}
	})
}

// mutated is a cluster that runs, and its spec.
type mutated struct {
	w *rig.World
	// spec is that of the beginning.
	spec map[string]any
}

func newMutated(t *testing.T) *mutated {
	t.Helper()
	w := machine.NewWorld(t)
	w.Force() // Some fields say that work is not waited for.
	w.Quiet = 15 * time.Second
	w.Create("prod", replicas(1))
	w.Converge()
	m := &mutated{w: w}
	object, err := m.read()
	if err != nil {
		t.Fatal(err)
	}
	m.spec, _, _ = unstructured.NestedMap(object.Object, "spec")
	return m
}

func (m *mutated) read() (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind("SymphonyCluster"))
	err := m.w.API.Get(m.w.Context(), client.ObjectKey{Namespace: m.w.Namespace, Name: "prod"}, object)
	return object, err
}

// change applies a mutation as an editor does, by replacing the object.
func (m *mutated) change(mutation *mutate.Mutation) error {
	object, err := m.read()
	if err != nil {
		return err
	}
	mutation.To(object)
	return m.w.API.Update(m.w.Context(), object)
}

// restore gives the object the spec of the beginning.
func (m *mutated) restore(t *testing.T) {
	t.Helper()
	object, err := m.read()
	if err == nil {
		object.Object["spec"] = (&unstructured.Unstructured{Object: m.spec}).DeepCopy().Object
		err = m.w.API.Update(m.w.Context(), object)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.w.Converge()
}

// field changes one field, there and back.
func (m *mutated) field(t *testing.T, field *mutate.Field) {
	t.Helper()
	shows, why := len(field.Valid) == 0, silence(field.Path)
	// Some values are the default, and change nothing. All others are shown to the API server by test/integration, which is less work.
	for i := 0; i < len(field.Valid) && (i == 0 || !shows && why == "" && i < valuesTried); i++ {
		before := lasting(m.w.State())
		if err := m.change(&field.Valid[i]); err != nil {
			t.Errorf("%s: %v", field.Valid[i].Name, err)
			continue
		}
		m.w.Converge()
		shows = shows || len(children(rig.Differences(before, lasting(m.w.State())))) > 0
		m.restore(t)
		for path, what := range rig.Differences(before, lasting(m.w.State())) {
			if strings.HasPrefix(path, "PersistentVolumeClaim ") {
				continue // It has the master's state: it outlives even its cluster.
			}
			t.Errorf("%s: going back does not restore %s: %s", field.Valid[i].Name, path, what)
		}
	}
	if !shows && why == "" {
		t.Errorf("%s shows in no child", field.Path)
	}
	for i := range field.Invalid {
		if field.Invalid[i].Later != "" {
			m.refused(t, &field.Invalid[i])
		}
	}
}

// refused is a change that admission takes and the operator does not.
func (m *mutated) refused(t *testing.T, mutation *mutate.Mutation) {
	t.Helper()
	before := generations(m.w)
	if err := m.change(mutation); err != nil {
		t.Errorf("%s: %v", mutation.Name, err)
		return
	}
	m.w.Converge()
	cluster, _ := m.w.Objects()[rig.Key{Kind: "SymphonyCluster", Name: "prod"}].(*v1alpha1.SymphonyCluster)
	stalled := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionStalled)
	ready := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionReady)
	if stalled == nil && !strings.Contains(ready.Message, mutation.Says) {
		t.Errorf("%s: it is not refused: Ready is %s: %s", mutation.Name, ready.Status, ready.Message)
	} else if stalled != nil && (stalled.Reason != mutation.Later || !strings.Contains(stalled.Message, mutation.Says)) {
		t.Errorf("%s: refused with %s: %s", mutation.Name, stalled.Reason, stalled.Message)
	}
	for path, what := range rig.Differences(before, generations(m.w)) {
		t.Errorf("%s: it touches %s: %s", mutation.Name, path, what)
	}
	m.restore(t)
}

func silence(path string) string {
	for begin, why := range silent {
		if path == begin || strings.HasPrefix(path, begin+".") {
			return why
		}
	}
	return ""
}

// children leaves the cluster's own object out.
func children(differences map[string]string) []string {
	var paths []string
	for path := range differences {
		if !strings.HasPrefix(path, "SymphonyCluster ") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// generations are the identities and generations of all that runs: Deployments, ReplicaSets and pods, but those that look whether an image can
// be pulled.
func generations(w *rig.World) map[string]string {
	found := map[string]string{}
	for key, object := range w.Objects() {
		switch {
		case key.Kind == "Pod" && strings.Contains(key.Name, "-image-"):
		case key.Kind == "Deployment", key.Kind == "ReplicaSet", key.Kind == "Pod":
			found[key.Kind+" "+key.Name] = fmt.Sprint(object.GetUID(), types.UID("/"), object.GetGeneration())
		}
	}
	return found
}
