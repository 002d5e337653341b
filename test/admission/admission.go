// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admission judges objects as the API server does with one of the project's CRDs, by the API server's own code and
// without a server: fuzzing asks thousands of times a second. What only a server knows (names that are taken, rights, quotas)
// is not in it; test/integration asks a real one.
package admission

import (
	"context"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Judge is the admission of one CRD.
type Judge struct {
	// CRD is what was read.
	CRD *apiextensionsv1.CustomResourceDefinition

	structural *schema.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator
}

// Load reads a CRD's file. Its only version is the one that counts.
func Load(file string) (*Judge, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, crd); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(crd.Spec.Versions) != 1 {
		return nil, fmt.Errorf("%s has %d versions", file, len(crd.Spec.Versions))
	}
	internal := &apiextensions.JSONSchemaProps{}
	given := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(given, internal, nil); err != nil {
		return nil, fmt.Errorf("converting the schema of %s: %w", file, err)
	}
	judge := &Judge{CRD: crd}
	if judge.structural, err = schema.NewStructural(internal); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", file, err)
	}
	if judge.values, _, err = validation.NewSchemaValidator(internal); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", file, err)
	}
	judge.rules = cel.NewValidator(judge.structural, true, celconfig.PerCallLimit)
	return judge, nil
}

// Object is an object of the CRD's kind with a spec, as a client sends it; without one if that is nil.
func (j *Judge) Object(name string, spec map[string]any) map[string]any {
	object := map[string]any{
		"apiVersion": j.CRD.Spec.Group + "/" + j.CRD.Spec.Versions[0].Name,
		"kind":       j.CRD.Spec.Names.Kind,
		"metadata":   map[string]any{"name": name},
	}
	if spec != nil {
		object["spec"] = spec
	}
	return object
}

// Create judges a new object and returns it as it is stored: with defaults. An unknown field is an error, as it is for
// kubectl and for every pipeline that asks for strict validation.
func (j *Judge) Create(object map[string]any) (map[string]any, field.ErrorList) {
	return j.judge(object, nil)
}

// Update judges a change of an object that Create or Update returned.
func (j *Judge) Update(object, old map[string]any) (map[string]any, field.ErrorList) {
	return j.judge(object, old)
}

func (j *Judge) judge(object, old map[string]any) (map[string]any, field.ErrorList) {
	stored := runtime.DeepCopyJSON(object)
	var errs field.ErrorList
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(stored, j.structural, true, options) {
		errs = append(errs, field.Invalid(field.NewPath(path), "", "unknown field"))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(stored, j.structural)
	defaulting.Default(stored, j.structural)
	var former any
	if old != nil {
		former = old
		errs = append(errs, validation.ValidateCustomResourceUpdate(nil, stored, old, j.values)...)
	} else {
		errs = append(errs, validation.ValidateCustomResource(nil, stored, j.values)...)
	}
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, j.structural, stored)...)
	if len(errs) > 0 {
		return stored, errs // Rules may not stand what is of the wrong type.
	}
	found, _ := j.rules.Validate(context.Background(), nil, j.structural, stored, former, celconfig.RuntimeCELCostBudget)
	return stored, found
}

// Decode reads a stored object as the operator's caches do.
func Decode(stored map[string]any, into metav1.Object) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(stored, into)
}
