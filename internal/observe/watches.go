// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

const (
	// deadAfter is how long an API server's machine, or what is on the way to it, may not answer before a connection is given up: as long as client-go
	// gives those of HTTP/2. A watch of HTTP/1.1 sends nothing by itself.
	deadAfter = 45 * time.Second
	// silentAfter is how long a watch may say nothing. The API server sends a bookmark every minute, also when nothing changes
	// (bookmarkFrequency in its pkg/storage/cacher). A process that is frozen, on a machine that goes on answering, would otherwise keep its watches for as
	// long, and a master that moves would not be seen: nothing else on this side ends a watch.
	silentAfter = 2 * time.Minute
)

// NewCache is a cache each of whose watches has a connection of its own, by HTTP/1.1. With HTTP/2 they share one, whose flow control answers every few
// KB of what comes, and whose goroutine hands each change on to the watch's: that was a quarter of what the operator computed while 2,000 pods came.
// And a list of 30,000 pods keeps no other watch waiting. Writes go on to share a connection. It is a cache.NewCacheFunc.
func NewCache(config *rest.Config, options cache.Options) (cache.Cache, error) {
	own := rest.CopyConfig(config)
	own.NextProtos = []string{"http/1.1"}
	if own.Dial == nil {
		own.Dial = dialWatches(silentAfter)
	}
	client, err := rest.HTTPClientFor(own)
	if err != nil {
		return nil, fmt.Errorf("preparing the caches' connections: %w", err)
	}
	options.HTTPClient = client
	return cache.New(own, options) //nolint:wrapcheck // It stands for cache.New.
}

// dialWatches makes connections that end when nothing has come by them for so long.
func dialWatches(silence time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := watchDialer()
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err //nolint:wrapcheck // It stands for the dialer's own function.
		}
		return &watchConn{connection, silence}, nil
	}
}

type watchConn struct {
	net.Conn

	silence time.Duration
}

func (c *watchConn) Read(into []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil { //nolint:forbidigo // The kernel has no other clock.
		return 0, err //nolint:wrapcheck // It stands for the connection's own Read.
	}
	return c.Conn.Read(into) //nolint:wrapcheck // The same: callers compare with io.EOF.
}

// watchDialer makes connections that end deadAfter the other side was last heard of: while they wait for it (keep-alives), and when it does not take what
// was sent (TCP_USER_TIMEOUT; Linux would go on for a quarter of an hour).
func watchDialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         30 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: deadAfter / 3, Interval: deadAfter / 3, Count: 2},
		Control: func(_, _ string, connection syscall.RawConn) error {
			var refused error
			err := connection.Control(func(fd uintptr) {
				refused = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadAfter.Milliseconds()))
			})
			return errors.Join(err, refused)
		},
	}
}
