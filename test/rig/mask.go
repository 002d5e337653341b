// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// podSuffix is what the API server and the Deployment controller add to the names of pods.
var podSuffix = regexp.MustCompile(`\b([a-z0-9-]+-(?:compute|master))(?:-[bcdfghjklmnpqrstvwxz2456789]{1,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}\b`)

// templateHash is what the Deployment controller adds to the name of its ReplicaSet. It is another in every namespace that the template names.
var templateHash = regexp.MustCompile(`^([a-z0-9-]+-master)-[bcdfghjklmnpqrstvwxz2456789]{1,10}$`)

// masked are patterns of what is another in every run, and what to put in their place.
var masked = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "UID"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\b`), "TIME"},
	{regexp.MustCompile(`\bnode-[12]\b`), "NODE"},
	{regexp.MustCompile(`\b192\.0\.2\.\d+\b`), "HOST-IP"},
	{regexp.MustCompile(`\brig-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "NAMESPACE"},
}

// State is what there is, by "Kind name path", without what is another in every run: identities, times, random names, nodes,
// addresses. Pods of a role are told apart by nothing but what they are like.
func (w *World) State() map[string]string {
	objects := w.Objects()
	mask := w.masker(objects)
	state, err := described(objects, mask)
	w.must(err)
	maps.Copy(state, w.hostStates(mask))
	return state
}

// described are objects by "Kind name path".
func described(objects map[Key]client.Object, mask func(string) string) (map[string]string, error) {
	state := map[string]string{}
	alike := map[string][]string{}
	for key, object := range objects {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return nil, fmt.Errorf("describing %s %s: %w", key.Kind, key.Name, err)
		}
		strip(key.Kind, content)
		flat := map[string]string{}
		flatten("", content, mask, flat)
		name := maskedName(key)
		if key.Kind == "Pod" || key.Kind == "ReplicaSet" {
			// Two that are alike are two.
			alike[key.Kind] = append(alike[key.Kind], name+" "+line(flat))
			continue
		}
		for path, value := range flat {
			state[name+" "+path] = value
		}
	}
	for kind, all := range alike {
		slices.Sort(all)
		for i, each := range all {
			state[fmt.Sprintf("%s %02d", kind, i)] = each
		}
	}
	return state, nil
}

// hostStates are the hosts that EGO knows, by cluster, for clusters that are there.
func (w *World) hostStates(mask func(string) string) map[string]string {
	state := map[string]string{}
	for key := range w.Objects() {
		if key.Kind != "SymphonyCluster" {
			continue
		}
		hosts, err := w.Grids.Of(key.Name).Hosts(w.t.Context())
		if err != nil {
			continue // A test's own fault is in the way.
		}
		var all []string
		for i := range hosts {
			all = append(all, fmt.Sprintf("%s %s %d", mask(hosts[i].Name), hosts[i].State, hosts[i].Slots()))
		}
		slices.Sort(all)
		state["EGO "+key.Name] = strings.Join(all, "\n")
	}
	return state
}

// masker replaces addresses by what they are the address of: that of a master that is gone is not that of one that lives.
func (w *World) masker(objects map[Key]client.Object) func(string) string {
	addresses := map[string]string{}
	for _, version := range w.Versions() {
		if pod, ok := version.Object.(*corev1.Pod); ok && pod.Status.PodIP != "" {
			addresses[pod.Status.PodIP] = "IP of a dead " + pod.Labels[names.LabelRole]
		}
	}
	for _, object := range objects {
		if pod, ok := object.(*corev1.Pod); ok && pod.Status.PodIP != "" {
			addresses[pod.Status.PodIP] = "IP of a live " + pod.Labels[names.LabelRole]
		}
	}
	chosen := allocations(objects)
	return func(text string) string {
		text = maskedAlways(text)
		text = allocation.ReplaceAllStringFunc(text, func(number string) string { return cmp.Or(chosen[number], number) })
		if !strings.Contains(text, "10.32.") {
			return text
		}
		return address.ReplaceAllStringFunc(text, func(ip string) string { return cmp.Or(addresses[ip], "IP of nobody") })
	}
}

// address is of a pod.
var address = regexp.MustCompile(`\b10\.32\.\d+\.\d+\b`)

// allocation is what the API server may have chosen for a Service: an address of the test control plane's range, or a node port.
var allocation = regexp.MustCompile(`\b(10\.0\.0\.\d+|3[012]\d{3})\b`)

