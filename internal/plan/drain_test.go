// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

type (
	podEdits   = []func(*corev1.Pod)
	factsEdits = []func(*observe.Facts)
)

// alone is a case of one pod a and what EGO says of its host.
type alone struct {
	pod   podEdits
	hosts []ego.Host
	facts factsEdits
	steps []string
}

func theHost(state ego.State, held int) []ego.Host { return []ego.Host{hostOf("a", state, held)} }

func (c *alone) check(t *testing.T, wanted int) {
	t.Helper()
	made := drained(wanted, []*corev1.Pod{member(1, "a", c.pod...)}, append(factsEdits{says(c.hosts...)}, c.facts...)...)
	NewWithT(t).Expect(stepsOf(made)).To(HaveExactElements(c.steps))
}

const minute = time.Minute

func TestWhatComesNextForAPodThatIsTooMany(t *testing.T) {
	draining, released := chosen(names.Draining, minute), chosen(names.Released, minute)
	for name, c := range map[string]alone{
		"it is marked first":                            {nil, theHost(ego.StateOK, 1), nil, []string{"Mark a"}},
		"it is marked although EGO does not answer":     {nil, nil, factsEdits{failing}, []string{"Mark a"}},
		"it is marked without a master":                 {nil, nil, factsEdits{noMaster}, []string{"Mark a"}},
		"not before EGO was asked who works":            {nil, nil, factsEdits{unasked}, nil},
		"a mark that nobody understands is made anew":   {podEdits{chosen("Someday", minute)}, theHost(ego.StateOK, 1), nil, []string{"Mark a"}},
		"without a container that runs it goes at once": {podEdits{crashed, unready}, theHost(ego.StateOK, 1), nil, []string{"Release a"}},
		"the close is noted before it is done":          {podEdits{draining}, theHost(ego.StateOK, 1), nil, []string{"NoteClose a"}},
		"not before the master has settled":             {podEdits{draining}, theHost(ego.StateOK, 1), factsEdits{restarted}, nil},
		"nor on what EGO said before a change":          {podEdits{draining}, theHost(ego.StateOK, 1), factsEdits{stale}, nil},
		"its host is closed":                            {podEdits{draining, hostClosed}, theHost(ego.StateOK, 1), nil, []string{"Close a"}},
		"also one without work, which may get some":     {podEdits{draining, hostClosed}, theHost(ego.StateOK, nothing), nil, []string{"Close a"}},
		"its work is waited for":                        {podEdits{draining, hostClosed}, theHost(ego.StateClosed, 1), nil, nil},
		"idle instances are not":                        {podEdits{draining, hostClosed}, theHost(ego.StateClosed, leftOver), nil, []string{"Reclaim a"}},
		"nor a second time":                             {podEdits{draining, hostClosed, hostReclaimed(minute)}, theHost(ego.StateClosed, leftOver), nil, nil},
		"they had their time":                           {podEdits{draining, hostClosed, hostReclaimed(2 * minute)}, theHost(ego.StateClosed, leftOver), nil, []string{"Release a"}},
		"tasks that came to them are waited for":        {podEdits{draining, hostClosed, hostReclaimed(3 * minute)}, theHost(ego.StateClosed, 1), nil, nil},
		"closed and without work it goes":               {podEdits{draining, hostClosed}, theHost(ego.StateClosed, nothing), nil, []string{"Release a"}},
		"not if EGO said so before a change":            {podEdits{draining, hostClosed}, theHost(ego.StateClosed, nothing), factsEdits{stale}, nil},
		"not before the lists tell":                     {podEdits{draining, hostClosed}, theHost(ego.StateClosed, nothing), factsEdits{restarted}, nil},
		"an administrator's close does as well":         {podEdits{draining}, theHost(ego.StateClosed, nothing), nil, []string{"Release a"}},
		"without a host it goes":                        {podEdits{draining}, nil, nil, []string{"Release a"}},
		"without a host, not before the lists tell":     {podEdits{draining}, nil, factsEdits{restarted}, nil},
		"with one that does not answer it goes":         {podEdits{draining}, theHost(ego.StateUnavailable, nothing), nil, []string{"Release a"}},
		"also with idle instances, which nobody can end there": {
			podEdits{draining}, theHost(ego.StateUnavailable, leftOver), nil, []string{"Release a"},
		},
		"a state that nobody knows counts as busy": {podEdits{draining}, theHost(ego.StateUnknown, nothing), nil, nil},
		"two hosts of its name count as busy": {
			podEdits{draining}, []ego.Host{{Name: "prod-compute-a.x"}, {Name: "prod-compute-a.y"}}, nil, nil,
		},
		"while EGO does not answer it is waited for":      {podEdits{draining}, nil, factsEdits{failing}, nil},
		"released, it is left to the ReplicaSet":          {podEdits{released, hostClosed, unready}, theHost(ego.StateClosed, nothing), nil, nil},
		"its host joined after that: it gets no work":     {podEdits{released}, theHost(ego.StateOK, nothing), nil, []string{"NoteClose a"}},
		"its host, noted, is closed":                      {podEdits{released, hostClosed}, theHost(ego.StateOK, 1), nil, []string{"Close a"}},
		"Immediate: the ReplicaSet does it all":           {nil, theHost(ego.StateOK, 1), factsEdits{immediate}, nil},
		"suspended, with nobody to ask: the same":         {nil, nil, factsEdits{noMaster, suspended}, nil},
		"suspended, while EGO fails: it is asked to wait": {nil, nil, factsEdits{failing, suspended}, []string{"Mark a"}},
	} {
		t.Run(name, func(t *testing.T) { c.check(t, 0) })
	}
}

