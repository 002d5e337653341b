// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

const (
	iperf3 = "/usr/bin/iperf3"
	// port is iperf3's own, of TCP for its control connection and of the streams.
	port = 5201
	// tcpContainer measures first, udpContainer when it has ended.
	tcpContainer = "tcp"
	udpContainer = "udp"
	// datagram is the size of a UDP packet's data in bytes: below every usual MTU, as EGO's heartbeats are.
	datagram = 1024
	// nobody is the user that runs iperf3, which needs no rights.
	nobody = 65534
	// startSeconds is how long a started server may take to listen.
	startSeconds = 60
)

// serverPod receives: one node's iperf3, for one client at a time.
func serverPod(facts *observe.CheckFacts, node string, nodes []string) *corev1.Pod {
	pod := checkPod(facts, serverName(facts.Check, node, nodes), names.CheckServer, node)
	server := container(facts, names.CheckServer, "-s", "-p", strconv.Itoa(port))
	// Once it listens it is asked no more: a probe is a client, and would be in a measurement's way.
	server.StartupProbe = &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}},
		PeriodSeconds:    1,
		FailureThreshold: startSeconds,
	}
	server.Ports = []corev1.ContainerPort{
		{Name: "iperf3", ContainerPort: port, Protocol: corev1.ProtocolTCP},
		{Name: "iperf3-udp", ContainerPort: port, Protocol: corev1.ProtocolUDP},
	}
	pod.Spec.Containers = []corev1.Container{server}
	return pod
}

// clientPod measures one pair, TCP and then UDP. Each leaves iperf3's report as its container's last words: no log is
// read, and no shell is needed.
func clientPod(facts *observe.CheckFacts, pair Pair, address string) *corev1.Pod {
	check := facts.Check
	pod := checkPod(facts, clientName(check, pair), names.CheckClient, pair.From)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.ActiveDeadlineSeconds = new(int64((clientPatience + 2*seconds(check)).Seconds()))
	send := []string{
		"-c", address, "-p", strconv.Itoa(port), "-t", strconv.Itoa(int(seconds(check).Seconds())),
		"-J", "-i", "0", "--connect-timeout", "5000", "--logfile", "/dev/termination-log",
	}
	rate := fmt.Sprintf("%dM", orDefault(check.Spec.UDPMegabitsPerSecond, defaultUDPMegabits))
	pod.Spec.InitContainers = []corev1.Container{container(facts, tcpContainer, send...)}
	pod.Spec.Containers = []corev1.Container{
		container(facts, udpContainer, slices.Concat(send, []string{"-u", "-b", rate, "-l", strconv.Itoa(datagram)})...),
	}
	return pod
}

// checkPod is bound to a node by affinity and not by name: the scheduler then looks at its taints and its room.
func checkPod(facts *observe.CheckFacts, name, role, node string) *corev1.Pod {
	check := facts.Check
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: check.Namespace,
			Name:      name,
			Labels:    names.CheckLabels(check.Name, role),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: observe.CheckKind,
				Name: check.Name, UID: check.UID, Controller: new(true),
			}},
		},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			Tolerations:                   check.Spec.Placement.Tolerations,
			Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
					MatchFields: []corev1.NodeSelectorRequirement{{
						Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
					}},
				}}},
			}},
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   new(true),
				RunAsUser:      new(int64(nobody)),
				RunAsGroup:     new(int64(nobody)),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			// iperf3 keeps a stream's buffer in a file.
			Volumes: []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		},
	}
	for _, secret := range check.Spec.ImagePullSecrets {
		pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret.Name})
	}
	return pod
}

func container(facts *observe.CheckFacts, name string, arguments ...string) corev1.Container {
	return corev1.Container{
		Name:            name,
		Image:           facts.Image,
		ImagePullPolicy: facts.Check.Spec.ImagePullPolicy,
		Command:         append([]string{iperf3}, arguments...),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("16Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		},
		VolumeMounts: []corev1.VolumeMount{{Name: "tmp", MountPath: "/tmp"}},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false),
			ReadOnlyRootFilesystem:   new(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}
