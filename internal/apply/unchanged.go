// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime"
)

// An apply that would change nothing is not sent. Whether it would is found out from two things: the hash of
// what was applied last, kept in an annotation, tells whether the operator's intent has changed; and the fields
// that it still owns in the live object tell whether anybody has changed them. The second alone does not do: the
// API server puts its defaults also into what is owned as a whole, such as the apiVersion of a fieldRef, so what
// is owned is more than what was sent.

// hashOf identifies an intent.
func hashOf(wanted runtime.ApplyConfiguration) (string, error) {
	data, err := json.Marshal(wanted)
	if err != nil {
		return "", fmt.Errorf("hashing: %w", err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))[:16], nil
}

// unchanged reports whether an apply of wanted would change nothing, given what is owned; both must be a T.
func unchanged[T any](owned, wanted runtime.ApplyConfiguration) bool {
	ownedTree, ownedOK := tree[T](owned)
	wantedTree, wantedOK := tree[T](wanted)
	return ownedOK && wantedOK && covers(ownedTree, wantedTree)
}

// tree is a configuration as plain values, spelt as the API server spells them: `1000m` of CPU is `1`.
func tree[T any](configuration runtime.ApplyConfiguration) (plain any, ok bool) {
	var typed T
	data, err := json.Marshal(configuration)
	if err != nil || json.Unmarshal(data, &typed) != nil {
		return nil, false
	}
	if data, err = json.Marshal(typed); err != nil || json.Unmarshal(data, &plain) != nil {
		return nil, false
	}
	return plain, true
}

// covers reports whether owned has everything that is wanted, with the same values.
func covers(owned, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		fields, ok := owned.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range wanted {
			if !covers(fields[key], value) {
				return false
			}
		}
		return true
	case []any:
		items, ok := owned.([]any)
		if !ok || len(items) != len(wanted) {
			return false
		}
		for i := range wanted {
			if !covers(items[i], wanted[i]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(owned, wanted)
	}
}
