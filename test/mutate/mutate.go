// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mutate walks the schema of a CRD and gives, for every field, values that must work and values that must be refused.
// What a schema says (types, limits, enumerations, patterns, what is required) is read from it, so that a new field is part of
// the tests the day it is added; what it does not say (which names mean something, what goes with what) is in one table,
// semantics.go.
package mutate

import (
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Field is one path of a spec.
type Field struct {
	// Path is below spec: `compute.env[].name` is the name of an entry of a list, `egoConf{}` a value of a map.
	Path string
	// Leaf is true when nothing is below it.
	Leaf bool
	// Frozen is why the field cannot be changed on an object that exists; "" when it can.
	Frozen string
	// Valid are changes that must work. Invalid are changes that must be refused.
	Valid, Invalid []Mutation
}

// Mutation is one change of a spec. It brings along what it needs: a node port has the Service be of a type that has one.
type Mutation struct {
	// Name says what it does; it is the same in every run, and no two of a CRD are called the same.
	Name string
	// Apply changes a spec in place. It depends on nothing else, shares nothing with what it changes, and a valid one twice is like once.
	Apply func(spec map[string]any)
	// Says is what a person must be told about an invalid one: the field's name, or the rule's words.
	Says string
	// Later is the reason (of the condition Stalled) with which the operator refuses an invalid one that admission cannot see;
	// "" when admission refuses it.
	Later string
}

// To changes an object.
func (m *Mutation) To(object *unstructured.Unstructured) {
	spec, ok := object.Object["spec"].(map[string]any)
	if !ok {
		spec = map[string]any{}
		object.Object["spec"] = spec
	}
	m.Apply(spec)
}

// Fields are all paths of a CRD's spec, in the order of their names, those above before those below.
func Fields(crd *apiextensionsv1.CustomResourceDefinition) []Field {
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	w := &walker{kind: crd.Spec.Names.Kind}
	root := func(spec map[string]any, edit func(any) any) { edit(spec) }
	w.properties(&schema, "", root)
	return w.fields
}

// walker goes through a schema.
type walker struct {
	kind   string
	fields []Field
}

// place changes what is at a path, and makes what is missing above it, with what that must have.
type place func(spec map[string]any, edit func(old any) any)

func (w *walker) properties(schema *apiextensionsv1.JSONSchemaProps, path string, at place) {
	for _, name := range sortedKeys(schema.Properties) {
		property := schema.Properties[name]
		below := name
		if path != "" {
			below = path + "." + name
		}
		w.walk(&property, below, func(spec map[string]any, edit func(any) any) {
			at(spec, func(old any) any {
				parent, ok := old.(map[string]any)
				if !ok {
					parent, _ = w.sample(schema, path).(map[string]any)
				}
				parent[name] = edit(parent[name])
				return parent
			})
		})
	}
}

func (w *walker) walk(schema *apiextensionsv1.JSONSchemaProps, path string, at place) {
	field := Field{Path: path, Frozen: w.frozen(path)}
	known := w.semantics(path)
	add := func(all *[]Mutation, name string, says string, edit func(any) any) {
		*all = append(*all, Mutation{
			Name: path + " " + name, Says: says,
			Apply: func(spec map[string]any) {
				if known.with != nil {
					known.with(spec, path)
				}
				at(spec, edit)
			},
		})
	}
	for _, value := range w.valid(schema, path) {
		add(&field.Valid, named("=", value), "", set(value))
	}
	for _, one := range w.invalid(schema, path) {
		add(&field.Invalid, one.name, "spec."+stem(path), one.edit)
	}
	for _, one := range known.breaks {
		add(&field.Invalid, one.name, one.says, one.edit)
		field.Invalid[len(field.Invalid)-1].Later = one.later
	}
	field.Leaf = len(schema.Properties) == 0 && items(schema) == nil && entries(schema) == nil
	w.fields = append(w.fields, field)

	w.properties(schema, path, at)
	if item := items(schema); item != nil {
		w.walk(item, path+"[]", w.inItem(schema, path, at))
	}
	if entry := entries(schema); entry != nil {
		w.walk(entry, path+"{}", w.inEntry(schema, path, at))
	}
}

// inItem is in the entry of a list that a test adds: of a list of named ones, the one with its name.
func (w *walker) inItem(schema *apiextensionsv1.JSONSchemaProps, path string, at place) place {
	return func(spec map[string]any, edit func(any) any) {
		at(spec, func(old any) any {
			list, _ := old.([]any)
			sample := w.sample(items(schema), path+"[]")
			if len(schema.XListMapKeys) != 1 {
				return []any{edit(sample)}
			}
			key := schema.XListMapKeys[0]
			if at := withKey(list, key, sample); at >= 0 {
				sample = list[at]
				list = slices.Delete(list, at, at+1)
			}
			edited := edit(sample)
			if at := withKey(list, key, edited); at >= 0 {
				list = slices.Delete(list, at, at+1)
			}
			return append(list, edited)
		})
	}
}

// withKey is where in a list the entry is that has the same key, -1 if nowhere.
func withKey(list []any, key string, entry any) int {
	wanted, ok := entry.(map[string]any)
	if !ok {
		return -1
	}
	return slices.IndexFunc(list, func(one any) bool {
		found, ok := one.(map[string]any)
		return ok && found[key] == wanted[key]
	})
}

// inEntry is in the entry of a map that a test adds.
func (w *walker) inEntry(_ *apiextensionsv1.JSONSchemaProps, path string, at place) place {
	return func(spec map[string]any, edit func(any) any) {
		at(spec, func(old any) any {
			entries, ok := old.(map[string]any)
			if !ok {
				entries = map[string]any{}
			}
			key := w.key(path, 0)
			entries[key] = edit(entries[key])
			return entries
		})
	}
}

// stem is as much of a path as the API server writes the same way.
func stem(path string) string {
	if at := strings.IndexAny(path, "[{"); at >= 0 {
		path = path[:at]
	}
	return path
}
