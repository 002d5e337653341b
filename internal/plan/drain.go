// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/seeded"
)

// Do is what is done to a compute pod that is to go, or no longer is. Each is one write to Kubernetes or one command of EGO, and can be
// repeated. What was done is read from the pod and from EGO, so an operator that is started in the middle goes on where the last
// one ended, with the same pods.
type Do string

// In the order of a drain.
const (
	// Mark notes on the pod that it was chosen, and when. On one that was released and stays, it takes the release back.
	Mark Do = "Mark"
	// NoteClose notes that the host, which is ok, is about to be closed. Only hosts of pods with this note are ever opened again: those
	// that an administrator closed stay closed.
	NoteClose Do = "NoteClose"
	// Close closes the host in EGO.
	Close Do = "Close"
	// Reclaim has EGO take back what is held of the host, and notes when.
	Reclaim Do = "Reclaim"
	// Release notes that the pod may go. It becomes not ready, and its deletion cost the lowest: the ReplicaSet's next choice.
	Release Do = "Release"
	// Delete deletes a pod that an update replaces. One that is too many is deleted by the ReplicaSet, except when that would choose
	// others for too long.
	Delete Do = "Delete"
	// Open opens the host of a pod that stays.
	Open Do = "Open"
	// Unmark takes all notes off a pod that stays.
	Unmark Do = "Unmark"
	// Hasten deletes a pod again that is on its way out, and waits for work that is not waited for any more.
	Hasten Do = "Hasten"
)

// HastenedGraceSeconds is what a hastened pod gets. Its script may use them up, waiting for work: then EGO is killed.
const HastenedGraceSeconds = 30

// Step is one thing to do to one compute pod.
type Step struct {
	Do  Do
	Pod *corev1.Pod
	// Host is EGO's name of the pod's host; "" when EGO does not know it, or was not asked.
	Host string
	// Update is true when an update replaces the pod, and false when it is one too many.
	Update bool
	// Forced is true when the pod is released, or what it has is taken back, although it has or may have work.
	Forced bool
}

// Draining sums up the pods that are to go, for people.
type Draining struct {
	// Pods are all that are to go, Working those of them that have work or may have, Unknown those of which it is not known.
	Pods, Working, Unknown int
	// Until is when the last of them has its work taken back. Zero when there is none.
	Until time.Time
	// Held is how many may go and are held back, because the ReplicaSet would choose others.
	Held int
}

// drain decides what happens to compute pods that are to go.
type drain struct {
	facts *observe.Facts
	grid  *grid
	scale *v1alpha1.ComputeScaleIn
	// atOnce is true when no work is waited for.
	atOnce bool

	steps []Step
	sum   Draining
	next  soonest
}

func newDrain(facts *observe.Facts, master *corev1.Pod) *drain {
	scale := &facts.Cluster.Spec.Compute.ScaleIn
	return &drain{
		facts: facts, grid: newGrid(facts, master), scale: scale, next: soonest{now: facts.Now},
		// Suspending is asked for explicitly, and without a master there is nobody to ask who works.
		atOnce: scale.PolicyOrDefault() == v1alpha1.Immediate || facts.Cluster.Spec.Suspend && master == nil,
	}
}

// all goes through the pods, and returns how many the ReplicaSet is to have.
func (d *drain) all(wanted int, updates bool) int {
	live := livePods(d.facts.ComputePods)
	surplus := d.surplus(live, wanted)
	going := map[*corev1.Pod]bool{}
	for _, pod := range surplus {
		going[pod] = true
		if !d.atOnce {
			d.step(pod, false)
		}
	}
	decided := d.updateDecided(updates)
	if decided {
		for _, pod := range d.outdated(live, going, wanted) {
			going[pod] = true
			d.step(pod, true)
		}
	}
	replicas := d.replicas(live, surplus, wanted)
	for _, pod := range live {
		// While it is open whether an update replaces a pod, the pod stays as it is: opening its host would undo its drain.
		if !going[pod] && isMarked(pod) && (decided || !d.mayBeOutdated(pod)) {
			d.keep(pod, replicas)
		}
	}
	for _, pod := range d.facts.ComputePods {
		if pod.DeletionTimestamp != nil {
			d.leaving(pod)
		}
	}
	return replicas
}