func TestWhatComesNextWhenTheTimeOfAPodThatIsTooManyIsOver(t *testing.T) {
	over, long := chosen(names.Draining, 10*minute), chosen(names.Draining, 12*minute)
	noSince := func(p *corev1.Pod) { delete(p.Annotations, names.AnnotationDrainSince) }
	for name, c := range map[string]alone{
		"its work is taken back":                             {podEdits{over, hostClosed}, theHost(ego.StateClosed, 1), nil, []string{"Reclaim a by force"}},
		"also when the operator was away meanwhile":          {podEdits{long, hostClosed}, theHost(ego.StateClosed, 1), nil, []string{"Reclaim a by force"}},
		"which closes a host that EGO left open":             {podEdits{over, hostClosed}, theHost(ego.StateOK, 1), nil, []string{"Reclaim a by force"}},
		"not before it is noted":                             {podEdits{long}, theHost(ego.StateOK, 1), nil, []string{"NoteClose a"}},
		"also when the master has not settled":               {podEdits{over}, theHost(ego.StateOK, 1), factsEdits{restarted}, []string{"NoteClose a"}},
		"it gets a moment to end":                            {podEdits{over, hostClosed, hostReclaimed(0)}, theHost(ego.StateClosed, 1), nil, nil},
		"then the pod goes":                                  {podEdits{long, hostClosed, hostReclaimed(2 * minute)}, theHost(ego.StateClosed, 1), nil, []string{"Release a by force"}},
		"also from a host that stays open":                   {podEdits{long, hostClosed, hostReclaimed(2 * minute)}, theHost(ego.StateOK, 1), nil, []string{"Release a by force"}},
		"not by idle instances' time, that was taken before": {podEdits{long, hostClosed, hostReclaimed(5 * minute)}, theHost(ego.StateClosed, 1), nil, []string{"Reclaim a by force"}},
		"what EGO refuses is tried until the grace is over":  {podEdits{over, hostClosed}, theHost(ego.StateOK, 1), factsEdits{refused}, []string{"Reclaim a by force"}},
		"and no longer":                                      {podEdits{long, hostClosed}, theHost(ego.StateOK, 1), factsEdits{refused}, []string{"Release a by force"}},
		"a host that does not answer is not waited for":      {podEdits{over}, theHost(ego.StateUnavailable, 1), nil, []string{"Release a by force"}},
		"nor one of a state that nobody knows":               {podEdits{over}, theHost(ego.StateUnknown, nothing), nil, []string{"Release a by force"}},
		"nor EGO":                                            {podEdits{over}, nil, factsEdits{failing}, []string{"Release a by force"}},
		"nor a master":                                       {podEdits{over}, nil, factsEdits{noMaster}, []string{"Release a by force"}},
		"but what EGO took back before it failed is":         {podEdits{over, hostReclaimed(minute)}, nil, factsEdits{failing}, nil},
		"an EGO that is just being asked is":                 {podEdits{long}, nil, factsEdits{unasked}, nil},
		"without a note of when, it has waited long enough":  {podEdits{over, noSince, hostClosed}, theHost(ego.StateClosed, 1), nil, []string{"Reclaim a by force"}},
	} {
		t.Run(name, func(t *testing.T) { c.check(t, 0) })
	}
}

