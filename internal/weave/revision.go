// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// A new version of the operator may render another template from the same spec. That must replace no router: so the
// template is kept in an annotation as it was rendered, and used as long as its revision, the digest of what people
// chose, stays the same.

// digest identifies a choice.
func digest(choice ...any) string {
	data, err := json.Marshal(choice)
	if err != nil {
		panic(err) // Strings, numbers and the API's own structs always encode.
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))[:12]
}

// revision is of everything that people chose about the routers' template.
func revision(network *v1alpha1.WeaveNetwork, frozen v1alpha1.WeaveFrozen, settings Settings) string {
	spec := network.Spec.DeepCopy()
	// These change no template.
	spec.ManagementPolicy, spec.Update, spec.CleanupPolicy, spec.AllowConflicts = "", v1alpha1.WeaveUpdate{}, "", nil
	return digest(spec, frozen, settings.APIServer)
}

// agentRevision is of everything that an agent's report depends on.
func agentRevision(network *v1alpha1.WeaveNetwork, task v1alpha1.WeaveAgentTask) string {
	secret := v1alpha1.SecretKeyReference{}
	if network.Spec.Password != nil {
		secret = network.Spec.Password.SecretKeyRef
	}
	return digest(network.UID, task, network.Spec.IPRange, network.Spec.HostPaths, secret)
}

// passwordID tells one password from another, as far as that is announced; "" for none.
func passwordID(password *v1alpha1.WeavePassword) string {
	if password == nil {
		return ""
	}
	return digest(password)
}

// passwordOf is the passwordID that routers' template has.
func passwordOf(routers *appsv1.DaemonSet) string {
	return routers.Spec.Template.Annotations[annotationPassword]
}

const (
	// annotationPassword is, on the routers' template, which password it is for.
	annotationPassword = "symphony-operator.io/password-revision"
	// annotationAllAtOnce is, on the DaemonSet, the password for which all routers are replaced at once, until they are.
	annotationAllAtOnce = "symphony-operator.io/all-at-once"
)

// keptTemplate is the template of a DaemonSet as it was rendered, nil when that was lost.
func keptTemplate(routers *appsv1.DaemonSet) *corev1ac.PodTemplateSpecApplyConfiguration {
	template := &corev1ac.PodTemplateSpecApplyConfiguration{}
	text := routers.Annotations[names.AnnotationTemplate]
	if text == "" || json.Unmarshal([]byte(text), template) != nil {
		return nil
	}
	return template
}

const (
	envInit       = "IPALLOC_INIT"
	consensus     = "consensus="
	envNoFastPath = "WEAVE_NO_FASTDP"
)

// frozenIn reads what was decided at the first install out of the routers that were installed.
func frozenIn(routers *appsv1.DaemonSet) v1alpha1.WeaveFrozen {
	found := v1alpha1.WeaveFrozen{FastDatapath: v1alpha1.FastDatapathEnabled}
	for i := range routers.Spec.Template.Spec.Containers {
		if container := &routers.Spec.Template.Spec.Containers[i]; container.Name == names.RouterContainer {
			readFrozen(container.Env, &found)
		}
	}
	return found
}

func readFrozen(env []corev1.EnvVar, found *v1alpha1.WeaveFrozen) {
	for i := range env {
		switch env[i].Name {
		case envInit:
			if count, err := strconv.ParseInt(strings.TrimPrefix(env[i].Value, consensus), 10, 32); err == nil {
				found.InitialPeerCount = int32(count)
			}
		case envNoFastPath:
			found.FastDatapath = v1alpha1.FastDatapathDisabled
		}
	}
}
