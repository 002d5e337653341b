// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// ImageCheck is a pod that only pulls the images of a new template. A mistyped image would otherwise cost the running
// master, which stops before its successor starts, and as many compute hosts as an update may have away.
type ImageCheck struct {
	// Role is the role that the images are for.
	Role string
	// Pod is the pod as it should be; it is only ever created and deleted.
	Pod *corev1.Pod
	// Passed says that the images were pulled.
	Passed bool
}

// imageCheck is the check that a new template needs, nil when it needs none: nothing runs yet, the template is in
// force already or a pod of it runs, or it brings no image that the one in force has not.
func imageCheck(facts *observe.Facts, role, revision string, template []byte) (*ImageCheck, error) {
	live := liveTemplate(facts, role)
	if live == nil || live.Labels[names.LabelRevision] == revision || runsAlready(facts, role, revision) {
		return nil, nil
	}
	var wanted corev1.PodTemplateSpec
	if err := json.Unmarshal(template, &wanted); err != nil {
		return nil, fmt.Errorf("decoding the new %s pod template: %w", role, err)
	}
	known := containersByImage(live)
	unknown := slices.DeleteFunc(containersByImage(&wanted), func(c corev1.Container) bool {
		return slices.ContainsFunc(known, func(k corev1.Container) bool { return k.Image == c.Image })
	})
	if len(unknown) == 0 {
		return nil, nil
	}
	check := &ImageCheck{Role: role, Pod: imageCheckPod(facts.Cluster, role, revision, &wanted.Spec, unknown)}
	if found := facts.ImageCheck(check.Pod.Name); found != nil {
		check.Passed = observe.PodPulled(found)
	}
	return check, nil
}

// runsAlready reports whether a pod of the revision is ready: after a way back, its images need no second look.
func runsAlready(facts *observe.Facts, role, revision string) bool {
	pods := facts.ComputePods
	if role == names.Master {
		pods = facts.MasterPods
	}
	return slices.ContainsFunc(pods, func(pod *corev1.Pod) bool {
		return pod.Labels[names.LabelRevision] == revision && observe.PodReady(pod)
	})
}

// containersByImage are the first container of each image.
func containersByImage(template *corev1.PodTemplateSpec) []corev1.Container {
	var found []corev1.Container
	for _, container := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
		if !slices.ContainsFunc(found, func(c corev1.Container) bool { return c.Image == container.Image }) {
			found = append(found, container)
		}
	}
	return found
}

// imageCheckPod has a container for each image, which ends at once; that an image without bash cannot do even that
// proves that it was pulled all the same. It goes where the real pod may go, but needs next to no room, because the
// old pod still has it, and none of the real pod's volumes.
func imageCheckPod(
	cluster *v1alpha1.SymphonyCluster, role, revision string, spec *corev1.PodSpec, images []corev1.Container,
) *corev1.Pod {
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi"),
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       cluster.Namespace,
			Name:            names.ImageCheckName(cluster.Name, role, revision),
			Labels:          names.Labels(cluster.Name, names.Image),
			OwnerReferences: controlledBy(cluster),
		},
		Spec: corev1.PodSpec{
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			ServiceAccountName:            spec.ServiceAccountName,
			ImagePullSecrets:              spec.ImagePullSecrets,
			SecurityContext:               spec.SecurityContext,
			NodeSelector:                  spec.NodeSelector,
			Tolerations:                   spec.Tolerations,
			RuntimeClassName:              spec.RuntimeClassName,
			SchedulerName:                 spec.SchedulerName,
			PriorityClassName:             spec.PriorityClassName,
		},
	}
	if spec.Affinity != nil && spec.Affinity.NodeAffinity != nil {
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: spec.Affinity.NodeAffinity}
	}
	for i := range images {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name:            fmt.Sprintf("image-%d", i+1),
			Image:           images[i].Image,
			ImagePullPolicy: images[i].ImagePullPolicy,
			Command:         []string{"/bin/bash", "-c", ":"},
			Resources:       corev1.ResourceRequirements{Requests: room, Limits: room},
			SecurityContext: images[i].SecurityContext,
		})
	}
	return pod
}

// anewAfter is how old a check must be that a node turned away, before it is made again: a node that turns everything
// away would have one made and deleted several times a second.
const anewAfter = 30 * time.Second

// obsoleteChecks are the checks that nothing waits for any more, and those that were turned away and must be made
// again.
func obsoleteChecks(facts *observe.Facts, wanted []*ImageCheck) []*corev1.Pod {
	var old []*corev1.Pod
	for _, pod := range facts.OrphanChecks {
		if pod.DeletionTimestamp == nil {
			old = append(old, pod)
		}
	}
	for _, pod := range facts.ImageChecks {
		inUse := slices.ContainsFunc(wanted, func(c *ImageCheck) bool { return c.Pod.Name == pod.Name })
		turnedAway := observe.PodTurnedAway(pod) && facts.Now.Sub(pod.CreationTimestamp.Time) > anewAfter
		if pod.DeletionTimestamp == nil && (!inUse || turnedAway) {
			old = append(old, pod)
		}
	}
	return old
}
