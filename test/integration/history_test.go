// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

// history is what happened to the compute pods of cluster prod and to their hosts, in the order in which it happened. Pods come by a
// watch, which is late, and what EGO is asked does not: so the order is that of the API server's revisions, and all else is given
// the revision of its time.
type history struct {
	world *world

	mu  sync.Mutex
	all []happening
	// called are the pods' names in logs, by their own: those are random.
	called map[string]string
}

// happening is a version of a pod, or something that was done to a host, or the title of a stage.
type happening struct {
	revision uint64
	pod      *corev1.Pod
	// first is true for the pods of the beginning, gone for the last version of a pod.
	first, gone bool
	host, did   string
	title       string
}

// What tests do to hosts.
const (
	works = "work begins"
	rests = "work ends"
)

// newRecorded is a world whose cluster is ready, and what happens in it from then on.
func newRecorded(ctx context.Context, edits ...edit) (*world, *history) {
	GinkgoHelper()
	w := newWorldWithoutOperator(ctx)
	h := &history{world: w, called: map[string]string{}}
	w.grids.Of("prod").Before = h.asked
	w.startOperator()
	w.ready(ctx, "prod", edits...)
	h.watch(ctx)
	return w, h
}

func (h *history) watch(ctx context.Context) {
	GinkgoHelper()
	selector := client.MatchingLabels(names.Selector("prod", names.Compute))
	var list corev1.PodList
	Expect(api.List(ctx, &list, client.InNamespace(h.world.namespace), selector)).To(Succeed())
	for i := range list.Items {
		h.note(happening{revision: revisionOf(list.Items[i].ResourceVersion), pod: &list.Items[i], first: true})
	}
	events, err := api.Watch(background(), &corev1.PodList{}, client.InNamespace(h.world.namespace), selector,
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(events.Stop)
	go func() {
		defer GinkgoRecover()
		for event := range events.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				h.note(happening{revision: revisionOf(pod.ResourceVersion), pod: pod, gone: event.Type == watch.Deleted})
			}
		}
	}()
}

func revisionOf(version string) uint64 {
	GinkgoHelper()
	revision, err := strconv.ParseUint(version, 10, 64)
	Expect(err).NotTo(HaveOccurred())
	return revision
}

func (h *history) note(what happening) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, what)
}

// now has everything noted with the API server's revision: what was written before has this one or an earlier one.
func (h *history) now(ctx context.Context, what ...happening) error {
	var list corev1.PodList
	if err := api.List(ctx, &list, client.InNamespace(h.world.namespace), client.Limit(1)); err != nil {
		return fmt.Errorf("asking for the revision: %w", err)
	}
	for i := range what {
		what[i].revision = revisionOf(list.ResourceVersion)
		h.note(what[i])
	}
	return nil
}

// asked notes what EGO is asked to change, before it does.
func (h *history) asked(ctx context.Context, call egotest.Call) error {
	switch call.Verb {
	case egotest.VerbClose, egotest.VerbOpen, egotest.VerbRemove:
	default:
		return nil
	}
	verb := call.Verb
	if call.Reclaim {
		verb += " -reclaim"
	}
	var what []happening
	for _, host := range call.Names {
		what = append(what, happening{host: host, did: verb})
	}
	return h.now(ctx, what...)
}

// stage begins a stage of the log.
func (h *history) stage(ctx context.Context, title string) {
	GinkgoHelper()
	By(title)
	Expect(h.now(ctx, happening{title: title})).To(Succeed())
}

// work gives hosts work, each one more than the one before, and waits until the operator knows.
func (h *history) work(ctx context.Context, hosts ...string) {
	GinkgoHelper()
	for _, host := range hosts {
		Expect(h.now(ctx, happening{host: host, did: works})).To(Succeed())
	}
	h.world.work("prod", hosts...)
	h.world.waitLooks(ctx)
}

// free ends a host's work. It is noted before: what follows from it must not seem to come first.
func (h *history) free(ctx context.Context, host string) error {
	if err := h.now(ctx, happening{host: host, did: rests}); err != nil {
		return err
	}
	h.world.grids.Of("prod").Free(host)
	return nil
}

// call gives pods names for the log: busy-1, busy-2.
func (h *history) call(kind string, pods []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, pod := range pods {
		h.called[pod] = fmt.Sprintf("%s-%d", kind, i+1)
	}
}

// byAge are the names of the compute pods, the oldest first: the order in which the operator takes those that are alike.
func (h *history) byAge(ctx context.Context) []string {
	GinkgoHelper()
	pods := h.world.pods(ctx, "prod", names.Compute)
	slices.SortFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	var all []string
	for i := range pods {
		all = append(all, pods[i].Name)
	}
	return all
}

// ordered is everything so far. A call with the revision of a pod's version was made after that version.
func (h *history) ordered() []happening {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Clone(h.all)
	slices.SortStableFunc(all, func(a, b happening) int {
		return cmp.Or(cmp.Compare(a.revision, b.revision), later(a)-later(b))
	})
	return all
}

func later(what happening) int {
	if what.pod != nil {
		return 0
	}
	return 1
}

func (h *history) length() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// created are the pods that were made since the beginning, in their order, with their images.
func (h *history) created() (pods []*corev1.Pod) {
	known := map[types.UID]bool{}
	for _, what := range h.ordered() {
		if what.pod == nil || known[what.pod.UID] {
			continue
		}
		known[what.pod.UID] = true
		if !what.first {
			pods = append(pods, what.pod)
		}
	}
	return pods
}

// images are those of the pods that were made since the beginning.
func (h *history) images() []string {
	images := []string{}
	for _, pod := range h.created() {
		images = append(images, pod.Spec.Containers[0].Image)
	}
	return images
}

