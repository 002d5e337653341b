// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

const (
	// DefaultPollInterval is the time between two looks at one master's hosts.
	DefaultPollInterval = 15 * time.Second
	// drainingPolls is how many times as often they are looked at while hosts are drained: each look can let pods go.
	drainingPolls = 3
	// forbiddenPolls is how many times as long it takes to ask again, in the end, where the API server does not let it be: a right that is missing is
	// given by a person, and each look costs a connection of its own. With 1,000 clusters without it, these were an eighth of what the operator computed.
	forbiddenPolls = 4
	// eagerPolls bounds how many looks of one interval may follow a change of hosts at once. EGO takes changes that it does not make, such
	// as the removal of a host that it keeps: each look then leads to the same change, and each change to a look, as fast as they can.
	eagerPolls = 4
	// polledAtOnce bounds how many masters are asked at a time, each by one or two execs through the API server.
	polledAtOnce = 16
	// pollTimeout is above the deadlines of the commands of one poll.
	pollTimeout = 2 * time.Minute
)

// EGORead is what EGO said of a cluster's hosts at one time. It is never changed.
type EGORead struct {
	// At is when the answer came.
	At time.Time
	// Stale is true when hosts were closed, opened or removed since: nothing may be decided on it, and a new answer is on its way.
	Stale bool
	// Err is why there is no answer: one of the errors of package ego.
	Err error
	// Refused is why the last change of hosts failed, one of the reasons of EGOTrouble; "" when it did not.
	Refused string
	// Hosts are all hosts that EGO knows.
	Hosts []ego.Host
	// SessionDirector is true when the session director answered.
	SessionDirector bool
	// Workloads are the applications', nil when they were not asked for or did not answer. They are asked for only when a compute
	// host is allocated.
	Workloads []ego.Workload
	// IdleLooks counts, by host in EGO's own writing, in how many looks in a row nothing was allocated, at most EnoughIdleLooks.
	IdleLooks map[string]int

	// index is over Hosts, made once a poll: passes follow each other faster than polls.
	index *ego.Index
}

// Index finds hosts by name.
func (r *EGORead) Index() *ego.Index {
	if r.index == nil {
		return ego.NewIndex(r.Hosts) // One that no poll has made.
	}
	return r.index
}

// EnoughIdleLooks is in how many looks in a row a host must have had no work to be called idle.
const EnoughIdleLooks = 2

// EGOReads looks at EGO's hosts, for every cluster at its own pace and beside the passes: a master that starts up holds an
// answer back for as long as it likes. Like the consoles' answers, nothing of it has to survive a restart of the operator.
type EGOReads struct {
	// Changed has the clusters for which an answer differs from the last.
	Changed chan event.GenericEvent
	// Random is between 0 and 1. It spreads the polls; what has to come out the same twice sets it before the first.
	Random func() float64

	connect  func(types.NamespacedName) ego.EGO
	clock    clock.WithDelayedExecution
	interval time.Duration
	slots    chan struct{}
	polls    sync.WaitGroup

	missing missingRights

	mu    sync.Mutex
	known map[types.NamespacedName]*egoState
}

// egoState is what is known of one cluster's EGO.
type egoState struct {
	master masterIdentity
	pod    types.NamespacedName
	read   *EGORead
	// asking is true while a poll runs; changes counts what was done to the hosts, so that an answer from before is not taken
	// for one from after.
	asking  bool
	changes int
	choice  int64
	refused error
	hurry   bool
	// forbidden counts the looks in a row that the API server refused.
	forbidden int
	next      clock.Timer
	wanted    time.Time
	// eager counts the looks that followed a change at once, since eagerSince.
	eager      int
	eagerSince time.Time
}

// masterIdentity is one start of a master: what an earlier one said does not count for it.
type masterIdentity struct {
	uid      types.UID
	restarts int32
}

// NewEGOReads connects to masters' pods by connect. An interval of 0 is DefaultPollInterval.
func NewEGOReads(connect func(types.NamespacedName) ego.EGO, now clock.WithDelayedExecution, interval time.Duration) *EGOReads {
	if interval <= 0 {
		interval = DefaultPollInterval
	}
	return &EGOReads{
		Changed:  make(chan event.GenericEvent, waitingChanges),
		Random:   rand.Float64,
		connect:  connect,
		clock:    now,
		interval: interval,
		slots:    make(chan struct{}, polledAtOnce),
		known:    map[types.NamespacedName]*egoState{},
	}
}

// Want is what a pass needs to know.
type Want struct {
	// Hurry has EGO asked more often, because hosts are drained.
	Hurry bool
	// Choice is the generation of the spec for which pods are chosen that are to go, 0 when none are. What was read before it was
	// first wanted, or is older than choiceAge, is Stale then: a host that has got work since would be closed, and wait for its
	// end beside hosts that have none.
	Choice int64
}

