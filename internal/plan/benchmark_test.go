// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// A pass over the largest grid that the project promises, at rest, with a tenth of its pods to drain, and with that tenth released.
func BenchmarkPlan(b *testing.B) {
	const all = 30000
	for _, c := range []struct {
		name   string
		wanted int
		edits  func(i int) []func(*corev1.Pod)
		state  ego.State
	}{
		{"at rest", all, func(int) []func(*corev1.Pod) { return nil }, ego.StateOK},
		{"3000 to choose", all - 3000, func(int) []func(*corev1.Pod) { return nil }, ego.StateOK},
		{"3000 to release", all - 3000, tenth(chosen(names.Draining, minute), hostClosed), ego.StateClosed},
		{"3000 released", all - 3000, tenth(chosen(names.Released, minute), hostClosed), ego.StateClosed},
		{"3000 to replace", all, tenth(revision("old")), ego.StateOK},
	} {
		b.Run(c.name, func(b *testing.B) {
			pods, hosts := make([]*corev1.Pod, 0, all), make([]ego.Host, 0, all)
			for i := range all {
				name, held, state := fmt.Sprintf("%05d", i), 1, ego.StateOK
				if i%10 == 0 {
					held, state = nothing, c.state
				}
				pods, hosts = append(pods, member(i, name, c.edits(i)...)), append(hosts, hostOf(name, state, held))
			}
			for b.Loop() {
				drained(c.wanted, pods, says(hosts...))
			}
		})
	}
}

func tenth(edits ...func(*corev1.Pod)) func(int) []func(*corev1.Pod) {
	return func(i int) []func(*corev1.Pod) {
		if i%10 == 0 {
			return edits
		}
		return nil
	}
}
