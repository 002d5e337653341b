// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// broken is a change that a schema refuses.
type broken struct {
	name string
	edit func(old any) any
}

// set puts a value, a copy of its own, in the place of what is there.
func set(value any) func(any) any {
	return func(any) any { return runtime.DeepCopyJSONValue(value) }
}

func bad(why string, value any) broken { return broken{named(why+": ", value), set(value)} }

// named shows a value in a name, as far as people read.
func named(before string, value any) string {
	const readable = 60
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // Values are plain JSON.
	}
	if len(text) > readable {
		return fmt.Sprintf("%s%s… (%d)", before, text[:readable], len(text))
	}
	return before + string(text)
}

func sortedKeys(properties map[string]apiextensionsv1.JSONSchemaProps) []string {
	return slices.Sorted(maps.Keys(properties))
}

func items(schema *apiextensionsv1.JSONSchemaProps) *apiextensionsv1.JSONSchemaProps {
	if schema.Items == nil {
		return nil
	}
	return schema.Items.Schema
}

func entries(schema *apiextensionsv1.JSONSchemaProps) *apiextensionsv1.JSONSchemaProps {
	if schema.AdditionalProperties == nil {
		return nil
	}
	return schema.AdditionalProperties.Schema
}

// sample is the smallest valid value.
func (w *walker) sample(schema *apiextensionsv1.JSONSchemaProps, path string) any {
	if known := w.semantics(path); len(known.values) > 0 {
		return runtime.DeepCopyJSONValue(known.values[0])
	}
	switch {
	case schema.XIntOrString:
		return int64(1)
	case schema.Type == "object":
		object := map[string]any{}
		for _, name := range schema.Required {
			property := schema.Properties[name]
			object[name] = w.sample(&property, strings.TrimPrefix(path+"."+name, "."))
		}
		return object
	case schema.Type == "array":
		return []any{w.sample(items(schema), path+"[]")}
	}
	return w.valid(schema, path)[0]
}

// key is the name of a map's n-th entry.
func (w *walker) key(path string, n int) string {
	key := w.semantics(path).key
	if key == "" {
		key = "a"
	}
	if n > 0 {
		key += fmt.Sprint(n)
	}
	return key
}

// valid are values that must work.
func (w *walker) valid(schema *apiextensionsv1.JSONSchemaProps, path string) []any {
	known := w.semantics(path)
	if len(known.values) > 0 || known.none != "" {
		return known.values
	}
	switch {
	case schema.XIntOrString:
		return []any{int64(1), "2"}
	case len(schema.Enum) > 0:
		return enumeration(schema)
	case schema.Type == "boolean":
		return []any{true, false}
	case schema.Type == "integer":
		return numbers(schema)
	case schema.Type == "string":
		return texts(schema)
	case schema.Type == "array":
		return w.lists(schema, path)
	case entries(schema) != nil:
		return w.maps(schema, path)
	case len(schema.Required) > 0:
		return []any{w.sample(schema, path)}
	}
	return nil // What is below has values.
}

func enumeration(schema *apiextensionsv1.JSONSchemaProps) []any {
	all := make([]any, 0, len(schema.Enum))
	for _, raw := range schema.Enum {
		var value any
		if err := json.Unmarshal(raw.Raw, &value); err != nil {
			panic(err) // The API server would not have taken the CRD.
		}
		all = append(all, value)
	}
	return all
}

func numbers(schema *apiextensionsv1.JSONSchemaProps) []any {
	least := int64(1)
	if schema.Minimum != nil {
		least = int64(*schema.Minimum)
	}
	all := []any{least, least + 1}
	if schema.Maximum != nil && int64(*schema.Maximum) > least+1 {
		all = append(all, int64(*schema.Maximum))
	}
	return all
}

// candidates are texts of which a pattern takes two at least, one can hope; semantics.go has values where it takes none.
var candidates = []string{"a", "b", "/opt/a", "/opt/b", "A", "B"}

func texts(schema *apiextensionsv1.JSONSchemaProps) []any {
	var all []any
	for _, candidate := range candidates {
		if matches(schema, candidate) && len(all) < 2 {
			all = append(all, candidate)
		}
	}
	if limit := schema.MaxLength; limit != nil && len(all) > 0 {
		longest := all[0].(string)
		longest += strings.Repeat("a", int(*limit)-len(longest))
		if matches(schema, longest) {
			all = append(all, longest)
		}
	}
	return all
}

func matches(schema *apiextensionsv1.JSONSchemaProps, text string) bool {
	return (schema.Pattern == "" || regexp.MustCompile(schema.Pattern).MatchString(text)) &&
		(schema.MinLength == nil || int64(len(text)) >= *schema.MinLength) && (schema.MaxLength == nil || int64(len(text)) <= *schema.MaxLength)
}

