// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const clusterRole = "ClusterRole"

// object is a role or a binding: what the one has, the other has not.
type object struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        metav1.ObjectMeta   `json:"metadata"`
	Rules           []rbacv1.PolicyRule `json:"rules"`
	Subjects        []rbacv1.Subject    `json:"subjects"`
	RoleRef         rbacv1.RoleRef      `json:"roleRef"`
}

// Grants reads roles and bindings from manifests and returns what the accounts may do by them, right by right. Roles that are bound
// to nobody here are for users to bind. A rule that allows everything of something cannot be held against what was used,
// and is an error.
func Grants(manifests io.Reader, accounts ...string) ([]Grant, error) {
	roles, bindings := map[string][]rbacv1.PolicyRule{}, []object{}
	for decoder := yaml.NewYAMLOrJSONDecoder(manifests, 4096); ; {
		var next object
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("decoding manifests: %w", err)
		}
		if next.GroupVersionKind().Group != rbacv1.GroupName {
			continue
		}
		switch next.Kind {
		case "Role", clusterRole:
			roles[called(next.Kind, next.Metadata.Namespace, next.Metadata.Name)] = next.Rules
		case "RoleBinding", "ClusterRoleBinding":
			bindings = append(bindings, next)
		}
	}
	var all []Grant
	for i := range bindings {
		granted, err := bindings[i].grants(roles, accounts)
		if err != nil {
			return nil, err
		}
		all = append(all, granted...)
	}
	return all, nil
}

// called is a role's name as people look it up; a ClusterRole has no namespace.
func called(kind, namespace, name string) string {
	if kind == clusterRole {
		return kind + " " + name
	}
	return kind + " " + namespace + "/" + name
}

func (binding *object) grants(roles map[string][]rbacv1.PolicyRule, accounts []string) ([]Grant, error) {
	var all []Grant
	namespace := Everywhere
	if binding.Kind == "RoleBinding" {
		namespace = cmp.Or(binding.Metadata.Namespace, Anywhere)
	}
	for _, subject := range binding.Subjects {
		account := "system:serviceaccount:" + subject.Namespace + ":" + subject.Name
		if subject.Kind != rbacv1.ServiceAccountKind || !slices.Contains(accounts, account) {
			continue
		}
		role := called(binding.RoleRef.Kind, binding.Metadata.Namespace, binding.RoleRef.Name)
		rules, ok := roles[role]
		if !ok {
			return nil, fmt.Errorf("%s %s is bound to %s, which is not here", binding.Kind, binding.Metadata.Name, role)
		}
		for _, rule := range rules {
			rights, err := expand(rule)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", role, err)
			}
			for _, right := range rights {
				all = append(all, Grant{Account: account, Role: role, Namespace: namespace, Right: right})
			}
		}
	}
	return all, nil
}

// expand is a rule, right by right.
func expand(rule rbacv1.PolicyRule) ([]Right, error) {
	if len(rule.NonResourceURLs) > 0 {
		return nil, fmt.Errorf("%v: paths are not compared", rule.NonResourceURLs)
	}
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	var all []Right
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				if group == rbacv1.APIGroupAll || resource == rbacv1.ResourceAll || verb == rbacv1.VerbAll {
					return nil, errors.New("* is more than anybody uses: name the rights")
				}
				for _, name := range names {
					all = append(all, Right{Group: group, Resource: resource, Verb: verb, Name: name})
				}
			}
		}
	}
	return all, nil
}
