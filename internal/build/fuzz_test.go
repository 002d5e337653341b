// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// FuzzOverlay lays any bytes over both pods: the operator must not panic, and what it accepts must still have all
// that it needs. Admission lets any JSON object through, so this is what a user can send.
func FuzzOverlay(f *testing.F) {
	for _, tests := range []map[string]refusal{mistakes, twice, losses} {
		for _, test := range tests {
			f.Add([]byte(test.overlay))
		}
	}
	for _, text := range []string{
		"", "null", "{}", "[]", "1", `{"spec":null}`, `{"metadata":null}`, `{"spec":{"containers":null}}`,
		`{"spec":{"containers":[null]}}`, `{"spec":{"initContainers":[null]}}`, `{"spec":{"containers":[{}]}}`,
		`{"spec":{"containers":[{"name":null}]}}`, `{"spec":{"containers":[[]]}}`, `{"spec":{"volumes":[null]}}`,
		`{"spec":{"containers":[{"name":"a"},{"name":"a"}]}}`, `{"spec":{"tolerations":[null]}}`,
		`{"spec":{"topologySpreadConstraints":[{"topologyKey":"a"},{"topologyKey":"a"}]}}`,
		`{"metadata":{"finalizers":["a"],"ownerReferences":[{"uid":"a"}],"labels":{"":""}}}`,
		`{"spec":{"priority":1e3,"activeDeadlineSeconds":9223372036854775807}}`,
		inSymphony(`"ports":[null]`), inSymphony(`"env":[null]`), inSymphony(`"env":[{"name":"A"},{"name":"A","value":"b"}]`),
		inSymphony(`"env":[{"name":"PATH","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]`),
		inSymphony(`"securityContext":null`), inSymphony(`"resources":{"limits":{"cpu":"x"}}`),
		inSymphony(`"volumeMounts":[{"mountPath":"/x","name":"y"}]`),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for role, change := range map[string]edit{
			names.Master:  masterOverlay(string(text)),
			names.Compute: computeOverlay(string(text)),
		} {
			facts := &observe.Facts{Cluster: newCluster(withSecrets, change)}
			children := buildAll(t, facts, follow(1))
			if len(children.Invalid) > 0 {
				expectRefusal(t, role, children)
				continue
			}
			expectProtected(t, names.Master, masterPod(t, children))
			expectProtected(t, names.Compute, computePod(t, children))
		}
	})
}

// withSecrets gives the master every mount that it can have.
func withSecrets(c *v1alpha1.SymphonyCluster) {
	secret := v1alpha1.SecretKeyReference{Name: "secret", Key: "key"}
	c.Spec.Entitlement = &v1alpha1.Entitlement{SecretKeyRef: &secret}
	c.Spec.AdminPassword = &v1alpha1.AdminPassword{SecretKeyRef: secret}
	c.Spec.GUI.TLS = &v1alpha1.GUITLS{SecretName: "tls"}
}

// expectRefusal expects that a refused overlay says why, and changes nothing.
func expectRefusal(t *testing.T, role string, children *build.Children) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(children.Invalid).To(HaveLen(1))
	g.Expect(children.Invalid[0].Role).To(Equal(role))
	g.Expect(children.Invalid[0].Problem).NotTo(BeEmpty())
	g.Expect(children.MasterDeployment == nil).To(Equal(role == names.Master))
	g.Expect(children.ComputeSet == nil).To(Equal(role == names.Compute))
}

// expectProtected compares with the pod that is built without an overlay.
func expectProtected(t *testing.T, role string, got *corev1.PodTemplateSpec) {
	t.Helper()
	g := NewWithT(t)
	bare := buildFirst(t, withSecrets)
	want := computePod(t, bare)
	if role == names.Master {
		want = masterPod(t, bare)
	}
	for _, key := range []string{names.LabelManagedBy, names.LabelName, names.LabelCluster, names.LabelRole} {
		g.Expect(got.Labels).To(HaveKeyWithValue(key, want.Labels[key]))
	}
	g.Expect(got.Annotations[names.AnnotationMasterHosts]).To(Equal(want.Annotations[names.AnnotationMasterHosts]))
	g.Expect(got.Spec.Hostname).To(Equal(want.Spec.Hostname))
	g.Expect(got.Spec.HostNetwork).To(BeFalse())
	g.Expect(got.Spec.Volumes).To(ContainElements(asAny(want.Spec.Volumes)...))

	g.Expect(containerNames(got)[0]).To(Equal(names.Container))
	container, base := &got.Spec.Containers[0], &want.Spec.Containers[0]
	g.Expect(container.Command).To(Equal(base.Command))
	g.Expect(container.Args).To(Equal(base.Args))
	g.Expect(container.Env).To(ContainElements(asAny(base.Env)...))
	g.Expect(container.VolumeMounts).To(ContainElements(asAny(base.VolumeMounts)...))
	g.Expect(container.ReadinessProbe.Exec).To(Equal(base.ReadinessProbe.Exec))
}

func asAny[T any](all []T) []any {
	elements := make([]any, 0, len(all))
	for _, element := range all {
		elements = append(elements, element)
	}
	return elements
}
