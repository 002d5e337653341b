// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// slow is a console whose answers a test gives one by one.
type slow struct {
	questions chan string
	answers   chan bool
}

func (s *slow) Answers(_ context.Context, masterIP string) bool {
	s.questions <- masterIP
	return <-s.answers
}

func newConsoles() (*observe.Consoles, *slow, farClock) {
	console := &slow{questions: make(chan string), answers: make(chan bool)}
	clock := farClock{clocktesting.NewFakeClock(noon)}
	return observe.NewConsoles(console, clock), console, clock
}

func TestAPassDoesNotWaitForTheConsole(t *testing.T) {
	g := NewWithT(t)
	consoles, console, clock := newConsoles()
	cluster := prod()
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.1")).To(BeFalse(), "nobody has answered yet")
	g.Eventually(console.questions).Should(Receive(Equal("10.0.0.1")))
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.1")).To(BeFalse())
	g.Consistently(console.questions, "50ms").ShouldNot(Receive(), "one question at a time")

	console.answers <- true
	g.Eventually(consoles.Changed).Should(Receive(HaveField("Object.ObjectMeta.Name", "prod")))
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.1")).To(BeTrue())
	g.Consistently(console.questions, "50ms").ShouldNot(Receive(), "the answer is fresh")

	clock.SetTime(noon.Add(time.Minute))
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.1")).To(BeTrue())
	g.Eventually(console.questions).Should(Receive())
	console.answers <- true
	g.Consistently(consoles.Changed, "50ms").ShouldNot(Receive(), "the same answer is no news")
}

// A console that is not there yet, or never will be, needs no pass over its cluster to be asked.
func TestASilentConsoleIsAskedEverLater(t *testing.T) {
	g := NewWithT(t)
	consoles, console, clock := newConsoles()
	cluster := prod()
	silence := func() {
		g.Eventually(console.questions).Should(Receive())
		console.answers <- false
		g.Eventually(clock.HasWaiters).Should(BeTrue())
	}
	consoles.Answer(t.Context(), cluster, "10.0.0.1")
	silence()
	for range 10 {
		clock.Step(5*time.Second - 1)
		consoles.Answer(t.Context(), cluster, "10.0.0.1")
		g.Consistently(console.questions, "20ms").ShouldNot(Receive(), "no pass makes it come sooner")
		clock.Step(1)
		silence()
	}
	clock.Step(5 * time.Second)
	silence()
	clock.Step(5500*time.Millisecond - 1)
	g.Consistently(console.questions, "20ms").ShouldNot(Receive(), "a tenth of 55 s is over 5")
	for range 30 {
		consoles.Answer(t.Context(), cluster, "10.0.0.1")
		clock.Step(time.Minute)
		silence()
	}
	clock.Step(time.Minute - 1)
	g.Consistently(console.questions, "20ms").ShouldNot(Receive())
	clock.Step(1)
	g.Eventually(console.questions).Should(Receive())
	g.Expect(consoles.Changed).NotTo(Receive(), "it went on saying nothing")
	console.answers <- true
	g.Eventually(consoles.Changed).Should(Receive())
	g.Expect(clock.HasWaiters()).To(BeFalse())
}

func TestNobodyAsksASilentConsoleThatNobodyWantsToKnowOf(t *testing.T) {
	g := NewWithT(t)
	consoles, console, clock := newConsoles()
	cluster := prod()
	consoles.Answer(t.Context(), cluster, "10.0.0.1")
	g.Eventually(console.questions).Should(Receive())
	console.answers <- false
	g.Eventually(clock.HasWaiters).Should(BeTrue())
	consoles.Forget(cluster)
	g.Expect(clock.HasWaiters()).To(BeFalse())

	consoles.Answer(t.Context(), cluster, "10.0.0.1")
	g.Eventually(console.questions).Should(Receive())
	clock.Step(11 * time.Minute)
	console.answers <- false
	consoles.Wait()
	g.Expect(clock.HasWaiters()).To(BeFalse(), "no pass has asked for long: it is gone, or another replica's")
}

func TestAnotherMasterHasAnotherConsole(t *testing.T) {
	g := NewWithT(t)
	consoles, console, _ := newConsoles()
	cluster := prod()
	consoles.Answer(t.Context(), cluster, "10.0.0.1")
	g.Eventually(console.questions).Should(Receive())
	console.answers <- true
	g.Eventually(func() bool { return consoles.Answer(t.Context(), cluster, "10.0.0.1") }).Should(BeTrue())
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.2")).To(BeFalse())
	g.Eventually(console.questions).Should(Receive(Equal("10.0.0.2")))
	console.answers <- true
}

// A new operator must not write a status only because it has not asked yet.
func TestARestartIsNoReasonToDoubtTheStatus(t *testing.T) {
	g := NewWithT(t)
	cluster := prod()
	cluster.Status.Master.PodIP = "10.0.0.1"
	cluster.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionGUIReady, Status: metav1.ConditionTrue}}
	consoles, console, _ := newConsoles()
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.1")).To(BeTrue())
	g.Eventually(console.questions).Should(Receive())
	console.answers <- false
	g.Eventually(consoles.Changed).Should(Receive())
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.1")).To(BeFalse())

	other, console, _ := newConsoles()
	g.Expect(other.Answer(t.Context(), cluster, "10.0.0.2")).To(BeFalse(), "the status is about another master")
	g.Eventually(console.questions).Should(Receive())
	console.answers <- true
}

func TestWhatAConsoleAnsweredBeforeItsMasterWasNotReadyIsForgotten(t *testing.T) {
	g := NewWithT(t)
	consoles, console, _ := newConsoles()
	cluster := prod()
	consoles.Answer(t.Context(), cluster, "10.0.0.1")
	g.Eventually(console.questions).Should(Receive())
	console.answers <- true
	g.Eventually(func() bool { return consoles.Answer(t.Context(), cluster, "10.0.0.1") }).Should(BeTrue())
	consoles.Forget(cluster)
	g.Expect(consoles.Answer(t.Context(), cluster, "10.0.0.1")).To(BeFalse())
	g.Eventually(console.questions).Should(Receive())
	console.answers <- true
}
