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

const (
	idles   = "idles"
	durable = "durable"
)

func load(start string) wire.Load { return wire.Load{Slots: 2, Start: start} }

// grid is a master without slots for tasks and two hosts with two each, and two applications.
func grid() *table.Table {
	hosts := table.New(timing)
	hosts.SetMaster("m", "10.0.0.1", wire.Load{Slots: 8}, start)
	beat(hosts, 0)
	hosts.AddApplication(wire.Application{Name: idles, Consumer: "/Idle", KeepIdle: true})
	hosts.AddApplication(wire.Application{Name: durable, Consumer: "/Durable", Recoverable: true})
	return hosts
}

func beat(hosts *table.Table, seconds int) {
	hosts.Beat("a", "10.0.0.2", load("a1"), at(seconds))
	hosts.Beat("b", "10.0.0.3", load("b1"), at(seconds))
}

func submit(t *testing.T, hosts *table.Table, app, host string, now time.Time) wire.Task {
	t.Helper()
	task, err := hosts.Submit(wire.Task{App: app, Host: host, Slots: 1}, now)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return task
}

// tasks is what `symsim task list` says.
func tasks(hosts *table.Table) []string {
	var lines []string
	for _, task := range hosts.Tasks() {
		lines = append(lines, fmt.Sprintf("%d %s %s", task.ID, task.Host, task.State))
	}
	return lines
}

// happened is what happened since it was asked last.
func happened(hosts *table.Table) []string {
	var lines []string
	for _, event := range hosts.Events() {
		lines = append(lines, fmt.Sprintf("%d %s %s", event.Task, event.Host, event.What))
	}
	return lines
}

func workload(hosts *table.Table, app string) wire.Workload {
	for _, load := range hosts.Workloads() {
		if load.Name == app {
			load.Application = wire.Application{}
			return load
		}
	}
	return wire.Workload{}
}

func TestTasksRunAndEnd(t *testing.T) {
	g := NewWithT(t)
	hosts := grid()
	submit(t, hosts, "", "A", at(1))
	g.Expect(hosts.Allocations()).To(Equal([]wire.Allocation{{
		ID: 1, Client: "SSM_SampleAppCPP", Consumer: "/SampleApplications/SOASamples", Group: "ComputeHosts", Host: "a",
		Slots: 1, App: "SampleAppCPP",
	}}))
	submit(t, hosts, "", "a", at(1))
	_, err := hosts.Submit(wire.Task{Host: "a", Slots: 1}, at(1))
	g.Expect(err).To(MatchError("Resource <a> has 0 free slots, not 1"))
	_, err = hosts.Submit(wire.Task{App: "none", Host: "a", Slots: 1}, at(1))
	g.Expect(err).To(MatchError("Application <none> does not exist"))
	_, err = hosts.Submit(wire.Task{Host: "x", Slots: 1}, at(1))
	g.Expect(err).To(MatchError("Resource <x> is not found"))
	g.Expect(workload(hosts, table.DefaultApplication)).To(Equal(wire.Workload{Running: 2, Occupied: 2}))
	g.Expect(hosts.Free("a")).To(BeZero(), "a task keeps what it runs in")

	g.Expect(hosts.Finish("1", at(2))).To(Equal(1))
	g.Expect(hosts.Finish("1", at(2))).To(BeZero())
	g.Expect(hosts.Allocations()).To(HaveLen(1))
	g.Expect(workload(hosts, table.DefaultApplication)).To(Equal(wire.Workload{Running: 1, Done: 1, Occupied: 1}))
	g.Expect(hosts.Finish("A", at(2))).To(Equal(1))
	g.Expect(tasks(hosts)).To(Equal([]string{"1 a DONE", "2 a DONE"}))
	g.Expect(happened(hosts)).To(Equal([]string{
		"1  submitted", "1 a started", "2  submitted", "2 a started", "1 a finished", "2 a finished",
	}))
}

func TestIdleServiceInstancesTakeTasksOnClosedHosts(t *testing.T) {
	g := NewWithT(t)
	hosts := grid()
	submit(t, hosts, idles, "a", at(1))
	hosts.Finish("all", at(1))
	g.Expect(workload(hosts, idles)).To(Equal(wire.Workload{Done: 1, Occupied: 1, Unused: 1}))
	hosts.Close([]string{"a", "b"}, false, "", at(1))
	g.Expect(submit(t, hosts, idles, "", at(2)).Host).To(Equal("a"), "what is allocated stays so")
	g.Expect(submit(t, hosts, idles, "", at(2)).State).To(Equal(table.TaskPending), "nothing new is allocated")
	_, err := hosts.Submit(wire.Task{App: idles, Host: "a", Slots: 1}, at(2))
	g.Expect(err).To(MatchError("Resource <a> is closed"))
	g.Expect(workload(hosts, idles)).To(Equal(wire.Workload{Pending: 1, Running: 1, Done: 1, Occupied: 1}))

	hosts.Finish("2", at(3))
	g.Expect(tasks(hosts)).To(Equal([]string{"1 a DONE", "2 a DONE", "3 a RUN"}))
	hosts.Finish("3", at(3))
	g.Expect(hosts.Free("a")).To(Equal(1), "the consumer gives an idle one back")
	submit(t, hosts, idles, "", at(3))
	hosts.Open([]string{"b"})
	hosts.Expire(at(4))
	g.Expect(tasks(hosts)[3]).To(Equal("4 b RUN"))
}