// step is what comes next for a pod that is to go.
func (d *drain) step(pod *corev1.Pod, update bool) {
	host := d.grid.host(pod)
	d.count(pod, &host)
	step := Step{Pod: pod, Host: host.Name, Update: update}
	state := pod.Annotations[names.AnnotationDrain]
	switch free := d.isFree(pod, &host); {
	case update && (d.atOnce || free):
		step.Do = Delete
	case free:
		// The ReplicaSet deletes it.
	case state != names.Draining && state != names.Released && host.Work != NothingRuns:
		// Not before EGO had a chance to say who works.
		if !d.grid.unasked {
			step.Do = Mark
		}
	default:
		step.Do, step.Forced = d.following(pod, &host)
	}
	if step.Do != "" {
		d.steps = append(d.steps, step)
	}
}

// isFree reports whether a pod is released and still has nothing to lose. A host that was not there when its pod was released may have
// joined since, and takes work until it is closed.
func (d *drain) isFree(pod *corev1.Pod, host *Host) bool {
	if pod.Annotations[names.AnnotationDrain] != names.Released {
		return false
	}
	takesWork := host.Work != NothingRuns && (host.State == ego.StateOK || host.Work == Busy)
	return !takesWork || !d.grid.current() || d.next.passed(d.timeout(pod))
}

// following is what comes next for a pod that is marked, "" when it is waited for.
func (d *drain) following(pod *corev1.Pod, host *Host) (do Do, forced bool) {
	timedOut := d.next.passed(d.timeout(pod))
	switch {
	case host.Work == NothingRuns:
		return Release, false
	case d.grid.unasked:
		// The operator or the master was just started: EGO gets the chance to say who works, and to take work back.
		return "", false
	case seeded.ScaleInBlind && !d.grid.answers():
		return Release, false
	case !d.grid.answers() || host.Name == "" && host.Work == Unknown:
		// Without EGO nothing can be taken back. What was asked for explicitly happens all the same, late.
		return unless(!timedOut || !d.reclaimEnded(pod), Release), true
	case d.grid.read.Stale:
		return "", false
	default:
		return d.closing(pod, host, timedOut)
	}
}

// closing is what comes next for a marked pod of which EGO tells. Its host is closed first, and then seen to have no work: nothing new
// comes between the two.
func (d *drain) closing(pod *corev1.Pod, host *Host, timedOut bool) (do Do, forced bool) {
	isOpen := host.State == ego.StateOK
	switch {
	case host.Name == "" || !isOpen && host.Work == NoWork:
		return Release, false
	case isOpen && pod.Annotations[names.AnnotationHostClosed] == "":
		// A closed host stays chosen. While it is not known who works, others may turn out to have nothing to do.
		return unless(!d.grid.settled && !timedOut, NoteClose), false
	case isOpen && !timedOut:
		return Close, false
	default:
		return d.ending(pod, host, timedOut)
	}
}

// ending is what comes next for a pod whose host is not ok and holds something, or has had its time: then what it has is taken back, which
// closes the host if nothing else did.
func (d *drain) ending(pod *corev1.Pod, host *Host, timedOut bool) (do Do, forced bool) {
	working := isWorking(host)
	over := d.timeout(pod)
	switch {
	case working && !timedOut:
		// Also when idle instances were taken back before: these are tasks.
		return "", false
	case host.State != ego.StateOK && host.State != ego.StateClosed:
		// It does not answer, so nothing can be taken back; and a close that nobody noted would last if the pod stays after all.
		return Release, working
	case d.isReclaimed(pod) && (!working || !noted(pod, names.AnnotationHostReclaimed).Before(over.Truncate(time.Second))):
		return unless(!d.reclaimEnded(pod), Release), working
	case d.grid.read.Refused != "" && d.next.passed(over.Add(d.scale.ReclaimGraceOrDefault())):
		return Release, working
	default:
		return Reclaim, working
	}
}