// choiceAge is how old what EGO said may be when pods are chosen. It is longer than a pass and a poll take.
const choiceAge = 5 * time.Second

// Read returns what EGO on this master said last, nil when that is nothing yet, and sees to it that it
// is asked again.
func (r *EGOReads) Read(cluster *v1alpha1.SymphonyCluster, master *corev1.Pod, want Want) *EGORead {
	key := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}
	identity := masterIdentity{uid: master.UID, restarts: Restarts(master)}
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.known[key]
	if state == nil || state.master != identity {
		r.stop(state)
		state = &egoState{master: identity, choice: want.Choice, pod: types.NamespacedName{Namespace: master.Namespace, Name: master.Name}}
		r.known[key] = state
		r.ask(key, state)
	}
	state.wanted = r.clock.Now()
	if want.Hurry && !state.hurry && !state.asking {
		state.next.Reset(r.jittered(r.interval / drainingPolls))
	}
	state.hurry = want.Hurry
	isNew := want.Choice != 0 && want.Choice != state.choice
	state.choice = want.Choice
	switch {
	case isNew:
		// One that runs may have looked already.
		state.changes++
		fallthrough
	case want.Choice != 0 && state.read != nil && state.wanted.Sub(state.read.At) > choiceAge:
		state.outdate()
		r.ask(key, state)
	}
	return state.read
}

// outdate keeps what was read for people, and from decisions. The lock is held.
func (s *egoState) outdate() {
	if s.read == nil {
		return
	}
	old := *s.read
	old.Stale, old.Refused = true, EGOTrouble(s.refused)
	s.read = &old
}

// HostsChanging is called before hosts are closed, opened or removed: what was read before says nothing any more, and what is read
// meanwhile is half of each. They are looked at when it is done, which HostsChange tells.
func (r *EGOReads) HostsChanging(cluster *v1alpha1.SymphonyCluster) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state := r.known[types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}]; state != nil {
		state.changes++
		state.outdate()
	}
}

// HostsChange has hosts looked at anew: it is called after they were closed, opened or removed. What failed is remembered until something succeeds, or nothing
// is left to do, of which it is told alike; it is not followed by a look at once: the same command would fail again, as fast as it can.
func (r *EGOReads) HostsChange(cluster *v1alpha1.SymphonyCluster, failed error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}
	state := r.known[key]
	if state == nil {
		return
	}
	state.changes++
	state.refused = failed
	state.outdate()
	if !state.asking {
		r.again(key, state)
	}
}

// again looks at hosts that were changed: at once, unless that failed, or has been done often in the last interval.
func (r *EGOReads) again(key types.NamespacedName, state *egoState) {
	if now := r.clock.Now(); now.Sub(state.eagerSince) >= r.interval {
		state.eager, state.eagerSince = 0, now
	}
	if state.refused == nil && state.eager < eagerPolls {
		state.eager++
		r.ask(key, state)
		return
	}
	r.schedule(key, state)
}

// Forget is for a cluster that is gone, or has no master that is ready.
func (r *EGOReads) Forget(cluster *v1alpha1.SymphonyCluster) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}
	r.stop(r.known[key])
	delete(r.known, key)
}

func (r *EGOReads) stop(state *egoState) {
	if state != nil && state.next != nil {
		state.next.Stop()
	}
}

// ask starts a poll unless one runs. The lock is held.
func (r *EGOReads) ask(key types.NamespacedName, state *egoState) {
	if state.asking {
		return
	}
	state.asking = true
	r.stop(state)
	changes, before := state.changes, state.read
	r.polls.Go(func() { r.poll(key, state, changes, before) })
}

// Wait returns when no look is under way.
func (r *EGOReads) Wait() { r.polls.Wait() }

func (r *EGOReads) poll(key types.NamespacedName, state *egoState, changes int, before *EGORead) {
	r.slots <- struct{}{}
	read := r.answer(key, state, before)
	<-r.slots

	r.mu.Lock()
	defer r.mu.Unlock()
	state.asking = false
	if r.known[key] != state {
		return
	}
	if state.changes != changes {
		r.again(key, state)
		return
	}
	switch {
	case errors.Is(read.Err, errSameNamespace):
	case errors.Is(read.Err, ego.ErrForbidden):
		state.forbidden++
	default:
		state.forbidden = 0
	}
	read.Refused = EGOTrouble(state.refused)
	tell := !sameAnswer(state.read, read)
	state.read = read
	r.schedule(key, state)
	if tell {
		askForPass(r.Changed, key)
	}
}

