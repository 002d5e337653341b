// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/table"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// What soamview ends with: the session director is not up, and there is no such application.
const (
	codeNoDirector    = 85
	codeNoApplication = 81
)

// directorUp: SD is started by EGO, and later than EGO.
func (m *master) directorUp() bool { return !time.Now().Before(m.sdUp) }

func (m *master) listApplications(request wire.Request) (wire.Response, error) {
	if !m.directorUp() {
		return wire.Response{Code: codeNoDirector}, errors.New("Unable to contact IBM Spectrum Symphony system")
	}
	list := m.table.Workloads()
	if len(request.Args) == 0 {
		return wire.Response{Workloads: list}, nil
	}
	at := slices.IndexFunc(list, func(load wire.Workload) bool { return load.Name == request.Args[0] })
	if at < 0 {
		return wire.Response{Code: codeNoApplication}, fmt.Errorf("Application <%s> does not exist", request.Args[0])
	}
	return wire.Response{Workloads: list[at : at+1]}, nil
}

func (m *master) addApplication(request wire.Request) (wire.Response, error) {
	m.table.AddApplication(request.Application)
	m.save()
	return wire.Response{}, nil
}

// startTask: what a test was told to be started is written down, a master that dies right after knows it.
func (m *master) startTask(request wire.Request) (wire.Response, error) {
	task := wire.Task{App: request.Application.Name, Slots: request.Number, Duration: request.Duration}
	if len(request.Args) > 0 {
		task.Host = request.Args[0]
	}
	task, err := m.table.Submit(task, time.Now())
	m.save()
	return wire.Response{Tasks: []wire.Task{task}}, err
}

func (m *master) finishTasks(request wire.Request) (wire.Response, error) {
	finished := 0
	for _, which := range request.Args {
		finished += m.table.Finish(which, time.Now())
	}
	m.save()
	return wire.Response{Text: fmt.Sprint(finished)}, nil
}

func (m *master) listTasks(wire.Request) (wire.Response, error) {
	return wire.Response{Tasks: m.table.Tasks()}, nil
}

func (m *master) allocate(request wire.Request) (wire.Response, error) {
	if len(request.Args) != 1 {
		return wire.Response{}, errors.New("one host is needed")
	}
	alloc, err := m.table.Allocate(request.Args[0], table.DefaultConsumer, request.Number, time.Now())
	if err != nil {
		return wire.Response{}, err
	}
	m.save()
	return wire.Response{Allocs: []wire.Allocation{alloc}}, nil
}

func (m *master) free(request wire.Request) (wire.Response, error) {
	freed := 0
	for _, which := range request.Args {
		freed += m.table.Free(which)
	}
	m.save()
	return wire.Response{Text: fmt.Sprint(freed)}, nil
}

// logTasks appends what happened since the last time. What cannot be written is tried again with the next.
func (m *master) logTasks() {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for _, event := range m.table.Events() {
		m.unlogged = fmt.Appendf(m.unlogged, "%s %d %s %s %s\n", now, event.Task, event.App, cmp.Or(event.Host, "-"), event.What)
	}
	if len(m.unlogged) == 0 {
		return
	}
	path := m.TaskLog()
	err := m.share.write(path, func() error {
		if err := os.MkdirAll(filepath.Dir(path), 0o775); err != nil {
			return err
		}
		return appendTo(path, m.unlogged)
	})
	if err != nil {
		m.vemkd.Printf("%v", err)
		return
	}
	m.unlogged = nil
}