func TestReclaimedTasksRunElsewhere(t *testing.T) {
	g := NewWithT(t)
	hosts := grid()
	submit(t, hosts, idles, "a", at(0))
	hosts.Finish("all", at(0))
	submit(t, hosts, durable, "a", at(0))
	happened(hosts)
	hosts.Close([]string{"a"}, true, "", at(0))
	submit(t, hosts, idles, "", at(1))
	g.Expect(tasks(hosts)).To(Equal([]string{"1 a DONE", "2 a RUN", "3 b RUN"}), "a reclaimed host gets no task")
	beat(hosts, 9)
	hosts.Expire(at(9))
	g.Expect(tasks(hosts)[1]).To(Equal("2 a RUN"), "the grace period")
	beat(hosts, 10)
	hosts.Expire(at(10))
	g.Expect(tasks(hosts)[1]).To(Equal("2 b RUN"))
	g.Expect(happened(hosts)).To(Equal([]string{
		"3  submitted", "3 b started", "2 a interrupted(reclaim)", "2  requeued", "2 b started",
	}))
	for _, alloc := range hosts.Allocations() {
		g.Expect(alloc.Host).To(Equal("b"))
	}
}

func TestTasksOfLostHostsWaitForAHost(t *testing.T) {
	for name, lose := range map[string]func(*table.Table){
		"it is silent":        func(*table.Table) {},
		"it is removed":       func(hosts *table.Table) { hosts.Remove([]string{"a"}) },
		"it is another start": func(hosts *table.Table) { hosts.Beat("a", "10.0.0.9", load("a2"), at(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			hosts := grid()
			hosts.Close([]string{"b"}, false, "", at(0))
			submit(t, hosts, durable, "a", at(0))
			happened(hosts)
			lose(hosts)
			hosts.Expire(at(7))
			g.Expect(hosts.Tasks()[0].State).To(Equal(table.TaskPending))
			g.Expect(hosts.Tasks()[0].Reason).To(Equal(table.EventHostLost))
			g.Expect(hosts.Allocations()).To(BeEmpty())
			hosts.Beat("b", "10.0.0.3", load("b1"), at(8))
			hosts.Open([]string{"b"})
			hosts.Expire(at(8))
			g.Expect(tasks(hosts)).To(Equal([]string{"1 b RUN"}))
			g.Expect(happened(hosts)).To(Equal([]string{"1 a interrupted(host lost)", "1  requeued", "1 b started"}))
		})
	}
}

func TestATaskEndsWhenItsHostSaysSo(t *testing.T) {
	g := NewWithT(t)
	hosts := grid()
	_, err := hosts.Submit(wire.Task{Host: "a", Slots: 2, Duration: 3 * time.Second}, at(0))
	g.Expect(err).NotTo(HaveOccurred())
	beat(hosts, 2)
	hosts.Expire(at(3))
	g.Expect(tasks(hosts)).To(Equal([]string{"1 a RUN"}), "a dead host has no result")
	beat(hosts, 3)
	hosts.Expire(at(3))
	g.Expect(tasks(hosts)).To(Equal([]string{"1 a DONE"}))
}

func TestAMasterThatIsStartedAgain(t *testing.T) {
	g := NewWithT(t)
	hosts := grid()
	submit(t, hosts, durable, "a", at(1))
	submit(t, hosts, durable, "b", at(1))
	submit(t, hosts, "", "a", at(1))
	submit(t, hosts, idles, "b", at(1))
	hosts.Close([]string{"b"}, true, "", at(1))

	again := table.New(timing)
	again.Restore(hosts.Save(), at(100))
	g.Expect(tasks(again)).To(Equal([]string{"1 a RUN", "2 b RUN", "3 a LOST", "4 b LOST"}))
	g.Expect(happened(again)).To(Equal([]string{"3 a lost", "4 b lost"}))
	g.Expect(workload(again, idles)).To(Equal(wire.Workload{Occupied: 1, Unused: 1}))
	again.SetMaster("m", "10.0.0.9", wire.Load{Slots: 8}, at(100))
	submit(t, again, durable, "", at(100))
	g.Expect(tasks(again)[4]).To(Equal("5  PENDING"), "no host was heard of yet")

	// a is there as it was, b is not; the reclaim of b goes on, its grace period was over long ago.
	again.Beat("a", "10.0.0.2", load("a1"), at(101))
	again.Expire(at(101))
	g.Expect(tasks(again)).To(Equal([]string{"1 a RUN", "2 a RUN", "3 a LOST", "4 b LOST", "5  PENDING"}))
	g.Expect(happened(again)).To(ContainElements("2 b interrupted(reclaim)", "2 a started"))
	again.Beat("a", "10.0.0.2", load("a2"), at(102))
	g.Expect(happened(again)).To(ContainElement("1 a interrupted(host lost)"), "another host of its name")
}