func (d *drain) isReclaimed(pod *corev1.Pod) bool {
	return pod.Annotations[names.AnnotationHostReclaimed] != ""
}

// reclaimEnded reports whether what was taken back of a pod's host, if anything, had its time to end.
func (d *drain) reclaimEnded(pod *corev1.Pod) bool {
	return !d.isReclaimed(pod) || d.next.passed(noted(pod, names.AnnotationHostReclaimed).Add(d.scale.ReclaimGraceOrDefault()))
}

// unless is nothing while it has to wait.
func unless(wait bool, do Do) Do {
	if wait {
		return ""
	}
	return do
}

// isWorking reports whether a host has work, or may have.
func isWorking(host *Host) bool { return host.Work == Busy || host.Work == Unknown }

// timeout is when a marked pod's work is taken back.
func (d *drain) timeout(pod *corev1.Pod) time.Time {
	return since(pod).Add(d.scale.DrainTimeoutOrDefault())
}

// keep is for a marked pod that stays. It is unmarked last: the note tells whose close it was.
func (d *drain) keep(pod *corev1.Pod, replicas int) {
	host := d.grid.named(pod)
	step := Step{Do: Unmark, Pod: pod, Host: host.Name}
	isReleased := pod.Annotations[names.AnnotationDrain] == names.Released
	if isReleased && !d.setHas(replicas) {
		// Its low cost is what keeps a ReplicaSet that was told less, and acts late, from others.
		return
	}
	if pod.Annotations[names.AnnotationHostClosed] != "" {
		switch {
		case !d.grid.current():
			return
		case host.State == ego.StateClosed && isReleased:
			// No released pod has a host that takes work: it may be chosen again before it is unmarked.
			step.Do = Mark
		case host.State == ego.StateClosed:
			step.Do = Open
		case host.State == ego.StateOK, host.Name == "" && host.Work != Unknown:
			// It is open, or EGO forgot it and takes it as a new one.
		default:
			// It may come back closed.
			return
		}
	}
	d.steps = append(d.steps, step)
}

// setHas reports whether the ReplicaSet controller was told at least this number, and has acted on it.
func (d *drain) setHas(replicas int) bool {
	set := d.facts.ComputeSet
	return set == nil || set.Status.ObservedGeneration >= set.Generation &&
		(set.Spec.Replicas == nil || int(*set.Spec.Replicas) >= replicas)
}

// leaving is for pods that are being deleted. They wait for their own work, and their hosts get no new one.
func (d *drain) leaving(pod *corev1.Pod) {
	host := d.grid.host(pod)
	if d.grid.current() && host.Name != "" {
		switch step := (Step{Pod: pod, Host: host.Name}); {
		case host.State == ego.StateOK:
			step.Do = Close
			d.steps = append(d.steps, step)
		case host.Work == LeftOver && !d.isReclaimed(pod):
			// Its own script does not know idle instances from tasks, and would wait for them.
			step.Do = Reclaim
			d.steps = append(d.steps, step)
		}
	}
	if grace := pod.DeletionGracePeriodSeconds; d.atOnce && grace != nil && *grace > HastenedGraceSeconds {
		d.steps = append(d.steps, Step{Do: Hasten, Pod: pod})
	}
}

func (d *drain) count(pod *corev1.Pod, host *Host) {
	d.sum.Pods++
	if isWorking(host) {
		d.sum.Working++
	}
	if host.Work == Unknown {
		d.sum.Unknown++
	}
	from := d.facts.Now
	if isMarked(pod) {
		from = since(pod)
	}
	if until := from.Add(d.scale.DrainTimeoutOrDefault()); until.After(d.sum.Until) {
		d.sum.Until = until
	}
}

