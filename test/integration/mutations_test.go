// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/test/admission"
	"github.com/symphony-operator/symphony-operator/test/mutate"
)

// mutations shows every mutation of a kind, alone and on the smallest object, to the API server.
type mutations struct {
	judge     *admission.Judge
	namespace string
	name      string
	smallest  func() map[string]any
	// known are the children of the smallest SymphonyCluster.
	known *build.Children
}

func (m *mutations) object(mutation *mutate.Mutation) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: m.judge.Object(m.name, m.smallest())}
	object.SetNamespace(m.namespace)
	if mutation != nil {
		mutation.To(object)
	}
	return object
}

// create asks as kubectl does: an unknown field is an error.
func (m *mutations) create(ctx context.Context, mutation *mutate.Mutation) (*unstructured.Unstructured, error) {
	object := m.object(mutation)
	strict := client.WithFieldValidation(api, metav1.FieldValidationStrict)
	return object, strict.Create(ctx, object, client.DryRunAll)
}

// valid is admitted, and what is built for it too.
func (m *mutations) valid(ctx context.Context, mutation *mutate.Mutation) error {
	stored, err := m.create(ctx, mutation)
	if err != nil {
		return fmt.Errorf("it is not admitted: %w", err)
	}
	stalled, err := m.stalled(ctx, stored)
	if err == nil && stalled != nil {
		return fmt.Errorf("%s: %s", stalled.Reason, stalled.Message)
	}
	return err
}

// invalid is refused, by a message that names the field or says what is wrong.
func (m *mutations) invalid(ctx context.Context, mutation *mutate.Mutation) error {
	stored, err := m.create(ctx, mutation)
	switch {
	case mutation.Later == "" && err == nil:
		return errors.New("it is admitted")
	case mutation.Later == "" && !strings.Contains(err.Error(), mutation.Says):
		return fmt.Errorf("it is refused without a word of %q: %w", mutation.Says, err)
	case mutation.Later == "":
		return nil
	case err != nil:
		return fmt.Errorf("it is not admitted: %w", err)
	}
	if mutation.Later == v1alpha1.ReasonNodePortUnavailable {
		return nil // A dry run allocates no port. stalled_test.go has it with a Service that is created.
	}
	stalled, err := m.stalled(ctx, stored)
	switch {
	case err != nil:
		return err
	case stalled == nil:
		return errors.New("the operator does not refuse it")
	case stalled.Reason != mutation.Later || !strings.Contains(stalled.Message, mutation.Says):
		return fmt.Errorf("it is refused without a word of %q: %s: %s", mutation.Says, stalled.Reason, stalled.Message)
	}
	return nil
}

// stalled is what the operator would say of a SymphonyCluster that nobody but a person can help.
func (m *mutations) stalled(ctx context.Context, stored *unstructured.Unstructured) (*metav1.Condition, error) {
	if stored.GetKind() != "SymphonyCluster" {
		return nil, nil
	}
	cluster := &v1alpha1.SymphonyCluster{}
	if err := admission.Decode(stored.Object, cluster); err != nil {
		return nil, fmt.Errorf("it cannot be decoded: %w", err)
	}
	cluster.UID = "uid"
	_, after, err := firstPass(ctx, cluster, m.known)
	if err != nil {
		return nil, err
	}
	return meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionStalled), nil
}

// all shows all of them, and returns what is not as it should be.
func (m *mutations) all(ctx context.Context) []string {
	type one struct {
		mutation *mutate.Mutation
		check    func(context.Context, *mutate.Mutation) error
	}
	var every []one
	fields := mutate.Fields(m.judge.CRD)
	for i := range fields {
		for j := range fields[i].Valid {
			every = append(every, one{&fields[i].Valid[j], m.valid})
		}
		for j := range fields[i].Invalid {
			every = append(every, one{&fields[i].Invalid[j], m.invalid})
		}
	}
	GinkgoWriter.Printf("%d mutations of %d fields\n", len(every), len(fields))
	return inParallel(len(every), func(i int) error {
		if err := every[i].check(ctx, every[i].mutation); err != nil {
			return fmt.Errorf("%s: %w", every[i].mutation.Name, err)
		}
		return nil
	})
}

var _ = Describe("Every field", func() {
	DescribeTable("takes what it may have, and refuses the rest", func(ctx SpecContext, file, name string, smallest func() map[string]any) {
		w := newWorldWithoutOperator(ctx)
		judge, err := admission.Load(filepath.Join("..", "..", filepath.FromSlash(file)))
		Expect(err).NotTo(HaveOccurred())
		m := &mutations{judge: judge, namespace: w.namespace, name: name, smallest: smallest}
		if judge.CRD.Spec.Scope == "Cluster" {
			m.namespace = ""
		}
		if judge.CRD.Spec.Names.Kind == "SymphonyCluster" {
			stored, err := m.create(ctx, nil)
			Expect(err).NotTo(HaveOccurred())
			cluster := &v1alpha1.SymphonyCluster{}
			Expect(admission.Decode(stored.Object, cluster)).To(Succeed())
			cluster.UID = "uid"
			m.known, _, err = firstPass(ctx, cluster, nil)
			Expect(err).NotTo(HaveOccurred())
		}
		expectNone(m.all(ctx))
	},
		Entry("of a SymphonyCluster", "config/crd/bases/symphony-operator.io_symphonyclusters.yaml", "prod",
			func() map[string]any { return map[string]any{"image": "sym"} }),
		Entry("of a NetworkCheck", "config/crd/bases/symphony-operator.io_networkchecks.yaml", "check",
			func() map[string]any { return map[string]any{} }),
		Entry("of a WeaveNetwork", "config/weave/crd/bases/symphony-operator.io_weavenetworks.yaml", "default",
			func() map[string]any { return map[string]any{"ipRange": "10.48.0.0/12"} }),
	)
})
