// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// What values need beside them, and what breaks rules about several fields.

func parsed(text string) map[string]any {
	value := map[string]any{}
	if err := utiljson.Unmarshal([]byte(text), &value); err != nil {
		panic(err) // A constant of this package.
	}
	return value
}

// without takes a field away.
func without(name string) func(map[string]any, string) {
	return func(spec map[string]any, _ string) { delete(spec, name) }
}

// withoutIn takes a field of a field away.
func withoutIn(parent, name string) func(map[string]any, string) {
	return func(spec map[string]any, _ string) {
		if found, ok := spec[parent].(map[string]any); ok {
			delete(found, name)
		}
	}
}

// ownClaim has the operator make the claim.
func ownClaim(spec map[string]any, _ string) {
	master, _ := spec["master"].(map[string]any)
	if storage, ok := master["storage"].(map[string]any); ok {
		delete(storage, "existingClaim")
	}
}

// role is the part of the spec that a path is in.
func role(spec map[string]any, path string) map[string]any {
	name, _, _ := strings.Cut(path, ".")
	found, ok := spec[name].(map[string]any)
	if !ok {
		found = map[string]any{}
		spec[name] = found
	}
	return found
}

// withoutVariables makes room for one: it has a value or one source.
func withoutVariables(spec map[string]any, path string) { delete(role(spec, path), "env") }

// withFiles has a volume for a variable that comes from a file.
func withFiles(spec map[string]any, path string) {
	withoutVariables(spec, path)
	role(spec, path)["podTemplate"] = parsed(`{"spec":{"volumes":[{"name":"files","emptyDir":{}}]}}`)
}

// withClaim has the pod claim a device.
func withClaim(spec map[string]any, path string) {
	role(spec, path)["podTemplate"] = parsed(`{"spec":{"resourceClaims":[{"name":"gpu","resourceClaimTemplateName":"gpu"}]}}`)
}

func settings() []breaking {
	const names, owned = "keys of egoConf must be ego.conf settings", "egoConf must not set what the operator owns"
	all := refused(names, map[string]any{"ego_x": "1"}, map[string]any{"": "1"}, map[string]any{strings.Repeat("K", 65): "1"})
	return append(all, refused(owned, map[string]any{"EGO_MASTER_LIST": "x"}, map[string]any{"EGO_CONFDIR": "/"})...)
}

func sources() []breaking {
	return refused("entitlement needs exactly one source: either secretKeyRef or path", map[string]any{},
		map[string]any{"path": "/opt/e", "secretKeyRef": map[string]any{"name": "a", "key": "b"}})
}

func claims() []breaking {
	const rule = "existingClaim goes with none of size, storageClassName, accessMode and whenDeleted"
	return refused(rule, map[string]any{"existingClaim": "mine", "size": "1Gi"}, map[string]any{"existingClaim": "mine", "storageClassName": ""},
		map[string]any{"existingClaim": "mine", "accessMode": "ReadWriteMany"}, map[string]any{"existingClaim": "mine", "whenDeleted": "Delete"})
}

// freeNodePorts are both ends of the band that Kubernetes chooses from last (the first 86 ports of 30000 to 32767, "Avoid collisions assigning ports
// to NodePort Services" in its documentation). A port above it may be one that was chosen for another test's Service: a suite failed by that.
var freeNodePorts = []any{int64(30000), int64(30085)}

func nodePorts() []breaking {
	return later("a port outside the range", "spec.gui.nodePort cannot be used", v1alpha1.ReasonNodePortUnavailable, int64(20000))
}
