// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

var updateGolden = flag.Bool("update", false, "write the golden log of an update anew; read its diff")

// expectGolden compares a log with the one in testdata.
func expectGolden(name, got string) {
	GinkgoHelper()
	path := filepath.Join("testdata", name)
	if *updateGolden {
		Expect(os.WriteFile(path, []byte(got), 0o600)).To(Succeed())
	}
	want, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(got).To(Equal(string(want)), "if the change is meant, run the spec with -update; the log is now\n%s", got)
}

// computeOf matches the compute pods with an image.
func computeOf(wanted string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return kubelet.Role(names.Compute)(pod) && kubelet.Image(wanted)(pod) }
}

// progress is what the status said of updatedReplicas, version by version, since it has had a revision.
func (w *world) progress(revision string) (updated []int32) {
	for _, version := range w.monitor.Versions(w.namespace) {
		if version.Status.Compute.Revision == revision {
			updated = append(updated, version.Status.Compute.UpdatedReplicas)
		}
	}
	return updated
}

// expectAll is when all compute pods are of an image, EGO knows no others, and all of them take work.
func (w *world) expectAll(ctx context.Context, count int, image string) {
	GinkgoHelper()
	w.waitReady(ctx, "prod")
	w.tidy(ctx, "prod")
	Expect(w.computeNames(ctx, "prod")).To(HaveLen(count))
	Expect(w.withImage(ctx, image)).To(Equal(count))
	revision := w.cluster(ctx, "prod").Status.Compute.Revision
	for _, pod := range w.pods(ctx, "prod", names.Compute) {
		Expect(pod.Labels).To(HaveKeyWithValue(names.LabelRevision, revision))
	}
	Expect(w.cluster(ctx, "prod").Status.Compute.UpdatedReplicas).To(BeEquivalentTo(count))
}