func TestWhatComesNextForAPodThatAnUpdateReplaces(t *testing.T) {
	old := revision("old")
	for name, c := range map[string]alone{
		"it is marked":                              {podEdits{old}, theHost(ego.StateOK, 1), nil, []string{"Mark a for an update"}},
		"it is drained":                             {podEdits{old, chosen(names.Draining, minute)}, theHost(ego.StateOK, 1), nil, []string{"NoteClose a for an update"}},
		"released, it is deleted":                   {podEdits{old, chosen(names.Released, minute)}, theHost(ego.StateClosed, nothing), nil, []string{"Delete a for an update"}},
		"its host joined meanwhile: it is drained":  {podEdits{old, chosen(names.Released, minute), hostClosed}, theHost(ego.StateOK, 1), nil, []string{"Close a for an update"}},
		"its host got work meanwhile: it is waited": {podEdits{old, chosen(names.Released, minute), hostClosed}, theHost(ego.StateClosed, 1), nil, nil},
		"forced out, it is deleted all the same":    {podEdits{old, chosen(names.Released, 12*minute)}, theHost(ego.StateOK, 1), nil, []string{"Delete a for an update"}},
		"Immediate: it is deleted":                  {podEdits{old}, theHost(ego.StateOK, 1), factsEdits{immediate}, []string{"Delete a for an update"}},
		"not without a master":                      {podEdits{old}, nil, factsEdits{noMaster}, nil},
	} {
		t.Run(name, func(t *testing.T) { c.check(t, 1) })
	}
}

func TestWhatComesNextForAMarkedPodThatStays(t *testing.T) {
	draining, released := chosen(names.Draining, minute), chosen(names.Released, minute)
	for name, c := range map[string]alone{
		"it is unmarked":                                   {podEdits{draining}, theHost(ego.StateOK, 1), nil, []string{"Unmark a"}},
		"also while nobody answers":                        {podEdits{draining}, nil, factsEdits{failing}, []string{"Unmark a"}},
		"an administrator's close stays":                   {podEdits{draining}, theHost(ego.StateClosed, 1), nil, []string{"Unmark a"}},
		"its host is opened first":                         {podEdits{draining, hostClosed}, theHost(ego.StateClosed, 1), nil, []string{"Open a"}},
		"then it is unmarked":                              {podEdits{draining, hostClosed}, theHost(ego.StateOK, 1), nil, []string{"Unmark a"}},
		"not on what EGO said before":                      {podEdits{draining, hostClosed}, theHost(ego.StateOK, 1), factsEdits{stale}, nil},
		"not while nobody can tell":                        {podEdits{draining, hostClosed}, nil, factsEdits{failing}, nil},
		"a host that does not answer may come back closed": {podEdits{draining, hostClosed}, theHost(ego.StateUnavailable, nothing), nil, nil},
		"so may one of a state that nobody knows":          {podEdits{draining, hostClosed}, theHost(ego.StateUnknown, nothing), nil, nil},
		"so may one that is not back since the master was started": {
			podEdits{draining, hostClosed}, nil, factsEdits{restarted}, nil,
		},
		"one that EGO forgot comes back open":                    {podEdits{draining, hostClosed}, nil, nil, []string{"Unmark a"}},
		"released: not before the ReplicaSet wants it":           {podEdits{released}, nil, factsEdits{setOf(0)}, nil},
		"released: not before its controller knows that":         {podEdits{released}, nil, factsEdits{setOf(1), notSeenYet}, nil},
		"released: then it is unmarked":                          {podEdits{released}, nil, factsEdits{setOf(1)}, []string{"Unmark a"}},
		"released: or drains again before its host takes work":   {podEdits{released, hostClosed}, theHost(ego.StateClosed, nothing), factsEdits{setOf(1)}, []string{"Mark a"}},
		"an update that is not decided yet leaves it as it is":   {podEdits{draining, revision("old")}, theHost(ego.StateOK, 1), factsEdits{notSeenYet}, nil},
		"so does one that stands still without a master":         {podEdits{draining, revision("old")}, nil, factsEdits{noMaster}, nil},
		"one that was taken back does not":                       {podEdits{draining}, theHost(ego.StateOK, 1), factsEdits{notSeenYet}, []string{"Unmark a"}},
		"nor does one that people do":                            {podEdits{draining, revision("old")}, theHost(ego.StateOK, 1), factsEdits{notSeenYet, onDelete}, []string{"Unmark a"}},
		"nor one of a template that somebody took the label off": {podEdits{draining, revision("old")}, theHost(ego.StateOK, 1), factsEdits{noLabel}, nil},
	} {
		t.Run(name, func(t *testing.T) { c.check(t, 1) })
	}
}

