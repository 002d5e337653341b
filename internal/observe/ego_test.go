// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const (
	polledHost = "prod-compute-aaaaa"
	// atMost and atLeast are how far apart two polls are: 15 seconds, and a fifth more or less.
	atMost, atLeast = 18 * time.Second, 11 * time.Second
)

// farClock calls in a goroutine of its own, as time.AfterFunc does: FakeClock would call under its lock.
type farClock struct {
	*clocktesting.FakeClock
}

func (c farClock) AfterFunc(after time.Duration, do func()) clock.Timer {
	return c.FakeClock.AfterFunc(after, func() { go do() })
}

// polled is an EGO with the reads of it.
type polled struct {
	*egotest.Fake

	g     Gomega
	reads *observe.EGOReads
	clock farClock
	// fault is what happens to calls, if anything does.
	fault atomic.Pointer[func(context.Context, egotest.Call) error]
}

func newPolled(t *testing.T, hosts ...string) *polled {
	t.Helper()
	p := &polled{Fake: egotest.New(hosts...), g: NewWithT(t), clock: farClock{clocktesting.NewFakeClock(noon)}}
	p.Before = func(ctx context.Context, call egotest.Call) error {
		if fault := p.fault.Load(); fault != nil {
			return (*fault)(ctx, call)
		}
		return nil
	}
	p.reads = observe.NewEGOReads(func(types.NamespacedName) ego.EGO { return p.Fake }, p.clock, 0)
	return p
}

func (p *polled) fails(fault func(context.Context, egotest.Call) error) {
	if fault == nil {
		p.fault.Store(nil)
		return
	}
	p.fault.Store(&fault)
}

// hold keeps polls from getting an answer until the function that it returns is called.
func (p *polled) hold() (release func()) {
	gate := make(chan struct{})
	p.fails(func(context.Context, egotest.Call) error {
		<-gate
		return nil
	})
	return func() {
		p.fails(nil)
		close(gate)
	}
}

func masterPod(uid types.UID, restarts int32) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod-master-1", UID: uid},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: names.Container, RestartCount: restarts}}},
	}
}

func (p *polled) read() *observe.EGORead {
	return p.reads.Read(prod(), masterPod("m", 0), observe.Want{Hurry: false})
}

func (p *polled) hurriedRead() *observe.EGORead {
	return p.reads.Read(prod(), masterPod("m", 0), observe.Want{Hurry: true})
}

func (p *polled) polls() int {
	polls := 0
	for _, call := range p.Calls() {
		if call.Verb == egotest.VerbHosts {
			polls++
		}
	}
	return polls
}

// answered waits until the last answer is there, and the next poll is planned.
func (p *polled) answered() *observe.EGORead {
	p.g.Eventually(p.clock.HasWaiters).Should(BeTrue())
	read := p.read()
	p.g.Expect(read).NotTo(BeNil())
	return read
}

// look has the next poll due, and waits for its answer.
func (p *polled) look() *observe.EGORead {
	before := p.polls()
	p.clock.Step(atMost)
	p.g.Eventually(p.polls).Should(Equal(before + 1))
	return p.answered()
}

func (p *polled) drain() {
	for len(p.reads.Changed) > 0 {
		<-p.reads.Changed
	}
}

func TestEGOIsAskedAtItsInterval(t *testing.T) {
	p := newPolled(t, polledHost)
	p.g.Expect(p.read()).To(BeNil(), "a pass does not wait")
	first := p.answered()
	p.g.Expect(first.Err).NotTo(HaveOccurred())
	p.g.Expect(first.Hosts).To(HaveLen(1))
	p.g.Expect(first.At).To(Equal(noon))
	p.clock.Step(atLeast)
	p.g.Consistently(p.polls, "50ms").Should(Equal(1))
	p.clock.Step(atMost - atLeast)
	p.g.Eventually(p.polls).Should(Equal(2))
	p.g.Expect(p.answered().At).To(Equal(noon.Add(atMost)))
}

func TestEGOIsAskedThreeTimesAsOftenWhileHostsDrain(t *testing.T) {
	p := newPolled(t)
	p.read()
	p.answered()
	p.hurriedRead()
	for polls := 2; polls < 5; polls++ {
		p.clock.Step(atLeast / 3)
		p.g.Consistently(p.polls, "20ms").Should(Equal(polls - 1))
		p.clock.Step(atMost/3 - atLeast/3)
		p.g.Eventually(p.polls).Should(Equal(polls))
		p.g.Eventually(p.clock.HasWaiters).Should(BeTrue())
		p.hurriedRead()
	}
}

