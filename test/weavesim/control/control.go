// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package control is what a test says to weavesim, the stand-in for weave-net: one document a node, in which
// everything that is left out stays as in a healthy network.
package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Port is where the stand-in listens for documents, on all addresses of its node.
const Port = 16784

// Document is what is different from a healthy network, as one node sees it.
type Document struct {
	// Connections are this node's ends of its connections, by the other node's name.
	Connections map[string]Connection `json:"connections,omitempty"`
	// Paxos has the node wait until enough others agree on who owns which addresses: it has none until then.
	Paxos *Paxos `json:"paxos,omitempty"`
	// Owners are the nodes or peers that share the range, in this order; empty and not nil are none.
	Owners []string `json:"owners,omitzero"`
	// Unreachable are the nodes or peers that this node knows no way to.
	Unreachable []string `json:"unreachable,omitempty"`
	// Claim is the address that the router says the node has, in CIDR notation; "" is none.
	Claim *string `json:"claim,omitempty"`
	// Bridge are the addresses that the link `weave` really has, in CIDR notation with blanks between; "" is none.
	Bridge *string `json:"bridge,omitempty"`
	// Range is the router's range, in CIDR notation.
	Range string `json:"range,omitempty"`
	// PeerName is the router's name of itself.
	PeerName string `json:"peerName,omitempty"`
	// Down has the router answer nobody on port 6784 while its process lives.
	Down bool `json:"down,omitempty"`
}

// State is one of weave's states of a connection.
type State string

// The states that weave's report has.
const (
	Established State = "established"
	Pending     State = "pending"
	Connecting  State = "connecting"
	Retrying    State = "retrying"
	Failed      State = "failed"
)

// Connection is one end of a connection.
type Connection struct {
	// State is Established when it is empty.
	State State `json:"state,omitempty"`
	// Info is weave's text; empty is what it says of its own accord. A failed connection has the time of the next try after it.
	Info string `json:"info,omitempty"`
	// Datapath is fastdp or sleeve; empty is what the environment says.
	Datapath string `json:"datapath,omitempty"`
	// MTU is the data path's; 0 is what was measured.
	MTU int `json:"mtu,omitempty"`
}

// Paxos is how far the agreement on the addresses is.
type Paxos struct {
	// Quorum is how many nodes must agree.
	Quorum int `json:"quorum"`
	// Known is how many this node knows, itself included.
	Known int `json:"known"`
}

// Validate says what of a document the stand-in could not play.
func (d *Document) Validate() error {
	var problems []error
	for node, connection := range d.Connections {
		states := []State{"", Established, Pending, Connecting, Retrying, Failed}
		if !slices.Contains(states, connection.State) {
			problems = append(problems, fmt.Errorf("connections[%s].state is %q, not one of %q", node, connection.State, states[1:]))
		}
		if !slices.Contains([]string{"", "fastdp", "sleeve"}, connection.Datapath) {
			problems = append(problems, fmt.Errorf("connections[%s].datapath is %q, not fastdp or sleeve", node, connection.Datapath))
		}
	}
	if d.Bridge != nil {
		for text := range strings.FieldsSeq(*d.Bridge) {
			problems = append(problems, ipv4("bridge", text))
		}
	}
	if d.Claim != nil && *d.Claim != "" {
		problems = append(problems, ipv4("claim", *d.Claim))
	}
	if d.Range != "" {
		problems = append(problems, ipv4("range", d.Range))
	}
	return errors.Join(problems...)
}

func ipv4(field, text string) error {
	if prefix, err := netip.ParsePrefix(text); err != nil || !prefix.Addr().Is4() {
		return fmt.Errorf("%s: %q is not an IPv4 address in CIDR notation", field, text)
	}
	return nil
}

// PeerName is the name that the stand-in gives the peer on a node. The real one is made from the machine's identity; all
// nodes of a local cluster have the same one.
func PeerName(node string) string {
	sum := sha256.Sum256([]byte(node))
	return net.HardwareAddr{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}.String()
}

// Put replaces the document of the node with this address. It has taken effect when Put returns.
func Put(ctx context.Context, address string, document *Document) error {
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encoding the document: %w", err)
	}
	_, err = call(ctx, http.MethodPut, address, body)
	return err
}

// Get reads the document of the node with this address.
func Get(ctx context.Context, address string) (*Document, error) {
	body, err := call(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	document := &Document{}
	if err := json.Unmarshal(body, document); err != nil {
		return nil, fmt.Errorf("decoding the document: %w", err)
	}
	return document, nil
}

// Delete makes the node with this address healthy again.
func Delete(ctx context.Context, address string) error {
	_, err := call(ctx, http.MethodDelete, address, nil)
	return err
}

// call takes a node's address, with or without a port.
func call(ctx context.Context, method, address string, body []byte) ([]byte, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, strconv.Itoa(Port))
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+address+"/control", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("talking to weavesim: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading weavesim's answer: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("weavesim at %s: %s: %s", address, response.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}
