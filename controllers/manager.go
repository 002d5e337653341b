// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// leaderElectionID is the name of the lease that one of several managers holds.
const leaderElectionID = "symphony-operator.io"

// NewScheme has every kind that the operator reads or writes.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	return scheme, nil
}

// Settings are what an installation chooses.
type Settings struct {
	// Console asks masters' web consoles whether they answer.
	Console observe.Console
	// EGO is EGO's command line in a master's pod.
	EGO func(master types.NamespacedName) ego.EGO
	// EGOPollInterval is the time between two looks at a master's hosts; 0 is observe.DefaultPollInterval.
	EGOPollInterval time.Duration
	// ConcurrentPasses is how many clusters are reconciled at a time; 0 is DefaultConcurrentPasses.
	ConcurrentPasses int
	// ProgressDelay is how long a pass waits for more of what is in no hurry, of more than 50 compute pods up to five times as long, and a tenth of how
	// long a status does; 0 is DefaultProgressDelay.
	ProgressDelay time.Duration
	// NetworkCheckImage has iperf3, for NetworkChecks that name no image; "" if there is none.
	NetworkCheckImage string
}

// Means are what controllers reach the world by. A manager has them; tests that make single passes bring their own.
type Means struct {
	// Client reads from the caches and writes.
	Client client.Client
	// Cached reads from the caches, a cluster's objects by their cluster.
	Cached client.Reader
	// Live reads from the API server.
	Live   client.Reader
	Events events.EventRecorder
	Clock  clock.WithDelayedExecution
}

// NewManager is the operator: a manager with its caches, its client and its controllers. What belongs to a
// process and not to the operator (addresses, leader election, the limits of the config) is the caller's; the
// rest is set here, so that the tests run what the command runs.
func NewManager(config *rest.Config, settings Settings, options ctrl.Options) (ctrl.Manager, error) {
	options.LeaderElectionID = leaderElectionID
	if options.NewCache == nil {
		options.NewCache = observe.NewCache
	}
	manager, err := newManager(config, observe.CacheOptions(), names.FieldManager, options)
	if err != nil {
		return nil, err
	}
	cached, err := observe.Index(context.Background(), manager.GetCache())
	if err != nil {
		return nil, fmt.Errorf("filling the caches: %w", err)
	}
	means := &Means{
		Client: manager.GetClient(), Cached: cached, Live: manager.GetAPIReader(), Events: manager.GetEventRecorder(names.FieldManager), Clock: clock.RealClock{},
	}
	connect := settings.EGO
	settings.EGO = func(master types.NamespacedName) ego.EGO {
		return ego.Measured(connect(master), means.Clock, showCommand)
	}
	showClusters.source.Store(&clusterSource{reader: manager.GetClient(), elected: manager.Elected()})
	if err := NewSymphonyClusterReconciler(means, &settings).SetupWithManager(manager); err != nil {
		return nil, fmt.Errorf("starting the SymphonyCluster controller: %w", err)
	}
	if err := NewNetworkCheckReconciler(means, settings.NetworkCheckImage).SetupWithManager(manager); err != nil {
		return nil, fmt.Errorf("starting the NetworkCheck controller: %w", err)
	}
	tellWithoutWeave(manager.GetLogger(), manager.GetRESTMapper())
	return manager, nil
}

// newManager is what the operator, the network's manager and the agents have in common. cached limits their caches, and owner
// is the name under which they own fields.
func newManager(config *rest.Config, cached map[client.Object]cache.ByObject, owner string, options ctrl.Options) (ctrl.Manager, error) {
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	options.Scheme = scheme
	options.Cache.ByObject = cached
	options.Client = client.Options{FieldOwner: owner, FieldValidation: "Strict"}
	// Nothing is written after the manager has stopped, so the lease can go at once.
	options.LeaderElectionReleaseOnCancel = true
	manager, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("creating the manager: %w", err)
	}
	return manager, nil
}

// Retries is how soon a pass that failed is repeated: at once at first, then after twice as long each time, and never later than
// what a person has to mend is looked at again. The default goes on to 17 minutes: whatever has failed for an hour (the
// API server's storage, an admission webhook, a right) would be mended, and the operator would stand still as long again.
func Retries() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](5*time.Millisecond, afterStalled)
}

// tellWithoutWeave says once, at the start, that Weave's kinds are not installed. Nothing depends on it: a cluster that asks for
// Weave has it looked for anew, and any other error will show where it does harm.
func tellWithoutWeave(logger logr.Logger, mapper meta.RESTMapper) {
	kind := v1alpha1.SchemeGroupVersion.WithKind("WeaveNetwork")
	if _, err := mapper.RESTMapping(kind.GroupKind(), kind.Version); meta.IsNoMatchError(err) {
		logger.Info("Weave is not installed: SymphonyClusters with network.mode Weave wait until config/weave is")
	}
}
