// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/recent"
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

// compared remembers which objects were found to be as wanted, because finding out takes most of a pass that changes nothing:
// two objects with all of a pod template through JSON and the API's schema, four times a pass. Nothing is decided on it that the
// comparison would not decide: another state, or another intent, is compared anew. The zero value is ready for use.
type compared struct {
	recent.Things[comparison, struct{}]
}

type comparison struct {
	uid         types.UID
	state, hash string
}

// asWanted reports whether the object was found to be as wanted in the state that it has; is finds out.
func (c *compared) asWanted(live any, hash string, is func() bool) bool {
	object, ok := live.(metav1.Object)
	if !ok || object.GetUID() == "" || object.GetResourceVersion() == "" {
		return is()
	}
	key := comparison{object.GetUID(), stateOf(object), hash}
	if _, known := c.Recall(key); known {
		return true
	}
	if !is() {
		return false
	}
	c.Remember(key, struct{}{})
	return true
}

// stateOf is the same for as long as what the operator may own of an object is. A version is new with each status too, and a Deployment that starts
// up has a dozen; so of what has a generation, which counts changes of its spec, the generation and the metadata are taken.
func stateOf(object metav1.Object) string {
	if object.GetGeneration() == 0 {
		return object.GetResourceVersion()
	}
	var owned []metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == names.FieldManager && entry.Subresource == "" {
			owned = append(owned, entry)
		}
	}
	metadata, err := json.Marshal([]any{object.GetLabels(), object.GetAnnotations(), object.GetOwnerReferences(), object.GetFinalizers(), owned})
	if err != nil {
		return object.GetResourceVersion()
	}
	return fmt.Sprintf("%d %x", object.GetGeneration(), sha256.Sum256(metadata))
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
