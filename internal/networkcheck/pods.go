// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"fmt"
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
	// hostPort is where the pod on the host network listens: not at iperf3's own port, which somebody may use on the machine.
	hostPort = 5202
	// tcpContainer measures first, udpContainer when it has ended, hostContainer last: whatever becomes of it, the others
	// have left their reports by then.
	tcpContainer  = "tcp"
	udpContainer  = "udp"
	hostContainer = "host"
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
	server.StartupProbe = startup("", port)
	server.Ports = []corev1.ContainerPort{
		{Name: "iperf3", ContainerPort: port, Protocol: corev1.ProtocolTCP},
		{Name: "iperf3-udp", ContainerPort: port, Protocol: corev1.ProtocolUDP},
	}
	pod.Spec.Containers = []corev1.Container{server}
	return pod
}

// hostServerPod receives where services on the machine do: on the host network, at the node's own address on the overlay and
// at no other.
func hostServerPod(facts *observe.CheckFacts, node, address string, nodes []string) *corev1.Pod {
	pod := checkPod(facts, hostServerName(facts.Check, node, nodes), names.CheckHostServer, node)
	pod.Spec.HostNetwork = true
	server := container(facts, names.CheckHostServer, "-s", "-B", address, "-p", strconv.Itoa(hostPort))
	server.StartupProbe = startup(address, hostPort)
	// The scheduler says so when another check's pod has the port, iperf3 itself when a program on the machine has.
	server.Ports = []corev1.ContainerPort{{Name: "iperf3", ContainerPort: hostPort, HostPort: hostPort, Protocol: corev1.ProtocolTCP}}
	server.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	pod.Spec.Containers = []corev1.Container{server}
	return pod
}

// startup asks a server until it listens, and no more then: a probe is a client, and would be in a measurement's way.
func startup(address string, port int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: address, Port: intstr.FromInt32(port)}},
		PeriodSeconds:    1,
		FailureThreshold: startSeconds,
	}
}

// clientPod measures one pair, TCP and then UDP, and if withHost then TCP to the node itself. Each leaves iperf3's report as
// its container's last words: no log is read, and no shell is needed.
func clientPod(facts *observe.CheckFacts, pair Pair, address string, withHost bool) *corev1.Pod {
	check := facts.Check
	pod := checkPod(facts, clientName(check, pair), names.CheckClient, pair.From)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.ActiveDeadlineSeconds = new(int64(patience(check, pair).Seconds()))
	send := func(address string, port int, more ...string) []string {
		return append([]string{
			"-c", address, "-p", strconv.Itoa(port), "-t", strconv.Itoa(int(seconds(check).Seconds())),
			"-J", "-i", "0", "--connect-timeout", "5000", "--logfile", "/dev/termination-log",
		}, more...)
	}
	rate := fmt.Sprintf("%dM", orDefault(check.Spec.UDPMegabitsPerSecond, defaultUDPMegabits))
	legs := []corev1.Container{
		container(facts, tcpContainer, send(address, port)...),
		container(facts, udpContainer, send(address, port, "-u", "-b", rate, "-l", strconv.Itoa(datagram))...),
	}
	if withHost {
		legs = append(legs, container(facts, hostContainer, send(pair.Overlay, hostPort)...))
	}
	// One after the other, the last one as the pod's container.
	last := len(legs) - 1
	pod.Spec.InitContainers, pod.Spec.Containers = legs[:last:last], legs[last:]
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
