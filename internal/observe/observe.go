// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// +kubebuilder:rbac:groups="",resources=configmaps;services,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions;deployments;replicasets,verbs=get;list;watch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch

// Observer reads.
type Observer struct {
	// Cache reads from the informers, which hold the operator's own objects only.
	Cache client.Reader
	// Live reads from the API server. It is asked about a child that the cache does not have, because
	// the cache cannot tell a free name from one that a foreign object has.
	Live  client.Reader
	Clock clock.PassiveClock
	// Consoles knows which web consoles answer.
	Consoles ConsoleAnswers
	// EGO knows what masters' EGO said last.
	EGO EGOAnswers

	absent absences
}

// EGOAnswers is what EGOReads tells a pass.
type EGOAnswers interface {
	Read(cluster *v1alpha1.SymphonyCluster, master *corev1.Pod, want Want) *EGORead
	Forget(cluster *v1alpha1.SymphonyCluster)
}

// ConsoleAnswers is what Consoles tells a pass.
type ConsoleAnswers interface {
	Answer(ctx context.Context, cluster *v1alpha1.SymphonyCluster, masterIP string) bool
	Forget(cluster *v1alpha1.SymphonyCluster)
}

// Observe gathers the facts about one cluster. An error means that something could not be read; the facts
// are then incomplete, and nothing may be decided on them.
func (o *Observer) Observe(ctx context.Context, cluster *v1alpha1.SymphonyCluster) (*Facts, error) {
	facts := &Facts{Cluster: cluster, Now: o.Clock.Now(), Unseen: map[ChildKey]types.UID{}, Lagging: map[ChildKey]bool{}}
	if err := o.children(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.masterClaim(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.revisions(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.computePods(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.computeHosts(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.imageChecks(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.whoHas(ctx, facts); err != nil {
		return nil, err
	}
	if err := o.network(ctx, facts); err != nil {
		return nil, err
	}
	facts.GUIAnswers = o.consoleAnswers(ctx, facts)
	facts.EGO = o.egoRead(facts)
	return facts, nil
}

func (o *Observer) children(ctx context.Context, facts *Facts) error {
	cluster := facts.Cluster.Name
	deployment, err := child(ctx, o, facts, names.MasterName(cluster), &appsv1.Deployment{})
	if err != nil {
		return err
	}
	facts.MasterDeployment = deployment
	if err := o.masterPods(ctx, facts); err != nil {
		return err
	}
	service, err := child(ctx, o, facts, names.MasterName(cluster), &corev1.Service{})
	if err != nil {
		return err
	}
	hosts, err := followingChild(ctx, o, facts, names.HostsName(cluster), &corev1.ConfigMap{})
	if err != nil {
		return err
	}
	compute, err := followingChild(ctx, o, facts, names.ComputeName(cluster), &appsv1.ReplicaSet{})
	if err != nil {
		return err
	}
	gui, err := child(ctx, o, facts, names.GUIName(cluster), &corev1.Service{})
	if err != nil {
		return err
	}
	facts.MasterService, facts.Hosts, facts.ComputeSet, facts.GUI = service, hosts, compute, gui
	return o.mortalChildren(ctx, facts)
}

// mortalChildren reads those that a spec may cease to ask for. One that is not wanted is looked for only to be deleted: who else
// has its name is of no interest then.
func (o *Observer) mortalChildren(ctx context.Context, facts *Facts) (err error) {
	spec, cluster := &facts.Cluster.Spec, facts.Cluster.Name
	drained, limited := spec.Compute.ScaleIn.PolicyOrDefault() == v1alpha1.Drain, spec.Network.Policy != nil
	facts.ComputeBudget, err = mortalChild(ctx, o, facts, names.ComputeBudgetName(cluster), &policyv1.PodDisruptionBudget{}, drained)
	if err != nil {
		return err
	}
	facts.MasterPolicy, err = mortalChild(ctx, o, facts, names.MasterPolicyName(cluster), &networkingv1.NetworkPolicy{}, limited)
	if err != nil {
		return err
	}
	facts.ComputePolicy, err = mortalChild(ctx, o, facts, names.ComputePolicyName(cluster), &networkingv1.NetworkPolicy{}, limited)
	return err
}

func mortalChild[T client.Object](ctx context.Context, o *Observer, facts *Facts, name string, object T, wanted bool) (T, error) {
	if wanted {
		return child(ctx, o, facts, name, object)
	}
	return lookUp(ctx, o, facts, name, object, nil)
}

// child reads one child into object and returns it, or nil when this cluster has none of that name; who has
// the name instead goes into the facts, if only once the API server has been asked.
func child[T client.Object](ctx context.Context, o *Observer, facts *Facts, name string, object T) (T, error) {
	return lookUp(ctx, o, facts, name, object, func() {})
}

// lookUp is child; free is called if nobody has the name. Without it, the API server is not asked about what the cache does not have.
func lookUp[T client.Object](ctx context.Context, o *Observer, facts *Facts, name string, object T, free func()) (T, error) {
	var none T
	gvk, err := kindOf(object)
	if err != nil {
		return none, err
	}
	key := ChildKey{Kind: gvk.Kind, Name: name}
	err = o.Cache.Get(ctx, client.ObjectKey{Namespace: facts.Cluster.Namespace, Name: name}, object)
	if err == nil {
		if claimed, err := o.claims(ctx, facts, key, object); !claimed {
			return none, err
		}
		return object, nil
	}
	if !apierrors.IsNotFound(err) {
		return none, fmt.Errorf("reading %s %s: %w", gvk.Kind, name, err)
	}
	if free != nil {
		facts.unanswered = append(facts.unanswered, question{key, gvk, free})
	}
	return none, nil
}

// claims reports whether the object is this cluster's, and notes it as taken when it is not.
func (o *Observer) claims(ctx context.Context, facts *Facts, key ChildKey, object metav1.Object) (bool, error) {
	owner := metav1.GetControllerOf(object)
	if owner != nil && owner.UID == facts.Cluster.UID || facts.isRetained(key, object) {
		return true, nil
	}
	leaving := owner != nil && facts.isEarlierCluster(owner)
	if facts.isOrphan(key, object) {
		lives, err := o.clusterLives(ctx, facts.Cluster)
		if lives || err != nil {
			return lives, err
		}
		leaving = true
	}
	facts.Taken = append(facts.Taken, TakenName{ChildKey: key, Leaving: leaving})
	return false, nil
}

// clusterLives asks the API server whether this very cluster is there and is not being deleted. The cache may not know yet that
// it is deleted with --cascade=orphan: children that got their owner back then would be deleted with it.
func (o *Observer) clusterLives(ctx context.Context, cluster *v1alpha1.SymphonyCluster) (bool, error) {
	now := &metav1.PartialObjectMetadata{}
	now.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(clusterKind))
	err := o.Live.Get(ctx, client.ObjectKeyFromObject(cluster), now)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the cluster before a child is taken back: %w", err)
	}
	return now.UID == cluster.UID && now.DeletionTimestamp == nil, nil
}

// isOrphan reports whether the object is a child that lost its owner: by hand, or because a cluster of this name was deleted
// with --cascade=orphan. Applying it gives it its owner back, and what runs goes on; a person told to delete it would lose
// all of it. Kept templates and network checks are never applied, and known by their labels.
func (f *Facts) isOrphan(key ChildKey, object metav1.Object) bool {
	_, applied := object.GetAnnotations()[names.AnnotationApplied]
	return (applied || key.Kind == "ControllerRevision" || key.Kind == CheckKind) && len(object.GetOwnerReferences()) == 0 && object.GetLabels()[names.LabelCluster] == f.Cluster.Name &&
		object.GetLabels()[names.LabelManagedBy] == names.FieldManager
}

// isEarlierCluster reports whether an owner is, or was, a cluster of the same name. IBM's operator has a kind of the
// same name in a group of its own: what that owns will not go away by itself.
func (f *Facts) isEarlierCluster(owner *metav1.OwnerReference) bool {
	group, err := schema.ParseGroupVersion(owner.APIVersion)
	return err == nil && group.Group == v1alpha1.SchemeGroupVersion.Group &&
		owner.Kind == clusterKind && owner.Name == f.Cluster.Name
}

func (o *Observer) revisions(ctx context.Context, facts *Facts) error {
	var list appsv1.ControllerRevisionList
	err := o.Cache.List(ctx, &list, client.InNamespace(facts.Cluster.Namespace),
		client.MatchingLabels{names.LabelCluster: facts.Cluster.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("listing kept pod templates: %w", err)
	}
	for i := range list.Items {
		revision := &list.Items[i]
		claimed, err := o.claims(ctx, facts, ChildKey{Kind: "ControllerRevision", Name: revision.Name}, revision)
		if err != nil {
			return err
		}
		if !claimed {
			continue
		}
		facts.Revisions = append(facts.Revisions, revision)
		if len(revision.OwnerReferences) == 0 {
			facts.OrphanRevisions = append(facts.OrphanRevisions, revision)
		}
	}
	return nil
}

// masterPods follows pod, ReplicaSet, Deployment by UID: a pod that only wears the labels is no master.
func (o *Observer) masterPods(ctx context.Context, facts *Facts) error {
	if facts.MasterDeployment == nil {
		return nil
	}
	namespace := client.InNamespace(facts.Cluster.Namespace)
	selector := client.MatchingLabels(names.Selector(facts.Cluster.Name, names.Master))
	var sets appsv1.ReplicaSetList
	if err := o.Cache.List(ctx, &sets, namespace, selector, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the master's ReplicaSets: %w", err)
	}
	owners := map[string]bool{}
	for i := range sets.Items {
		if controllerUID(&sets.Items[i]) == string(facts.MasterDeployment.UID) {
			owners[string(sets.Items[i].UID)] = true
		}
	}
	pods, err := o.pods(ctx, facts.Cluster, names.Master, func(uid string) bool { return owners[uid] })
	facts.MasterPods = pods
	return err
}

func (o *Observer) computePods(ctx context.Context, facts *Facts) error {
	if facts.ComputeSet == nil {
		return nil
	}
	owner := string(facts.ComputeSet.UID)
	pods, err := o.pods(ctx, facts.Cluster, names.Compute, func(uid string) bool { return uid == owner })
	facts.ComputePods = pods
	return err
}

func (o *Observer) imageChecks(ctx context.Context, facts *Facts) error {
	owner := string(facts.Cluster.UID)
	pods, err := o.pods(ctx, facts.Cluster, names.Image, func(uid string) bool { return uid == owner || uid == "" })
	for _, pod := range pods {
		if controllerUID(pod) == "" {
			facts.OrphanChecks = append(facts.OrphanChecks, pod)
		} else {
			facts.ImageChecks = append(facts.ImageChecks, pod)
		}
	}
	return err
}

func (o *Observer) pods(
	ctx context.Context, cluster *v1alpha1.SymphonyCluster, role string, owned func(uid string) bool,
) ([]*corev1.Pod, error) {
	all, err := listPods(ctx, o.Cache, cluster.Namespace, cluster.Name, role)
	return slices.DeleteFunc(all, func(pod *corev1.Pod) bool { return !owned(controllerUID(pod)) }), err
}

func (o *Observer) consoleAnswers(ctx context.Context, facts *Facts) bool {
	for _, pod := range facts.MasterPods {
		if PodReady(pod) && pod.Status.PodIP != "" {
			return o.Consoles.Answer(ctx, facts.Cluster, pod.Status.PodIP)
		}
	}
	o.Consoles.Forget(facts.Cluster)
	return false
}

// egoRead asks for the master that runs, ready or not: one that is not ready says so itself.
func (o *Observer) egoRead(facts *Facts) *EGORead {
	var running *corev1.Pod
	for _, pod := range facts.MasterPods {
		if PodLive(pod) && pod.Status.PodIP != "" && (running == nil || YoungerPod(pod, running)) {
			running = pod
		}
	}
	if running == nil {
		o.EGO.Forget(facts.Cluster)
		return nil
	}
	draining := slices.ContainsFunc(facts.ComputePods, func(pod *corev1.Pod) bool {
		return pod.Annotations[names.AnnotationDrain] != "" || pod.DeletionTimestamp != nil
	})
	want := Want{Hurry: draining}
	if facts.chooses() {
		want.Choice = facts.Cluster.Generation
	}
	return o.EGO.Read(facts.Cluster, running, want)
}

// chooses reports whether compute pods are to be chosen that are to go: more than were chosen are too many, or of an older
// revision.
func (f *Facts) chooses() bool {
	live, marked, outdated := 0, 0, false
	for _, pod := range f.ComputePods {
		switch {
		case !PodLive(pod):
		case pod.Annotations[names.AnnotationDrain] != "":
			live, marked = live+1, marked+1
		default:
			live++
			outdated = outdated || f.ComputeSet != nil && pod.Labels[names.LabelRevision] != f.ComputeSet.Spec.Template.Labels[names.LabelRevision]
		}
	}
	return live-marked > int(f.ComputeWanted()) || outdated && f.Cluster.Spec.Compute.Update.Type != v1alpha1.OnDelete
}