// lists have one entry, two, and as many as there can be.
func (w *walker) lists(schema *apiextensionsv1.JSONSchemaProps, path string) []any {
	all := []any{w.list(schema, path, 1), w.list(schema, path, 2)}
	if schema.MaxItems != nil {
		all = append(all, w.list(schema, path, int(*schema.MaxItems)))
	}
	return all
}

func (w *walker) list(schema *apiextensionsv1.JSONSchemaProps, path string, n int) []any {
	list := make([]any, 0, n)
	for i := range n {
		item := w.sample(items(schema), path+"[]")
		if i > 0 {
			item = another(schema, item, i)
		}
		list = append(list, item)
	}
	return list
}

// another differs from an entry where entries have to.
func another(schema *apiextensionsv1.JSONSchemaProps, item any, n int) any {
	switch item := item.(type) {
	case string:
		return item + fmt.Sprint(n)
	case map[string]any:
		for _, key := range schema.XListMapKeys {
			item[key] = fmt.Sprint(item[key], n)
		}
	}
	return item
}

func (w *walker) maps(schema *apiextensionsv1.JSONSchemaProps, path string) []any {
	all := []any{w.entriesOf(schema, path, 1)}
	if schema.MaxProperties != nil {
		all = append(all, w.entriesOf(schema, path, 2), w.entriesOf(schema, path, int(*schema.MaxProperties)))
	}
	return all
}

func (w *walker) entriesOf(schema *apiextensionsv1.JSONSchemaProps, path string, n int) map[string]any {
	all := map[string]any{}
	for i := range n {
		all[w.key(path, i)] = w.sample(entries(schema), path+"{}")
	}
	return all
}

// invalid are changes that the schema refuses.
func (w *walker) invalid(schema *apiextensionsv1.JSONSchemaProps, path string) []broken {
	switch {
	case schema.XIntOrString:
		all := []broken{bad("wrong type", true), bad("wrong type", 1.5)}
		if schema.Pattern != "" {
			all = append(all, bad("no quantity", "x"), bad("no quantity", "1e1.5"), bad("no quantity", "1e999999999"))
		}
		return all
	case schema.Type == "boolean":
		return []broken{bad("wrong type", "yes")}
	case schema.Type == "integer":
		return wrongNumbers(schema)
	case schema.Type == "string":
		return wrongTexts(schema)
	case schema.Type == "array":
		return w.wrongLists(schema, path)
	}
	return w.wrongObjects(schema, path)
}

func wrongNumbers(schema *apiextensionsv1.JSONSchemaProps) []broken {
	all := []broken{bad("wrong type", "x"), bad("wrong type", 1.5)}
	if schema.Minimum != nil {
		all = append(all, bad("too low", int64(*schema.Minimum)-1))
	}
	if schema.Maximum != nil {
		all = append(all, bad("too high", int64(*schema.Maximum)+1))
	}
	if schema.Format == "int32" {
		all = append(all, bad("no int32", int64(3_000_000_000)))
	}
	return all
}

func wrongTexts(schema *apiextensionsv1.JSONSchemaProps) []broken {
	all := []broken{bad("wrong type", int64(7))}
	if len(schema.Enum) > 0 {
		return append(all, bad("unknown", "Unknown"), bad("unknown", ""))
	}
	if schema.MinLength != nil && *schema.MinLength > 0 {
		all = append(all, bad("too short", ""))
	}
	if schema.MaxLength != nil {
		all = append(all, bad("too long", strings.Repeat("/a", int(*schema.MaxLength)/2+1)))
	}
	if schema.Pattern != "" {
		for _, candidate := range []string{"a b", "a\nb", "ä/", "!"} {
			if !matches(schema, candidate) {
				all = append(all, bad("does not match", candidate))
			}
		}
	}
	return all
}

func (w *walker) wrongLists(schema *apiextensionsv1.JSONSchemaProps, path string) []broken {
	all := []broken{bad("wrong type", "x"), bad("wrong type", map[string]any{})}
	if schema.MaxItems != nil {
		all = append(all, bad("too many", w.list(schema, path, int(*schema.MaxItems)+1)))
	}
	if kind := schema.XListType; kind != nil && *kind != "atomic" {
		item := w.sample(items(schema), path+"[]")
		all = append(all, bad("twice", []any{item, item}))
	}
	return all
}

func (w *walker) wrongObjects(schema *apiextensionsv1.JSONSchemaProps, path string) []broken {
	all := []broken{bad("wrong type", "x"), bad("wrong type", []any{})}
	if entries(schema) != nil && schema.MaxProperties != nil {
		all = append(all, bad("too many", w.entriesOf(schema, path, int(*schema.MaxProperties)+1)))
	}
	for _, name := range schema.Required {
		all = append(all, broken{"without " + name, func(any) any {
			object, _ := w.sample(schema, path).(map[string]any)
			delete(object, name)
			return object
		}})
	}
	if len(schema.Properties) > 0 {
		all = append(all, broken{"unknown field", func(any) any {
			object, _ := w.sample(schema, path).(map[string]any)
			object["noSuchField"] = int64(1)
			return object
		}})
	}
	return all
}
