// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package recent remembers things between passes, as many as are bounded. Nothing may be written because of them: they spare requests and computing, and
// any of them may be forgotten at any time.
package recent

import (
	"sync"

	"k8s.io/utils/lru"
)

// Bound is how many things are remembered, those that were used last. It is above the children of two thousand clusters.
const Bound = 16384

// Things are remembered by their keys. The zero value is empty and ready for use, by several goroutines.
type Things[K comparable, V any] struct {
	once  sync.Once
	known *lru.Cache
}

func (t *Things[K, V]) all() *lru.Cache {
	t.once.Do(func() { t.known = lru.New(Bound) })
	return t.known
}

// Recall returns what is remembered of a key.
func (t *Things[K, V]) Recall(key K) (value V, known bool) {
	if found, ok := t.all().Get(key); ok {
		value, known = found.(V)
	}
	return value, known
}

// Remember replaces what is remembered of a key.
func (t *Things[K, V]) Remember(key K, value V) { t.all().Add(key, value) }

// Forget is for what is wrong by now.
func (t *Things[K, V]) Forget(key K) { t.all().Remove(key) }
