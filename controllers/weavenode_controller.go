// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	applyv1alpha1 "github.com/symphony-operator/symphony-operator/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/nodeagent"
)

// The agent has a ServiceAccount and a role of its own, which config/weave writes by hand: get, list, watch, create and
// patch of weavenodes, and patch of weavenodes/status. There are no kubebuilder markers here on purpose: they would land in
// the role of the operator, which writes no WeaveNode.

const (
	// NodeAgentProbeAddress serves the agent's /healthz and /readyz, to the kubelet of its node alone: the agent is on the
	// host's network.
	NodeAgentProbeAddress = "127.0.0.1:6785"
	// nodeAgentManager owns the fields that the agent writes.
	nodeAgentManager = names.FieldManager + "-node-agent"
	// nodeAgentEvery is how often the agent looks.
	nodeAgentEvery = 10 * time.Second
	// nodeAgentPass bounds one look: the router may take half a minute to hand its addresses over.
	nodeAgentPass = 2 * time.Minute
	// nodeAgentPatience is the least time that the agent stays ready without a report.
	nodeAgentPatience = 30 * time.Second
)

// NodeAgentSettings are what a node's agent is told.
type NodeAgentSettings struct {
	// Node is the name of the node.
	Node string
	// Owner is the UID of the WeaveNetwork, with which the report goes; "" for none.
	Owner types.UID
	// Task is what the agent is there for. Default: Report.
	Task v1alpha1.WeaveAgentTask
	// Revision is put into the report, for the one who started the agent to know for what it is.
	Revision string
	// IPRange is the WeaveNetwork's, in CIDR notation; "" looks for no routes that overlap it.
	IPRange string
	// PasswordFile is where the Secret's key would be; "" if the WeaveNetwork has no password.
	PasswordFile string
	// CNIConfigDir, CNIBinDir and DataDir are where the agent has the node's directories.
	// Default: /etc/cni/net.d, /opt/cni/bin and /var/lib/weave.
	CNIConfigDir, CNIBinDir, DataDir string
	// HostCNIConfigDir, HostCNIBinDir and HostDataDir are their names on the node, for messages. Default: the same.
	HostCNIConfigDir, HostCNIBinDir, HostDataDir string
	// ModulesDir and MachineIDFile are where the agent has /lib/modules and /etc/machine-id, which are the defaults.
	ModulesDir, MachineIDFile string
	// HostMachineIDFile is the latter's name on the node, for messages. Default: /etc/machine-id, wherever the agent has it.
	HostMachineIDFile string
	// RouterAPI is where Weave's router answers. Default: http://127.0.0.1:6784.
	RouterAPI string
	// Every is how often the agent looks. Default: 10 seconds.
	Every time.Duration
}

// options are the settings as the node's Host takes them.
func (s *NodeAgentSettings) options() (nodeagent.Options, error) {
	options := nodeagent.DefaultOptions()
	options.Task = cmp.Or(s.Task, options.Task)
	options.PasswordFile = s.PasswordFile
	options.CNIConfig = nodeagent.Place{Path: cmp.Or(s.CNIConfigDir, options.CNIConfig.Path), Host: s.HostCNIConfigDir}
	options.CNIBin = nodeagent.Place{Path: cmp.Or(s.CNIBinDir, options.CNIBin.Path), Host: s.HostCNIBinDir}
	options.Data = nodeagent.Place{Path: cmp.Or(s.DataDir, options.Data.Path), Host: s.HostDataDir}
	options.ModulesDir = cmp.Or(s.ModulesDir, options.ModulesDir)
	options.MachineID = nodeagent.Place{
		Path: cmp.Or(s.MachineIDFile, options.MachineID.Path), Host: cmp.Or(s.HostMachineIDFile, options.MachineID.Path),
	}
	options.RouterAPI = cmp.Or(s.RouterAPI, options.RouterAPI)
	switch options.Task {
	case v1alpha1.AgentReport, v1alpha1.AgentLeave, v1alpha1.AgentClean:
	default:
		return options, fmt.Errorf("the agent has no task %q", options.Task)
	}
	if s.IPRange != "" {
		prefix, err := netip.ParsePrefix(s.IPRange)
		if err != nil {
			return options, fmt.Errorf("reading the range of addresses: %w", err)
		}
		options.IPRange = prefix
	}
	return options, nil
}

// WeaveNodeReconciler reports what is on one node. It looks at the node, not at the object: the object is where the report
// goes, and where the former one is read from.
type WeaveNodeReconciler struct {
	// Client reads and writes the node's WeaveNode.
	Client client.Client
	Node   string
	// Owner is the UID of the WeaveNetwork, "" for none; Revision is the agent's.
	Owner    types.UID
	Revision string
	// Look is one look at the node; former is the last report, nil if there is none. With an error, what could not be
	// looked at is as in former.
	Look  func(ctx context.Context, former *v1alpha1.WeaveNodeStatus) (v1alpha1.WeaveNodeStatus, error)
	Every time.Duration
	Clock clock.PassiveClock

	// reported is when the last report was whole and written, in nanoseconds since 1970.
	reported atomic.Int64
}

