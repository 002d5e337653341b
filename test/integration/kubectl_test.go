// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// kubectl runs the real one in the namespace and returns what it prints.
func (w *world) kubectl(arguments ...string) string {
	GinkgoHelper()
	output, err := w.tryKubectl("", arguments...)
	Expect(err).NotTo(HaveOccurred(), output)
	return output
}

// tryKubectl runs kubectl with this standard input.
func (w *world) tryKubectl(input string, arguments ...string) (string, error) {
	all := append([]string{"--kubeconfig", kubeconfig, "--namespace", w.namespace}, arguments...)
	command := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), all...)
	command.Env = append(os.Environ(), "HOME="+filepath.Dir(kubeconfig))
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	return string(output), err
}

// table splits what `kubectl get` prints into its header and first row.
func table(printed string) (header, row []string) {
	GinkgoHelper()
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	Expect(len(lines)).To(BeNumerically(">=", 2), printed)
	return strings.Fields(lines[0]), strings.Fields(lines[1])
}

func number(n int) string { return strconv.Itoa(n) }

// maybe reads an object if it exists.
func (w *world) maybe(ctx context.Context, name string, object client.Object) bool {
	GinkgoHelper()
	err := api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return false
	}
	Expect(err).NotTo(HaveOccurred())
	return true
}

func (w *world) scale(ctx context.Context, name string) *autoscalingv1.Scale {
	GinkgoHelper()
	scale := &autoscalingv1.Scale{}
	Expect(api.SubResource("scale").Get(ctx, w.cluster(ctx, name), scale)).To(Succeed())
	return scale
}

// computed is what kstatus says.
func (w *world) computed(ctx context.Context, name string) string {
	GinkgoHelper()
	computed, err := oracle.Computed(w.cluster(ctx, name))
	Expect(err).NotTo(HaveOccurred())
	return computed
}

// nodePortService is somebody's Service; port 0 has Kubernetes choose one.
func (w *world) nodePortService(name string, port int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: corev1.ServiceSpec{
			Type:  corev1.ServiceTypeNodePort,
			Ports: []corev1.ServicePort{{Port: 80, NodePort: port}},
		},
	}
}
