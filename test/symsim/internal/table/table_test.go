// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package table_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/table"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

var (
	start  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	timing = table.Timing{Unavailable: 5 * time.Second, Forget: time.Minute, ReclaimGrace: 10 * time.Second}
)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// cluster is a master and one host, both heard of at the start.
func cluster() *table.Table {
	hosts := table.New(timing)
	hosts.SetMaster("m", "10.0.0.1", wire.Load{}, start)
	hosts.Beat("c", "10.0.0.2", wire.Load{}, start)
	return hosts
}

func status(hosts *table.Table, name string, now time.Time) string {
	for _, host := range hosts.List(now) {
		if host.Name == name {
			return host.Status
		}
	}
	return "absent"
}

func TestLifeOfAHost(t *testing.T) {
	g := NewWithT(t)
	hosts := cluster()
	g.Expect(hosts.Beat("c", "10.0.0.3", wire.Load{}, at(1))).To(BeFalse(), "it is known")
	g.Expect(hosts.List(at(1))[1].Address).To(Equal("10.0.0.3"))
	g.Expect(status(hosts, "c", at(6))).To(Equal("ok"))
	g.Expect(status(hosts, "c", at(7))).To(Equal("unavail"))
	g.Expect(hosts.Expire(at(66))).To(BeEmpty())
	g.Expect(hosts.Expire(at(67))).To(Equal([]string{"c"}))
	g.Expect(status(hosts, "c", at(67))).To(Equal("absent"))
	g.Expect(status(hosts, "m", at(67))).To(Equal("ok"), "the master is ok as long as it answers")
	g.Expect(hosts.Beat("c", "10.0.0.3", wire.Load{}, at(68))).To(BeTrue(), "it joins again")
}

func TestWithoutTimeoutHostsStay(t *testing.T) {
	g := NewWithT(t)
	hosts := table.New(table.Timing{Unavailable: time.Second})
	hosts.Beat("c", "10.0.0.2", wire.Load{}, start)
	g.Expect(hosts.Expire(start.AddDate(1, 0, 0))).To(BeEmpty())
	g.Expect(status(hosts, "c", start.AddDate(1, 0, 0))).To(Equal("unavail"))
}

func TestClosedHosts(t *testing.T) {
	g := NewWithT(t)
	hosts := cluster()
	_, err := hosts.Allocate("C", "/consumer", 2, at(1))
	g.Expect(err).NotTo(HaveOccurred(), "names are compared without case")
	g.Expect(hosts.Close([]string{"c", "x"}, false, "why", at(1))).To(Equal([]string{"x"}))
	g.Expect(status(hosts, "c", at(1))).To(Equal("closed"))
	g.Expect(hosts.List(at(1))[1].Comment).To(Equal("why"))
	_, err = hosts.Allocate("c", "/consumer", 1, at(1))
	g.Expect(err).To(MatchError(ContainSubstring("closed")))
	hosts.Expire(at(2))
	g.Expect(hosts.Allocations()).To(HaveLen(1), "closing alone takes nothing back")

	hosts.Close([]string{"c"}, true, "", at(2))
	hosts.Beat("c", "10.0.0.2", wire.Load{}, at(11))
	hosts.Expire(at(11))
	g.Expect(hosts.Allocations()).To(HaveLen(1), "the grace period")
	hosts.Expire(at(12))
	g.Expect(hosts.Allocations()).To(BeEmpty())
	g.Expect(hosts.Open([]string{"c"})).To(BeEmpty())
	g.Expect(status(hosts, "c", at(12))).To(Equal("ok"))
}

func TestOpeningStopsAReclaim(t *testing.T) {
	hosts := cluster()
	_, err := hosts.Allocate("c", "/consumer", 2, at(1))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	hosts.Close([]string{"c"}, true, "", at(1))
	hosts.Open([]string{"c"})
	hosts.Beat("c", "10.0.0.2", wire.Load{}, at(20))
	hosts.Expire(at(20))
	NewWithT(t).Expect(hosts.Allocations()).To(HaveLen(1))
}

func TestRemove(t *testing.T) {
	g := NewWithT(t)
	hosts := cluster()
	g.Expect(hosts.Remove([]string{"c", "m", "x"})).To(Equal([]string{"x"}))
	g.Expect(status(hosts, "c", at(1))).To(Equal("absent"))
	g.Expect(status(hosts, "m", at(1))).To(Equal("ok"), "not the master")
}

func TestSavedTableIsTheSame(t *testing.T) {
	g := NewWithT(t)
	hosts := cluster()
	_, err := hosts.Allocate("c", "/consumer", 2, at(1))
	g.Expect(err).NotTo(HaveOccurred())
	hosts.Close([]string{"c"}, false, "why", at(1))
	again := table.New(timing)
	again.Restore(hosts.Save(), at(100))
	g.Expect(again.Save()).To(Equal(hosts.Save()))
	g.Expect(status(again, "c", at(101))).To(Equal("closed"))
	g.Expect(status(again, "c", at(106))).To(Equal("unavail"))
}

func TestThousandsOfHosts(t *testing.T) {
	g := NewWithT(t)
	hosts := table.New(timing)
	const count = 20000
	for number := range count {
		hosts.Beat(fmt.Sprintf("host-%05d", number), "10.0.0.2", wire.Load{}, start)
	}
	began := time.Now()
	list := hosts.List(start)
	g.Expect(list).To(HaveLen(count))
	g.Expect(list[count-1].Name).To(Equal("host-19999"))
	g.Expect(time.Since(began)).To(BeNumerically("<", 2*time.Second))
}