var _ = Describe("An update of hosts with work", func() {
	It("takes idle hosts first and waits for the work of the others, never more of them than maxUnavailable", func(ctx SpecContext) {
		w, h := newRecorded(ctx, replicas(8), maxUnavailable(intstr.FromInt32(2)))
		old := w.cluster(ctx, "prod").Status.Compute.Revision
		// The oldest ones work: if their work was not looked at, they would be the first.
		busy, idle := h.byAge(ctx)[:4], h.byAge(ctx)[4:]
		h.call("busy", busy)
		h.call("idle", idle)
		h.work(ctx, busy...)
		w.kubelet.When(computeOf("new"), kubelet.Starting)

		h.stage(ctx, "the image is edited")
		w.change(ctx, "prod", computeImage("new"))
		h.reach(ctx, 2)
		Expect(w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUpdating)).
			To(Equal("0 of 8 compute pods have the new template and are ready"))
		h.stage(ctx, "the new pods get ready")
		h.getReady()
		h.reach(ctx, 4)
		Expect(w.computeNames(ctx, "prod")).To(ContainElements(busy))
		h.stage(ctx, "the new pods get ready")
		h.getReady()
		h.reach(ctx, 4, busy[0], busy[1])
		Expect(w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUpdating)).
			To(MatchRegexp("^4 of 8 compute pods have the new template and are ready; 2 compute pods are to go, 2 of which have work; what is left of it at "))
		for i := range busy {
			h.stage(ctx, fmt.Sprintf("the work of busy-%d ends", i+1))
			Expect(h.free(ctx, busy[i])).To(Succeed())
			h.reach(ctx, 5+i, busy[min(i+1, 4):min(i+2, 4)]...)
			h.stage(ctx, "the new pod gets ready")
			h.getReady()
			h.reach(ctx, 5+i, busy[min(i+1, 4):min(i+3, 4)]...)
		}

		w.expectAll(ctx, 8, "new")
		h.quiet(ctx)
		expectGolden("update.log", h.log())
		Expect(h.mostAway(8)).To(Equal(2))
		Expect(h.lostWork()).To(BeEmpty())
		revision := w.cluster(ctx, "prod").Status.Compute.Revision
		Expect(revision).NotTo(Equal(old))
		progress := w.progress(revision)
		Expect(slices.IsSorted(progress)).To(BeTrue(), "%v", progress)
		Expect(progress[len(progress)-1]).To(BeEquivalentTo(8))
	})

	DescribeTable("stops after the first batch of a broken image, and going back heals it", func(ctx SpecContext, workEnds bool) {
		w, h := newRecorded(ctx, replicas(8), maxUnavailable(intstr.FromInt32(2)))
		before := w.pods(ctx, "prod", names.Compute)
		idle, busy := h.byAge(ctx)[0], h.byAge(ctx)[1:]
		h.work(ctx, busy...)
		w.kubelet.When(computeOf("broken"), kubelet.State{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "no Symphony in this image"},
		})
		w.change(ctx, "prod", computeImage("broken"))
		broken, survivors, closed := 1, busy, busy[:1]
		if workEnds {
			h.reach(ctx, 1, busy[0])
			Expect(h.free(ctx, busy[0])).To(Succeed())
			broken, survivors, closed = 2, busy[1:], nil
		}
		h.reach(ctx, broken, closed...)
		message := w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonComputeFailed)
		Expect(message).To(And(HavePrefix("0 of 8 compute pods are ready"), ContainSubstring("no Symphony in this image")))
		for _, host := range busy[1:] {
			Expect(w.grids.Of("prod").State(host)).To(Equal(ego.StateOK))
			Expect(get[corev1.Pod](ctx, w, host).Annotations).NotTo(HaveKey(names.AnnotationDrain))
		}

		w.change(ctx, "prod", computeImage(""))
		w.expectAll(ctx, 8, "sym712")
		Expect(w.computeNames(ctx, "prod")).To(And(ContainElements(survivors), Not(ContainElement(idle))))
		Expect(uids(before)).To(ContainElements(w.uidsOf(ctx, survivors)), "they are the same")
		h.quiet(ctx)
		Expect(h.images()).To(HaveLen(2*broken), "%v", h.images())
		Expect(h.mostAway(8)).To(Equal(2))
		Expect(h.lostWork()).To(BeEmpty())
	},
		Entry("while one of it still drains", false),
		Entry("when its work has ended", true),
	)

	It("goes on to the second of two edits in a row", func(ctx SpecContext) {
		w, h := newRecorded(ctx, replicas(4), maxUnavailable(intstr.FromInt32(2)))
		all := h.byAge(ctx)
		busy := all[:3]
		h.work(ctx, busy...)
		w.change(ctx, "prod", computeImage("new1"))
		h.reach(ctx, 1, busy[0], busy[1])
		w.change(ctx, "prod", computeImage("new2"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUpdating)
		Eventually(func() string { return w.computeSet(ctx, "prod").Spec.Template.Spec.Containers[0].Image }).Should(Equal("new2"))
		h.reach(ctx, 1, busy[0], busy[1])
		for _, host := range busy {
			Expect(w.computeNames(ctx, "prod")).To(ContainElement(host))
			Expect(h.free(ctx, host)).To(Succeed())
			Eventually(func() []string { return w.computeNames(ctx, "prod") }).ShouldNot(ContainElement(host))
		}
		w.expectAll(ctx, 4, "new2")
		h.quiet(ctx)
		Expect(h.images()).To(ConsistOf("new1", "new2", "new2", "new2", "new2"))
		Expect(h.mostAway(4)).To(Equal(2))
		Expect(h.lostWork()).To(BeEmpty())
		Expect(h.log()).NotTo(ContainSubstring("open"))
	})

	It("goes together with a scale-in that has begun", func(ctx SpecContext) {
		w, h := newRecorded(ctx, replicas(8), maxUnavailable(intstr.FromInt32(2)))
		all := h.byAge(ctx)
		busy, idle := all[:6], all[6:]
		h.work(ctx, busy...)
		w.change(ctx, "prod", replicas(4))
		h.reach(ctx, 0, busy[0], busy[1])
		Expect(w.computeNames(ctx, "prod")).NotTo(ContainElements(idle))
		w.change(ctx, "prod", computeImage("new"))
		h.reach(ctx, 0, busy[:4]...)
		w.waitCondition(ctx, "prod", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDraining)
		for _, host := range busy {
			Expect(h.free(ctx, host)).To(Succeed())
			Eventually(func() []string { return w.computeNames(ctx, "prod") }).ShouldNot(ContainElement(host))
		}
		w.expectAll(ctx, 4, "new")
		h.quiet(ctx)
		Expect(h.images()).To(Equal([]string{"new", "new", "new", "new"}))
		Expect(h.mostAway(4)).To(Equal(2))
		Expect(h.lostWork()).To(BeEmpty())
	})
})