// NewNodeAgent is the agent of one node: a manager with no leader, whose cache holds the node's WeaveNode alone.
func NewNodeAgent(config *rest.Config, settings NodeAgentSettings, options ctrl.Options) (ctrl.Manager, error) {
	if settings.Node == "" {
		return nil, errors.New("the agent needs the name of its node")
	}
	places, err := settings.options()
	if err != nil {
		return nil, err
	}
	own := map[client.Object]cache.ByObject{
		&v1alpha1.WeaveNode{}: {Field: fields.OneTermEqualSelector("metadata.name", settings.Node)},
	}
	options.LeaderElection = false
	options.HealthProbeBindAddress = cmp.Or(options.HealthProbeBindAddress, NodeAgentProbeAddress)
	// A port of the node's own network is not the agent's to take.
	options.Metrics.BindAddress = cmp.Or(options.Metrics.BindAddress, "0")

	manager, err := newManager(config, own, nodeAgentManager, options)
	if err != nil {
		return nil, err
	}
	reconciler := &WeaveNodeReconciler{
		Client: manager.GetClient(), Node: settings.Node, Owner: settings.Owner, Revision: settings.Revision, Look: nodeagent.NewHost(&places).Look,
		Every: cmp.Or(settings.Every, nodeAgentEvery), Clock: places.Clock,
	}
	if err := reconciler.SetupWithManager(manager); err != nil {
		return nil, fmt.Errorf("starting the WeaveNode controller: %w", err)
	}
	if err := manager.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding the health check: %w", err)
	}
	if err := manager.AddReadyzCheck("readyz", reconciler.Ready); err != nil {
		return nil, fmt.Errorf("adding the readiness check: %w", err)
	}
	return manager, nil
}

// SetupWithManager has the node looked at once at the start, whether or not it has an object, and again when somebody
// deletes the object. Its changes are the agent's own.
func (r *WeaveNodeReconciler) SetupWithManager(manager ctrl.Manager) error {
	comesOrGoes := predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}
	return ctrl.NewControllerManagedBy(manager).
		For(&v1alpha1.WeaveNode{}, builder.WithPredicates(comesOrGoes)).
		WatchesRawSource(source.Func(
			func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
				queue.Add(r.request())
				return nil
			})).
		WithOptions(controller.Options{
			ReconciliationTimeout: nodeAgentPass,
			// A node that cannot be looked at is looked at no less often.
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](r.Every/10, r.Every),
		}).
		Complete(r)
}

func (r *WeaveNodeReconciler) request() reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Name: r.Node}}
}

// Reconcile is one pass: get, look, write what differs.
func (r *WeaveNodeReconciler) Reconcile(ctx context.Context, request reconcile.Request) (ctrl.Result, error) {
	if request != r.request() {
		return ctrl.Result{}, nil
	}
	node := &v1alpha1.WeaveNode{}
	err := r.Client.Get(ctx, request.NamespacedName, node)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("reading the WeaveNode: %w", err)
	}
	if apierrors.IsNotFound(err) || !r.owns(node) {
		// The object comes back with an event, and only then has a status to compare with.
		return ctrl.Result{RequeueAfter: r.Every}, r.create(ctx)
	}
	after, seen := r.Look(ctx, &node.Status)
	if seen != nil && (node.Status.Agent == "" || node.Status.AgentRevision != r.Revision) {
		// A first report is whole: what it lacks would be taken for what the node lacks. So is the first one of a revision:
		// what is as another agent saw it would be taken for what this one saw.
		return ctrl.Result{}, seen
	}
	after.AgentRevision = r.Revision
	err = writeStatus(ctx, r.Client, node, &node.Status, &after,
		applyv1alpha1.WeaveNodeStatus(), applyv1alpha1.WeaveNode(node.Name))
	if errors.Is(err, errStale) {
		return ctrl.Result{RequeueAfter: afterStale}, nil
	}
	if err := errors.Join(seen, err); err != nil {
		return ctrl.Result{}, err
	}
	r.reported.Store(r.Clock.Now().UnixNano())
	tellCleanup(ctx, node.Status.Cleanup, after.Cleanup)
	return ctrl.Result{RequeueAfter: r.Every}, nil
}

// owns reports whether the object is labelled, and goes with the WeaveNetwork: what an agent of an earlier one has left is
// still there until the garbage collector has seen to it.
func (r *WeaveNodeReconciler) owns(node *v1alpha1.WeaveNode) bool {
	owned := r.Owner == "" || slices.ContainsFunc(node.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == r.Owner })
	return owned && node.Labels[names.LabelManagedBy] == names.FieldManager
}

// create applies the object without a status.
func (r *WeaveNodeReconciler) create(ctx context.Context) error {
	wanted := applyv1alpha1.WeaveNode(r.Node).WithLabels(map[string]string{names.LabelManagedBy: names.FieldManager})
	if r.Owner != "" {
		wanted.WithOwnerReferences(metav1ac.OwnerReference().
			WithAPIVersion(v1alpha1.SchemeGroupVersion.String()).WithKind("WeaveNetwork").
			WithName(names.WeaveNetwork).WithUID(r.Owner))
	}
	if err := r.Client.Apply(ctx, wanted, client.ForceOwnership); err != nil {
		return fmt.Errorf("creating the WeaveNode: %w", err)
	}
	return nil
}

// tellCleanup logs how far a removal has come, when that is news.
func tellCleanup(ctx context.Context, before, after *v1alpha1.WeaveCleanup) {
	if after != nil && (before == nil || *before != *after) {
		log.FromContext(ctx).Info("Removing Weave from the node", "state", after.State, "message", after.Message)
	}
}

// Ready is a check that fails when the last whole report is too old: the object shows a former state of the node then.
func (r *WeaveNodeReconciler) Ready(*http.Request) error {
	last := r.reported.Load()
	if last == 0 {
		return errors.New("nothing has been reported yet")
	}
	age := r.Clock.Since(time.Unix(0, last))
	if age > max(3*r.Every, nodeAgentPatience) {
		return fmt.Errorf("the last report was written %s ago", age.Round(time.Second))
	}
	return nil
}
