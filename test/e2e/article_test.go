// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/internal/names"
)

// The steps of the article, one after the other, on one cluster.
var _ = Describe("The article's cluster", Ordered, func() {
	var (
		g        *grid
		computes watch.Interface
	)

	BeforeAll(func(ctx SpecContext) {
		g = newGrid(ctx)
		var err error
		computes, err = api.Watch(GinkgoT().Context(), &appsv1.ReplicaSetList{}, client.InNamespace(g.namespace),
			client.MatchingLabels(names.Selector("prod", names.Compute)))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(computes.Stop)
		g.apply(nil)
	})

	It("creates compute hosts with the master's address, once it is known", func(ctx SpecContext) {
		var first watch.Event
		Eventually(ctx, computes.ResultChan()).Should(Receive(&first))
		set, ok := first.Object.(*appsv1.ReplicaSet)
		Expect(ok).To(BeTrue(), "%T", first.Object)
		master := g.master(ctx)
		Expect(set.Spec.Template.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, master.Status.PodIP+" prod-master"))
		Expect(set.Spec.Template.Spec.Containers[0].Env).To(ContainElement(corev1.EnvVar{Name: "SYMPHONY_MASTER_HOST", Value: "prod-master"}))
		Expect(master.Status.PodIP).NotTo(BeEmpty())
	})

	It("has hosts that joined", func(ctx SpecContext) {
		g.waitReady()
		g.waitHosts(ctx, 3)
		Expect(g.egosh("ego", "info")).To(ContainSubstring("prod-master"))
		Expect(strings.Fields(g.kubectl("get", "symphonycluster/prod", "--no-headers"))[1:5]).
			To(Equal([]string{"True", g.master(ctx).Status.PodIP, "2", "2"}))
	})

	It("publishes the master's address", func(ctx SpecContext) {
		Expect(g.kubectl("get", "configmap/prod-hosts", "-o", "jsonpath={.data.hosts}")).To(Equal(g.master(ctx).Status.PodIP + " prod-master\n"))
	})

	It("shows the web console on every node's address", func(ctx SpecContext) {
		g.kubectl("wait", "--for=condition=GUIReady", "symphonycluster/prod", "--timeout="+promptly.String())
		status := g.cluster(ctx).Status.GUI
		addresses := nodeAddresses(ctx)
		Expect(len(addresses)).To(BeNumerically(">=", 2), "on one node nothing is shown: give kind a worker")
		for _, address := range addresses {
			url := fmt.Sprintf("https://%s/platform/login/login.html", net.JoinHostPort(address, strconv.Itoa(int(status.NodePort))))
			Eventually(ctx, func() (int, error) { return get(url) }).Should(Equal(http.StatusOK), url)
		}
		Expect(get(status.URL)).To(Equal(http.StatusOK), "the address that the status tells")
	})

	It("is scaled by kubectl scale: out, in, to nothing, and back", func(ctx SpecContext) {
		for _, n := range []int{10, 1, 0, 2} {
			By(strconv.Itoa(n))
			g.kubectl("scale", "symphonycluster/prod", "--replicas="+strconv.Itoa(n))
			g.waitReady()
			Expect(g.pods(ctx, names.Compute)).To(HaveLen(n))
			g.waitHosts(ctx, n+1)
		}
	})

	It("leaves nothing when it is deleted", func(ctx SpecContext) {
		g.kubectl("delete", "symphonycluster/prod", "--timeout=60s")
		// Of every kind that there is, but what each namespace has, what tells of the past, and what is deprecated for slices.
		kinds := slices.DeleteFunc(strings.Fields(g.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name")),
			func(kind string) bool { return strings.HasPrefix(kind, "events") || kind == "endpoints" })
		Expect(kinds).To(ContainElements("pods", "replicasets.apps", "endpointslices.discovery.k8s.io"))
		Eventually(ctx, func() []string {
			return strings.Fields(g.kubectl("get", strings.Join(kinds, ","), "-o", "name"))
		}).Should(ConsistOf("configmap/kube-root-ca.crt", "serviceaccount/default", "rolebinding.rbac.authorization.k8s.io/symphony-operator-ego"))
	})
})

var _ = Describe("The sample", func() {
	It("runs as it is, with the article's own image name and resources", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.kubectl("apply", "-f", filepath.Join("..", "..", "config", "samples", "symphonycluster.yaml"))
		g.waitReady()
		g.waitHosts(ctx, 3)
		Expect(g.egosh("ego", "info")).To(ContainSubstring("symphony712"), "the cluster's name")
		Expect(g.master(ctx).Spec.Containers[0].Resources.Requests.Memory().String()).To(Equal("4096M"))
	})
})

// nodeAddresses are the addresses of the nodes that run pods.
func nodeAddresses(ctx SpecContext) []string {
	GinkgoHelper()
	var nodes corev1.NodeList
	Expect(api.List(ctx, &nodes)).To(Succeed())
	var addresses []string
	for i := range nodes.Items {
		if _, fake := nodes.Items[i].Annotations["kwok.x-k8s.io/node"]; fake {
			continue
		}
		for _, address := range nodes.Items[i].Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				addresses = append(addresses, address.Address)
			}
		}
	}
	return addresses
}

// get asks for a page and returns the answer's status code.
func get(url string) (int, error) {
	request, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	_, err = fetch(request)
	if status, refused := errors.AsType[refusal](err); refused {
		return int(status), nil
	}
	if err != nil {
		return 0, err
	}
	return http.StatusOK, nil
}

// refusal is a status code other than 200.
type refusal int

// Error implements error.
func (r refusal) Error() string { return fmt.Sprintf("HTTP %d %s", int(r), http.StatusText(int(r))) }

// fetch returns the body of the answer. The certificates of web console and metrics are ones that nobody trusts.
func fetch(request *http.Request) (string, error) {
	browser := http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}
	answer, err := browser.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", refusal(answer.StatusCode)
	}
	return string(body), nil
}