func TestEGOIsAskedEverLaterWhileTheRightToAskIsMissing(t *testing.T) {
	p := newPolled(t, polledHost)
	p.fails(func(context.Context, egotest.Call) error { return fmt.Errorf("%w: by the test", ego.ErrForbidden) })
	p.read()
	p.answered()
	for polls, times := range []time.Duration{1, 2, 3, 4, 4} {
		p.clock.Step(times * atLeast)
		p.g.Consistently(p.polls, "20ms").Should(Equal(polls + 1))
		p.clock.Step(times * (atMost - atLeast))
		p.g.Eventually(p.polls).Should(Equal(polls + 2))
		p.answered()
	}
	p.fails(nil)
	p.clock.Step(4 * atMost)
	p.g.Eventually(func() error { return p.read().Err }).Should(Succeed())
	p.answered()
	p.look()
}

// The right to ask is given by namespace.
func TestEGOIsNotAskedWhereTheRightIsJustFoundMissing(t *testing.T) {
	p := newPolled(t, polledHost)
	p.reads.Random = func() float64 { return 1 } // No look comes by itself while this goes on.
	answer := func(namespace, name string) error {
		cluster, master := prod(), masterPod(types.UID("of "+name), 0)
		cluster.Namespace, cluster.Name = namespace, name
		p.reads.Read(cluster, master, observe.Want{})
		p.reads.Wait()
		return p.reads.Read(cluster, master, observe.Want{}).Err
	}
	asked, spared := MatchError(ContainSubstring("by the test")), MatchError(ContainSubstring("another master in this namespace"))
	p.fails(egotest.Always(fmt.Errorf("%w: by the test", ego.ErrForbidden)))
	p.g.Expect(answer("grid", "prod")).To(asked)
	p.g.Expect(answer("grid", "test")).To(And(MatchError(ego.ErrForbidden), spared))
	p.g.Expect(answer("other", "prod")).To(asked, "it is another namespace")
	p.g.Expect(p.polls()).To(Equal(2))

	p.clock.Step(observe.DefaultPollInterval / 2)
	p.g.Expect(answer("grid", "late")).To(asked, "it was said a while ago")
	p.g.Expect(answer("grid", "later")).To(spared)
	p.fails(nil)
	late := prod()
	late.Name = "late"
	p.reads.Forget(late)
	p.g.Expect(answer("grid", "late")).To(Succeed(), "who was refused asks by itself")
	p.g.Expect(answer("grid", "last")).To(Succeed(), "the right is there")
}

// One that could be asked before is asked, whatever is said of others: a policy may forbid single pods.
func TestEGOIsAskedWhereItCouldBeBefore(t *testing.T) {
	p := newPolled(t, polledHost)
	p.reads.Random = func() float64 { return 1 }
	p.read()
	p.g.Expect(p.answered().Err).NotTo(HaveOccurred())
	p.fails(egotest.Always(fmt.Errorf("%w: by the test", ego.ErrForbidden)))
	other := prod()
	other.Name = "other"
	p.clock.Step(atMost - time.Second)
	p.reads.Read(other, masterPod("o", 0), observe.Want{})
	p.reads.Wait()
	p.fails(nil)
	p.clock.Step(time.Second)
	p.g.Eventually(p.polls).Should(Equal(3))
	p.g.Expect(p.answered().Err).NotTo(HaveOccurred())
}

func TestOnePollAtATime(t *testing.T) {
	p := newPolled(t)
	release := p.hold()
	p.read()
	p.g.Eventually(p.polls).Should(Equal(1))
	p.hurriedRead()
	p.reads.HostsChange(prod(), nil)
	p.clock.Step(time.Hour)
	p.g.Consistently(p.polls, "50ms").Should(Equal(1))
	release()
	p.g.Eventually(p.polls).Should(Equal(2), "hosts were changed while it was on its way: its answer is half of each")
}

// What one start of the master said does not count for the next.
func TestAnAnswerOfAnotherMasterIsDropped(t *testing.T) {
	for name, next := range map[string]*corev1.Pod{"another pod": masterPod("n", 0), "its container, started again": masterPod("m", 1)} {
		t.Run(name, func(t *testing.T) {
			p := newPolled(t, polledHost)
			release := p.hold()
			p.read()
			p.g.Eventually(p.polls).Should(Equal(1))
			p.g.Expect(p.reads.Read(prod(), next, observe.Want{Hurry: false})).To(BeNil())
			p.g.Eventually(p.polls).Should(Equal(2))
			p.Forget()
			release()
			p.g.Eventually(func() *observe.EGORead { return p.reads.Read(prod(), next, observe.Want{Hurry: false}) }).
				Should(HaveField("Hosts", BeEmpty()))
			p.g.Expect(p.reads.Changed).To(HaveLen(1), "the first one's answer is no news")
			p.g.Eventually(p.clock.Waiters).Should(Equal(1))
		})
	}
}

