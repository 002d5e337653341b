// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// deadAfter is how long an API server, or what is on the way to it, may be silent before a connection is given up: as long as client-go gives those of
// HTTP/2. A watch of HTTP/1.1 sends nothing, so that without it a master that moves would be seen when the watch ends by itself, up to ten minutes later.
const deadAfter = 45 * time.Second

// NewCache is a cache each of whose watches has a connection of its own, by HTTP/1.1. With HTTP/2 they share one, whose flow control answers every few
// KB of what comes, and whose goroutine hands each change on to the watch's: that was a quarter of what the operator computed while 2,000 pods came.
// And a list of 30,000 pods keeps no other watch waiting. Writes go on to share a connection. It is a cache.NewCacheFunc.
func NewCache(config *rest.Config, options cache.Options) (cache.Cache, error) {
	own := rest.CopyConfig(config)
	own.NextProtos = []string{"http/1.1"}
	if own.Dial == nil {
		own.Dial = watchDialer().DialContext
	}
	client, err := rest.HTTPClientFor(own)
	if err != nil {
		return nil, fmt.Errorf("preparing the caches' connections: %w", err)
	}
	options.HTTPClient = client
	return cache.New(own, options) //nolint:wrapcheck // It stands for cache.New.
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