func noLabel(f *observe.Facts) { delete(f.ComputeSet.Spec.Template.Labels, names.LabelRevision) }

func TestWhatComesNextForAPodThatLeaves(t *testing.T) {
	grace := func(seconds int64) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.DeletionGracePeriodSeconds = &seconds }
	}
	for name, c := range map[string]alone{
		"its host gets no new work":                {podEdits{ending}, theHost(ego.StateOK, 1), nil, []string{"Close a"}},
		"it is closed once":                        {podEdits{ending}, theHost(ego.StateClosed, 1), nil, nil},
		"not on what EGO said before":              {podEdits{ending}, theHost(ego.StateOK, 1), factsEdits{stale}, nil},
		"there may be none":                        {podEdits{ending}, nil, nil, nil},
		"it may take its time":                     {podEdits{ending, grace(600)}, theHost(ego.StateClosed, 1), nil, nil},
		"Immediate: no more than it takes to stop": {podEdits{ending, grace(600)}, theHost(ego.StateClosed, 1), factsEdits{immediate}, []string{"Hasten a"}},
		"Immediate: it is told once":               {podEdits{ending, grace(30)}, theHost(ego.StateClosed, 1), factsEdits{immediate}, nil},
	} {
		t.Run(name, func(t *testing.T) { c.check(t, 1) })
	}
}

func TestHowManyTheReplicaSetIsTold(t *testing.T) {
	free := []func(*corev1.Pod){chosen(names.Released, minute), hostClosed, unready}
	gone := append(podEdits{}, append(free, chosen(names.Released, 12*minute))...)
	a, b := member(1, "a"), member(2, "b")
	closed := says(hostOf("c", ego.StateClosed, nothing))
	for name, c := range map[string]struct {
		pods  []*corev1.Pod
		facts factsEdits
		told  int32
		held  int
		steps []string
	}{
		"what is wanted, while none is too many":       {[]*corev1.Pod{a}, nil, 2, 0, nil},
		"those that are there, while one drains":       {[]*corev1.Pod{a, b, member(3, "c", chosen(names.Draining, minute))}, nil, 3, 0, []string{"Release c"}},
		"one less for one that is released":            {[]*corev1.Pod{a, b, member(3, "c", free...)}, factsEdits{closed}, 2, 0, nil},
		"not while it would choose another":            {[]*corev1.Pod{a, member(2, "b", unready), member(3, "c", chosen(names.Released, minute), hostClosed)}, factsEdits{closed}, 3, 1, nil},
		"not while the released one has got work":      {[]*corev1.Pod{a, b, member(3, "c", free...)}, factsEdits{says(hostOf("c", ego.StateClosed, 1))}, 3, 0, nil},
		"held for too long, it is deleted by its name": {[]*corev1.Pod{a, member(2, "b", unready), member(3, "c", append(gone, ready)...)}, factsEdits{closed}, 3, 1, []string{"Delete c"}},
		"no fewer than before, until its controller has acted on that": {
			[]*corev1.Pod{a, b, member(3, "c", free...)}, factsEdits{closed, setOf(5), notSeenYet}, 5, 0, nil,
		},
		"also when none is too many, as far as anybody has seen": {[]*corev1.Pod{a}, factsEdits{setOf(5), notSeenYet}, 5, 0, nil},
		"what is wanted, once it has":                            {[]*corev1.Pod{a}, factsEdits{setOf(5)}, 2, 0, nil},
		"Immediate: it is not waited for":                        {[]*corev1.Pod{a, b}, factsEdits{immediate, setOf(5), notSeenYet}, 2, 0, nil},
		"Immediate: what is wanted":                              {[]*corev1.Pod{a, b, member(3, "c")}, factsEdits{immediate}, 2, 0, nil},
		"suspended without a master: none":                       {[]*corev1.Pod{a, b}, factsEdits{suspended, noMaster}, 0, 0, nil},
		"those on their way out and finished ones do not count":  {[]*corev1.Pod{a, b, member(3, "c", ending), member(4, "d", finished)}, nil, 2, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g, made := NewWithT(t), drained(2, c.pods, c.facts...)
			g.Expect(made.SetReplicas).To(Equal(c.told))
			g.Expect(made.Draining.Held).To(Equal(c.held))
			g.Expect(stepsOf(made)).To(HaveExactElements(c.steps))
		})
	}
}