// uidsOf are those of pods by name.
func (w *world) uidsOf(ctx context.Context, pods []string) []string {
	GinkgoHelper()
	var all []string
	for _, name := range pods {
		all = append(all, string(get[corev1.Pod](ctx, w, name).UID))
	}
	return all
}

var _ = Describe("An update in the middle of which something else happens", func() {
	It("goes on while hosts are added", func(ctx SpecContext) {
		w, h := newRecorded(ctx, replicas(3), maxUnavailable(intstr.FromInt32(1)))
		busy, idle := h.byAge(ctx)[:2], h.byAge(ctx)[2:]
		h.call("busy", busy)
		h.call("idle", idle)
		h.work(ctx, busy...)
		h.stage(ctx, "the image is edited")
		w.change(ctx, "prod", computeImage("new"))
		h.reach(ctx, 1, busy[0])
		h.stage(ctx, "two more are wanted")
		w.change(ctx, "prod", replicas(5))
		h.reach(ctx, 3, busy[0])
		for _, host := range busy {
			Expect(h.free(ctx, host)).To(Succeed())
			Eventually(func() []string { return w.computeNames(ctx, "prod") }).ShouldNot(ContainElement(host))
		}
		w.expectAll(ctx, 5, "new")
		h.quiet(ctx)
		Expect(h.images()).To(Equal([]string{"new", "new", "new", "new", "new"}))
		Expect(h.lostWork()).To(BeEmpty())
		Expect(h.log()).NotTo(Or(ContainSubstring("open"), ContainSubstring("unmarked"), ContainSubstring("anew")))
	})

	It("is left to people with OnDelete, and a scale-in still drains", func(ctx SpecContext) {
		w, h := newRecorded(ctx, replicas(4), func(c *v1alpha1.SymphonyCluster) { c.Spec.Compute.Update.Type = v1alpha1.OnDelete })
		busy, idle := h.byAge(ctx)[:3], h.byAge(ctx)[3:]
		h.call("busy", busy)
		h.call("idle", idle)
		h.work(ctx, busy...)
		h.stage(ctx, "the image is edited")
		w.change(ctx, "prod", computeImage("new"))
		w.waitCondition(ctx, "prod", v1alpha1.ConditionComputeReady, metav1.ConditionFalse, v1alpha1.ReasonUpdating)
		Eventually(func() string { return w.computeSet(ctx, "prod").Spec.Template.Spec.Containers[0].Image }).Should(Equal("new"))
		h.reach(ctx, 0)
		h.stage(ctx, "two are wanted")
		w.change(ctx, "prod", replicas(2))
		h.reach(ctx, 0, busy[0])
		Expect(w.computeNames(ctx, "prod")).To(ConsistOf(busy))
		Expect(h.free(ctx, busy[0])).To(Succeed())
		h.reach(ctx, 0)
		Expect(w.computeNames(ctx, "prod")).To(ConsistOf(busy[1:]))
		Expect(h.log()).To(Equal(`# the image is edited
# two are wanted
busy-1: Draining, to be closed, close, work ends, Released, deleted, gone, remove
idle-1: Draining, to be closed, close, Released, deleted, gone, remove
`))
	})

	It("goes on with the same pods when the master moves and the operator is restarted, and neither begins one", func(ctx SpecContext) {
		w, h := newRecorded(ctx, replicas(3), maxUnavailable(intstr.FromInt32(1)))
		busy := h.byAge(ctx)[:2]
		h.call("busy", busy)
		h.work(ctx, busy...)
		w.change(ctx, "prod", computeImage("new"))
		h.reach(ctx, 1, busy[0])
		for _, disturb := range []func(){
			w.restartOperator,
			func() { w.moveMaster(ctx) },
			func() {
				w.operator.stop()
				w.moveMaster(ctx)
				w.startOperator()
			},
		} {
			h.stage(ctx, "something happens")
			disturb()
			w.waitTold(ctx)
			h.reach(ctx, 1, busy[0])
		}
		Expect(h.log()).To(Equal("# something happens\n# something happens\n# something happens\n"), "it waits for the same host")
		for i, host := range busy {
			h.stage(ctx, "its work ends")
			Expect(h.free(ctx, host)).To(Succeed())
			h.reach(ctx, 2+i, busy[min(i+1, 2):min(i+2, 2)]...)
		}
		w.expectAll(ctx, 3, "new")

		compute := w.computeUIDs(ctx, "prod")
		w.moveMaster(ctx)
		w.waitTold(ctx)
		w.restartOperator()
		w.waitTold(ctx)
		h.reach(ctx, 3)
		Expect(w.computeUIDs(ctx, "prod")).To(ConsistOf(compute))
		Expect(h.mostAway(3)).To(Equal(1))
		Expect(h.lostWork()).To(BeEmpty())
	})
})

