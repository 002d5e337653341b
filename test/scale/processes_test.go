// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"
	"time"
)

func TestSpentSinceAnEarlierLook(t *testing.T) {
	before := spent{"etcd": time.Second}
	between := spent{"etcd": 3 * time.Second, "kwok": time.Second}.since(before)
	if between["etcd"] != 2*time.Second || between["kwok"] != time.Second || between.total() != 3*time.Second {
		t.Errorf("got %v", between)
	}
}

// The kernel counts in hundredths of a second: this process computes until it sees the first.
func TestAProcessSeesItsOwnTime(t *testing.T) {
	for computed := time.Duration(0); computed == 0; {
		var err error
		if computed, err = computedBy(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAProcessThatHasEndedIsToldFromOneThatCannotBeRead(t *testing.T) {
	if _, err := computedBy(1 << 30); !hasEnded(err) { // Linux has no such number (proc(5), pid_max).
		t.Errorf("got %v", err)
	}
}
