// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzReports gives iperf3's parsers any text: a pod's last words can be cut off anywhere, and its image is the user's. There
// is either a result that can be, or a sentence that says why there is none.
func FuzzReports(f *testing.F) {
	for _, text := range []string{
		`{}`, `null`, `[]`, `{"error":"x"}`, `{"end":{"sum":{"bits_per_second":1e400,"packets":-1e300,"lost_packets":"x"}}}`,
		`{"end":{"sum":{"bits_per_second":1e7,"packets":1000,"lost_packets":-3},"sum_received":{"bytes":1027072,"bits_per_second":1e308}}}`,
		`{"end":{"sum":{"bits_per_second":-1e308,"packets":1e308,"lost_packets":1e308,"jitter_ms":-1},"sum_received":{"bytes":1e308}}}`,
	} {
		f.Add(text)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
		f.Add(string(data[:len(data)/2]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkTCP(t, text)
		udp, problem := parseUDP(text)
		if (udp == nil) == (problem == "") || udp != nil &&
			(udp.Packets <= 0 || udp.Lost < 0 || udp.Lost > udp.Packets || udp.KilobitsPerSecond < 0 || udp.JitterMicroseconds < 0) {
			t.Errorf("UDP %+v, %q", udp, problem)
		}
		again, _ := parseUDP(text)
		if !reflect.DeepEqual(udp, again) {
			t.Errorf("UDP %+v, and then %+v", udp, again)
		}
	})
}

func checkTCP(t *testing.T, text string) {
	t.Helper()
	tcp, problem := parseTCP(text)
	if (tcp == nil) == (problem == "") || tcp != nil && (tcp.MegabitsPerSecond < 0 || tcp.Retransmits < 0) {
		t.Errorf("TCP %+v, %q", tcp, problem)
	}
}
