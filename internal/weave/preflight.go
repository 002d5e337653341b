// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// Conflict is what speaks against installing Weave.
type Conflict struct {
	Reason string
	// Name is what spec.allowConflicts must have to get past it; "" when nothing gets past it.
	Name string
	// What it is, and Where: the nodes, or nothing.
	What  string
	Where []string
}

// preflight looks for everything that speaks against installing Weave, the gravest first. Nothing is written while it
// finds something: two pod networks on one node leave both broken, and new pods on the wrong one.
func preflight(facts *observe.WeaveFacts) []Conflict {
	if facts.Routers != nil {
		return []Conflict{{
			Reason: v1alpha1.ReasonForeignWeave,
			What: fmt.Sprintf("DaemonSet %s/%s exists and is not the operator's: set managementPolicy to Observe to have it reported on, "+
				"or remove it as it was installed", names.WeaveNamespace, names.WeaveRouters),
		}}
	}
	found := collection{}
	for _, sign := range facts.Elsewhere {
		found.sign(sign)
	}
	for i := range facts.Nodes {
		if node := &facts.Nodes[i]; node.Wanted {
			found.network(node)
			if report := facts.Reports[node.Name]; report != nil {
				found.host(node.Name, &report.Status)
			}
		}
	}
	found.machines(facts)
	if facts.NoServiceAccount {
		found.add(v1alpha1.ReasonServiceAccountMissing, "", fmt.Sprintf(
			"ServiceAccount %s/%s, with the rights of Weave itself, is missing: kubectl apply -k config/weave/weave-net", names.WeaveNamespace, names.WeaveRouters), "")
	}
	allowed := facts.Network.Spec.AllowConflicts
	var conflicts []Conflict
	for _, key := range slices.Sorted(maps.Keys(found)) {
		conflict := found[key]
		switch {
		case conflict.Name != "" && slices.Contains(allowed, conflict.Name):
		case wasInstalled(facts) && slices.Contains(itsOwn, conflict.Reason):
		default:
			conflicts = append(conflicts, *conflict)
		}
	}
	slices.SortStableFunc(conflicts, func(a, b Conflict) int { return cmp.Compare(gravity(a.Reason), gravity(b.Reason)) })
	return conflicts
}

// itsOwn are what a Weave finds whose DaemonSet somebody has deleted: its own links and ports, and nodes that are not as they
// should be, which were no more than Degraded while it ran.
var itsOwn = []string{v1alpha1.ReasonLeftovers, v1alpha1.ReasonPortTaken, v1alpha1.ReasonNodeUnfit, v1alpha1.ReasonDuplicateMachineID}

// gravest is the order in which conflicts are told.
var gravest = []string{
	v1alpha1.ReasonExistingCNI, v1alpha1.ReasonPodsOutsideRange, v1alpha1.ReasonRangeOverlap, v1alpha1.ReasonServiceAccountMissing, v1alpha1.ReasonPasswordMissing,
	v1alpha1.ReasonPortTaken, v1alpha1.ReasonNodeUnfit, v1alpha1.ReasonDuplicateMachineID, v1alpha1.ReasonLeftovers,
}

func gravity(reason string) int { return slices.Index(gravest, reason) }

// collection has one conflict a thing, whatever the number of nodes that have it.
type collection map[string]*Conflict

func (c collection) add(reason, name, what, node string) {
	key := reason + " " + name
	if c[key] == nil {
		c[key] = &Conflict{Reason: reason, Name: name, What: what}
	}
	if node != "" {
		c[key].Where = append(c[key].Where, node)
	}
}

func (c collection) sign(sign observe.Sign) {
	switch sign.Kind {
	case observe.SignPods:
		c.add(v1alpha1.ReasonPodsOutsideRange, "PodsOutsideRange",
			"pods in the namespaces "+sign.Name+" have addresses outside ipRange: a pod network is there already", "")
	default:
		c.add(v1alpha1.ReasonExistingCNI, sign.Kind+"/"+sign.Name, sign.Kind+" "+sign.Name+" belongs to another pod network", "")
	}
}

