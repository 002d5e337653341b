// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// MaxDrainTimeout is the longest spec.compute.scaleIn.drainTimeout: a week.
const MaxDrainTimeout = 7 * 24 * time.Hour

// maxUnavailableLimit is far beyond any cluster. Without a limit a number that no int32 holds would be admitted, and no client
// could decode the object.
const maxUnavailableLimit = 1_000_000

// MaxNameLength is the longest name of a SymphonyCluster: `NAME-compute-xxxxx` must be a host name.
const MaxNameLength = 40

var (
	nameFormat        = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	clusterNameFormat = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,39}$`)
	egoConfKeyFormat  = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
	pathFormat        = regexp.MustCompile(`^/[A-Za-z0-9_./-]+$`)
	percentFormat     = regexp.MustCompile(`^([1-9]\d?|100)%$`)

	protectedEgoConf = []string{
		"EGO_CONFDIR", "EGO_ENTITLEMENT_FILE", "EGO_GET_CONF", "EGO_KD_PORT", "EGO_LIM_PORT",
		"EGO_MASTER_LIST", "EGO_PEM_PORT", "EGO_SIMPLIFIED_WEM", "EGO_TOP", "EGO_VERSION",
	}
)

// Validate repeats in Go what the CRD's schema and CEL rules check at admission. It guards the operator
// against objects that were stored past them (an older CRD, a disabled rule): an empty list means that the
// spec can be built. Rules that compare with the former object exist at admission alone.
func (c *SymphonyCluster) Validate() field.ErrorList {
	var errs field.ErrorList
	if len(c.Name) > MaxNameLength || !nameFormat.MatchString(c.Name) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), c.Name,
			"must be a DNS label of at most 40 characters that starts with a letter: host names are built from it"))
	}
	spec := field.NewPath("spec")
	errs = append(errs, c.Spec.validate(spec)...)
	errs = append(errs, validateEnv(spec.Child("master", "env"), c.Spec.Master.Env)...)
	errs = append(errs, c.Spec.Master.Storage.validate(spec.Child("master", "storage"))...)
	errs = append(errs, c.Spec.Compute.validate(spec.Child("compute"))...)
	errs = append(errs, c.Spec.GUI.validate(spec.Child("gui"))...)
	errs = append(errs, c.Spec.Network.validate(spec.Child("network"))...)
	return errs
}

func (s *SymphonyClusterSpec) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Image == "" {
		errs = append(errs, field.Required(path.Child("image"), "an image with Symphony installed"))
	}
	if s.ClusterName != "" && !clusterNameFormat.MatchString(s.ClusterName) {
		errs = append(errs, field.Invalid(path.Child("clusterName"), s.ClusterName,
			"must be at most 39 letters, digits, '_', '.' and '-'"))
	}
	if s.InstallDir != "" && !pathFormat.MatchString(s.InstallDir) {
		errs = append(errs, field.Invalid(path.Child("installDir"), s.InstallDir, "must be an absolute path"))
	}
	for _, key := range slices.Sorted(maps.Keys(s.EgoConf)) {
		at := path.Child("egoConf").Key(key)
		switch {
		case !egoConfKeyFormat.MatchString(key):
			errs = append(errs, field.Invalid(at, key, "must be upper-case letters, digits and '_', at most 64 characters"))
		case slices.Contains(protectedEgoConf, key):
			errs = append(errs, field.Forbidden(at, "the operator owns this setting"))
		case strings.ContainsAny(string(s.EgoConf[key]), "\n\r"):
			errs = append(errs, field.Invalid(at, key, "must have a value of one line"))
		}
	}
	if s.License != "" && s.License != "accept" {
		errs = append(errs, field.NotSupported(path.Child("license"), s.License, []string{"accept"}))
	}
	return append(errs, s.Entitlement.validate(path.Child("entitlement"))...)
}

func (e *Entitlement) validate(path *field.Path) field.ErrorList {
	switch {
	case e == nil:
		return nil
	case (e.SecretKeyRef != nil) == (e.Path != ""):
		return field.ErrorList{field.Invalid(path, "", "needs exactly one source: either secretKeyRef or path")}
	case e.Path != "" && !pathFormat.MatchString(e.Path):
		return field.ErrorList{field.Invalid(path.Child("path"), e.Path, "must be an absolute path")}
	}
	return nil
}

func (s *ComputeSpec) validate(path *field.Path) field.ErrorList {
	errs := validateEnv(path.Child("env"), s.Env)
	errs = append(errs, s.ScaleIn.validate(path.Child("scaleIn"))...)
	if s.Replicas != nil && *s.Replicas < 0 {
		errs = append(errs, field.Invalid(path.Child("replicas"), *s.Replicas, "must be 0 or more"))
	}
	switch s.Update.Type {
	case "", RollingUpdate, OnDelete:
	default:
		errs = append(errs, field.NotSupported(path.Child("update", "type"), s.Update.Type,
			[]ComputeUpdateType{RollingUpdate, OnDelete}))
	}
	if m := s.Update.MaxUnavailable; m != nil {
		good := m.Type == intstr.Int && m.IntVal >= 1 && m.IntVal <= maxUnavailableLimit || m.Type == intstr.String && percentFormat.MatchString(m.StrVal)
		if !good {
			errs = append(errs, field.Invalid(path.Child("update", "maxUnavailable"), m.String(),
				"must be a number from 1 to 1000000 or a percentage from 1% to 100%"))
		}
	}
	return errs
}

func (s *ComputeScaleIn) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch s.Policy {
	case "", Drain, Immediate:
	default:
		errs = append(errs, field.NotSupported(path.Child("policy"), s.Policy, []ScaleInPolicy{Drain, Immediate}))
	}
	for _, limit := range []struct {
		name  string
		value *metav1.Duration
		most  time.Duration
	}{
		{"drainTimeout", s.DrainTimeout, MaxDrainTimeout},
		{"reclaimGrace", s.ReclaimGrace, time.Hour},
		{"settle", s.Settle, time.Hour},
	} {
		if limit.value != nil && (limit.value.Duration < 0 || limit.value.Duration > limit.most) {
			errs = append(errs, field.Invalid(path.Child(limit.name), limit.value.Duration.String(), "must be from 0s to "+limit.most.String()))
		}
	}
	return errs
}

func (s *GUISpec) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch s.ServiceType {
	case "", corev1.ServiceTypeNodePort, corev1.ServiceTypeClusterIP, corev1.ServiceTypeLoadBalancer:
	default:
		errs = append(errs, field.NotSupported(path.Child("serviceType"), s.ServiceType,
			[]corev1.ServiceType{corev1.ServiceTypeClusterIP, corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort}))
	}
	if s.NodePort == nil {
		return errs
	}
	if *s.NodePort < 1 || *s.NodePort > 65535 {
		errs = append(errs, field.Invalid(path.Child("nodePort"), *s.NodePort, "must be a port number, 1 to 65535"))
	}
	if s.ServiceType == corev1.ServiceTypeClusterIP {
		errs = append(errs, field.Invalid(path.Child("nodePort"), *s.NodePort,
			"needs serviceType NodePort or LoadBalancer: a ClusterIP Service has none"))
	}
	return errs
}

func (s *NetworkSpec) validate(path *field.Path) field.ErrorList {
	errs := s.Policy.validate(path.Child("policy"))
	switch s.Mode {
	case "", NetworkExisting, NetworkWeave:
	default:
		errs = append(errs, field.NotSupported(path.Child("mode"), s.Mode, []NetworkMode{NetworkExisting, NetworkWeave}))
	}
	return errs
}

// validate checks no selector and no CIDR: whether those are good depends on the API server, which says so when the
// NetworkPolicy is applied.
func (p *AccessPolicy) validate(path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	var errs field.ErrorList
	for i := range p.Clients {
		client, at := &p.Clients[i], path.Child("clients").Index(i)
		selects := client.PodSelector != nil || client.NamespaceSelector != nil
		switch {
		case client.IPBlock == nil && !selects:
			errs = append(errs, field.Required(at, "a podSelector, a namespaceSelector or an ipBlock"))
		case client.IPBlock != nil && selects:
			errs = append(errs, field.Forbidden(at.Child("ipBlock"), "goes with neither podSelector nor namespaceSelector: make it a client of its own"))
		}
	}
	return errs
}

func validateEnv(path *field.Path, env []corev1.EnvVar) field.ErrorList {
	var errs field.ErrorList
	for i := range env {
		if name := env[i].Name; IsOperatorEnv(name) {
			errs = append(errs, field.Forbidden(path.Index(i).Child("name"), name+" is set by the operator"))
		}
	}
	return errs
}

// IsOperatorEnv reports whether an environment variable of the container `symphony` is the operator's.
func IsOperatorEnv(name string) bool {
	return strings.HasPrefix(name, "SYMPHONY_") || name == "LICENSE" || name == "PATH"
}
