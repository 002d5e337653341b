// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func transformed(t *testing.T, transform cache.TransformFunc, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	object, err := transform(pod)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	kept, ok := object.(*corev1.Pod)
	NewWithT(t).Expect(ok).To(BeTrue())
	return kept
}

func TestPodsShareWhatTheyHaveInCommonAndNothingElse(t *testing.T) {
	g := NewWithT(t)
	transform := transformOf(&corev1.Pod{})
	same := func(a, b map[string]string) bool {
		return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
	}
	first, second := transformed(t, transform, whole()), transformed(t, transform, whole())
	g.Expect(same(first.Labels, second.Labels)).To(BeTrue())
	g.Expect(same(first.Annotations, second.Annotations)).To(BeTrue())
	g.Expect(&first.Status.ContainerStatuses[0]).To(BeIdenticalTo(&second.Status.ContainerStatuses[0]))

	other := whole()
	other.Labels[names.LabelIdle] = "true"
	other.Status.Conditions[2].Status, other.Status.Conditions[2].LastTransitionTime = corev1.ConditionFalse, metav1.NewTime(time.Unix(7, 0))
	other.OwnerReferences[0].UID = "another"
	alone := other.DeepCopy()
	_, err := observe.TrimPod(alone)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(transformed(t, transform, other)).To(Equal(alone), "what differs stays as it is")
	g.Expect(first).To(Equal(second), "and does not change what others share")
	g.Expect(first.Labels).NotTo(HaveKey(names.LabelIdle))
}

// 30,000 pods are held by an operator that is to do with 150 MB, and its heap is twice what is held in it.
func TestThePodsOfALargeClusterAreSmallInMemory(t *testing.T) {
	const pods, most = 2000, 1500
	transform := transformOf(&corev1.Pod{})
	held := make([]*corev1.Pod, pods)
	before := heap()
	for i := range held {
		pod := whole()
		pod.Name, pod.UID, pod.Status.PodIP = fmt.Sprintf("prod-compute-%05d", i), "00000000-0000-0000-0000-000000000000", "10.32.100.100"
		held[i] = transformed(t, transform, pod)
	}
	each := (heap() - before) / pods
	runtime.KeepAlive(held)
	t.Logf("%d bytes a pod", each)
	NewWithT(t).Expect(each).To(BeNumerically("<", most), "bytes")
}

func heap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
