// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Key is an object's kind and name.
type Key struct{ Kind, Name string }

// Version is one version of an object, Gone its last.
type Version struct {
	Key

	Object client.Object
	Gone   bool
	// First is true for the first version of an object.
	First bool
}

// history is every version of every object of a world's namespace, in the order in which the watches told them: that of one kind is
// the API server's.
type history struct {
	mu    sync.Mutex
	now   map[Key]client.Object
	known map[types.UID]bool
	all   []Version
	moved chan struct{}
	check func(Version)
}

func newHistory() *history {
	return &history{now: map[Key]client.Object{}, known: map[types.UID]bool{}, moved: make(chan struct{}, 1)}
}

func (h *history) note(kind string, object client.Object, gone bool) {
	h.mu.Lock()
	version := Version{Key: Key{kind, object.GetName()}, Object: object, Gone: gone, First: !gone && !h.known[object.GetUID()]}
	h.known[object.GetUID()] = true
	h.all = append(h.all, version)
	switch current := h.now[version.Key]; {
	case !gone:
		h.now[version.Key] = object
	case current != nil && current.GetUID() == object.GetUID():
		delete(h.now, version.Key)
	}
	h.mu.Unlock()
	if h.check != nil {
		h.check(version)
	}
	select {
	case h.moved <- struct{}{}:
	default:
	}
}

// forget lets go of all versions: tests hold on to their worlds for as long as the tests that they are part of.
func (h *history) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all, h.now, h.known = nil, map[Key]client.Object{}, map[types.UID]bool{}
}

// objects are those that are there now.
func (h *history) objects() map[Key]client.Object {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.now)
}

// versions are all so far.
func (h *history) versions() []Version {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}
