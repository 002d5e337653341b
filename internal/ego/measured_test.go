// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	testclock "k8s.io/utils/clock/testing"

	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
)

func TestEveryCallIsMeasured(t *testing.T) {
	g := NewWithT(t)
	var told []string
	fake := egotest.New()
	now := testclock.NewFakeClock(time.Now())
	asked := ego.Measured(fake, now, func(command, outcome string, took time.Duration) {
		g.Expect(took).To(Equal(3 * time.Second))
		told = append(told, command+" "+outcome)
	})
	fake.Before = func(_ context.Context, call egotest.Call) error {
		now.Step(3 * time.Second)
		if call.Verb == egotest.VerbLogon {
			return fmt.Errorf("%w: the password is wrong", ego.ErrRefused)
		}
		return nil
	}
	ctx := t.Context()
	_, err := asked.Hosts(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	_, _ = asked.Applications(ctx)
	_, _ = asked.Workloads(ctx)
	g.Expect(asked.Logon(ctx)).To(MatchError(ego.ErrRefused), "errors come through")
	_ = asked.Close(ctx, nil, ego.CloseOptions{})
	_ = asked.Close(ctx, nil, ego.CloseOptions{Reclaim: true})
	_ = asked.Open(ctx, nil)
	_ = asked.Remove(ctx, nil)
	g.Expect(told).To(HaveExactElements("hosts ok", HavePrefix("applications "), HavePrefix("workloads "), "logon refused",
		"close ok", "reclaim ok", "open ok", "remove ok"))
	g.Expect(reflect.TypeFor[ego.EGO]().NumMethod()).To(Equal(len(told)-1), "a new command is measured too")
}

func TestOutcomesAreFewWords(t *testing.T) {
	for word, err := range map[string]error{
		"ok":             nil,
		"unreachable":    fmt.Errorf("%w: connection 42", ego.ErrUnreachable),
		"forbidden":      ego.ErrForbidden,
		"refused":        &ego.NotFoundError{Hosts: []string{"a"}},
		"not_understood": ego.ErrNotUnderstood,
		"error":          errors.New("something else"),
	} {
		NewWithT(t).Expect(ego.Outcome(err)).To(Equal(word))
	}
}