// closed are the hosts that the operator closed, and neither opened nor removed, sorted.
func (h *history) closed() []string {
	closed := map[string]bool{}
	for _, what := range h.ordered() {
		switch what.did {
		case "close", "close -reclaim":
			closed[what.host] = true
		case "open", "remove":
			delete(closed, what.host)
		}
	}
	return slices.Sorted(maps.Keys(closed))
}

// reach waits until that many pods were made since the beginning and exactly these hosts are closed, and nothing happens any more.
func (h *history) reach(ctx context.Context, created int, closed ...string) {
	GinkgoHelper()
	closed = slices.Sorted(slices.Values(closed)) // A copy: it may be a part of the caller's.
	Eventually(func(g Gomega) {
		g.Expect(h.created()).To(HaveLen(created))
		g.Expect(h.closed()).To(HaveExactElements(closed))
	}).WithContext(ctx).Should(Succeed())
	h.quiet(ctx)
	Expect(h.created()).To(HaveLen(created))
	Expect(h.closed()).To(HaveExactElements(closed))
}

// quiet waits until nothing has happened for several looks at EGO's hosts.
func (h *history) quiet(ctx context.Context) {
	GinkgoHelper()
	last, same := h.length(), 0
	Eventually(func() int {
		now := h.length()
		same++
		if now != last {
			last, same = now, 0
		}
		return same
	}).WithContext(ctx).Should(BeNumerically(">=", 10))
}

// getReady lets every pod that was made so far get ready.
func (h *history) getReady() {
	for _, pod := range h.created() {
		h.world.kubelet.When(func(other *corev1.Pod) bool { return other.UID == pod.UID }, kubelet.Running)
	}
}

// mostAway is how many of the wanted pods were missing, not ready, draining or on their way out at once, at most.
func (h *history) mostAway(wanted int) int {
	serving, most := map[types.UID]bool{}, 0
	for _, what := range h.ordered() {
		pod := what.pod
		if pod == nil {
			continue
		}
		delete(serving, pod.UID)
		if !what.gone && pod.DeletionTimestamp == nil && pod.Annotations[names.AnnotationDrain] == "" && observe.PodReady(pod) {
			serving[pod.UID] = true
		}
		if !what.first {
			most = max(most, wanted-len(serving))
		}
	}
	return most
}

// lostWork is what was done to hosts while they worked, and must not be.
func (h *history) lostWork() []string {
	lost := []string{}
	working := map[string]bool{}
	for _, what := range h.ordered() {
		switch pod := what.pod; {
		case pod != nil && working[pod.Name] &&
			(what.gone || pod.DeletionTimestamp != nil || pod.Annotations[names.AnnotationDrain] == names.Released):
			lost = append(lost, pod.Name+" was let go")
		case what.did == works:
			working[what.host] = true
		case what.did == rests:
			delete(working, what.host)
		case what.did != "" && what.did != "close" && what.did != "open" && working[what.host]:
			lost = append(lost, what.did+" "+what.host)
		}
	}
	return lost
}

// log is what happened, stage by stage. Hosts of one stage go their ways side by side, in an order that differs from run to run: each
// has a line of its own.
func (h *history) log() string {
	called := maps.Clone(h.called)
	for i, pod := range h.created() {
		called[pod.Name] = fmt.Sprintf("new-%d", i+1)
	}
	var text strings.Builder
	stage := map[string][]string{}
	end := func() {
		for _, name := range slices.Sorted(maps.Keys(stage)) {
			fmt.Fprintf(&text, "%s: %s\n", name, strings.Join(stage[name], ", "))
		}
		clear(stage)
	}
	last := map[types.UID]*corev1.Pod{}
	for _, what := range h.ordered() {
		switch {
		case what.title != "":
			end()
			fmt.Fprintf(&text, "# %s\n", what.title)
		case what.pod == nil:
			stage[called[what.host]] = append(stage[called[what.host]], what.did)
		default:
			name := called[what.pod.Name]
			if did := changes(last[what.pod.UID], &what); len(did) > 0 {
				stage[name] = append(stage[name], did...)
			}
			last[what.pod.UID] = what.pod
		}
		if text.Len() == 0 {
			clear(stage) // Before the first title.
		}
	}
	end()
	return text.String()
}

// changes are what a version of a pod brings. That a released pod ceases to be ready, before or after somebody deletes it, is left out.
func changes(before *corev1.Pod, what *happening) (did []string) {
	pod := what.pod
	if before == nil {
		if what.first {
			return nil
		}
		return []string{"created with " + pod.Spec.Containers[0].Image}
	}
	note := func(annotation string) (was, is string) {
		return before.Annotations[annotation], pod.Annotations[annotation]
	}
	if was, is := note(names.AnnotationDrain); was != is {
		did = append(did, cmp.Or(is, "unmarked"))
	} else if was, is := note(names.AnnotationDrainSince); was != is {
		did = append(did, "waited for anew")
	}
	if was, is := note(names.AnnotationHostClosed); was == "" && is != "" {
		did = append(did, "to be closed")
	}
	if was, is := observe.PodReady(before), observe.PodReady(pod); was != is &&
		pod.Annotations[names.AnnotationDrain] != names.Released && pod.DeletionTimestamp == nil {
		did = append(did, map[bool]string{true: "ready", false: "not ready"}[is])
	}
	if before.DeletionTimestamp == nil && pod.DeletionTimestamp != nil {
		did = append(did, "deleted")
	}
	if what.gone {
		did = append(did, "gone")
	}
	return did
}
