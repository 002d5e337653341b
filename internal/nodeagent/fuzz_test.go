// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// FuzzReport has anything answer on Weave's port. What is taken for a report becomes the same status whatever order Weave
// lists connections in: its own is random, and a status that changes by itself is written and told to everybody for nothing.
func FuzzReport(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		`null`, `{"Router":{}}`, `{"Router":{"Name":"a","Connections":[{"Address":"a:1","State":"failed"},{"Address":"a:2","State":"retrying","Info":"x, retry: y"}]}}`,
		`{"Router":{"Name":"a","Peers":[{"Name":"a","Connections":[{"Name":"b","NickName":"n","Address":"h:1"}]}],"Connections":[{"Address":"h:1","State":"pending","Attrs":{"name":7}}]}}`,
		`{"Router":{"Name":"a"},"IPAM":{"Paxos":{"Quorum":2},"Entries":[{"Peer":"b"},{"Peer":"b","IsKnownPeer":true}]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := parseReport(data)
		if err != nil {
			return
		}
		var status, reversed v1alpha1.WeaveNodeStatus
		parsed.fill(&status)
		slices.Reverse(parsed.Router.Connections)
		parsed.fill(&reversed)
		if !reflect.DeepEqual(status, reversed) {
			t.Errorf("the order matters:\n%+v\n%+v", status, reversed)
		}
		for i := range status.Connections {
			if one := &status.Connections[i]; utf8.RuneCountInString(one.Message) > messageLimit || i > 0 && status.Connections[i-1].Address >= one.Address {
				t.Errorf("%+v", status.Connections)
			}
		}
		if ipam := &status.IPAM; ipam.State == v1alpha1.IPAMReady && len(ipam.Owners) <= len(ipam.Unreachable) {
			t.Errorf("who gives addresses? %+v", *ipam)
		}
	})
}

// FuzzSockets reads anything as the kernel's table of sockets.
func FuzzSockets(f *testing.F) {
	f.Add("  sl  local_address rem_address   st\n   0: 0100007F:1A80 00000000:0000 0A 00000000:00000000\n")
	f.Add("0: 00000000000000000000000000000000:1A7F 0:0 0A")
	f.Add("0: :FFFFF 0:0 0A\n0: 1:-1 0:0 0A\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, state := range []string{"", socketListens} {
			used, err := parseSockets(strings.NewReader(text), state)
			if err == nil && len(used) > strings.Count(text, "\n")+1 {
				t.Errorf("%d ports in %q", len(used), text)
			}
		}
	})
}

// FuzzModules reads anything as a list of the kernel's modules.
func FuzzModules(f *testing.F) {
	f.Add("kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz kernel/net/llc/llc.ko.xz\nkernel/net/netfilter/xt_set.ko:\n")
	f.Add("a-b.ko\n/\n.ko\n: :\n")
	f.Fuzz(func(t *testing.T, text string) {
		modules, _ := parseModules(strings.NewReader(text))
		for name := range modules {
			if strings.ContainsAny(name, "/-\n") {
				t.Errorf("%q is no module", name)
			}
		}
	})
}

// FuzzOptions reads anything as how the kernel was built, compressed and not.
func FuzzOptions(f *testing.F) {
	f.Add([]byte("CONFIG_BRIDGE=m\n# CONFIG_VXLAN is not set\nCONFIG_CMDLINE=\"a=b\"\n"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = parseOptions(bytes.NewReader(data))
		var compressed bytes.Buffer
		writer := gzip.NewWriter(&compressed)
		if _, err := writer.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		options, _ := parseOptions(&compressed)
		for option := range options {
			if !strings.HasPrefix(option, "CONFIG_") || strings.ContainsAny(option, "=\n") {
				t.Errorf("%q is no option", option)
			}
		}
	})
}
