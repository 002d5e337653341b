// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// farm is a cluster with its compute pods, and all that acts on them: the ReplicaSet controller, kubelets, EGO, its administrators,
// users and the operator, each late and in an order that a seed chooses.
type farm struct {
	random *rand.Rand
	now    time.Time
	// log is what happened, for whoever has to find out why.
	log []string
	// restless is how often, in percent, users and administrators do something besides, and brief how often work ends.
	restless, brief int
	// broken is the first invariant that was, "" while none was.
	broken string

	cluster  *v1alpha1.SymphonyCluster
	revision string
	// bad are the revisions whose pods never get ready.
	bad map[string]bool

	set *appsv1.ReplicaSet
	// seen is the ReplicaSet that its controller acts on.
	seen *appsv1.ReplicaSet
	pods []*farmPod
	made int

	master *corev1.Pod
	ego    farmEGO
	read   *observe.EGORead
	// older is how all was before the last event, when caches are a step behind. newest is how it was before this one.
	older, newest snapshot
	// expected is what the plan expects of the ReplicaSet controller, by the ReplicaSet's generation.
	expected map[int64]expectation
}

// expectation is what the plan saw when it told the ReplicaSet a number.
type expectation struct {
	// chosen are the pods that are to go, and ready those that were.
	chosen, ready map[types.UID]bool
	// atOnce is true when no work was waited for.
	atOnce bool
}

// farmPod is a pod with what its kubelet does.
type farmPod struct {
	*corev1.Pod

	// lim is true while its LIM runs.
	lim bool
	// flapping is true while its readiness fails although all is well.
	flapping bool
	// cameLate is true when its host joined, or came back, after the pod was released: who gave it work could not know.
	cameLate bool
	// opened is true when an administrator opened its host after the last poll.
	opened bool
}

// snapshot is what a cache had at one time.
type snapshot struct {
	pods []*corev1.Pod
	set  *appsv1.ReplicaSet
}

const (
	farmTimeout = time.Minute
	farmGrace   = 20 * time.Second
	farmSettle  = time.Minute
)

func newFarm(seed uint64) *farm {
	f := &farm{
		random: rand.New(rand.NewPCG(seed, 1)), now: start, revision: "r0", bad: map[string]bool{},
		cluster: &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Name: "prod"}},
		ego:     farmEGO{hosts: map[string]*farmHost{}}, expected: map[int64]expectation{},
	}
	f.restless, f.brief = []int{0, 0, 5, 20}[f.random.IntN(4)], []int{4, 25, 60}[f.random.IntN(3)]
	scale := &f.cluster.Spec.Compute.ScaleIn
	scale.DrainTimeout = &metav1.Duration{Duration: farmTimeout}
	scale.ReclaimGrace = &metav1.Duration{Duration: farmGrace}
	scale.Settle = &metav1.Duration{Duration: farmSettle}
	replicas := int32(2 + f.random.IntN(8))
	f.cluster.Spec.Compute.Replicas = &replicas
	f.set = &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Generation: 1}, Spec: appsv1.ReplicaSetSpec{
		Replicas: &replicas, Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{names.LabelRevision: f.revision},
			Annotations: map[string]string{names.AnnotationMasterHosts: "10.0.0.1 prod-master"},
		}},
	}}
	f.seen = f.set.DeepCopy()
	f.startMaster()
	f.now = f.now.Add(2 * farmSettle)
	return f
}

func (f *farm) chance(percent int) bool { return f.random.IntN(100) < percent }

func (f *farm) logf(format string, arguments ...any) {
	f.log = append(f.log, f.now.Format("04:05 ")+fmt.Sprintf(format, arguments...))
}

// violate notes that an invariant does not hold.
func (f *farm) violate(format string, arguments ...any) {
	f.logf("VIOLATION: "+format, arguments...)
	if f.broken == "" {
		f.broken = fmt.Sprintf(format, arguments...)
	}
}

// story is the end of what happened, and what is there.
func (f *farm) story() string {
	lines := f.log[max(0, len(f.log)-400):]
	for _, p := range f.pods {
		lines = append(lines, p.text()+" "+f.ego.text(p.Name))
	}
	return strings.Join(lines, "\n")
}

func (p *farmPod) text() string {
	return fmt.Sprintf("%s %s node=%q %s ready=%t leaving=%t notes=%v", p.Name, p.Labels[names.LabelRevision], p.Spec.NodeName, p.Status.Phase,
		observe.PodReady(p.Pod), p.DeletionTimestamp != nil, p.Annotations)
}

func (f *farm) snapshot() snapshot {
	taken := snapshot{set: f.set.DeepCopy()}
	for _, p := range f.pods {
		taken.pods = append(taken.pods, p.DeepCopy())
	}
	// The cache lists pods in no order.
	f.random.Shuffle(len(taken.pods), func(i, j int) { taken.pods[i], taken.pods[j] = taken.pods[j], taken.pods[i] })
	return taken
}

// facts are what a pass sees of the farm, as it is or as the cache has it.
func (f *farm) facts(seen snapshot) *observe.Facts {
	found := &observe.Facts{Cluster: f.cluster, Now: f.now, ComputeSet: seen.set, ComputePods: seen.pods, EGO: f.read}
	if f.master != nil {
		found.MasterPods = []*corev1.Pod{f.master}
	}
	return found
}

func (f *farm) live() []*farmPod {
	return slices.DeleteFunc(slices.Clone(f.pods), func(p *farmPod) bool { return !observe.PodLive(p.Pod) })
}

func (f *farm) find(name string) *farmPod {
	for _, p := range f.pods {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (f *farm) wanted() int { return int((&observe.Facts{Cluster: f.cluster}).ComputeWanted()) }

// atOnce reports whether no work is waited for.
func (f *farm) atOnce() bool {
	return f.cluster.Spec.Compute.ScaleIn.Policy == v1alpha1.Immediate || f.cluster.Spec.Suspend && f.master == nil
}

// timedOut reports whether a pod was chosen as long ago as work is waited for.
func (f *farm) timedOut(pod *corev1.Pod) bool {
	since, err := time.Parse(time.RFC3339, pod.Annotations[names.AnnotationDrainSince])
	return err == nil && !f.now.Before(since.Add(farmTimeout))
}

// loses checks that a pod may be deleted as it is.
func (f *farm) loses(p *farmPod, who string, atOnce bool) {
	host := f.ego.hosts[p.Name]
	if host == nil || !host.task || !p.lim || atOnce || p.cameLate || f.timedOut(p.Pod) {
		return
	}
	f.violate("%s deletes %s, which has a task: %s %s", who, p.Name, p.text(), f.ego.text(p.Name))
}

// startMaster has a new master that knows the hosts of the last, which have to come back.
func (f *farm) startMaster() {
	f.master = pod(1, "m", at("10.0.0.1"))
	f.master.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: names.Container, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(f.now)}},
	}}
	f.read = nil
	f.ego.start(f.now)
}
