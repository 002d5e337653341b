// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package generate makes specs, and what an operator would find in the world for them, out of a fuzzer's bytes or of a seed:
// the same bytes make the same. Fuzzing runs them through plan, build and status; test/integration shows what is built to an
// API server.
//
// The structs are filled by randfill, which the Kubernetes project keeps for the same purpose: it goes through all fields by
// itself, so that a new one is part of every test the day it is added, and it draws from the fuzzer's bytes, so that the
// fuzzer can learn which of them matter. What it would fill with noise, this package fills with values that can be meant.
package generate

import (
	"math"
	"math/rand"
	"strings"

	"sigs.k8s.io/randfill"
	"sigs.k8s.io/randfill/bytesource"
)

// Source makes things. It is not safe for concurrent use.
type Source struct {
	filler *randfill.Filler
	random *rand.Rand
	wild   bool
}

// FromBytes draws from a fuzzer's bytes and, when these are used up, from what follows from them.
func FromBytes(data []byte) *Source { return from(bytesource.New(data), bytesource.New(data)) }

// FromSeed draws from a seed, which a test prints.
func FromSeed(seed int64) *Source { return from(rand.NewSource(seed), rand.NewSource(seed)) }

func from(choices, filling rand.Source) *Source {
	s := &Source{
		filler: randfill.New().RandSource(filling).NilChance(0.6).NumElements(1, 3).MaxDepth(12),
		random: rand.New(choices),
	}
	s.filler.Funcs(s.functions()...)
	return s
}

// Wild has, of half of all sources, one value in thirty-two be anything that its type holds, whether or not admission would let
// it through. More of it would leave hardly a spec that is not refused for something.
func (s *Source) Wild() *Source {
	s.wild = s.one(2)
	return s
}

// one is true once in n times.
func (s *Source) one(n int) bool { return s.random.Intn(n) == 0 }

// strays is true where a wild source makes noise.
func (s *Source) strays() bool { return s.wild && s.one(32) }

// pick chooses one of several; of a wild source, it can be any other text.
func pick[T ~string](s *Source, values ...T) T {
	if s.strays() {
		return T(s.noise())
	}
	return values[s.random.Intn(len(values))]
}

// oneOf chooses one of several.
func oneOf[T any](s *Source, values ...T) T { return values[s.random.Intn(len(values))] }

// number is from least to most; of a wild source, it can be any other.
func number[T ~int32 | ~int64](s *Source, least, most T) T {
	if s.strays() {
		return oneOf(s, 0, -1, least-1, most+1, math.MaxInt32, math.MinInt32)
	}
	return least + T(s.random.Int63n(int64(most-least)+1))
}

// noise is what nobody means.
func (s *Source) noise() string {
	text := make([]rune, s.random.Intn(12))
	for i := range text {
		text[i] = rune(s.random.Intn(0x2fff))
	}
	return oneOf(s, "", " ", "-", ".", "/", "..", "a\nb", "A_b", "-a", "a/../b", "$(PATH)", "\x00", "null", "0", "1e9", "ä",
		strings.Repeat("a", 64), strings.Repeat("a", 300), strings.Repeat("ab/", 400), string(text))
}

// word is a text that nearly everything may be called.
func (s *Source) word() string {
	if s.strays() {
		return s.noise()
	}
	return oneOf(s, "a", "b", "prod", "grid-1", "x0", "registry", "symphony", strings.Repeat("w", 63))
}
