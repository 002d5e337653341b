// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestSamplesTellWhatAPieceOfWorkTakes(t *testing.T) {
	template, err := json.Marshal(&corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "symphony", Image: "sym712"}}}})
	if err != nil {
		t.Fatal(err)
	}
	samples, err := newTracker(io.Discard).sample(t.Context(), nil, template).end()
	if took := pieceOf(samples); err != nil || took <= 0 {
		t.Errorf("got %s, %v", took, err)
	}
	if _, err := newTracker(io.Discard).sample(t.Context(), nil, []byte("{")).end(); err == nil {
		t.Error("nobody was told that it could not be measured")
	}
}

func TestWorkThatFailsIsNoMeasure(t *testing.T) {
	failed := errors.New("it failed")
	if _, err := cpuOf(func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if err := pieceOfWork([]byte("{")); err == nil {
		t.Error("what is no template was decoded")
	}
}
