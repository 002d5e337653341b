// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// member is a host that is not the master: it tells the first master of its list that answers how it is.
type member struct {
	*lim

	socket     *net.UDPConn
	candidates []string
	management bool
	acks       chan wire.Ack
	sampler    sampler
	// What was last written to the log, so that it says changes only.
	address netip.Addr
	state   string
}

func (d *lim) runMember(ctx context.Context, socket *net.UDPConn, candidates []string, management bool) error {
	this := &member{
		lim: d, socket: socket, candidates: candidates, management: management, acks: make(chan wire.Ack, 1),
	}
	go this.receive()
	// A new LIM waits before it asks to be added, so that a master is not overrun. A host that was in the cluster and
	// only lost its master does not wait again.
	delay := d.startDelay + d.WaitTime()
	d.log.Printf("main(): waiting %s (EGO_DYNAMIC_HOST_WAIT_TIME) before asking to be added", delay)
	if !wait(ctx, delay) {
		return nil
	}
	ticker := time.NewTicker(d.heartbeat)
	defer ticker.Stop()
	for {
		this.beat(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// beat resolves the master's name every time, which is how a changed hosts file gets noticed.
func (m *member) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	beat := wire.Beat{Cluster: m.cluster, Host: m.host, Load: m.sampler.load(m.Top)}
	// With EGO_GET_CONF=LIM a host takes its configuration, the cluster's name included, from the master.
	if m.Conf("EGO_GET_CONF") == "LIM" {
		beat.Cluster = ""
	}
	beat.Load.Management, beat.Load.Slots, beat.Load.Start = m.management, m.slots, m.start
	message, err := json.Marshal(beat)
	if err != nil {
		m.say("cannot build a heartbeat: " + err.Error())
		return
	}
	for _, name := range m.candidates {
		if name == m.host {
			continue
		}
		address, err := m.Lookup(ctx, name)
		if err != nil {
			m.say("master host <" + name + "> cannot be resolved: " + err.Error())
			continue
		}
		if address != m.address {
			m.log.Printf("beat(): master host <%s> is %s", name, address)
			m.address = address
		}
		// An answer that came too late is not this beat's.
		select {
		case <-m.acks:
		default:
		}
		if _, err := m.socket.WriteToUDPAddrPort(message, limAddress(address, m.port)); err != nil {
			m.say("master host <" + name + "> cannot be reached: " + err.Error())
			continue
		}
		if m.answered(ctx) {
			return
		}
	}
}

func (m *member) answered(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, m.heartbeat)
	defer cancel()
	select {
	case ack := <-m.acks:
		if ack.Refused != "" {
			m.say("the master refused this host: " + ack.Refused)
		} else {
			m.say("this host is in cluster <" + m.cluster + ">")
		}
		return true
	case <-ctx.Done():
		m.say("the master does not answer")
		return false
	}
}

func (m *member) receive() {
	buffer := make([]byte, 64<<10)
	for {
		count, _, err := m.socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		var ack wire.Ack
		if json.Unmarshal(buffer[:count], &ack) != nil {
			continue
		}
		select {
		case m.acks <- ack:
		default:
		}
	}
}

func (m *member) say(state string) {
	if state != m.state {
		m.log.Printf("beat(): %s", state)
		m.state = state
	}
}
