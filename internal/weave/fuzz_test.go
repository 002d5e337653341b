// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// FuzzBookkeeping has Weave's own ConfigMap say anything. It must neither end the operator nor change a router.
func FuzzBookkeeping(f *testing.F) {
	for _, text := range []string{
		"", "null", "{}", `{"Peers":null}`, `{"Peers":[{"PeerName":"02:00:00:00:00:01","NodeName":"node1"}]}`,
		`{"Peers":[{"PeerName":"02:00:00:00:00:09","NodeName":"gone"},{"PeerName":"02:00:00:00:00:09","NodeName":"gone"}]}`,
		`{"Peers":[{"PeerName":"","NodeName":""}]}`, `{"Peers":[null]}`, `{"Peers":[7]}`, `{"peers":[{"peername":"a"}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		facts := installed(2)
		facts.Bookkeeping.Annotations[annotationPeers] = text
		plan := Make(facts)
		status, _ := Status(facts, &plan, nil)
		again, _ := Status(facts, &plan, nil)
		if !reflect.DeepEqual(status, again) {
			t.Errorf("not the same twice:\n%+v\n%+v", status, again)
		}
		seen := map[string]bool{}
		for _, stale := range status.StalePeers {
			if seen[stale.PeerName] {
				t.Errorf("%q is stale twice", stale.PeerName)
			}
			seen[stale.PeerName] = true
		}
	})
}

// FuzzKeptTemplate has the routers' kept template be anything: another version of the operator, or a person, wrote it. What
// it says of how Weave was installed is compared with the spec, so nothing of it may be made up.
func FuzzKeptTemplate(f *testing.F) {
	f.Add(installed(2).Routers.Annotations[names.AnnotationTemplate])
	for _, text := range []string{
		"", "null", "{}", "[]", `{"spec":null}`, `{"spec":{"containers":null}}`, `{"spec":{"containers":[null]}}`,
		`{"spec":{"containers":[{"name":"weave","env":[{"name":"IPALLOC_INIT","value":"consensus=99999999999"}]}]}}`,
		`{"spec":{"containers":[{"name":"weave","env":[null]}],"volumes":[{"name":"weavedb","hostPath":{"path":""}}]}}`,
		`{"metadata":{"annotations":{"symphony-operator.io/password-revision":"x"}}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		facts := installed(2)
		facts.Routers.Annotations[names.AnnotationTemplate] = text
		facts.Network.Status.Frozen.InitialPeerCount = 0
		plan := Make(facts)
		if plan.Frozen.InitialPeerCount < 0 {
			t.Errorf("%d routers must agree", plan.Frozen.InitialPeerCount)
		}
		first, err := Routers(facts, &plan, installation)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Routers(facts, &plan, installation)
		if err != nil {
			t.Fatal(err)
		}
		if one, two := encoded(t, first), encoded(t, second); one != two {
			t.Errorf("not the same twice:\n%s\n%s", one, two)
		}
		Status(facts, &plan, nil)
	})
}

func encoded(t *testing.T, object any) string {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
