// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"net/netip"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

func machine(name string, addresses ...corev1.NodeAddress) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Addresses: addresses}}
}

func book(annotations map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: bookNamespace, Name: bookName, Annotations: annotations}}
}

func annotations(t *testing.T, client *fake.Clientset) map[string]string {
	t.Helper()
	got, err := client.CoreV1().ConfigMaps(bookNamespace).Get(t.Context(), bookName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Annotations
}

func TestNodesAreSortedAndHaveIPv4Addresses(t *testing.T) {
	kube := &kubernetes{client: fake.NewClientset(
		machine("node3"),
		machine("node2", corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: "198.51.100.2"}),
		machine("node1",
			corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: "198.51.100.1"},
			corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "192.0.2.1"},
			corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "2001:db8::1"}),
	).CoreV1()}
	got, err := kube.nodes(t.Context())
	want := []node{
		{name: "node1", peer: control.PeerName("node1"), address: "192.0.2.1"},
		{name: "node2", peer: control.PeerName("node2"), address: "198.51.100.2"},
		{name: "node3", peer: control.PeerName("node3")},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWithoutTheConfigMapNothingStarts(t *testing.T) {
	client := fake.NewClientset()
	kube := &kubernetes{client: client.CoreV1()}
	if _, err := kube.knows(t.Context(), "02:00:00:00:00:01"); !apierrors.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
	if err := kube.enter(t.Context(), node{name: "node1"}, nil); !apierrors.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

func TestAPeerEntersTheListAndOthersOfGoneNodesLeaveIt(t *testing.T) {
	client := fake.NewClientset(book(map[string]string{
		"other":  "kept",
		peersKey: `{"Peers":[{"PeerName":"02:00:00:00:00:09","NodeName":"gone"},{"PeerName":"02:00:00:00:00:02","NodeName":"node2"},{"PeerName":"02:00:00:00:00:08","NodeName":"node1"}]}`,
	}))
	// Somebody else writes first.
	conflicts := 1
	client.PrependReactor("update", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		if conflicts == 0 {
			return false, nil, nil
		}
		conflicts--
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, bookName, nil)
	})
	kube := &kubernetes{client: client.CoreV1()}
	self := node{name: "node1", peer: "02:00:00:00:00:01"}
	for range 2 {
		if err := kube.enter(t.Context(), self, []node{self, {name: "node2"}}); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"other":  "kept",
		peersKey: `{"Peers":[{"PeerName":"02:00:00:00:00:02","NodeName":"node2"},{"PeerName":"02:00:00:00:00:01","NodeName":"node1"}]}`,
	}
	if got := annotations(t, client); !reflect.DeepEqual(got, want) || conflicts != 0 {
		t.Errorf("got %v", got)
	}
	if known, err := kube.knows(t.Context(), self.peer); err != nil || !known {
		t.Errorf("got %t, %v", known, err)
	}
}

func TestNoTwoNodesClaimTheSameAddress(t *testing.T) {
	client := fake.NewClientset(book(nil))
	kube := &kubernetes{client: client.CoreV1()}
	ipRange := netip.MustParsePrefix("10.32.0.0/12")
	before := []node{{name: "b"}, {name: "d"}}
	after := []node{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}}
	for _, test := range []struct {
		name  string
		nodes []node
		share int
		want  string
	}{
		{"b", before, 0, "10.32.0.1/12"},
		{"d", before, 1, "10.40.0.0/12"},
		{"a", after, 0, "10.32.0.2/12"},
		{"c", after, 2, "10.40.0.1/12"},
		// With its database lost.
		{"d", after, 3, "10.40.0.0/12"},
		// The address of a node that is gone is free.
		{"a0", []node{{name: "a0"}, {name: "c"}}, 0, "10.32.0.1/12"},
	} {
		share := shares(ipRange, len(test.nodes))[test.share]
		if got, err := kube.claim(t.Context(), test.name, test.nodes, share); err != nil || got != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.name, got, err, test.want)
		}
	}
}

func TestTheNodeIsToldThatItsNetworkIsUp(t *testing.T) {
	client := fake.NewClientset(machine("node1"))
	if err := (&kubernetes{client: client.CoreV1()}).networkIsUp(t.Context(), "node1"); err != nil {
		t.Fatal(err)
	}
	got, err := client.CoreV1().Nodes().Get(t.Context(), "node1", metav1.GetOptions{})
	if err != nil || len(got.Status.Conditions) != 1 || got.Status.Conditions[0].Reason != "WeaveIsUp" ||
		got.Status.Conditions[0].Status != corev1.ConditionFalse {
		t.Errorf("got %+v, %v", got.Status.Conditions, err)
	}
}
