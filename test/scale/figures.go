// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is what is measured, and how it is told.
type figure struct {
	name, unit string
	// limit is what the median may be at most; none if it is NaN.
	limit float64
	// timed figures depend on how fast the machine is, and what else it does.
	timed bool
}

// plain is a figure without a limit.
func plain(name, unit string) figure { return figure{name: name, unit: unit, limit: math.NaN()} }

// result is a figure with all that was measured of it.
type result struct {
	figure

	values []float64
}

func (r *result) median() float64 {
	sorted := slices.Sorted(slices.Values(r.values))
	if middle := len(sorted) / 2; len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	} else { //nolint:revive // Both are results of the same question.
		return sorted[middle]
	}
}

func (r *result) isOver() bool { return r.median() > r.limit }

// results are those of all scenarios, in the order in which they were measured.
type results struct {
	profile string
	names   []string
	of      map[string][]*result
}

func newResults(profile string) *results {
	return &results{profile: profile, of: map[string][]*result{}}
}

// add notes one more value of a scenario's figure.
func (r *results) add(scenario string, what figure, value float64) {
	if !slices.Contains(r.names, scenario) {
		r.names = append(r.names, scenario)
	}
	for _, known := range r.of[scenario] {
		if known.name == what.name {
			known.values = append(known.values, value)
			known.limit = what.limit
			return
		}
	}
	r.of[scenario] = append(r.of[scenario], &result{figure: what, values: []float64{value}})
}

// over names the figures that are over their limits.
func (r *results) over(timed bool) []string {
	var over []string
	for _, scenario := range r.names {
		for _, one := range r.of[scenario] {
			if one.isOver() && (timed || !one.timed) {
				over = append(over, fmt.Sprintf("%s, %s: %s, and at most %s", scenario, one.name, one.told(one.median()), one.told(one.limit)))
			}
		}
	}
	return over
}

// write writes bench.json, for machines, and performance.md, for people.
func (r *results) write(dir string) error {
	type written struct {
		Median float64  `json:"median"`
		Min    float64  `json:"min"`
		Max    float64  `json:"max"`
		Limit  *float64 `json:"limit,omitempty"`
		Unit   string   `json:"unit"`
		Runs   int      `json:"runs"`
	}
	all := map[string]map[string]written{}
	for scenario, figures := range r.of {
		all[scenario] = map[string]written{}
		for _, one := range figures {
			entry := written{Median: one.median(), Min: slices.Min(one.values), Max: slices.Max(one.values), Unit: one.unit, Runs: len(one.values)}
			if !math.IsNaN(one.limit) {
				entry.Limit = &one.limit
			}
			all[scenario][one.name] = entry
		}
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "bench.json"), append(data, '\n'), 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "performance.md"), []byte(r.table()), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

// table is Markdown: a line a figure.
func (r *results) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Profile %s.\n\n| scenario | figure | median | min | max | runs | at most |\n| --- | --- | --- | --- | --- | --- | --- |\n", r.profile)
	for _, scenario := range r.names {
		for _, one := range r.of[scenario] {
			limit := ""
			switch {
			case math.IsNaN(one.limit):
			case one.isOver():
				limit = "**" + one.told(one.limit) + "**"
			default:
				limit = one.told(one.limit)
			}
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %d | %s |\n", scenario, one.name,
				one.told(one.median()), one.told(slices.Min(one.values)), one.told(slices.Max(one.values)), len(one.values), limit)
		}
	}
	return text.String()
}

// Units.
const (
	seconds   = "s"
	megabytes = "MB"
	ratio     = "×"
	share     = "%"
	count     = ""
)

// told is a value for people.
func (f *figure) told(value float64) string {
	digits := 0
	switch f.unit {
	case ratio, seconds:
		digits = 2
	case megabytes:
		digits = 1
	case count:
		if value != math.Trunc(value) {
			digits = 2
		}
	}
	text := strconv.FormatFloat(value, 'f', digits, 64)
	if f.unit == "" {
		return text
	}
	return text + " " + f.unit
}

// quantile of times, which is 0 of none: of 50 values, the 99th hundredth is the last.
func quantile(times []time.Duration, share float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}