// allocations are what it has chosen for the Services that there are, and what of. Of two worlds one after the other, one in 250 gets the same
// address: what was told apart by that, as chance, would be a difference then.
func allocations(objects map[Key]client.Object) map[string]string {
	chosen := map[string]string{}
	for key, object := range objects {
		service, ok := object.(*corev1.Service)
		if !ok {
			continue
		}
		for _, ip := range service.Spec.ClusterIPs {
			chosen[ip] = "IP of " + key.Name
		}
		for _, port := range service.Spec.Ports {
			chosen[strconv.Itoa(int(port.NodePort))] = "NODE-PORT of " + key.Name + " " + port.Name
		}
	}
	for _, object := range objects {
		if cluster, ok := object.(*v1alpha1.SymphonyCluster); ok && cluster.Spec.GUI.NodePort != nil {
			delete(chosen, strconv.Itoa(int(*cluster.Spec.GUI.NodePort)))
		}
	}
	return chosen
}

// known are texts that were masked before: nearly all are the same in every run, and the start scripts are long.
var known sync.Map

func maskedAlways(text string) string {
	if before, ok := known.Load(text); ok {
		if done, ok := before.(string); ok {
			return done
		}
	}
	done := podSuffix.ReplaceAllString(text, "$1-*")
	for _, m := range masked {
		done = m.pattern.ReplaceAllString(done, m.by)
	}
	if done == text {
		known.Store(text, done) // What is masked is another text every time.
	}
	return done
}

// maskedName is an object's name without what is random.
func maskedName(key Key) string {
	name := podSuffix.ReplaceAllString(key.Name, "$1-*")
	if key.Kind == "ReplicaSet" {
		name = templateHash.ReplaceAllString(name, "$1-*")
	}
	return key.Kind + " " + name
}

// strip removes what the API server gives an object, and what counts its changes.
func strip(kind string, content map[string]any) {
	metadata, ok := content["metadata"].(map[string]any)
	if !ok {
		return
	}
	for _, key := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "generateName"} {
		delete(metadata, key)
	}
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		// It is of addresses, too.
		delete(annotations, names.AnnotationApplied)
	}
	if status, ok := content["status"].(map[string]any); ok && (kind == "Deployment" || kind == "ReplicaSet") {
		delete(status, "conditions") // Kubernetes' own controllers report the way there, in its order.
	}
}

// flatten puts every value under its path. Lists go by their order, and lines of a text by their alphabet.
func flatten(path string, value any, mask func(string) string, into map[string]string) {
	switch typed := value.(type) {
	case map[string]any:
		for key, each := range typed {
			if key != "observedGeneration" && key != "pod-template-hash" {
				flatten(path+"."+mask(key), each, mask, into)
			}
		}
	case []any:
		for i, each := range typed {
			flatten(fmt.Sprintf("%s[%d]", path, i), each, mask, into)
		}
	default:
		text := mask(fmt.Sprint(value))
		if path == ".metadata.name" || strings.HasSuffix(path, ".ownerReferences[0].name") {
			text = templateHash.ReplaceAllString(text, "$1-*")
		}
		lines := strings.Split(text, "\n")
		slices.Sort(lines)
		into[path] = short(strings.Join(lines, "\n"))
	}
}

// short has the start scripts not fill a page wherever they differ.
func short(text string) string {
	const enough = 400
	if len(text) <= enough {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes, %x)", text[:40], len(text), sha256.Sum256([]byte(text)))
}

func line(flat map[string]string) string {
	var all []string
	for _, path := range slices.Sorted(maps.Keys(flat)) {
		all = append(all, path+"="+flat[path])
	}
	return strings.Join(all, " ")
}

// Differences are the paths at which two states differ, each with both values.
func Differences(wanted, got map[string]string) map[string]string {
	found := map[string]string{}
	for path, value := range wanted {
		if other, there := got[path]; !there {
			found[path] = fmt.Sprintf("%q is missing", value)
		} else if other != value {
			found[path] = fmt.Sprintf("%q became %q", value, other)
		}
	}
	for path, value := range got {
		if _, there := wanted[path]; !there {
			found[path] = fmt.Sprintf("%q is too many", value)
		}
	}
	return found
}

// Counts are how many objects were created and deleted, by kind and name without random parts.
func (w *World) Counts() map[string]string {
	created, deleted := map[string]int{}, map[string]int{}
	for _, version := range w.Versions() {
		name := maskedName(version.Key)
		if version.First {
			created[name]++
		}
		if version.Gone {
			deleted[name]++
		}
	}
	counts := map[string]string{}
	for name := range created {
		counts[name] = fmt.Sprintf("%d created, %d deleted", created[name], deleted[name])
	}
	return counts
}
