// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package table

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// The states of a task. The product has more; what they are called in soamview's lists was not seen.
const (
	TaskPending = "PENDING"
	TaskRunning = "RUN"
	TaskDone    = "DONE"
	TaskLost    = "LOST"
)

// What happens to a task.
const (
	EventSubmitted = "submitted"
	EventStarted   = "started"
	EventFinished  = "finished"
	EventReclaimed = "interrupted(reclaim)"
	EventHostLost  = "interrupted(host lost)"
	EventRequeued  = "requeued"
	EventLost      = "lost"
)

// DefaultApplication is the one of tasks that name none; it is made when the first of them comes. DefaultConsumer is
// the one of applications that name none.
const (
	DefaultApplication = "SampleAppCPP"
	DefaultConsumer    = "/SampleApplications/SOASamples"
)

// Event is one transition of a task. Host is empty while the task is on none.
type Event struct {
	Task int
	App  string
	Host string
	What string
}

// AddApplication makes an application known, or gives a known one other settings.
func (t *Table) AddApplication(app wire.Application) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.addApplication(app)
}

func (t *Table) addApplication(app wire.Application) {
	if app.Consumer == "" {
		app.Consumer = DefaultConsumer
	}
	if known := t.application(app.Name); known != nil {
		*known = app
		return
	}
	t.apps = append(t.apps, app)
}

func (t *Table) application(name string) *wire.Application {
	for at := range t.apps {
		if t.apps[at].Name == name {
			return &t.apps[at]
		}
	}
	return nil
}

// Workloads is what each application has to do and holds, in the order in which they came.
func (t *Table) Workloads() []wire.Workload {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	busy := t.busy()
	list := make([]wire.Workload, 0, len(t.apps))
	for _, app := range t.apps {
		load := wire.Workload{Application: app}
		for _, task := range t.tasks {
			if task.App != app.Name {
				continue
			}
			switch task.State {
			case TaskPending:
				load.Pending++
			case TaskRunning:
				load.Running++
			case TaskDone:
				load.Done++
			}
		}
		for _, alloc := range t.allocs {
			if alloc.App != app.Name {
				continue
			}
			load.Occupied += alloc.Slots
			if !busy[alloc.ID] {
				load.Unused += alloc.Slots
			}
		}
		list = append(list, load)
	}
	return list
}

// Submit starts a task on a host, or refuses. Without a host the task waits for one that is free.
func (t *Table) Submit(task wire.Task, now time.Time) (wire.Task, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if task.App == "" {
		task.App = DefaultApplication
		if t.application(task.App) == nil {
			t.addApplication(wire.Application{Name: task.App})
		}
	}
	app := t.application(task.App)
	if app == nil {
		return task, fmt.Errorf("Application <%s> does not exist", task.App)
	}
	var alloc wire.Allocation
	if task.Host != "" {
		var err error
		if alloc, err = t.obtain(app, task.Host, task.Slots, now); err != nil {
			return task, err
		}
	}
	task.ID, task.State, task.Host = t.nextTask, TaskPending, ""
	t.nextTask++
	t.tasks = append(t.tasks, task)
	at := len(t.tasks) - 1
	t.note(&t.tasks[at], EventSubmitted)
	if alloc.ID != 0 {
		t.run(&t.tasks[at], alloc, now)
	} else {
		t.schedule(now)
	}
	return t.tasks[at], nil
}

// obtain is an idle service instance of the application on a host, or a new one if the host takes work.
func (t *Table) obtain(app *wire.Application, name string, slots int, now time.Time) (wire.Allocation, error) {
	known := t.find(name)
	if known == nil {
		return wire.Allocation{}, fmt.Errorf("Resource <%s> is not found", name)
	}
	if alloc, ok := t.idle(app, known.Name, slots, now); ok {
		return alloc, nil
	}
	if status := t.status(known, now); status != StatusOK {
		return wire.Allocation{}, fmt.Errorf("Resource <%s> is %s", name, status)
	}
	if free := t.free(known); free < slots {
		return wire.Allocation{}, fmt.Errorf("Resource <%s> has %d free slots, not %d", name, max(free, 0), slots)
	}
	return t.hire(app, known, slots), nil
}

func (t *Table) hire(app *wire.Application, known *host, slots int) wire.Allocation {
	return t.hold(wire.Allocation{
		Client: "SSM_" + app.Name, Consumer: app.Consumer, Host: known.Name, Slots: slots, App: app.Name,
	})
}

// idle finds an idle service instance, on a host or (name empty) anywhere. What is allocated stays allocated: the host
// may be closed. That one which is being reclaimed gets no task any more is a guess.
func (t *Table) idle(app *wire.Application, name string, slots int, now time.Time) (wire.Allocation, bool) {
	busy := t.busy()
	for _, alloc := range t.allocs {
		if alloc.App != app.Name || alloc.Slots != slots || busy[alloc.ID] || name != "" && alloc.Host != name {
			continue
		}
		known := t.find(alloc.Host)
		if known != nil && !known.restored && known.reclaimAt.IsZero() && t.status(known, now) != StatusUnavailable {
			return alloc, true
		}
	}
	return wire.Allocation{}, false
}