// network looks at who marked the node's network as there: Weave itself and cloud providers' routes' absence do no harm.
func (c collection) network(node *observe.WeaveHostNode) {
	switch node.Network {
	case "", "WeaveIsUp", "NoRouteCreated":
	default:
		c.add(v1alpha1.ReasonExistingCNI, "NodeCondition/"+node.Network,
			"the condition NetworkUnavailable has the reason "+node.Network, node.Name)
	}
}

func (c collection) host(node string, report *v1alpha1.WeaveNodeStatus) {
	host := &report.Host
	for _, file := range host.CNIFiles {
		c.add(v1alpha1.ReasonExistingCNI, "CNIFile/"+file, "the container runtime has another network in "+file, node)
	}
	for _, route := range host.Routes {
		c.add(v1alpha1.ReasonRangeOverlap, "Route/"+route, "ipRange overlaps the route "+route, node)
	}
	for _, missing := range host.Missing {
		c.add(v1alpha1.ReasonNodeUnfit, "Missing/"+missing, "missing: "+missing, node)
	}
	for _, port := range host.Ports {
		c.add(v1alpha1.ReasonPortTaken, "Port/"+port, "something listens on "+port, node)
	}
	for _, link := range host.Links {
		c.add(v1alpha1.ReasonLeftovers, "Link/"+link, "an earlier Weave left the link "+link, node)
	}
	if host.Password == v1alpha1.SecretMissing {
		c.add(v1alpha1.ReasonPasswordMissing, "", "the Secret of spec.password, or its key, is missing in "+names.WeaveNamespace, "")
	}
}

// machines finds nodes that are copies of each other: Weave makes a node's name from its machine id.
func (c collection) machines(facts *observe.WeaveFacts) {
	nodes := map[string][]string{}
	for i := range facts.Nodes {
		node := &facts.Nodes[i]
		if report := facts.Reports[node.Name]; node.Wanted && report != nil && report.Status.Host.Machine != "" {
			id := report.Status.Host.Machine
			nodes[id] = append(nodes[id], node.Name)
		}
	}
	// In their order: a message that changes from pass to pass would be written in each.
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		if len(nodes[id]) > 1 {
			for _, node := range nodes[id] {
				c.add(v1alpha1.ReasonDuplicateMachineID, "DuplicateMachineID", "the same /etc/machine-id", node)
			}
		}
	}
}

// maxTold is how many conflicts, and how many nodes of one, a message has.
const maxTold = 5

// tell is the conflicts for a person: what, where, and the way past.
func tell(conflicts []Conflict, runs bool) string {
	var all, past []string
	for i := range conflicts {
		if i == maxTold {
			all = append(all, fmt.Sprintf("%d more", len(conflicts)-maxTold))
			break
		}
		conflict := &conflicts[i]
		text := conflict.What
		if len(conflict.Where) > 0 {
			text += " (" + someOf(conflict.Where) + ")"
		}
		all = append(all, text)
		if conflict.Name != "" {
			past = append(past, strconv.Quote(conflict.Name))
		}
	}
	begin := "Nothing of Weave is installed: "
	if runs {
		begin = "What runs stays as it is: "
	}
	text := begin + strings.Join(all, "; ")
	if len(past) > 0 {
		text += ". To install it all the same: spec.allowConflicts: [" + strings.Join(past, ", ") + "]"
	}
	return text
}

// someOf lists a few of many.
func someOf(all []string) string {
	if len(all) <= maxTold {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxTold], ", "), len(all)-maxTold)
}

// invalid is what is wrong with a spec that got past admission; "" if nothing.
func invalid(network *v1alpha1.WeaveNetwork) string {
	prefix, err := netip.ParsePrefix(network.Spec.IPRange)
	if err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() || prefix.Bits() < 8 || prefix.Bits() > 29 {
		return fmt.Sprintf("spec.ipRange: %q must be an IPv4 range from /8 to /29 that begins at its first address, such as 10.32.0.0/12",
			network.Spec.IPRange)
	}
	return ""
}
