// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// transformOf is what the manager's cache does with a kind.
func transformOf(kind client.Object) cache.TransformFunc {
	for object, options := range observe.CacheOptions() {
		if reflect.TypeOf(object) == reflect.TypeOf(kind) {
			return options.Transform
		}
	}
	return nil
}

func TestTemplatesShareTheirScriptsAndNothingElse(t *testing.T) {
	g := NewWithT(t)
	template := func(image string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "before", Command: []string{strings.Clone("sh")}}},
			Containers:     []corev1.Container{{Name: "symphony", Image: image, Args: []string{strings.Clone("exec start")}}},
		}}
	}
	deployment := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: template("sym712")}}
	set := &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: template("sym732")}}
	for _, object := range []client.Object{deployment, set} {
		g.Expect(transformOf(object)(object)).To(BeIdenticalTo(object))
	}
	g.Expect(deployment.Spec.Template).To(Equal(template("sym712")))
	g.Expect(set.Spec.Template).To(Equal(template("sym732")))

	first, second := &deployment.Spec.Template.Spec, &set.Spec.Template.Spec
	g.Expect(unsafe.StringData(first.Containers[0].Args[0])).To(BeIdenticalTo(unsafe.StringData(second.Containers[0].Args[0])))
	g.Expect(unsafe.StringData(first.InitContainers[0].Command[0])).To(BeIdenticalTo(unsafe.StringData(second.InitContainers[0].Command[0])))
}
