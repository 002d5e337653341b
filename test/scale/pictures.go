// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// sample is how far a load was at a time.
type sample struct {
	since time.Duration
	ready int
	// memory is the operator's, in MB; 0 where there is no operator.
	memory float64
	// piece is what a piece of work took that is always the same.
	piece time.Duration
}

// sampling takes samples until it is stopped.
type sampling struct {
	stop    context.CancelFunc
	stopped sync.WaitGroup
	taken   []sample
	// err is why a piece of work could not be measured.
	err error
}

// sampleEvery is often enough for a picture.
const sampleEvery = 200 * time.Millisecond

// sample begins to look at the pods, at the operator if there is one, and at how fast the machine is, by a pod template.
func (t *tracker) sample(ctx context.Context, o *operator, template []byte) *sampling {
	ctx, cancel := context.WithCancel(ctx)
	s := &sampling{stop: cancel}
	began := time.Now()
	s.stopped.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			t.mu.Lock()
			now := sample{since: time.Since(began), ready: t.ready}
			t.mu.Unlock()
			if o != nil {
				now.memory, _, _ = o.resident() // A picture with a gap is still one.
			}
			if now.piece, s.err = cpuOf(func() error { return pieceOfWork(template) }); s.err != nil {
				return
			}
			s.taken = append(s.taken, now)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return s
}

// end stops it and returns what was taken.
func (s *sampling) end() ([]sample, error) {
	s.stop()
	s.stopped.Wait()
	return s.taken, s.err
}

// draw draws ready pods over time, with the operator and without, and the operator's memory over pods.
func draw(dir, scenario string, floor, operator []sample) error {
	overTime := func(samples []sample) plotter.XYs {
		var line plotter.XYs
		for _, one := range samples {
			line = append(line, plotter.XY{X: one.since.Seconds(), Y: float64(one.ready)})
		}
		return line
	}
	pods := plot.New()
	pods.Title.Text, pods.X.Label.Text, pods.Y.Label.Text = scenario, "seconds", "ready pods"
	if err := plotutil.AddLines(pods, "bare ReplicaSets", overTime(floor), "symphony-operator", overTime(operator)); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	pods.Legend.Left, pods.Legend.Top = true, true
	var line plotter.XYs
	for _, one := range operator {
		if one.memory > 0 {
			line = append(line, plotter.XY{X: float64(one.ready), Y: one.memory})
		}
	}
	memory := plot.New()
	memory.Title.Text, memory.X.Label.Text, memory.Y.Label.Text, memory.Y.Min = scenario, "ready pods", "resident memory of the operator, MB", 0
	if err := plotutil.AddLines(memory, line); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	for name, picture := range map[string]*plot.Plot{"pods": pods, "memory": memory} {
		if err := picture.Save(16*vg.Centimeter, 9*vg.Centimeter, filepath.Join(dir, scenario+"-"+name+".svg")); err != nil {
			return fmt.Errorf("drawing: %w", err)
		}
	}
	return nil
}
