// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/trouble"
)

const (
	// atOnce bounds how many pairs are measured at a time: the network has other users.
	atOnce = 16
	// serverPatience is how long a server's pod may take to start, its image's pull included.
	serverPatience = 2 * time.Minute
	// clientPatience is how long a pair's pod may take beside sending: iperf3 itself gives UDP up after 32 s (measured).
	clientPatience = time.Minute
	// hostPatience is how much longer it may when it also measures to the other node itself: the container's start, and the 5 s
	// for which iperf3 tries to connect.
	hostPatience = 10 * time.Second
	// retryPause is how long a pair whose server was busy waits.
	retryPause = 15 * time.Second

	defaultSeconds        = 3
	defaultUDPMegabits    = 10
	defaultTimeoutSeconds = 1800
)

// Decision is what one pass does.
type Decision struct {
	// Refused is why the check cannot run at all; it has ended then.
	Refused *Refusal
	// Nodes are those that are measured, and Pairs their pairs.
	Nodes []string
	Pairs []Pair
	// Overlay are the nodes' own addresses on the overlay, if they are measured.
	Overlay []v1alpha1.NetworkCheckOverlay
	// Create and Delete are pods.
	Create, Delete []*corev1.Pod
	// Results are the pairs that were measured, or never will be.
	Results []v1alpha1.PairResult
	// Ended says that there is nothing more to measure. Its pods are deleted by a later pass, which sees that it ended:
	// they hold the results until these are written down.
	Ended bool
	// Next is when to look again if no pod changes; 0: never.
	Next time.Duration
}

// Refusal is why a check cannot run, or a part of a pair has no result.
type Refusal struct{ Reason, Message string }

// Decide says what to do next.
func Decide(facts *observe.CheckFacts) Decision {
	check := facts.Check
	if meta.IsStatusConditionTrue(check.Status.Conditions, v1alpha1.ConditionComplete) {
		return Decision{Ended: true, Delete: live(facts.Pods)}
	}
	if check.Status.StartTime == nil {
		// The nodes are written down before pods are called by their numbers.
		return start(facts)
	}
	pairs, err := Pairs(check, check.Status.Nodes)
	if err != nil {
		return Decision{Ended: true, Refused: &Refusal{v1alpha1.ReasonTooManyPairs, err.Error()}}
	}
	made := round{
		Decision: Decision{Nodes: check.Status.Nodes, Overlay: check.Status.Overlay, Pairs: withOverlay(pairs, check.Status.Overlay)},
		facts:    facts, busy: map[string]string{},
	}
	made.measure()
	return made.Decision
}

func start(facts *observe.CheckFacts) Decision {
	decided := Decision{Nodes: facts.Candidates, Overlay: facts.Overlay}
	var err error
	decided.Pairs, err = Pairs(facts.Check, facts.Candidates)
	switch {
	case facts.Image == "":
		decided.Refused = &Refusal{
			v1alpha1.ReasonNoImage,
			"no image with iperf3 is known: create another check with spec.image, or start the operator with --network-check-image",
		}
	case len(facts.Candidates) == 0:
		decided.Refused = &Refusal{v1alpha1.ReasonNoNodes, fmt.Sprintf(
			"spec.placement allows no node that is Ready and takes pods (%d that it allows are not): create another check when some are, "+
				"or with another placement", facts.OutOfOrder)}
	case len(facts.Candidates) == 1 && facts.OutOfOrder > 0:
		// They may be out of order for the very reason that is looked for.
		decided.Refused = &Refusal{v1alpha1.ReasonNoNodes, fmt.Sprintf(
			"of the nodes that spec.placement allows only %s is Ready and takes pods, %d others are not: create another check when some are",
			facts.Candidates[0], facts.OutOfOrder)}
	case err != nil:
		decided.Refused = &Refusal{v1alpha1.ReasonTooManyPairs, err.Error()}
	case facts.Check.Spec.Hosts == v1alpha1.HostsOverlay && len(facts.Overlay) == 0:
		decided.Refused = noOverlay(facts.OverlayErr)
	}
	decided.Ended = decided.Refused != nil || len(decided.Pairs) == 0
	return decided
}

// noOverlay refuses rather than pass without what was asked for.
func noOverlay(err error) *Refusal {
	why := "no node that is to be measured has an overlay address"
	if err != nil {
		why = fmt.Sprintf("nodes' overlay addresses cannot be read (%v; the right to comes with config/weave)", err)
	}
	return &Refusal{
		v1alpha1.ReasonNoOverlay,
		why + ": it takes a WeaveNetwork, docs/weave.md; create another check when it is Ready, or one with hosts Skip",
	}
}

