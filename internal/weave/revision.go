// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package weave

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
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
	if keptPod(routers) == nil || json.Unmarshal([]byte(routers.Annotations[names.AnnotationTemplate]), template) != nil {
		return nil
	}
	return template
}

// keptPod is the pod of the kept template, nil when that was lost. It is an annotation: whoever may write the DaemonSet can have
// put anything into it.
func keptPod(routers *appsv1.DaemonSet) *corev1.PodSpec {
	template := &corev1.PodTemplateSpec{}
	if json.Unmarshal([]byte(routers.Annotations[names.AnnotationTemplate]), template) != nil {
		return nil
	}
	router := func(c corev1.Container) bool { return c.Name == names.RouterContainer }
	if template.Labels[names.LabelWeave] != names.WeaveRouters || !slices.ContainsFunc(template.Spec.Containers, router) {
		return nil
	}
	return &template.Spec
}

const (
	envInit       = "IPALLOC_INIT"
	envRange      = "IPALLOC_RANGE"
	consensus     = "consensus="
	envNoFastPath = "WEAVE_NO_FASTDP"
)

// rendered is the pod as it was rendered at the last change of the spec: what somebody has since changed in the DaemonSet by
// hand must not become what was decided.
func rendered(routers *appsv1.DaemonSet) *corev1.PodSpec {
	if kept := keptPod(routers); kept != nil {
		return kept
	}
	return &routers.Spec.Template.Spec
}

// environment is the environment of the router's container.
func environment(pod *corev1.PodSpec) map[string]string {
	found := map[string]string{}
	for i := range pod.Containers {
		if pod.Containers[i].Name != names.RouterContainer {
			continue
		}
		for _, variable := range pod.Containers[i].Env {
			found[variable.Name] = variable.Value
		}
	}
	return found
}

// frozenIn reads what was decided at the first install out of the routers that were installed.
func frozenIn(routers *appsv1.DaemonSet) v1alpha1.WeaveFrozen {
	variables := environment(rendered(routers))
	found := v1alpha1.WeaveFrozen{FastDatapath: v1alpha1.FastDatapathEnabled}
	if count, err := strconv.ParseInt(strings.TrimPrefix(variables[envInit], consensus), 10, 32); err == nil && count > 0 {
		found.InitialPeerCount = int32(count)
	}
	if _, off := variables[envNoFastPath]; off {
		found.FastDatapath = v1alpha1.FastDatapathDisabled
	}
	return found
}

// incompatible says what a WeaveNetwork wants otherwise than the Weave that it finds, and that cannot be changed; "" if
// nothing. One object cannot be edited so; but one that was deleted leaves Weave running, for another one with any spec.
func incompatible(facts *observe.WeaveFacts, frozen v1alpha1.WeaveFrozen) string {
	spec, pod := &facts.Network.Spec, rendered(facts.Routers)
	paths := map[string]string{}
	for i := range pod.Volumes {
		if host := pod.Volumes[i].HostPath; host != nil {
			paths[pod.Volumes[i].Name] = host.Path
		}
	}
	chosen := spec.FastDatapath
	if chosen != v1alpha1.FastDatapathDisabled {
		chosen = frozen.FastDatapath
	}
	count := cmp.Or(spec.InitialPeerCount, frozen.InitialPeerCount)
	for _, one := range []struct{ field, wanted, runs string }{
		{"ipRange", spec.IPRange, environment(pod)[envRange]},
		{"hostPaths.cniBin", cniBin(spec), paths["cni-bin"]},
		{"hostPaths.cniConfig", cniConfig(spec), paths["cni-conf"]},
		{"hostPaths.data", data(spec), paths["weavedb"]},
		{"fastDatapath", string(chosen), string(frozen.FastDatapath)},
		{"initialPeerCount", strconv.Itoa(int(count)), strconv.Itoa(int(frozen.InitialPeerCount))},
	} {
		if one.wanted != one.runs {
			return fmt.Sprintf("the Weave that runs was installed with %s %s, spec.%s is %s; create the WeaveNetwork with the former, "+
				"and delete that one with cleanupPolicy Clean to change it", one.field, one.runs, one.field, one.wanted)
		}
	}
	return ""
}
