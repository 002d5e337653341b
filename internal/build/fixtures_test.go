// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

type edit func(*v1alpha1.SymphonyCluster)

// newCluster is the smallest cluster that there can be, edited.
func newCluster(edits ...edit) *v1alpha1.SymphonyCluster {
	cluster := &v1alpha1.SymphonyCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod", UID: "cluster-uid", Generation: 1},
		Spec:       v1alpha1.SymphonyClusterSpec{Image: "sym712"},
	}
	for _, change := range edits {
		change(cluster)
	}
	return cluster
}

func overlay(text string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(text)} }

func masterOverlay(text string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Master.PodTemplate = overlay(text) }
}

func computeOverlay(text string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.PodTemplate = overlay(text) }
}

const hostsLine = "10.32.0.1 prod-master"

// follow is the plan while the master's address is known.
func follow(replicas int32) *plan.Plan {
	return &plan.Plan{
		Address: &plan.Address{IP: "10.32.0.1", Hostname: "prod-master"},
		Compute: plan.Compute{Verdict: plan.Follow, Replicas: replicas, SetReplicas: replicas, MasterHosts: hostsLine},
	}
}

// hold is the plan while the master of an existing compute set has no address.
func hold(replicas int32) *plan.Plan {
	return &plan.Plan{Compute: plan.Compute{Verdict: plan.Hold, Replicas: replicas, SetReplicas: replicas, MasterHosts: hostsLine}}
}

// buildAll builds from facts that must be buildable.
func buildAll(t *testing.T, facts *observe.Facts, decided *plan.Plan) *build.Children {
	t.Helper()
	children, err := build.All(facts, decided)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return children
}

// buildFirst builds the children of a cluster that has none yet.
func buildFirst(t *testing.T, edits ...edit) *build.Children {
	t.Helper()
	return buildAll(t, &observe.Facts{Cluster: newCluster(edits...)}, follow(1))
}

// stored is a ControllerRevision as the API server keeps it.
func stored(t *testing.T, revision *appsv1ac.ControllerRevisionApplyConfiguration) *appsv1.ControllerRevision {
	t.Helper()
	object := decoded[appsv1.ControllerRevision](t, revision)
	object.UID = types.UID("uid-of-" + object.Name)
	return object
}

// storedRevisions are those of both roles after the children were applied.
func storedRevisions(t *testing.T, children *build.Children) []*appsv1.ControllerRevision {
	t.Helper()
	var all []*appsv1.ControllerRevision
	for _, revision := range children.Revisions {
		all = append(all, stored(t, revision))
	}
	return all
}

// changedData is the revision with another image in its template: what another version of the operator
// rendered for the same spec.
func changedData(t *testing.T, revision *appsv1.ControllerRevision, image string) *appsv1.ControllerRevision {
	t.Helper()
	g := NewWithT(t)
	template := &corev1ac.PodTemplateSpecApplyConfiguration{}
	g.Expect(json.Unmarshal(revision.Data.Raw, template)).To(Succeed())
	template.Spec.Containers[0].WithImage(image)
	data, err := json.Marshal(template)
	g.Expect(err).NotTo(HaveOccurred())
	changed := revision.DeepCopy()
	changed.Data.Raw = data
	return changed
}

// liveSet is a compute ReplicaSet that was created from the given revision.
func liveSet(revision string) *appsv1.ReplicaSet {
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-compute", UID: "set-uid"}}
	set.Spec.Template.Labels = map[string]string{names.LabelRevision: revision}
	return set
}

// decoded is an apply configuration as the API server reads it.
func decoded[T any](t *testing.T, configuration any) *T {
	t.Helper()
	g := NewWithT(t)
	data, err := json.Marshal(configuration)
	g.Expect(err).NotTo(HaveOccurred())
	object := new(T)
	g.Expect(json.Unmarshal(data, object)).To(Succeed())
	return object
}

func masterPod(t *testing.T, children *build.Children) *corev1.PodTemplateSpec {
	t.Helper()
	NewWithT(t).Expect(children.MasterDeployment).NotTo(BeNil(), "%v", children.Invalid)
	return &decoded[appsv1.Deployment](t, children.MasterDeployment).Spec.Template
}

func computePod(t *testing.T, children *build.Children) *corev1.PodTemplateSpec {
	t.Helper()
	NewWithT(t).Expect(children.ComputeSet).NotTo(BeNil(), "%v", children.Invalid)
	return &decoded[appsv1.ReplicaSet](t, children.ComputeSet).Spec.Template
}