// moveMaster deletes the master pod, and waits until its successor has an address.
func (w *world) moveMaster(ctx context.Context) {
	GinkgoHelper()
	old := w.master(ctx, "prod")
	Expect(api.Delete(ctx, old)).To(Succeed())
	Eventually(func() types.UID { return w.anyMaster(ctx) }).ShouldNot(Or(Equal(old.UID), BeEmpty()))
}

// waitTold waits until all compute pods have the master's address, and the operator has looked at EGO's hosts a few times since.
func (w *world) waitTold(ctx context.Context) {
	GinkgoHelper()
	line := w.master(ctx, "prod").Status.PodIP + " " + names.MasterHostname("prod")
	Eventually(func(g Gomega) {
		g.Expect(w.computeSet(ctx, "prod").Spec.Template.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
		for _, pod := range w.pods(ctx, "prod", names.Compute) {
			g.Expect(pod.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, line))
		}
	}).WithContext(ctx).Should(Succeed())
	w.waitLooks(ctx)
}

// waitLooks waits until the operator has looked at EGO's hosts: one that begins now is over when the next one begins.
func (w *world) waitLooks(ctx context.Context) {
	GinkgoHelper()
	looks := func() int {
		return len(slices.DeleteFunc(w.grids.Of("prod").Calls(), func(call egotest.Call) bool { return call.Verb != egotest.VerbHosts }))
	}
	before := looks()
	Eventually(looks).WithContext(ctx).Should(BeNumerically(">=", before+3))
}

var _ = Describe("An operator that is killed again and again during an update", func() {
	// Every one of its lives has one write or command to get on with, so that all the states between two of them are begun from.
	for _, m := range []struct {
		side  string
		at    int
		after bool
	}{{"right after its first write or command, of which it does not hear", 1, true}, {"before its second write or command", 2, false}} {
		It("comes to the same end when each of its lives ends "+m.side, func(ctx SpecContext) {
			w, h := newRecorded(ctx, replicas(4), maxUnavailable(intstr.FromInt32(1)))
			busy := h.byAge(ctx)[0]
			h.work(ctx, busy)
			w.operator.stop()
			// No operator runs now, so nobody calls.
			grid := w.grids.Of("prod")
			grid.After = func(ctx context.Context, call egotest.Call) error {
				if call.Verb == egotest.VerbClose && slices.Contains(call.Names, busy) {
					return h.free(ctx, busy)
				}
				return nil
			}
			w.change(ctx, "prod", computeImage("new"))
			lives := 0
			for killed := true; killed; lives++ {
				killed = w.live(ctx, newMortal(w.grids, m.at, m.after))
			}
			AddReportEntry("lives", lives)
			Expect(lives).To(BeNumerically(">", 30), "points at which it was killed")
			w.startOperator()
			w.expectAll(ctx, 4, "new")
			h.quiet(ctx)
			Expect(h.images()).To(Equal([]string{"new", "new", "new", "new"}))
			Expect(h.mostAway(4)).To(Equal(1))
			Expect(h.lostWork()).To(BeEmpty())
			Expect(grid.Changes()).NotTo(ContainElement(Or(HaveField("Reclaim", true), HaveField("Verb", egotest.VerbOpen))))
			closes := slices.DeleteFunc(grid.Changes(), func(call egotest.Call) bool { return call.Verb != egotest.VerbClose })
			Expect(closes[len(closes)-1].Names).To(Equal([]string{busy}), "idle hosts go first")
		}, SpecTimeout(5*time.Minute))
	}
})

// live starts an operator and waits until it is killed or all is done, and reports which.
func (w *world) live(ctx context.Context, m *mortal) (killed bool) {
	GinkgoHelper()
	w.startMortal(m)
	Eventually(func(g Gomega) bool {
		select {
		case <-m.killed:
			killed = true
			GinkgoWriter.Println(m.what())
			return true
		default:
			return w.condition(ctx, g, "prod", v1alpha1.ConditionReady).Status == metav1.ConditionTrue
		}
	}).WithContext(ctx).Should(BeTrue())
	w.operator.stop()
	return killed
}
