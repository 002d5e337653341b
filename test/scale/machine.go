// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	utilyaml "sigs.k8s.io/yaml"

	"github.com/symphony-operator/symphony-operator/controllers"
)

// Whose requests the audit log has. The operator's account is the one that it is installed with, and so are its rights.
const (
	operatorNamespace = "symphony-operator-system"
	operatorAccount   = "symphony-operator-controller-manager"
	scraperAccount    = "scraper"
	operatorUser      = "system:serviceaccount:" + operatorNamespace + ":" + operatorAccount
	kubernetesUsers   = "system:serviceaccount:kube-system:"
)

// machine is the local cluster with simulated nodes.
type machine struct {
	root, out string
	// told is what people read meanwhile.
	told       io.Writer
	kubeconfig string
	config     *rest.Config
	api        client.Client
	kube       kubernetes.Interface
	log        auditLog
	// templates are the pods of the floor, once they are known.
	templates templates
}

// bringUp starts a control plane and simulated nodes, and installs the operator's kinds, accounts and rights. The operator itself runs
// beside them, where its time and memory can be told from everybody else's.
func bringUp(ctx context.Context, root, out string, nodes int, told io.Writer) (*machine, error) {
	m := &machine{root: root, out: out, told: told}
	if err := m.localcluster(ctx, "up", "--nodes", "0", "--fake-nodes", strconv.Itoa(nodes)); err != nil {
		return nil, err
	}
	err := m.connect(ctx)
	if err == nil {
		err = m.install(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, m.bringDown(ctx))
	}
	return m, nil
}

func (m *machine) bringDown(ctx context.Context) error { return m.localcluster(ctx, "down") }

func (m *machine) localcluster(ctx context.Context, arguments ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(m.root, "bin", "localcluster"), arguments...)
	command.Dir, command.Stdout, command.Stderr = m.root, m.told, m.told
	if err := command.Run(); err != nil {
		return fmt.Errorf("localcluster %s: %w", arguments[0], err)
	}
	return nil
}

func (m *machine) connect(ctx context.Context) error {
	printed, err := exec.CommandContext(ctx, filepath.Join(m.root, "bin", "localcluster"), "kubeconfig").Output()
	if err != nil {
		return fmt.Errorf("localcluster kubeconfig: %w", err)
	}
	m.kubeconfig = strings.TrimSpace(string(printed))
	m.log = auditLog{filepath.Join(filepath.Dir(m.kubeconfig), "audit.log")}
	if m.config, err = clientcmd.BuildConfigFromFlags("", m.kubeconfig); err != nil {
		return fmt.Errorf("reading %s: %w", m.kubeconfig, err)
	}
	// What measures must not be what is waited for.
	m.config.QPS = -1
	scheme, err := controllers.NewScheme()
	if err != nil {
		return err
	}
	if m.api, err = client.New(m.config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	compact := rest.CopyConfig(m.config)
	compact.ContentType, compact.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	if m.kube, err = kubernetes.NewForConfig(compact); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}

// install applies config/default but for its Deployment.
func (m *machine) install(ctx context.Context) error {
	rendered, err := m.kubectl(ctx, nil, "kustomize", filepath.Join(m.root, "config", "default"))
	if err != nil {
		return err
	}
	var wanted []string
	for document := range strings.SplitSeq(rendered, "\n---\n") {
		var object struct{ Kind string }
		if err := utilyaml.Unmarshal([]byte(document), &object); err != nil {
			return fmt.Errorf("reading config/default: %w", err)
		}
		if object.Kind != "Deployment" {
			wanted = append(wanted, document)
		}
	}
	_, err = m.kubectl(ctx, strings.NewReader(strings.Join(wanted, "\n---\n")), "apply", "--filename", "-")
	if err == nil {
		_, err = m.kubectl(ctx, nil, "wait", "--for=condition=Established", "--all", "customresourcedefinition")
	}
	if err == nil {
		_, err = m.kubectl(ctx, nil, "create", "serviceaccount", scraperAccount, "--namespace", operatorNamespace)
	}
	if err == nil {
		_, err = m.kubectl(ctx, nil, "create", "clusterrolebinding", "scale-scraper",
			"--clusterrole", "symphony-operator-metrics-reader", "--serviceaccount", operatorNamespace+":"+scraperAccount)
	}
	return err
}

func (m *machine) kubectl(ctx context.Context, input io.Reader, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(filepath.Dir(m.kubeconfig), "bin", "kubectl"), append([]string{"--kubeconfig", m.kubeconfig}, arguments...)...)
	var said bytes.Buffer
	command.Stdin, command.Stderr = input, &said
	printed, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w\n%s", arguments[0], err, &said)
	}
	return string(printed), nil
}
