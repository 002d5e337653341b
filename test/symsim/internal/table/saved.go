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
}

// SavedHost is a host without its load.
type SavedHost struct {
	Name    string `json:"name"`
	Closed  bool   `json:"closed,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// Save is what to write down.
func (t *Table) Save() Saved {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	saved := Saved{Allocs: slices.Clone(t.allocs), NextID: t.nextID}
	for _, known := range t.hosts {
		saved.Hosts = append(saved.Hosts, SavedHost{
			Name: known.Name, Closed: known.closed, Reason: known.Reason, Comment: known.Comment,
		})
	}
	slices.SortFunc(saved.Hosts, func(a, b SavedHost) int { return strings.Compare(a.Name, b.Name) })
	return saved
}

// Restore takes what was written down. The hosts count as heard of now, so they have the usual time to show up.
func (t *Table) Restore(saved Saved, now time.Time) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, entry := range saved.Hosts {
		t.hosts[strings.ToLower(entry.Name)] = &host{
			Host:     wire.Host{Name: entry.Name, Reason: entry.Reason, Comment: entry.Comment},
			closed:   entry.Closed,
			lastBeat: now,
		}
	}
	t.allocs, t.nextID = saved.Allocs, max(saved.NextID, 1)
}
