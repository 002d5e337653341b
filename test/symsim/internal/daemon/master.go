// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/table"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// master is LIM on the master host together with VEMKD.
type master struct {
	*lim

	socket *net.UDPConn
	vemkd  *log.Logger
	table  *table.Table
	users  *users
	ranges []string
	guiUp  atomic.Bool
	// sdUp is when the session director is there.
	sdUp time.Time

	// What was last written, and what could not be.
	saving   sync.Mutex
	saved    string
	unlogged []byte

	// refused is why a host may not join, so that the log says changes only.
	refusing sync.Mutex
	refused  map[string]string
}

// defaultSlots are those of a host when nobody says how many it has.
const defaultSlots = 4

func (d *lim) runMaster(ctx context.Context, socket *net.UDPConn) error {
	go d.beatOnShare(ctx)
	// Until here LIM listens, but EGO answers nobody: neither hosts nor egosh.
	if !wait(ctx, d.startDelay) {
		return nil
	}
	forget, err := d.HostTimeout()
	if err != nil {
		return err
	}
	timing := table.Timing{Unavailable: d.unavailable, Forget: forget, ReclaimGrace: d.grace}
	this := &master{
		lim: d, socket: socket, table: table.New(timing), ranges: d.AddressRanges(d.cluster),
		refused: map[string]string{},
	}
	if this.slots == 0 {
		this.slots = defaultSlots
	}
	if this.vemkd, err = d.openLog("vemkd"); err != nil {
		return err
	}
	if this.users, err = loadUsers(d.Installation, d.share); err != nil {
		return err
	}
	this.restore()
	address := net.JoinHostPort(install.BindAddress(), strconv.Itoa(d.Port("EGO_KD_PORT", d.port+1)))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	this.keepOwnEntry(&sampler{})
	this.sdUp = time.Now().Add(d.sdDelay)
	go this.serve(listener)
	go this.receive()
	go this.runGUI(ctx)
	this.vemkd.Printf("this host is the master of cluster <%s>, EGO_HOST_ADDR_RANGE <%s>", d.cluster, this.ranges)
	this.keepTable(ctx)
	this.save()
	return nil
}

func (m *master) keepTable(ctx context.Context) {
	var own sampler
	for wait(ctx, min(m.heartbeat, m.unavailable/2)) {
		m.keepOwnEntry(&own)
		for _, name := range m.table.Expire(time.Now()) {
			m.vemkd.Printf("host <%s> was unavailable for EGO_DYNAMIC_HOST_TIMEOUT and is dropped", name)
		}
		m.save()
	}
}

func (m *master) keepOwnEntry(own *sampler) {
	address := ""
	if found, err := m.Lookup(context.Background(), m.host); err == nil {
		address = found.String()
	}
	load := own.load(m.Top)
	load.Slots = m.slots
	m.table.SetMaster(m.host, address, load, time.Now())
}

// receive takes the heartbeats. One goroutine does: a beat costs some microseconds, and a table has one lock anyway.
func (m *master) receive() {
	buffer := make([]byte, 64<<10)
	for {
		count, from, err := m.socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		var beat wire.Beat
		if json.Unmarshal(buffer[:count], &beat) != nil || beat.Host == "" {
			continue
		}
		if m.reverse {
			go m.reply(beat, from) // A name that takes long to be resolved must not hold the other hosts up
		} else {
			m.reply(beat, from)
		}
	}
}

func (m *master) reply(beat wire.Beat, from netip.AddrPort) {
	ack := wire.Ack{Refused: m.take(beat, from.Addr().Unmap())}
	if answer, err := json.Marshal(ack); err == nil {
		_, _ = m.socket.WriteToUDPAddrPort(answer, from)
	}
}

// take returns why a host may not join.
func (m *master) take(beat wire.Beat, from netip.Addr) string {
	refused := m.refusal(beat, from)
	m.refusing.Lock()
	if refused != "" && m.refused[beat.Host] != refused {
		m.log.Printf("take(): host <%s> is refused: %s", beat.Host, refused)
		m.vemkd.Printf("host <%s> is refused: %s", beat.Host, refused)
		m.refused[beat.Host] = refused
	} else if refused == "" {
		delete(m.refused, beat.Host)
	}
	m.refusing.Unlock()
	if refused != "" {
		return refused
	}
	if beat.Load.Slots == 0 {
		beat.Load.Slots = m.slots
	}
	if m.table.Beat(beat.Host, from.String(), beat.Load, time.Now()) {
		m.vemkd.Printf("host <%s> at %s joined", beat.Host, from)
	}
	return ""
}

// refusal: that hosts of another cluster are refused is a guess, and so is that a host which is there is not looked up
// again with every heartbeat.
func (m *master) refusal(beat wire.Beat, from netip.Addr) string {
	switch {
	case beat.Cluster != "" && beat.Cluster != m.cluster:
		return "it is in cluster <" + beat.Cluster + ">, this is <" + m.cluster + ">"
	case !install.InRanges(m.ranges, from):
		return "its address " + from.String() + " is not in EGO_HOST_ADDR_RANGE"
	case beat.Host == m.host:
		return "it has the master's name"
	case m.reverse && m.table.Joins(beat.Host, from.String(), time.Now()):
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := m.CheckName(ctx, beat.Host, from); err != nil {
			return "its name does not lead to it: " + err.Error()
		}
	}
	return ""
}

func (m *master) stateFile() string { return filepath.Join(m.WorkDir(), "symsim-hosts.json") }

// save writes what happened to tasks, and what a restarted EGO goes on from; in a container without a shared directory
// both are lost with it.
func (m *master) save() {
	m.saving.Lock()
	defer m.saving.Unlock()
	m.logTasks()
	text, err := json.Marshal(m.table.Save())
	if err != nil || string(text) == m.saved {
		return
	}
	err = m.share.write(m.stateFile(), func() error {
		if err := os.MkdirAll(m.WorkDir(), 0o775); err != nil {
			return err
		}
		return install.WriteFile(m.stateFile(), text, 0o664)
	})
	if err != nil {
		m.vemkd.Printf("%v", err)
		return
	}
	m.saved = string(text)
}

func (m *master) restore() {
	text, err := os.ReadFile(m.stateFile())
	if err != nil {
		return
	}
	var saved table.Saved
	if err := json.Unmarshal(text, &saved); err != nil {
		m.vemkd.Printf("%s: %v", m.stateFile(), err)
		return
	}
	m.table.Restore(saved, time.Now())
}