// replicas is how many pods the ReplicaSet is to have. Until its controller has acted on what it was told last it is told no fewer: it may
// make pods that nobody has seen yet, and would then delete more than the plan expects.
func (d *drain) replicas(live, surplus []*corev1.Pod, wanted int) int {
	if d.atOnce {
		return wanted
	}
	told := d.foreseen(live, surplus, wanted)
	if set := d.facts.ComputeSet; set != nil && set.Spec.Replicas != nil && set.Status.ObservedGeneration < set.Generation {
		return max(told, int(*set.Spec.Replicas))
	}
	return told
}

// foreseen is the number with which the ReplicaSet does what the plan expects: one less for each released pod, once these are
// exactly the ones that it will choose. While there are too many it is told of those that are there: one that dies meanwhile
// needs no successor.
//
// A pod that is held back for too long is deleted by name. A successor that the ReplicaSet makes for it is too many, and
// the first to go.
func (d *drain) foreseen(live, surplus []*corev1.Pod, wanted int) int {
	if len(surplus) == 0 {
		return wanted
	}
	var free, overdue []*corev1.Pod
	for _, pod := range surplus {
		host := d.grid.host(pod)
		if !d.isFree(pod, &host) {
			continue
		}
		free = append(free, pod)
		if d.next.passed(d.timeout(pod).Add(d.scale.ReclaimGraceOrDefault())) {
			overdue = append(overdue, pod)
		}
	}
	if len(free) == 0 {
		return len(live)
	}
	isFirst := deletedFirst(live, free)
	if isFirst && seenNotReady(d.facts.ComputeSet, live, free) {
		return len(live) - len(free)
	}
	if !isFirst {
		d.sum.Held = len(free)
	}
	for _, pod := range overdue {
		d.steps = append(d.steps, Step{Do: Delete, Pod: pod})
	}
	// What was lowered before stays so: the ReplicaSet is about to delete, and would make successors for those that it deleted.
	if set := d.facts.ComputeSet; set != nil && set.Spec.Replicas != nil {
		return max(wanted, min(len(live), int(*set.Spec.Replicas)))
	}
	return len(live)
}

// seenNotReady reports whether the ReplicaSet's controller has seen that the released pods are not ready, and so their deletion costs,
// which are older. It counts ready pods from what it sees: without this proof it may choose by what it saw before, and delete
// a pod that still works.
func seenNotReady(set *appsv1.ReplicaSet, live, released []*corev1.Pod) bool {
	ready := 0
	for _, pod := range live {
		if observe.PodReady(pod) {
			ready++
		}
	}
	return set != nil && set.Status.ObservedGeneration >= set.Generation && int(set.Status.ReadyReplicas) == ready &&
		!slices.ContainsFunc(released, observe.PodReady)
}

func isMarked(pod *corev1.Pod) bool { return pod.Annotations[names.AnnotationDrain] != "" }

// since is when a pod was chosen. Without a note that can be read it has waited long enough.
func since(pod *corev1.Pod) time.Time { return noted(pod, names.AnnotationDrainSince) }

func noted(pod *corev1.Pod, annotation string) time.Time {
	at, err := time.Parse(time.RFC3339, pod.Annotations[annotation])
	if err != nil {
		return time.Time{}
	}
	return at
}

func livePods(pods []*corev1.Pod) []*corev1.Pod {
	live := make([]*corev1.Pod, 0, len(pods))
	for _, pod := range pods {
		if observe.PodLive(pod) {
			live = append(live, pod)
		}
	}
	return live
}

// soonest finds the first of the times that something waits for.
type soonest struct {
	now time.Time
	in  time.Duration
}

// passed reports whether the time has come; until then it is one that is waited for.
func (s *soonest) passed(at time.Time) bool {
	if !s.now.Before(at) {
		return true
	}
	if wait := at.Sub(s.now); s.in == 0 || wait < s.in {
		s.in = wait
	}
	return false
}
