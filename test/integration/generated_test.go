// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/conditions"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
	"github.com/symphony-operator/symphony-operator/test/generate"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// generatedSeed is the first of the seeds, one a spec. A failure names the one that it is about.
const (
	generatedSeed  = 20260101
	generatedSpecs = 120
)

// askedAtOnce is how many specs are shown to the API server at a time.
const askedAtOnce = 8

// firstPass is a pass over a cluster that has a master with an address and nothing else, as the operator makes it, but for
// that the API server keeps nothing of it. It is not shown what is like in known.
func firstPass(ctx context.Context, cluster *v1alpha1.SymphonyCluster, known *build.Children) (*build.Children, *v1alpha1.SymphonyClusterStatus, error) {
	facts := &observe.Facts{Cluster: cluster, Now: time.Now(), MasterPods: []*corev1.Pod{runningMaster(cluster)}}
	if cluster.Spec.Network.Mode == v1alpha1.NetworkWeave {
		facts.Weave = &observe.WeaveRead{}
	}
	decided := plan.Make(facts)
	pass := &status.Input{Facts: facts, Plan: &decided}
	if invalid := cluster.Validate().ToAggregate(); invalid != nil {
		return nil, nil, fmt.Errorf("the operator refuses what was admitted: %w", invalid)
	}
	var err error
	if pass.Children, err = build.All(facts, &decided); err != nil {
		return nil, nil, err
	}
	if known != nil {
		leaveOut(pass.Children, known)
	}
	applier := &apply.Applier{Client: client.NewDryRunClient(client.WithFieldOwner(api, names.FieldManager)), Live: api, Clock: clock.RealClock{}}
	pass.Outcome = applier.Everything(ctx, facts, &decided, pass.Children)
	after := status.Of(pass)
	conditions.Stamp(after.Conditions, metav1.NewTime(facts.Now))
	for _, problem := range pass.Outcome.Problems {
		if !told(&after, problem.Message) || !slices.Contains([]apply.ProblemKind{apply.Rejected, apply.NodePort, apply.Forbidden}, problem.Kind) {
			return pass.Children, &after, fmt.Errorf("%s, and nobody is told: %s", problem.Kind, problem.Message)
		}
	}
	return pass.Children, &after, nil
}

// leaveOut takes away the children that are like those that are known.
func leaveOut(children, known *build.Children) {
	like := func(a, b any) bool {
		one, errOne := json.Marshal(a)
		two, errTwo := json.Marshal(b)
		return errOne == nil && errTwo == nil && bytes.Equal(one, two)
	}
	before := reflect.ValueOf(known).Elem()
	for i, field := range reflect.ValueOf(children).Elem().Fields() {
		if former := before.FieldByIndex(i.Index); field.Kind() == reflect.Pointer && like(field.Interface(), former.Interface()) {
			field.SetZero()
		}
	}
	children.Revisions = slices.DeleteFunc(children.Revisions, func(one *appsv1ac.ControllerRevisionApplyConfiguration) bool {
		return slices.ContainsFunc(known.Revisions, func(other *appsv1ac.ControllerRevisionApplyConfiguration) bool { return like(one, other) })
	})
}

// told reports whether a status has somebody act on a problem.
func told(after *v1alpha1.SymphonyClusterStatus, message string) bool {
	stalled := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionStalled)
	begin, _, _ := strings.Cut(message, ":")
	return stalled != nil && strings.HasPrefix(stalled.Message, begin)
}

func runningMaster(cluster *v1alpha1.SymphonyCluster) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster.Namespace, Name: names.MasterName(cluster.Name) + "-x", Labels: names.Labels(cluster.Name, names.Master)},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.32.0.1", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

// imageChecksOf are the pods that are made when a cluster that runs gets this spec.
func imageChecksOf(cluster *v1alpha1.SymphonyCluster, children *build.Children) ([]*corev1.Pod, error) {
	facts := &observe.Facts{Cluster: cluster, Now: time.Now(), MasterDeployment: &appsv1.Deployment{}, ComputeSet: &appsv1.ReplicaSet{}}
	for object, from := range map[any]any{facts.MasterDeployment: children.MasterDeployment, facts.ComputeSet: children.ComputeSet} {
		data, err := json.Marshal(from)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, object); err != nil {
			return nil, err
		}
	}
	for _, template := range []*corev1.PodTemplateSpec{&facts.MasterDeployment.Spec.Template, &facts.ComputeSet.Spec.Template} {
		template.Labels = map[string]string{names.LabelRevision: "former"}
		template.Spec.Containers = []corev1.Container{{Name: names.Container, Image: "former"}}
	}
	decided := plan.Make(facts)
	changed, err := build.All(facts, &decided)
	if err != nil {
		return nil, err
	}
	var pods []*corev1.Pod
	for _, check := range changed.ImageChecks {
		pods = append(pods, check.Pod)
	}
	return pods, nil
}

// inParallel does something for each of n, a few at a time, and returns what went wrong.
func inParallel(n int, do func(i int) error) []string {
	var group sync.WaitGroup
	slots, failures := make(chan struct{}, askedAtOnce), make([]string, n)
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			defer GinkgoRecover()
			if err := do(i); err != nil {
				failures[i] = err.Error()
			}
		})
	}
	group.Wait()
	return slices.DeleteFunc(failures, func(text string) bool { return text == "" })
}

// expectNone shows all that went wrong: what is common to them is what tells.
func expectNone(failed []string) {
	GinkgoHelper()
	if len(failed) > 0 {
		Fail(fmt.Sprintf("%d:\n%s", len(failed), strings.Join(failed, "\n")))
	}
}

var _ = Describe("Any valid spec", func() {
	It("has children that the API server takes, or somebody is told why not", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		failed := inParallel(generatedSpecs, func(i int) error {
			seed := int64(generatedSeed + i)
			cluster := generate.FromSeed(seed).Cluster()
			cluster.Namespace = w.namespace
			if err := w.show(ctx, cluster); err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
			return nil
		})
		GinkgoWriter.Printf("%d specs from seed %d on\n", generatedSpecs, generatedSeed)
		expectNone(failed)
	})
})

// show shows a cluster and what is built for it to the API server.
func (w *world) show(ctx context.Context, cluster *v1alpha1.SymphonyCluster) error {
	sent := cluster.DeepCopy()
	sent.UID = ""
	if err := api.Create(ctx, sent, client.DryRunAll); err != nil {
		return fmt.Errorf("it is not admitted: %w", err)
	}
	children, after, err := firstPass(ctx, cluster, nil)
	if err != nil {
		return err
	}
	seen := cluster.DeepCopy()
	seen.Status = *after
	if broken := oracle.CheckStatus(seen); len(broken) > 0 {
		return fmt.Errorf("its status: %v", broken)
	}
	if children.ComputeSet == nil && cluster.Spec.Network != (v1alpha1.NetworkSpec{}) {
		cluster = cluster.DeepCopy()
		cluster.Spec.Network = v1alpha1.NetworkSpec{} // Compute waits for it.
		if children, after, err = firstPass(ctx, cluster, nil); err != nil {
			return err
		}
	}
	// A port that a Service of another spec has is chance.
	if stalled := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionStalled); stalled != nil && !strings.Contains(stalled.Message, "already allocated") {
		return fmt.Errorf("refused: %s: %s", stalled.Reason, stalled.Message)
	}
	checks, err := imageChecksOf(cluster, children)
	if err != nil {
		return err
	}
	for _, pod := range checks {
		if err := api.Create(ctx, pod, client.DryRunAll); err != nil {
			return fmt.Errorf("the image check: %w", err)
		}
	}
	return nil
}
