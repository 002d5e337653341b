// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// process is the program as it is installed, with its own flags: what it serves is decided there.
type process struct {
	metrics, health string
}

// startProcess starts one that may do nothing but ask who a scraper is, by the role that config/default has for that. So it
// changes nothing, and what it serves is all that there is to see.
func (w *world) startProcess(ctx context.Context, arguments ...string) *process {
	GinkgoHelper()
	account := w.account(ctx, "manager")
	reviews := installedRole(w, "symphony-operator-metrics-auth-role")
	w.bind(ctx, account, reviews.Rules)

	started := &process{metrics: freeAddress(), health: freeAddress()}
	program, err := gexec.Build("github.com/symphony-operator/symphony-operator", "-buildvcs=false")
	Expect(err).NotTo(HaveOccurred())
	session, err := gexec.Start(exec.Command(program, append(arguments,
		"--kubeconfig="+w.kubeconfigOf(account), "--metrics-bind-address="+started.metrics, "--health-probe-bind-address="+started.health)...), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { session.Kill().Wait(shutdown) })
	return started
}

func installedRole(w *world, name string) *rbacv1.ClusterRole {
	GinkgoHelper()
	for _, role := range installed[rbacv1.ClusterRole](w, "ClusterRole", "default") {
		if role.Name == name {
			return &role
		}
	}
	Fail("config/default has no ClusterRole " + name)
	return nil
}

// account makes a ServiceAccount and returns the name of its user.
func (w *world) account(ctx context.Context, name string) string {
	GinkgoHelper()
	Expect(api.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}})).To(Succeed())
	return "system:serviceaccount:" + w.namespace + ":" + name
}

// bind gives a user these rights everywhere.
func (w *world) bind(ctx context.Context, user string, rules []rbacv1.PolicyRule) {
	GinkgoHelper()
	name := strings.ReplaceAll(user, ":", ".")
	for _, object := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		},
	} {
		Expect(api.Create(ctx, object)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, object)).To(Succeed()) })
	}
}

// kubeconfigOf is the path of a kubeconfig for a user.
func (w *world) kubeconfigOf(user string) string {
	GinkgoHelper()
	loaded, err := clientcmd.LoadFromFile(kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	for _, info := range loaded.AuthInfos {
		info.Impersonate = user
	}
	path := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(clientcmd.WriteToFile(*loaded, path)).To(Succeed())
	return path
}

func (w *world) token(name string) string {
	GinkgoHelper()
	return strings.TrimSpace(w.kubectl("create", "token", name))
}

// freeAddress is one that nobody listens on.
func freeAddress() string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// answer is the status and the body that a URL has for whoever has this token.
func answer(ctx context.Context, g Gomega, url, bearer string) (int, string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	strangers := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // It is made anew at every start.
	}}
	response, err := strangers.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	g.Expect(response.ProtoMajor).To(Equal(1), "HTTP/2 is off")
	body, err := io.ReadAll(response.Body)
	g.Expect(err).NotTo(HaveOccurred())
	return response.StatusCode, string(body)
}

var _ = Describe("What a manager serves", func() {
	DescribeTable("is its metrics, to those who may read them, and that it is well", func(ctx SpecContext, arguments ...string) {
		w := newWorldWithoutOperator(ctx)
		served := w.startProcess(ctx, arguments...)
		w.account(ctx, "stranger")
		reader := w.account(ctx, "reader")
		w.bind(ctx, reader, installedRole(w, "symphony-operator-metrics-reader").Rules)

		metrics := "https://" + served.metrics + "/metrics"
		for name, c := range map[string]struct {
			bearer string
			status int
		}{
			"nobody": {"", http.StatusUnauthorized},
			// The library's answer to a token that the API server does not know.
			"a made-up token":    {"made-up", http.StatusInternalServerError},
			"a stranger":         {w.token("stranger"), http.StatusForbidden},
			"the operator's own": {w.token("manager"), http.StatusForbidden},
		} {
			By("refusing " + name)
			Eventually(func(g Gomega) {
				status, body := answer(ctx, g, metrics, c.bearer)
				g.Expect(status).To(Equal(c.status), name)
				g.Expect(body).NotTo(ContainSubstring("controller_runtime"))
			}).Should(Succeed())
		}
		By("answering a reader")
		bearer := w.token("reader")
		Eventually(func(g Gomega) {
			status, body := answer(ctx, g, metrics, bearer)
			g.Expect(status).To(Equal(http.StatusOK), body)
			g.Expect(body).To(ContainSubstring("controller_runtime"))
		}).Should(Succeed())

		By("serving nothing else")
		for _, path := range []string{"/", "/healthz", "/debug/pprof/", "/debug/pprof/heap", "/metrics/cadvisor"} {
			status, _ := answer(ctx, Default, "https://"+served.metrics+path, "")
			Expect(status).To(Equal(http.StatusNotFound), path)
		}
		for _, path := range []string{"/", "/metrics", "/debug/pprof/", "/configz", "/logs"} {
			status, _ := answer(ctx, Default, "http://"+served.health+path, bearer)
			Expect(status).To(Equal(http.StatusNotFound), path)
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			status, body := answer(ctx, Default, "http://"+served.health+path, "")
			Expect(status).To(Equal(http.StatusOK))
			Expect(body).To(Equal("ok"))
		}
	},
		Entry("of the operator"),
		Entry("of the network's manager", "weave", "--agent-image=symphony-operator:1"),
	)

	It("is, when that is wanted, its profiles too, to those who may read them", func(ctx SpecContext) {
		w := newWorldWithoutOperator(ctx)
		served := w.startProcess(ctx, "--profiling")
		w.bind(ctx, w.account(ctx, "reader"), installedRole(w, "symphony-operator-metrics-reader").Rules)
		w.bind(ctx, w.account(ctx, "profiler"), []rbacv1.PolicyRule{{NonResourceURLs: []string{"/debug/pprof/*"}, Verbs: []string{"get"}}})
		heap := "https://" + served.metrics + "/debug/pprof/heap?debug=1"
		for name, status := range map[string]int{"reader": http.StatusForbidden, "profiler": http.StatusOK} {
			By("asking as the " + name)
			bearer := w.token(name)
			Eventually(func(g Gomega) {
				got, body := answer(ctx, g, heap, bearer)
				g.Expect(got).To(Equal(status), body)
			}).Should(Succeed())
		}
		status, _ := answer(ctx, Default, heap, "")
		Expect(status).To(Equal(http.StatusUnauthorized))
	})
})
