// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

// serve runs an HTTP server on an address until it is closed.
func serve(ctx context.Context, address string, handler http.Handler) (*http.Server, net.Addr, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", address)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Print("serving ", address, ": ", err)
		}
	}()
	return server, listener.Addr(), nil
}

// mesh takes what comes on weave's own port, TCP and UDP, and says nothing (facts 1.4).
func mesh(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", address)
	if err != nil {
		return err
	}
	packets, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", address)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	context.AfterFunc(ctx, func() {
		_ = listener.Close()
		_ = packets.Close()
	})
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close()
		}
	}()
	go func() {
		buffer := make([]byte, 65536)
		for {
			if _, _, err := packets.ReadFrom(buffer); err != nil {
				return
			}
		}
	}()
	return nil
}

// api is what the router serves on the node itself (facts 3.1). Nothing else is there: not what the operator must never
// call, such as rmpeer.
func (r *router) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, r.view().status())
	})
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, request *http.Request) {
		if !slices.Contains(request.Header.Values("Accept"), "application/json") {
			http.Error(w, "must supply one format parameter", http.StatusBadRequest)
			return
		}
		reply(w, r.view().report())
	})
	mux.HandleFunc("GET /ip/weave:expose", func(w http.ResponseWriter, _ *http.Request) {
		// 200 and nothing when there is none.
		fmt.Fprint(w, r.view().claim())
	})
	mux.HandleFunc("GET /ip", func(w http.ResponseWriter, _ *http.Request) {
		type owned struct {
			ContainerID string   `json:"containerid"`
			Addresses   []string `json:"addrs"`
		}
		var all struct {
			Owned []owned `json:"owned"`
		}
		if claim := r.view().claim(); claim != "" {
			all.Owned = []owned{{ContainerID: "weave:expose", Addresses: []string{claim}}}
		}
		reply(w, all)
	})
	mux.HandleFunc("DELETE /peer", func(w http.ResponseWriter, _ *http.Request) {
		r.leave()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /connect", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Server", "weavesim, a stand-in for weave-net")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "    ")
	if err := encoder.Encode(value); err != nil {
		log.Print("answering: ", err)
	}
}

// control is what tests talk to.
func (r *router) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, r.view().document)
	})
	mux.HandleFunc("DELETE /control", func(w http.ResponseWriter, request *http.Request) {
		r.change(w, request, &control.Document{})
	})
	mux.HandleFunc("PUT /control", func(w http.ResponseWriter, request *http.Request) {
		document := &control.Document{}
		decoder := json.NewDecoder(http.MaxBytesReader(w, request.Body, 1<<20))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(document); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := document.Validate(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.change(w, request, document)
	})
	return mux
}

func (r *router) change(w http.ResponseWriter, request *http.Request, document *control.Document) {
	if err := r.follow(context.WithoutCancel(request.Context()), document); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