// withOverlay gives pairs the addresses of the nodes that receive.
func withOverlay(pairs []Pair, overlay []v1alpha1.NetworkCheckOverlay) []Pair {
	addresses := make(map[string]string, len(overlay))
	for _, node := range overlay {
		addresses[node.Node] = node.Address
	}
	for i := range pairs {
		pairs[i].Overlay = addresses[pairs[i].To]
	}
	return pairs
}

// round is one look at all pairs.
type round struct {
	Decision
	facts *observe.CheckFacts
	// busy are the nodes that send or receive, with whom they do: a server has one client at a time, and streams with a third
	// node would share what the network has. Two nodes may send to each other.
	busy    map[string]string
	running int
}

func (r *round) measure() {
	late := r.facts.Now.Sub(r.facts.Check.Status.StartTime.Time) >= timeout(r.facts.Check)
	var idle []Pair
	for _, pair := range r.Pairs {
		result := r.look(pair)
		switch {
		case result != nil:
			r.Results = append(r.Results, *result)
		case late:
			r.Results = append(r.Results, notMeasured(pair, fmt.Sprintf(
				"it was not measured within the check's %.0f s%s", timeout(r.facts.Check).Seconds(), r.refused())))
		default:
			idle = append(idle, pair)
		}
	}
	r.Ended = len(r.Results) == len(r.Pairs)
	if r.Ended {
		r.Delete, r.Next = nil, 0
		return
	}
	r.servers()
	r.clients(idle)
	r.wait(timeout(r.facts.Check) - r.facts.Now.Sub(r.facts.Check.Status.StartTime.Time))
}

// look returns a pair's result, nil while there is none.
func (r *round) look(pair Pair) *v1alpha1.PairResult {
	client := r.facts.Pods[clientName(r.facts.Check, pair)]
	server := r.facts.Pods[serverName(r.facts.Check, pair.To, r.Nodes)]
	switch {
	case client == nil:
		return r.lookAtServer(pair, server)
	case client.Status.Phase == corev1.PodSucceeded || client.Status.Phase == corev1.PodFailed && client.DeletionTimestamp == nil:
		result, again := read(r.facts.Check, pair, client, r.silent(pair))
		if again {
			r.retry(client)
			return nil
		}
		return &result
	}
	left := patience(r.facts.Check, pair) - r.facts.Now.Sub(client.CreationTimestamp.Time)
	if left <= 0 {
		result := notMeasured(pair, "its pod did not run in time"+because(client))
		return &result
	}
	r.use(pair)
	r.wait(left)
	return nil
}

// retry has the pair measured once more, after a pause: what keeps the server busy may take a while.
func (r *round) retry(client *corev1.Pod) {
	left := retryPause - r.facts.Now.Sub(client.CreationTimestamp.Time)
	if left > 0 {
		r.wait(left)
		return
	}
	if client.DeletionTimestamp == nil {
		r.Delete = append(r.Delete, client)
	}
}

func (r *round) lookAtServer(pair Pair, server *corev1.Pod) *v1alpha1.PairResult {
	// One that ran and does not at the moment will again, within the check's time.
	if server == nil || server.Status.Phase != corev1.PodPending && server.DeletionTimestamp == nil {
		return nil
	}
	left := serverPatience - r.facts.Now.Sub(server.CreationTimestamp.Time)
	if left <= 0 {
		result := notMeasured(pair, "the pod that receives did not run in time"+because(server))
		return &result
	}
	r.wait(left)
	return nil
}

// silent is the rest of a sentence: why nothing receives at the overlay address of the pair's node, if that is known.
func (r *round) silent(pair Pair) string {
	if server := r.facts.Pods[hostServerName(r.facts.Check, pair.To, r.Nodes)]; server != nil {
		return because(server)
	}
	return r.refused()
}

