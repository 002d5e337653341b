// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package router stands in for weave-net's router and for the script that starts it. It forwards nothing: it has the real
// one's ports, link, files and answers. "Facts" in comments are shared/facts/weave.md; README.md has them in a table.
package router

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/symphony-operator/symphony-operator/test/weavesim/control"
)

// refresh is how often the list of nodes is read.
const refresh = 2 * time.Second

type router struct {
	config config
	kube   *kubernetes
	bridge *bridge
	self   node

	mutex    sync.Mutex
	nodes    []node
	document *control.Document
	kept     record
	left     bool
	// server answers on the node itself; nil while the test wants it down.
	server *http.Server

	// entered and announced are steps that are done: the peer is in the list, the node was told that its network is up.
	entered, announced bool
}

// Main runs until it is killed.
func Main(getenv func(string) string) int {
	// The real container's first process is a shell without a trap, which SIGTERM does not end (facts 1.2).
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	log.SetPrefix("weavesim, a stand-in for weave-net: ")
	ctx := context.Background()
	r, err := prepare(ctx, getenv)
	if err == nil {
		err = r.run(ctx)
	}
	log.Print(err)
	return 1
}

// prepare connects to the API and to the kernel.
func prepare(ctx context.Context, getenv func(string) string) (*router, error) {
	settings, err := configuration(getenv)
	if err != nil {
		return nil, err
	}
	// The pod's own account.
	access, err := rest.InClusterConfig()
	if file := getenv("WEAVESIM_KUBECONFIG"); file != "" {
		access, err = clientcmd.BuildConfigFromFlags("", file)
	}
	if err != nil {
		return nil, fmt.Errorf("could not get cluster config: %w", err)
	}
	// What it says to the API can be read by people, and by a test's API.
	access.ContentType, access.Timeout = "application/json", 10*time.Second
	client, err := typedcorev1.NewForConfig(access)
	if err != nil {
		return nil, fmt.Errorf("could not make Kubernetes connection: %w", err)
	}
	kernel, err := netlink.NewHandle()
	if err != nil {
		return nil, fmt.Errorf("talking to the kernel: %w", err)
	}
	log.Printf("node %s, image %s", settings.node, getenv("WEAVESIM_IMAGE"))
	return newRouter(ctx, settings, &kubernetes{client: client}, &bridge{kernel: kernel})
}

// newRouter does what launch.sh does before weaver starts, in its order (facts 2, row `launch-router`).
func newRouter(ctx context.Context, settings config, kube *kubernetes, link *bridge) (*router, error) {
	r := &router{config: settings, kube: kube, bridge: link, document: &control.Document{}}
	r.self = node{name: settings.node, peer: control.PeerName(settings.node)}
	if err := link.check(settings.ipRange); err != nil {
		return nil, err
	}
	nodes, err := kube.nodes(ctx)
	if err != nil {
		return nil, err
	}
	r.nodes = nodes
	known, err := kube.knows(ctx, r.self.peer)
	if err != nil {
		return nil, err
	}
	if !known {
		// What a peer that nobody has listed kept would clash with the others (facts 4.1).
		if err := os.Remove(settings.database); err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("deleting the database: %w", err)
		}
	}
	if r.kept, err = load(settings.database, r.self.peer, settings.ipRange.String()); err != nil {
		return nil, err
	}
	if err := r.kept.save(settings.database); err != nil {
		return nil, err
	}
	return r, link.ready(r.self.peer, settings.bridgeMTU())
}

// run serves and follows the cluster until the context ends.
func (r *router) run(ctx context.Context) error {
	if err := mesh(ctx, r.config.mesh); err != nil {
		return err
	}
	metrics := http.NewServeMux()
	metrics.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, r.view().metrics()) })
	for address, handler := range map[string]http.Handler{r.config.metrics: metrics, r.config.control: r.control()} {
		server, _, err := serve(ctx, address, handler)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { _ = server.Close() })
	}
	if err := r.follow(ctx, &control.Document{}); err != nil {
		return err
	}
	defer r.stop()
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		if err := r.step(ctx); err != nil {
			log.Print(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// step is weave's post_start_actions, again and again (facts 2, row `weave expose`). The real ones run once: a failure of
// the API there lasts until the pod is restarted.
func (r *router) step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	nodes, err := r.kube.nodes(ctx)
	if err != nil {
		return err
	}
	r.mutex.Lock()
	r.nodes = nodes
	r.mutex.Unlock()
	if !r.entered {
		if err := r.kube.enter(ctx, r.self, nodes); err != nil {
			return err
		}
		r.entered = true
	}
	return r.expose(ctx)
}

// expose takes an address when there is an agreement on them, and tells the node.
func (r *router) expose(ctx context.Context) error {
	now := r.view()
	if now.left || now.paxos() != nil {
		return nil
	}
	if now.kept.Claim == "" {
		share, found := now.share()
		if !found {
			return errors.New("this node owns no addresses")
		}
		claimed, err := r.kube.claim(ctx, r.config.node, now.nodes, share)
		if err != nil {
			return err
		}
		if err := r.take(claimed); err != nil {
			return err
		}
		log.Print("exposed the host as ", claimed)
	}
	if r.announced {
		return nil
	}
	if err := r.kube.networkIsUp(ctx, r.config.node); err != nil {
		return err
	}
	r.announced = true
	return nil
}

// take has the node keep an address, and the link have it unless a test says otherwise.
func (r *router) take(claimed string) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	before := r.kept
	r.kept.Claim = claimed
	err := r.bridge.set(r.locked().bridge())
	if err == nil {
		err = r.kept.save(r.config.database)
	}
	if err != nil {
		r.kept = before
	}
	return err
}

// share is this node's part of the range, by the order of names.
func (v *view) share() (prefixes, bool) {
	members := v.members()
	for i, share := range shares(v.config.ipRange, len(members)) {
		if members[i].name == v.config.node {
			return share, share.size > 0
		}
	}
	return prefixes{}, false
}

// view is how things are now.
func (r *router) view() *view {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.locked()
}

// locked is for those that hold the mutex.
func (r *router) locked() *view {
	return &view{
		config: r.config, nodes: r.nodes, document: r.document, kept: r.kept, left: r.left, now: time.Now(),
	}
}

// leave gives this node's addresses away.
func (r *router) leave() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.left = true
	log.Print("left: this node's addresses are others' now")
}

// follow makes a document's truth of the node: what is reported, the link's addresses, and whether anybody answers.
func (r *router) follow(ctx context.Context, document *control.Document) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.document = document
	if err := r.bridge.set(r.locked().bridge()); err != nil {
		return err
	}
	if document.Down {
		return r.close()
	}
	if r.server != nil {
		return nil
	}
	server, _, err := serve(ctx, r.config.api, r.api())
	if err != nil {
		return err
	}
	r.server = server
	return nil
}

func (r *router) stop() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_ = r.close()
}

// close ends the connections that are open too.
func (r *router) close() error {
	if r.server == nil {
		return nil
	}
	err := r.server.Close()
	r.server = nil
	return err
}
