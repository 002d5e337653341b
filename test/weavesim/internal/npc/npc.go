// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package npc stands in for weave-npc: it enforces nothing.
package npc

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// Main listens on weave-npc's port (facts 1.4) until it is told to end: its launch.sh executes weave-npc in its own place,
// so that SIGTERM arrives, unlike in the router's container.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		// Facts 3.3.
		fmt.Fprintln(w, "weavenpc_policy_enforcement_errors 0")
	})
	server := &http.Server{Addr: "0.0.0.0:6781", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	log.Print("weavesim, a stand-in for weave-npc, listens on ", server.Addr, " and enforces nothing")
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Print(err)
		return 1
	}
	return 0
}