func TestAChangeMakesWhatWasReadStaleAndLooksAgain(t *testing.T) {
	p := newPolled(t, polledHost)
	p.read()
	p.answered()
	p.drain()
	p.g.Expect(p.Close(t.Context(), []string{polledHost}, ego.CloseOptions{})).To(Succeed())
	release := p.hold()
	p.reads.HostsChange(prod(), nil)
	p.g.Expect(p.read()).To(HaveField("Stale", true))
	p.g.Expect(p.read().Hosts).To(HaveLen(1), "people are still told of it")
	release()
	p.g.Eventually(p.read).Should(HaveField("Stale", false))
	p.g.Expect(p.read().Hosts[0].State).To(Equal(ego.StateClosed))
	p.g.Expect(p.reads.Changed).To(HaveLen(1))
}

func TestAChangeThatFailedIsRememberedAndNotFollowedByALookAtOnce(t *testing.T) {
	p := newPolled(t, polledHost)
	p.read()
	p.answered()
	p.reads.HostsChange(prod(), ego.ErrRefused)
	p.g.Expect(p.read()).To(And(HaveField("Stale", true), HaveField("Refused", "EGORefused")))
	p.g.Consistently(p.polls, "50ms").Should(Equal(1))
	p.g.Expect(p.look()).To(And(HaveField("Stale", false), HaveField("Refused", "EGORefused")))
	p.reads.HostsChange(prod(), nil)
	p.g.Eventually(p.read).Should(And(HaveField("Stale", false), HaveField("Refused", "")))

	// Before a change nothing is asked; what is on its way is dropped.
	polls := p.polls()
	p.reads.HostsChanging(prod())
	p.g.Expect(p.read()).To(And(HaveField("Stale", true), HaveField("Refused", "")))
	p.g.Consistently(p.polls, "50ms").Should(Equal(polls))
	release := p.hold()
	p.clock.Step(atMost)
	p.g.Eventually(p.polls).Should(Equal(polls + 1))
	p.reads.HostsChange(prod(), ego.ErrUnreachable)
	release()
	p.g.Eventually(p.clock.HasWaiters).Should(BeTrue())
	p.g.Consistently(p.polls, "50ms").Should(Equal(polls + 1))
	p.g.Expect(p.look()).To(HaveField("Refused", "EGOUnreachable"))
}

// EGO may take a change and not make it. The next look shows the same, and the next pass does the same.
func TestChangesThatChangeNothingDoNotHuntTheirLooks(t *testing.T) {
	p := newPolled(t, polledHost)
	p.read()
	p.answered()
	for range 20 {
		p.reads.HostsChange(prod(), nil)
		p.g.Eventually(p.clock.HasWaiters).Should(BeTrue())
	}
	p.g.Expect(p.polls()).To(Equal(5))
	p.g.Expect(p.read().Stale).To(BeTrue(), "nothing is decided until the next look")
	p.g.Expect(p.look().Stale).To(BeFalse())
	p.reads.HostsChange(prod(), nil)
	p.g.Eventually(p.polls).Should(Equal(7))
}

func TestNobodyAsksForAClusterThatIsGone(t *testing.T) {
	p := newPolled(t)
	p.reads.HostsChange(prod(), nil)
	p.read()
	p.answered()
	p.reads.Forget(prod())
	p.g.Expect(p.clock.HasWaiters()).To(BeFalse())
	p.clock.Step(time.Hour)
	p.g.Consistently(p.polls, "50ms").Should(Equal(1))
	p.reads.HostsChange(prod(), nil)
	p.g.Expect(p.read()).To(BeNil(), "what it said before is forgotten")
	p.g.Eventually(p.polls).Should(Equal(2))

	// A replica that has ceased to lead is told nothing of it.
	p.answered()
	p.clock.Step(11 * time.Minute)
	p.g.Eventually(p.polls).Should(Equal(3))
	p.g.Consistently(p.clock.HasWaiters, "50ms").Should(BeFalse())
}

func TestAnAnswerOfAForgottenClusterPlansNoPoll(t *testing.T) {
	p := newPolled(t)
	release := p.hold()
	p.read()
	p.g.Eventually(p.polls).Should(Equal(1))
	p.reads.Forget(prod())
	release()
	p.g.Consistently(p.clock.HasWaiters, "50ms").Should(BeFalse())
	p.g.Expect(p.reads.Changed).To(BeEmpty())
}