// answer looks, unless it is known what would come of it.
func (r *EGOReads) answer(key types.NamespacedName, state *egoState, before *EGORead) *EGORead {
	if known := r.missing.instead(key, before, r.clock.Now(), r.interval); known != nil {
		return known
	}
	// The poll outlives the pass that asked for it.
	ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
	defer cancel()
	read := look(ctx, r.connect(state.pod), r.clock, before, names.ComputeName(key.Name)+"-")
	r.missing.note(key, read.Err, r.clock.Now())
	return read
}

// schedule plans the next poll. A cluster that no pass has asked for in a while is gone or another replica's.
func (r *EGOReads) schedule(key types.NamespacedName, state *egoState) {
	if r.clock.Now().Sub(state.wanted) > forgetAfter {
		delete(r.known, key)
		return
	}
	r.stop(state)
	after := r.interval
	switch {
	case state.forbidden > 0:
		after *= time.Duration(min(state.forbidden, forbiddenPolls))
	case state.hurry:
		after /= drainingPolls
	}
	state.next = r.clock.AfterFunc(r.jittered(after), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.known[key] == state {
			r.ask(key, state)
		}
	})
}

// jittered keeps the polls of many clusters from coming together: a fifth more or less.
func (r *EGOReads) jittered(interval time.Duration) time.Duration {
	return time.Duration(float64(interval) * (0.8 + 0.4*r.Random()))
}

// look is one poll: the hosts, and then, where something is allocated, the applications, whose numbers must not be older.
// Other hosts than compute's are no reason: management hosts hold something all the time.
func look(ctx context.Context, at ego.EGO, now clock.PassiveClock, before *EGORead, computePrefix string) *EGORead {
	hosts, err := at.Hosts(ctx)
	if err != nil {
		return &EGORead{At: now.Now(), Err: err}
	}
	read := &EGORead{Hosts: hosts, IdleLooks: map[string]int{}, index: ego.NewIndex(hosts)}
	if slices.ContainsFunc(hosts, func(h ego.Host) bool {
		return len(h.Allocations) > 0 && strings.HasPrefix(strings.ToLower(h.Name), computePrefix)
	}) {
		read.Workloads, err = at.Workloads(ctx)
	} else {
		_, err = at.Applications(ctx)
	}
	read.SessionDirector = err == nil
	read.At = now.Now()
	for i := range hosts {
		if Working(&hosts[i], read.Workloads) {
			continue
		}
		looks := 1
		if before != nil {
			looks = min(before.IdleLooks[hosts[i].Name]+1, EnoughIdleLooks)
		}
		read.IdleLooks[hosts[i].Name] = looks
	}
	return read
}

// Working reports whether a host may have tasks. EGO lists what consumers hold of a host and not what runs there, and an application
// lists its tasks and not where they run: so a host works unless all that is held of it is held by consumers whose applications
// have no task at all. A consumer without an application that is known, such as a service's, works.
func Working(host *ego.Host, workloads []ego.Workload) bool {
	for i := range host.Allocations {
		if !idleConsumer(host.Allocations[i].Consumer, workloads) {
			return true
		}
	}
	return false
}

func idleConsumer(consumer string, workloads []ego.Workload) bool {
	found := false
	for i := range workloads {
		if workloads[i].Consumer != consumer {
			continue
		}
		if !workloads[i].Idle() {
			return false
		}
		found = true
	}
	return found && consumer != ""
}

// sameAnswer reports whether a pass has nothing new to learn: loads, and when it was said, are no news.
func sameAnswer(a, b *EGORead) bool {
	if a == nil || b == nil || a.Stale || b.Stale || a.SessionDirector != b.SessionDirector {
		return false
	}
	if a.Err != nil || b.Err != nil {
		return a.Err != nil && b.Err != nil && EGOTrouble(a.Err) == EGOTrouble(b.Err)
	}
	return maps.Equal(a.IdleLooks, b.IdleLooks) && slices.EqualFunc(a.Hosts, b.Hosts, func(x, y ego.Host) bool {
		return x.Name == y.Name && x.State == y.State && x.Slots() == y.Slots()
	})
}

// EGOTrouble is the reason of an error of package ego, for conditions: its text has numbers that differ every time.
func EGOTrouble(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ego.ErrForbidden):
		return v1alpha1.ReasonEGOForbidden
	case errors.Is(err, ego.ErrNotUnderstood):
		return v1alpha1.ReasonEGONotUnderstood
	case errors.Is(err, ego.ErrRefused):
		return v1alpha1.ReasonEGORefused
	default:
		return v1alpha1.ReasonEGOUnreachable
	}
}
