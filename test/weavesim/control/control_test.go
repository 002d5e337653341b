// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package control

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatIsLeftOutIsNotSent(t *testing.T) {
	none := ""
	for want, document := range map[string]Document{
		`{}`:                           {},
		`{"owners":[]}`:                {Owners: []string{}},
		`{"claim":"","bridge":""}`:     {Claim: &none, Bridge: &none},
		`{"down":true}`:                {Down: true},
		`{"connections":{"node2":{}}}`: {Connections: map[string]Connection{"node2": {}}},
	} {
		if got, err := json.Marshal(document); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestADocumentThatCannotBePlayed(t *testing.T) {
	wrong := "10.32.0.1"
	for want, document := range map[string]Document{
		`connections[node2].state is "broken"`:  {Connections: map[string]Connection{"node2": {State: "broken"}}},
		`connections[node2].datapath is "vlan"`: {Connections: map[string]Connection{"node2": {Datapath: "vlan"}}},
		`bridge: "10.32.0.1" is not`:            {Bridge: &wrong},
		`claim: "10.32.0.1" is not`:             {Claim: &wrong},
		`range: "fd00::/8" is not`:              {Range: "fd00::/8"},
	} {
		if err := document.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	two := "10.32.0.1/12 10.44.0.0/12"
	fine := Document{Bridge: &two, Connections: map[string]Connection{"node2": {State: Failed}}}
	if err := fine.Validate(); err != nil {
		t.Error(err)
	}
}

func TestPeerNamesAreLocalAddresses(t *testing.T) {
	if name := PeerName("node1"); !strings.HasPrefix(name, "02:") || name != PeerName("node1") || name == PeerName("node2") {
		t.Error(name)
	}
}
