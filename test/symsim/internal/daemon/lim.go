// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package daemon is LIM, and on the master VEMKD and the GUI too. The product has a process for each; here they are one,
// called lim.
package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
)

// settings are the simulator's own, from the environment; README.md lists them.
type settings struct {
	startDelay  time.Duration
	guiDelay    time.Duration
	heartbeat   time.Duration
	unavailable time.Duration
	grace       time.Duration
	guiPort     int
	sdDelay     time.Duration
	slots       int
	reverse     bool
}

func settingsFromEnvironment() settings {
	heartbeat := duration("SYMSIM_HEARTBEAT", time.Second)
	port, err := strconv.Atoi(os.Getenv("SYMSIM_GUI_PORT"))
	if err != nil {
		port = 8443
	}
	return settings{
		startDelay:  duration("SYMSIM_START_DELAY", 0),
		guiDelay:    duration("SYMSIM_GUI_DELAY", 0),
		heartbeat:   heartbeat,
		unavailable: duration("SYMSIM_UNAVAILABLE_AFTER", 5*heartbeat),
		grace:       duration("SYMSIM_RECLAIM_GRACE", 0),
		guiPort:     port,
		sdDelay:     duration("SYMSIM_SD_DELAY", 0),
		slots:       slots(),
		reverse:     os.Getenv("SYMSIM_REQUIRE_REVERSE") == "Y",
	}
}

func duration(name string, otherwise time.Duration) time.Duration {
	value, err := time.ParseDuration(os.Getenv(name))
	if err != nil || value < 0 {
		return otherwise
	}
	return value
}

// slots is what this host, and on the master a host that says nothing, has of them; 0: it is not set.
func slots() int {
	count, err := strconv.Atoi(os.Getenv("SYMSIM_SLOTS"))
	if err != nil || count < 0 {
		return 0
	}
	return count
}

// lim is the daemon of one host.
type lim struct {
	install.Installation
	settings

	host    string
	cluster string
	port    int
	started time.Time
	log     *log.Logger
	// start is the name of this start of the daemon, and share what it writes to the shared directory, if it is the
	// master.
	start string
	share *share
}

// Main runs LIM until it is told to stop.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	signal.Ignore(syscall.SIGHUP)
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lim:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context) error {
	where, err := install.FromEnvironment()
	if err != nil {
		return err
	}
	daemon := &lim{
		Installation: where, settings: settingsFromEnvironment(), host: install.HostName(), started: time.Now(), start: rand.Text()[:10],
	}
	daemon.share = &share{identity: daemon.host + "/" + daemon.start}
	if candidates := daemon.MasterList(); len(candidates) > 0 && candidates[0] == daemon.host {
		daemon.share.top, daemon.share.log = daemon.SharedTop(), daemon.WriteLog()
	}
	defer daemon.share.stop()
	if daemon.log, err = daemon.openLog("lim"); err != nil {
		return err
	}
	err = daemon.run(ctx)
	if err != nil {
		daemon.log.Printf("main(): %v", err)
	}
	daemon.log.Printf("main(): LIM on host <%s> stops", daemon.host)
	return err
}

func (d *lim) openLog(name string) (*log.Logger, error) {
	if err := os.MkdirAll(d.LogDir(), 0o775); err != nil {
		return nil, err
	}
	path := filepath.Join(d.LogDir(), name+".log."+d.host)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o664)
	if err != nil {
		return nil, err
	}
	return log.New(sharedFile{File: file, share: d.share}, "", log.LstdFlags|log.Lmicroseconds), nil
}

func (d *lim) run(ctx context.Context) error {
	candidates := d.MasterList()
	if len(candidates) == 0 {
		return errors.New("EGO_MASTER_LIST is empty: this host belongs to no cluster")
	}
	var err error
	if d.cluster, err = d.ClusterName(); err != nil {
		return err
	}
	d.port = d.Port("EGO_LIM_PORT", 7869)
	listener, err := net.Listen("tcp", net.JoinHostPort(install.BindAddress(), strconv.Itoa(d.port)))
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	go accept(listener)
	socket, err := d.openSocket()
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
	d.log.Printf("main(): LIM of EGO %s (simulator) on host <%s>, cluster <%s>, EGO_MASTER_LIST <%s>",
		d.Conf("EGO_VERSION"), d.host, d.cluster, candidates)
	if candidates[0] == d.host {
		return d.runMaster(ctx, socket)
	}
	// Failover is not simulated: a candidate that is not the first waits for the first, as a compute host does.
	return d.runMember(ctx, socket, candidates, slices.Contains(candidates, d.host))
}

// openSocket: heartbeats leave from the port that they go to, so that the sender's address is the host's.
func (d *lim) openSocket() (*net.UDPConn, error) {
	address := &net.UDPAddr{Port: d.port}
	if bind := install.BindAddress(); bind != "" {
		address.IP = net.ParseIP(bind)
	}
	socket, err := net.ListenUDP("udp", address)
	if err != nil {
		return nil, err
	}
	// Thousands of hosts beat at once after a master moved; what does not fit comes a second later.
	_ = socket.SetReadBuffer(8 << 20)
	return socket, nil
}

// accept only takes connections: that LIM listens is all that the port says.
func accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_ = connection.Close()
	}
}

// wait returns false when the daemon is to stop.
func wait(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func limAddress(address netip.Addr, port int) netip.AddrPort {
	return netip.AddrPortFrom(address, uint16(port))
}
