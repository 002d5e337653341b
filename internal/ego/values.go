// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var errNoCount = errors.New("not a count")

// parseCount reads a number of things: digits only, and not more than a cluster can have.
func parseCount(text string) (int, error) {
	if text == "" || len(text) > 9 || strings.Trim(text, "0123456789") != "" {
		return 0, errNoCount
	}
	return strconv.Atoi(text)
}

// parseNumber reads a load. What it does not know (a dash, a mark for a threshold that is passed) is a missing reading:
// load decides nothing, and must not make the whole list unreadable.
func parseNumber(text string) Reading {
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return Reading{}
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(value, 0) {
		return Reading{}
	}
	return Reading{Value: value, Known: true}
}

func parsePercent(text string) Reading {
	number, ok := strings.CutSuffix(text, "%")
	if !ok {
		return Reading{}
	}
	reading := parseNumber(number)
	reading.Value /= 100
	return reading
}

// parseSize reads `14G`: bytes, in powers of 1024.
func parseSize(text string) Reading {
	const units = "KMGTP"
	if text == "" {
		return Reading{}
	}
	power := strings.IndexByte(units, text[len(text)-1])
	if power < 0 {
		return Reading{}
	}
	reading := parseNumber(text[:len(text)-1])
	reading.Value *= math.Pow(1024, float64(power+1))
	return reading
}
