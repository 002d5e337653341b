// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// mortal is the way of an operator that is killed at one of its writes or commands: before it is done, or right after, when the
// operator has not heard of it. From then on it does nothing any more.
type mortal struct {
	grids *egotest.Grids

	// at is the number of the write or command, from 1; after says on which side of it the operator is killed.
	at     int
	after  bool
	killed chan struct{}

	mu    sync.Mutex
	count int
	last  string
}

func newMortal(all *egotest.Grids, at int, after bool) *mortal {
	return &mortal{grids: all, at: at, after: after, killed: make(chan struct{})}
}

var errKilled = errors.New("the operator was killed")

// what tells at which point it was killed.
func (m *mortal) what() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	side := "before"
	if m.after {
		side = "after"
	}
	return fmt.Sprintf("killed %s number %d: %s", side, m.at, m.last)
}

// do does something, unless the operator is dead. The lock is held meanwhile: what is done at the same time comes before or after.
func (m *mortal) do(what string, act func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	switch {
	case m.count > m.at:
		return errKilled
	case m.count < m.at:
		return act()
	}
	m.last = what
	defer close(m.killed)
	if m.after {
		_ = act()
	}
	return errKilled
}

// toAPI counts writes.
func (m *mortal) toAPI(next http.RoundTripper) http.RoundTripper {
	return oracle.RoundTripper(func(request *http.Request) (*http.Response, error) {
		if !oracle.IsWrite(request) || strings.Contains(request.URL.Path, "/events") {
			return next.RoundTrip(request)
		}
		var response *http.Response
		err := m.do(request.Method+" "+request.URL.Path, func() (err error) {
			response, err = next.RoundTrip(request) //nolint:bodyclose // It is closed below, or by whoever gets it.
			return err
		})
		if err == nil {
			return response, nil
		}
		if response != nil {
			_ = response.Body.Close()
		}
		return nil, err
	})
}

// toEGO counts commands that change something.
func (m *mortal) toEGO(master types.NamespacedName) ego.EGO {
	return &mortalEGO{EGO: m.grids.Connect(master), mortal: m}
}

type mortalEGO struct {
	ego.EGO

	mortal *mortal
}

func (e *mortalEGO) Close(ctx context.Context, hosts []string, options ego.CloseOptions) error {
	return e.mortal.do(fmt.Sprintf("close %v reclaim %t", hosts, options.Reclaim), func() error { return e.EGO.Close(ctx, hosts, options) })
}

func (e *mortalEGO) Open(ctx context.Context, hosts []string) error {
	return e.mortal.do(fmt.Sprintf("open %v", hosts), func() error { return e.EGO.Open(ctx, hosts) })
}

func (e *mortalEGO) Remove(ctx context.Context, hosts []string) error {
	return e.mortal.do(fmt.Sprintf("remove %v", hosts), func() error { return e.EGO.Remove(ctx, hosts) })
}
