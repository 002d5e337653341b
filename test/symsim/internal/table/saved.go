// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package table

import (
	"slices"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// Saved is what survives a restart of EGO where the work directory does.
type Saved struct {
	Hosts  []SavedHost       `json:"hosts"`
	Allocs []wire.Allocation `json:"allocs"`
	NextID int               `json:"nextID"`

	Apps     []wire.Application `json:"apps,omitempty"`
	Tasks    []wire.Task        `json:"tasks,omitempty"`
	NextTask int                `json:"nextTask,omitempty"`
}

// SavedHost is a host without its load.
type SavedHost struct {
	Name    string `json:"name"`
	Closed  bool   `json:"closed,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Comment string `json:"comment,omitempty"`
	// Start is the start of its LIM, ReclaimAt when the grace period of a closed host is over.
	Start     string    `json:"start,omitempty"`
	ReclaimAt time.Time `json:"reclaimAt,omitzero"`
}

// Save is what to write down.
func (t *Table) Save() Saved {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	saved := Saved{
		Allocs: slices.Clone(t.allocs), NextID: t.nextID,
		Apps: slices.Clone(t.apps), Tasks: slices.Clone(t.tasks), NextTask: t.nextTask,
	}
	for _, known := range t.hosts {
		saved.Hosts = append(saved.Hosts, SavedHost{
			Name: known.Name, Closed: known.closed, Reason: known.Reason, Comment: known.Comment,
			Start: known.Load.Start, ReclaimAt: known.reclaimAt,
		})
	}
	slices.SortFunc(saved.Hosts, func(a, b SavedHost) int { return strings.Compare(a.Name, b.Name) })
	return saved
}

// Restore takes what was written down. The hosts count as heard of now, so they have the usual time to show up; until
// then their tasks go on. Tasks of applications that are not recoverable are lost.
func (t *Table) Restore(saved Saved, now time.Time) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, entry := range saved.Hosts {
		t.hosts[strings.ToLower(entry.Name)] = &host{
			Host: wire.Host{
				Name: entry.Name, Reason: entry.Reason, Comment: entry.Comment, Load: wire.Load{Start: entry.Start},
			},
			closed:    entry.Closed,
			lastBeat:  now,
			reclaimAt: entry.ReclaimAt,
			restored:  true,
		}
	}
	t.allocs, t.nextID = saved.Allocs, max(saved.NextID, 1)
	t.apps, t.tasks, t.nextTask = saved.Apps, saved.Tasks, max(saved.NextTask, 1)
	t.loseSessions()
}