func TestWhatPeopleAreToldOfADrain(t *testing.T) {
	g := NewWithT(t)
	made := drained(0, []*corev1.Pod{
		member(1, "a", chosen(names.Draining, minute), hostClosed), member(2, "b", chosen(names.Draining, 2*minute)), member(3, "c", chosen(names.Released, 3*minute)),
	}, says(hostOf("a", ego.StateClosed, 1), hostOf("b", ego.StateUnknown, nothing), hostOf("c", ego.StateClosed, nothing)))
	g.Expect(made.Draining.Pods).To(Equal(3))
	g.Expect(made.Draining.Working).To(Equal(2))
	g.Expect(made.Draining.Unknown).To(Equal(1))
	g.Expect(made.Draining.Until).To(Equal(later.Add(9 * minute)))
	g.Expect(made.Due).To(Equal(8*minute), "b has had its time")
	g.Expect(drained(3, nil, restarted).Due).To(Equal(9*minute), "the master settles")
}

// The settings are the user's.
func TestATimeoutOfZeroTakesWorkBackAtOnce(t *testing.T) {
	g := NewWithT(t)
	zero := func(f *observe.Facts) { f.Cluster.Spec.Compute.ScaleIn.DrainTimeout = &metav1.Duration{} }
	pods := []*corev1.Pod{member(1, "a", chosen(names.Draining, 0), hostClosed)}
	g.Expect(stepsOf(drained(0, pods, says(hostOf("a", ego.StateClosed, 1)), zero))).To(HaveExactElements("Reclaim a by force"))
}

func TestAnUpdateDrainsNoMoreThanItsBudget(t *testing.T) {
	old, idle := revision("old"), ego.StateOK
	draining := []func(*corev1.Pod){old, chosen(names.Draining, minute), hostClosed}
	trouble := []*corev1.Pod{member(1, "a", old, unready), member(2, "b", old, unready), member(3, "c", old, unready), member(4, "d", old)}
	back := []*corev1.Pod{member(1, "a", draining...), member(2, "b", append(draining, chosen(names.Draining, 2*minute))...), member(3, "c", old), member(4, "d", old)}
	all := says(hostOf("a", idle, 1), hostOf("b", idle, 1), hostOf("c", idle, 1), hostOf("d", idle, 1))
	for name, c := range map[string]struct {
		pods  []*corev1.Pod
		edit  func(*observe.Facts)
		away  int32
		steps []string
	}{
		"of working pods that are not ready for a moment": {trouble, all, 2, []string{"Mark a for an update", "Mark b for an update"}},
		"nor of idle ones": {trouble, says(hostOf("a", idle, nothing), hostOf("b", idle, nothing), hostOf("c", idle, nothing)), 2, []string{
			"Mark a for an update", "Mark b for an update",
		}},
		"nor of those of which EGO does not tell": {trouble, failing, 1, []string{"Mark a for an update"}},
		"all that EGO does not know, and are not ready": {trouble, says(hostOf("d", idle, 1)), 1, []string{
			"Mark a for an update", "Mark b for an update", "Mark c for an update",
		}},
		"of a scale-in that was taken back, whoever is furthest": {back, all, 1, []string{"Close b for an update", "Unmark a"}},
		"and those stay that are draining when others get into trouble": {
			append([]*corev1.Pod{member(5, "e", unready)}, back...), all, 2, []string{"Close b for an update", "Close a for an update"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			set := func(f *observe.Facts) { f.Cluster.Spec.Compute.Update = budget(intstr.FromInt32(c.away)) }
			NewWithT(t).Expect(stepsOf(drained(len(c.pods), c.pods, c.edit, set))).To(HaveExactElements(c.steps))
		})
	}
}
