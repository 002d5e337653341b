// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	managerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/symphony-operator/symphony-operator/controllers"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/ego/egotest"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// operator is the operator as the command runs it, limited to one namespace, so that specs can run side by side.
type operator struct {
	writes  *oracle.Recorder
	cancel  context.CancelFunc
	stopped chan struct{}
	elected <-chan struct{}
	// ended is how it ended, once stopped is closed; a failure fails the spec, unless it was deposed as a leader.
	ended   error
	deposed bool
}

// way is how an operator reaches the API server and EGO.
type way interface {
	toAPI(next http.RoundTripper) http.RoundTripper
	toEGO(master types.NamespacedName) ego.EGO
}

// direct is the way when nothing is in it.
type direct struct{ *egotest.Grids }

func (d direct) toAPI(next http.RoundTripper) http.RoundTripper { return next }

func (d direct) toEGO(master types.NamespacedName) ego.EGO { return d.Connect(master) }

// pollInterval is how often the operators of this suite look at EGO's hosts.
const pollInterval = 100 * time.Millisecond

// startOperator starts one; stop it, or the spec's end does.
func startOperator(namespace string, console *fakeConsole, way way, options ctrl.Options) *operator {
	GinkgoHelper()
	started, err := startOperatorAs(as(operatorAccount), namespace, console, way, options)
	Expect(err).NotTo(HaveOccurred())
	return started
}

// startOperatorAs starts one that reaches the API server as somebody else, who may not be let in.
func startOperatorAs(user *rest.Config, namespace string, console *fakeConsole, way way, options ctrl.Options) (*operator, error) {
	recorder := &oracle.Recorder{}
	own := rest.CopyConfig(user)
	own.Wrap(recorder.Wrap)
	own.Wrap(way.toAPI)
	options.NewCache = cacheIn(namespace)
	options.Metrics = server.Options{BindAddress: "0"}
	options.HealthProbeBindAddress = "0"
	// Several operators in one process would have controllers of the same name.
	options.Controller = managerconfig.Controller{SkipNameValidation: new(true)}
	built, err := controllers.NewManager(own, controllers.Settings{
		// Hundreds of specs would wait for it.
		ProgressDelay: 50 * time.Millisecond,
		Console:       console, NetworkCheckImage: "iperf3", EGO: way.toEGO, EGOPollInterval: pollInterval,
	}, options)
	if err != nil {
		return nil, err
	}
	return run(built, recorder), nil
}

// cacheIn limits a cache to a namespace by selectors: with namespaces it would be made of several caches, and be no longer what the command has.
func cacheIn(namespace string) cache.NewCacheFunc {
	only := fields.OneTermEqualSelector("metadata.namespace", namespace)
	return func(config *rest.Config, options cache.Options) (cache.Cache, error) {
		options.DefaultFieldSelector = only
		for kind, limits := range options.ByObject {
			if limits.Field != nil {
				return nil, fmt.Errorf("the cache of %T has a field selector already", kind)
			}
			limits.Field = only
			options.ByObject[kind] = limits
		}
		return observe.NewCache(config, options)
	}
}

func run(built manager.Manager, recorder *oracle.Recorder) *operator {
	ctx, cancel := context.WithCancel(background())
	started := &operator{writes: recorder, cancel: cancel, stopped: make(chan struct{}), elected: built.Elected()}
	go func() {
		defer close(started.stopped)
		started.ended = built.Start(ctx)
	}()
	DeferCleanup(func() {
		started.stop()
		if !started.deposed {
			Expect(started.ended).To(Succeed())
		}
	})
	return started
}

// stop ends it and waits until it does nothing any more.
func (o *operator) stop() {
	o.cancel()
	Eventually(o.stopped).WithTimeout(shutdown).Should(BeClosed())
}

// runs reports whether it was not stopped yet.
func (o *operator) runs() bool {
	select {
	case <-o.stopped:
		return false
	default:
		return true
	}
}

// fakeConsole is a web console that answers when a test says so.
type fakeConsole struct {
	mu        sync.Mutex
	silent    bool
	questions int
}

// Answers implements observe.Console.
func (c *fakeConsole) Answers(context.Context, string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.questions++
	return !c.silent
}

// asked is how often somebody asked: once in every pass over a cluster with a master that is ready.
func (c *fakeConsole) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.questions
}

func (c *fakeConsole) setSilent(silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = silent
}
