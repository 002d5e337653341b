// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"math"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// lostLeader is the way of a leader whose machine is lost at one of its writes or commands: from then on nothing of it reaches
// anybody, neither what it reads, nor the renewal of its lease, nor its release.
type lostLeader struct{ *mortal }

func (l lostLeader) toAPI(next http.RoundTripper) http.RoundTripper {
	counted := l.mortal.toAPI(next)
	return oracle.RoundTripper(func(request *http.Request) (*http.Response, error) {
		select {
		case <-l.killed:
			return nil, errKilled
		default:
			return counted.RoundTrip(request)
		}
	})
}

// dieIn lets it be lost at the n-th write or command from now on.
func (l lostLeader) dieIn(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = l.count + n
}

// elections are in the world's namespace, and as quick as a leader on a busy machine can bear, which has to renew its lease in time.
func (w *world) elections() ctrl.Options {
	return ctrl.Options{
		LeaderElection: true, LeaderElectionNamespace: w.namespace,
		LeaseDuration: new(8 * time.Second), RenewDeadline: new(6 * time.Second), RetryPeriod: new(200 * time.Millisecond),
	}
}

func (w *world) lease(ctx context.Context) *coordinationv1.LeaseSpec {
	GinkgoHelper()
	return &get[coordinationv1.Lease](ctx, w, "symphony-operator.io").Spec
}

var _ = Describe("A leader that is lost without a word in the middle of a drain", func() {
	DescribeTable("is followed by the one that waited, which ends it with the same hosts", func(ctx SpecContext, at int, after bool) {
		w := newWorldWithoutOperator(ctx)
		lost := lostLeader{newMortal(w.grids, math.MaxInt, after)}
		// As a user with all rights: an installation's operator has its lease in its own namespace, where its role is.
		first, err := startOperatorAs(config, w.namespace, w.console, lost, w.elections())
		Expect(err).NotTo(HaveOccurred())
		first.deposed = true
		Eventually(first.elected).Should(BeClosed())
		w.operator, err = startOperatorAs(config, w.namespace, w.console, direct{w.grids}, w.elections())
		Expect(err).NotTo(HaveOccurred())
		w.ready(ctx, "prod", replicas(5))
		w.settle(ctx)
		Expect(w.operator.writes.Writes()).To(BeEmpty(), "one that waits writes nothing")
		holder := *w.lease(ctx).HolderIdentity

		lost.dieIn(at)
		kept := w.scaleInToTwo(ctx)
		Eventually(lost.killed).Should(BeClosed())
		written := first.writes.Count()
		w.waitReady(ctx, "prod")
		Expect(w.computeNames(ctx, "prod")).To(Equal(kept), lost.what())
		w.tidy(ctx, "prod")
		for _, call := range w.grids.Of("prod").Changes() {
			Expect(call.Reclaim).To(BeFalse(), lost.what())
		}
		Expect(*w.lease(ctx).HolderIdentity).NotTo(Equal(holder))
		Expect(*w.lease(ctx).LeaseTransitions).To(BeEquivalentTo(1), "it was taken, not released")

		By("seeing the lost one give up, because it could not renew its lease")
		Eventually(first.stopped).Should(BeClosed())
		Expect(first.ended).To(MatchError(ContainSubstring("leader election lost")))
		Expect(first.writes.Count()).To(Equal(written))
		GinkgoWriter.Println(lost.what())
	},
		Entry("before it had done anything", 1, false),
		Entry("when it had chosen a few of them", 3, true),
		Entry("at a command to EGO or a write of which it did not hear", 6, true),
		Entry("late", 9, false),
	)
})