func (t *Table) busy() map[int]bool {
	busy := map[int]bool{}
	for _, task := range t.tasks {
		if task.State == TaskRunning {
			busy[task.Alloc] = true
		}
	}
	return busy
}

// free is how many slots of a host nobody holds. Allocations that no task has may be more than the host has slots.
func (t *Table) free(known *host) int {
	free := known.Load.Slots
	for _, alloc := range t.allocs {
		if alloc.Host == known.Name {
			free -= alloc.Slots
		}
	}
	return free
}

// schedule starts what waits, the oldest first: in an idle service instance of its application, else on the host with
// the most free slots.
func (t *Table) schedule(now time.Time) {
	for at := range t.tasks {
		task := &t.tasks[at]
		app := t.application(task.App)
		if task.State != TaskPending || app == nil {
			continue
		}
		if alloc, ok := t.idle(app, "", task.Slots, now); ok {
			t.run(task, alloc, now)
		} else if best := t.freest(task.Slots, now); best != nil {
			t.run(task, t.hire(app, best, task.Slots), now)
		}
	}
}

func (t *Table) freest(slots int, now time.Time) *host {
	held := map[string]int{}
	for _, alloc := range t.allocs {
		held[alloc.Host] += alloc.Slots
	}
	var best *host
	most := 0
	for _, known := range t.hosts {
		if known.master || known.Load.Management || known.restored || t.status(known, now) != StatusOK {
			continue
		}
		free := known.Load.Slots - held[known.Name]
		if free >= slots && (best == nil || free > most || free == most && known.Name < best.Name) {
			best, most = known, free
		}
	}
	return best
}

func (t *Table) run(task *wire.Task, alloc wire.Allocation, now time.Time) {
	task.State, task.Reason, task.Host, task.Alloc, task.Started = TaskRunning, "", alloc.Host, alloc.ID, now
	t.note(task, EventStarted)
}

// Finish ends running tasks well: one by its number, those of a host, or "all". It returns how many.
func (t *Table) Finish(which string, now time.Time) int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	finished := 0
	for at := range t.tasks {
		task := &t.tasks[at]
		if task.State == TaskRunning &&
			(which == "all" || fmt.Sprint(task.ID) == which || strings.EqualFold(task.Host, which)) {
			t.finish(task)
			finished++
		}
	}
	t.schedule(now)
	return finished
}

// finishOnTime ends the tasks whose hosts were heard of after their time was over: a host that died before has no result.
func (t *Table) finishOnTime() {
	for at := range t.tasks {
		task := &t.tasks[at]
		if task.State != TaskRunning || task.Duration == 0 {
			continue
		}
		known := t.find(task.Host)
		if known != nil && !known.restored && !known.lastBeat.Before(task.Started.Add(task.Duration)) {
			t.finish(task)
		}
	}
}

func (t *Table) finish(task *wire.Task) {
	task.State = TaskDone
	t.note(task, EventFinished)
	t.release(task)
}

// release gives back what a task ran in, unless the application keeps it for the next one.
func (t *Table) release(task *wire.Task) {
	id := task.Alloc
	task.Alloc = 0
	if app := t.application(task.App); app != nil && app.KeepIdle {
		return
	}
	t.allocs = slices.DeleteFunc(t.allocs, func(alloc wire.Allocation) bool { return alloc.ID == id })
}

// interrupt puts the tasks of a host back into the queue.
func (t *Table) interrupt(name, why string) {
	for at := range t.tasks {
		task := &t.tasks[at]
		if task.State != TaskRunning || task.Host != name {
			continue
		}
		t.note(task, why)
		task.State, task.Reason, task.Host, task.Alloc, task.Started = TaskPending, why, "", 0, time.Time{}
		t.note(task, EventRequeued)
	}
}

// loseSessions is what a start of the master does to sessions that are not recoverable.
func (t *Table) loseSessions() {
	for at := range t.tasks {
		task := &t.tasks[at]
		app := t.application(task.App)
		if task.State != TaskPending && task.State != TaskRunning || app != nil && app.Recoverable {
			continue
		}
		t.note(task, EventLost)
		task.State, task.Reason = TaskLost, "master restarted"
		t.release(task)
	}
}

func (t *Table) note(task *wire.Task, what string) {
	t.events = append(t.events, Event{Task: task.ID, App: task.App, Host: task.Host, What: what})
}

// Tasks is all tasks, the oldest first.
func (t *Table) Tasks() []wire.Task {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.tasks)
}

// Events is what happened to tasks since the last call.
func (t *Table) Events() []Event {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	events := t.events
	t.events = nil
	return events
}
