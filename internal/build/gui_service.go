// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

// guiPort is the web console's HTTPS port.
const guiPort = 8443

// guiService exposes the web console. A node port that the spec does not name is left to Kubernetes, which
// keeps the one that it allocated.
func guiService(cluster *v1alpha1.SymphonyCluster) *corev1ac.ServiceApplyConfiguration {
	gui := &cluster.Spec.GUI
	serviceType := gui.ServiceType
	if serviceType == "" {
		serviceType = corev1.ServiceTypeNodePort
	}
	port := guiServicePort()
	if gui.NodePort != nil {
		port.WithNodePort(*gui.NodePort)
	}
	service := corev1ac.Service(names.GUIName(cluster.Name), cluster.Namespace).
		WithLabels(names.Labels(cluster.Name, names.GUI)).
		WithOwnerReferences(ownedBy(cluster)).
		WithSpec(corev1ac.ServiceSpec().
			WithType(serviceType).
			WithSelector(names.Selector(cluster.Name, names.Master)).
			WithPorts(port))
	if len(gui.Annotations) > 0 {
		service.WithAnnotations(gui.Annotations)
	}
	return service
}

func guiServicePort() *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName("https").
		WithProtocol(corev1.ProtocolTCP).
		WithPort(guiPort).
		WithTargetPort(intstr.FromInt32(guiPort))
}
