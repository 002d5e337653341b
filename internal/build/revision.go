// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// userPart is everything in a spec that shapes a role's pods. Its hash is the revision: the master's address
// and the operator's version are not in it. Existing fields must keep their JSON form and new ones must be
// omitted when empty: otherwise a new version of the operator would look like a user's change and restart
// every cluster (a test holds the hash of a known spec).
type userPart struct {
	Image            string                           `json:"image"`
	ImagePullPolicy  corev1.PullPolicy                `json:"imagePullPolicy,omitempty"`
	ImagePullSecrets []v1alpha1.LocalSecretReference  `json:"imagePullSecrets,omitempty"`
	ClusterName      string                           `json:"clusterName,omitempty"`
	License          string                           `json:"license,omitempty"`
	EgoConf          map[string]v1alpha1.EgoConfValue `json:"egoConf,omitempty"`
	InstallDir       string                           `json:"installDir,omitempty"`
	RestartedAt      string                           `json:"restartedAt,omitempty"`
	Resources        *corev1.ResourceRequirements     `json:"resources,omitempty"`
	Env              []corev1.EnvVar                  `json:"env,omitempty"`
	PodTemplate      any                              `json:"podTemplate,omitempty"`
	Entitlement      *v1alpha1.Entitlement            `json:"entitlement,omitempty"`
	AdminPassword    *v1alpha1.AdminPassword          `json:"adminPassword,omitempty"`
	GUITLS           *v1alpha1.GUITLS                 `json:"guiTLS,omitempty"`
	// Claim is all of the master's storage that shapes its pod.
	Claim string `json:"claim,omitempty"`
}

// userRevision is the hash of the user's part of a role's template.
func userRevision(cluster *v1alpha1.SymphonyCluster, role string) (string, error) {
	spec := &cluster.Spec
	part := userPart{
		ImagePullPolicy:  spec.ImagePullPolicy,
		ImagePullSecrets: spec.ImagePullSecrets,
		ClusterName:      spec.ClusterName,
		License:          spec.License,
		EgoConf:          spec.EgoConf,
		InstallDir:       spec.InstallDir,
		RestartedAt:      spec.RestartedAt,
	}
	overlay := spec.Compute.PodTemplate
	if role == names.Master {
		overlay = spec.Master.PodTemplate
		part.Image, part.Resources, part.Env = imageOf(spec, spec.Master.Image), spec.Master.Resources, spec.Master.Env
		part.Entitlement, part.AdminPassword, part.GUITLS = spec.Entitlement, spec.AdminPassword, spec.GUI.TLS
		part.Claim = ClaimName(cluster)
	} else {
		part.Image, part.Resources, part.Env = imageOf(spec, spec.Compute.Image), spec.Compute.Resources, spec.Compute.Env
	}
	part.PodTemplate = canonical(overlay)
	data, err := json.Marshal(part)
	if err != nil {
		return "", fmt.Errorf("hashing the %s part of the spec: %w", role, err)
	}
	sum := sha256.Sum256(data)
	return rand.SafeEncodeString(fmt.Sprintf("%x", sum[:5])), nil
}

// canonical makes overlays that differ in spacing or the order of keys equal. One that is no JSON at all is
// told apart by its bytes.
func canonical(overlay *runtime.RawExtension) any {
	if overlay == nil || len(overlay.Raw) == 0 {
		return nil
	}
	var value any
	if err := json.Unmarshal(overlay.Raw, &value); err != nil {
		return overlay.Raw
	}
	if fields, ok := value.(map[string]any); ok && len(fields) == 0 {
		return nil // It changes nothing, so it must restart nothing.
	}
	return value
}

func imageOf(spec *v1alpha1.SymphonyClusterSpec, override string) string {
	if override != "" {
		return override
	}
	return spec.Image
}

// controllerRevision keeps a rendered pod template, or gives one that is kept a new number.
func controllerRevision(
	cluster *v1alpha1.SymphonyCluster, chosen *chosenTemplate,
) *appsv1ac.ControllerRevisionApplyConfiguration {
	name := names.RevisionName(cluster.Name, chosen.role, chosen.revision)
	revision := appsv1ac.ControllerRevision(name, cluster.Namespace).WithRevision(chosen.number)
	if chosen.keptAs != "" {
		return revision.WithUID(chosen.keptAs)
	}
	return revision.
		WithLabels(names.Labels(cluster.Name, chosen.role)).
		WithLabels(map[string]string{names.LabelRevision: chosen.revision}).
		WithOwnerReferences(ownedBy(cluster)).
		WithData(runtime.RawExtension{Raw: chosen.data})
}
