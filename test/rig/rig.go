// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rig drives the operator one pass at a time against a real API server, etcd and kube-controller-manager, so that a test can
// fail exactly the n-th of its writes, again and again, in milliseconds.
//
// A World is a namespace with an operator's passes in it. Between two passes the world is let come to rest: the controller manager,
// the played kubelet and the cache have then done all that they do. Time is the test's: it stands still while anything moves, and
// goes on in steps when nothing does. So the same user's actions lead to the same passes with the same writes, which is what
// numbering them needs. An operator's cache is the rig's own, and can be held at an earlier state. What happens while things move, and
// the manager's caches, are for test/integration.
package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/controlplane"
	"github.com/symphony-operator/symphony-operator/test/kubelet"
)

// Rig is a control plane with what all worlds share.
type Rig struct {
	plane  *controlplane.Plane
	config *rest.Config
	// transport has the connections of all clients.
	transport http.RoundTripper
	scheme    *runtime.Scheme
	mapper    meta.RESTMapper
	api       client.WithWatch
	// kinds are those of which the rig sees every version, by name; view has all their objects in all worlds.
	kinds map[string]kind
	// weaveKinds are those that the WeaveNetwork's manager caches.
	weaveKinds map[string]kind
	view       cache.Cache
	stop       context.CancelFunc
	stopped    sync.WaitGroup

	mu     sync.Mutex
	worlds map[string]*World
	// fabric is held by the one that there is.
	fabric sync.Mutex
}

// kind is a kind that operators cache, with what limits their caches.
type kind struct {
	cache.ByObject

	object client.Object
}

// cachedKinds are the kinds that an operator caches: those that it reconciles, and others with their limits.
func (r *Rig) cachedKinds(limits map[client.Object]cache.ByObject, reconciled ...client.Object) (map[string]kind, error) {
	for _, object := range reconciled {
		limits[object] = cache.ByObject{}
	}
	kinds := map[string]kind{}
	for object, limit := range limits {
		gvk, err := apiutil.GVKForObject(object, r.scheme)
		if err != nil {
			return nil, fmt.Errorf("naming the kind of a %T: %w", object, err)
		}
		kinds[gvk.Kind] = kind{limit, object}
	}
	return kinds, nil
}

// Start starts a rig, and keeps files in dir. Stop it in the end.
func Start(dir string, log io.Writer) (*Rig, error) {
	plane, err := controlplane.Start(dir, log, "deployment-controller", "replicaset-controller", "garbage-collector-controller")
	if err != nil {
		return nil, err
	}
	r := &Rig{plane: plane, worlds: map[string]*World{}}
	if err := r.start(); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (r *Rig) start() error {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	if err := r.connect(); err != nil {
		return err
	}
	if err := kubelet.Register(ctx, r.api); err != nil {
		return err
	}
	var err error
	if r.view, err = cache.New(r.config, cache.Options{Scheme: r.scheme, Mapper: r.mapper}); err != nil {
		return fmt.Errorf("making a cache: %w", err)
	}
	r.stopped.Go(func() { _ = r.view.Start(ctx) })
	for name, kind := range r.kinds {
		informer, err := r.view.GetInformer(ctx, kind.object)
		if err == nil {
			_, err = informer.AddEventHandler(r.seen(name))
		}
		if err != nil {
			return fmt.Errorf("watching %s objects: %w", name, err)
		}
	}
	return nil
}

func (r *Rig) connect() error {
	var err error
	if r.config, err = clientcmd.RESTConfigFromKubeConfig(r.plane.KubeConfig); err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	r.config.QPS, r.config.DisableCompression = -1, true
	if r.transport, err = rest.TransportFor(r.config); err != nil {
		return fmt.Errorf("making the transport: %w", err)
	}
	if r.scheme, err = controllers.NewScheme(); err != nil {
		return err
	}
	if r.kinds, err = r.cachedKinds(observe.CacheOptions(), &v1alpha1.SymphonyCluster{}, &v1alpha1.NetworkCheck{}); err != nil {
		return err
	}
	if r.weaveKinds, err = r.cachedKinds(observe.WeaveCacheOptions(), &v1alpha1.WeaveNetwork{}); err != nil {
		return err
	}
	if r.mapper, err = apiutil.NewDynamicRESTMapper(r.config, r.httpClient(r.transport)); err != nil {
		return fmt.Errorf("asking for the API's kinds: %w", err)
	}
	r.api, err = client.NewWithWatch(r.config, client.Options{Scheme: r.scheme, Mapper: r.mapper, HTTPClient: r.httpClient(r.transport)})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}

// httpClient has no time limit: watches last.
func (r *Rig) httpClient(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport}
}

// Stop ends all of it.
func (r *Rig) Stop() error {
	if r.stop != nil {
		r.stop()
	}
	r.stopped.Wait()
	if r.transport != nil {
		utilnet.CloseIdleConnectionsFor(r.transport)
	}
	return r.plane.Stop()
}

// seen hands every version of an object to the world of its namespace.
func (r *Rig) seen(kind string) toolscache.ResourceEventHandler {
	tell := func(object any, gone bool) {
		if last, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
			object = last.Obj
		}
		version, ok := object.(client.Object)
		if !ok {
			return
		}
		r.mu.Lock()
		world := r.worlds[version.GetNamespace()]
		r.mu.Unlock()
		if world != nil {
			world.history.note(kind, version, gone)
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { tell(object, false) },
		UpdateFunc: func(_, object any) { tell(object, false) },
		DeleteFunc: func(object any) { tell(object, true) },
	}
}

// patience is how long anything may take that other processes do.
const patience = 2 * time.Minute