// refused is the rest of a sentence: why the last pass could not create pods, if it could not.
func (r *round) refused() string {
	ready := meta.FindStatusCondition(r.facts.Check.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Reason != v1alpha1.ReasonRetrying {
		return ""
	}
	return ": " + ready.Message
}

// servers makes the missing ones: one on each node of a pair, also on those that only send, which pulls the image there, and
// one more where the node's own address is measured.
func (r *round) servers() {
	wanted, overlay := map[string]bool{}, map[string]string{}
	for _, pair := range r.Pairs {
		wanted[pair.From], wanted[pair.To] = true, true
		overlay[pair.To] = pair.Overlay
	}
	for _, node := range r.Nodes {
		if wanted[node] {
			r.server(serverPod(r.facts, node, r.Nodes))
		}
		if overlay[node] != "" {
			r.server(hostServerPod(r.facts, node, overlay[node], r.Nodes))
		}
	}
}

func (r *round) server(wanted *corev1.Pod) {
	server := r.facts.Pods[wanted.Name]
	switch {
	case server == nil:
		r.Create = append(r.Create, wanted)
	case server.DeletionTimestamp == nil && server.Status.Phase == corev1.PodFailed:
		// Evicted, say; another is made when it is gone.
		r.Delete = append(r.Delete, server)
	}
}

// clients starts the pairs whose nodes are free.
func (r *round) clients(idle []Pair) {
	for _, pair := range idle {
		server := r.facts.Pods[serverName(r.facts.Check, pair.To, r.Nodes)]
		made := r.facts.Pods[clientName(r.facts.Check, pair)] != nil
		if made || server == nil || !observe.PodReady(server) {
			continue
		}
		listens, left := r.hostListens(pair)
		if left > 0 {
			r.wait(left)
			continue
		}
		if r.free(pair) {
			r.use(pair)
			r.Create = append(r.Create, clientPod(r.facts, pair, server.Status.PodIP, listens))
		}
	}
}

// hostListens reports whether the way to the pair's node itself can be measured, and how long that is still waited for. After
// that, the pair is measured without: what is wrong with one pod must not hide what TCP and UDP between pods do.
func (r *round) hostListens(pair Pair) (listens bool, left time.Duration) {
	if pair.Overlay == "" {
		return false, 0
	}
	since := r.facts.Check.Status.StartTime.Time
	if server := r.facts.Pods[hostServerName(r.facts.Check, pair.To, r.Nodes)]; server != nil {
		if observe.PodReady(server) {
			return true, 0
		}
		since = server.CreationTimestamp.Time
	}
	return false, serverPatience - r.facts.Now.Sub(since)
}

// free reports whether the pair's nodes measure nothing, or each other.
func (r *round) free(pair Pair) bool {
	from, to := r.busy[pair.From], r.busy[pair.To]
	return r.running < atOnce && (from == "" || from == pair.To) && (to == "" || to == pair.From)
}

func (r *round) use(pair Pair) {
	r.busy[pair.From], r.busy[pair.To] = pair.To, pair.From
	r.running++
}

// wait has the check looked at again by then.
func (r *round) wait(left time.Duration) {
	left = max(left, time.Second)
	if r.Next == 0 || left < r.Next {
		r.Next = left
	}
}

// because is the rest of a sentence: why a pod does not run, if that is known.
func because(pod *corev1.Pod) string {
	if _, why := trouble.Of(pod, v1alpha1.ReasonNotMeasured); why != "" {
		return ": " + why
	}
	return ""
}

// live are those that are not on their way out, in the order of their names: what is written must not depend on chance.
func live(pods map[string]*corev1.Pod) []*corev1.Pod {
	var all []*corev1.Pod
	for _, name := range slices.Sorted(maps.Keys(pods)) {
		if pod := pods[name]; pod.DeletionTimestamp == nil {
			all = append(all, pod)
		}
	}
	return all
}

// patience is how long a pair's pod may take.
func patience(check *v1alpha1.NetworkCheck, pair Pair) time.Duration {
	if pair.Overlay == "" {
		return clientPatience + 2*seconds(check)
	}
	return clientPatience + hostPatience + 3*seconds(check)
}

func seconds(check *v1alpha1.NetworkCheck) time.Duration {
	return time.Duration(orDefault(check.Spec.Seconds, defaultSeconds)) * time.Second
}

func timeout(check *v1alpha1.NetworkCheck) time.Duration {
	return time.Duration(orDefault(check.Spec.TimeoutSeconds, defaultTimeoutSeconds)) * time.Second
}

func orDefault(given, otherwise int32) int32 {
	if given == 0 {
		return otherwise
	}
	return given
}

// serverName, hostServerName and clientName are numbered: nodes' names may be too long to be a part of a pod's.
func serverName(check *v1alpha1.NetworkCheck, node string, nodes []string) string {
	return names.CheckServerName(check.Name, slices.Index(nodes, node))
}

func hostServerName(check *v1alpha1.NetworkCheck, node string, nodes []string) string {
	return names.CheckHostServerName(check.Name, slices.Index(nodes, node))
}

func clientName(check *v1alpha1.NetworkCheck, pair Pair) string {
	return names.CheckClientName(check.Name, pair.Index)
}
