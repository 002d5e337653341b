// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// What config/default calls them.
const (
	operatorDeployment = "symphony-operator-controller-manager"
	operatorAccount    = "symphony-operator-controller-manager"
	operatorLease      = "symphony-operator.io"
	metricsReader      = "symphony-operator-metrics-reader"
)

// operators is the operator's namespace, seen as a grid for its kubectl.
var operators = &grid{namespace: operatorNamespace}

var _ = Describe("The operator's own pods", Serial, func() {
	It("run where Pod Security is restricted", func() {
		Expect(operators.kubectl("get", "namespace", operatorNamespace, "-o",
			`jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}`)).To(Equal("restricted"))
		output, err := operators.try("", "run", "privileged", "--image=symsim:dev", "--privileged", "--dry-run=server")
		Expect(err).To(HaveOccurred(), "the label is enforced")
		Expect(output).To(ContainSubstring("violates PodSecurity"))
	})

	It("have no right to Secrets, to exec, or to what users own", func() {
		account := "system:serviceaccount:" + operatorNamespace + ":" + operatorAccount
		for _, right := range []string{"get secrets", "list secrets", "watch secrets", "get pods --subresource=exec", "create pods --subresource=exec", "update symphonyclusters", "patch symphonyclusters", "get nodes"} {
			output, err := operators.try("", append(append([]string{"auth", "can-i"}, strings.Fields(right)...), "--as="+account, "--all-namespaces")...)
			Expect(err).To(HaveOccurred(), "%s: %s", right, output)
			Expect(output).To(HavePrefix("no"), right)
		}
		Expect(operators.kubectl("auth", "can-i", "list", "pods", "--as="+account, "--all-namespaces")).To(HavePrefix("yes"), "the question is asked right")
	})

	It("show metrics only to those who may read them", func(ctx SpecContext) {
		stranger, reader := token("default"), scraper()
		for _, pod := range operatorPods(ctx) {
			answer := func(bearer string) func() error {
				return func() error {
					_, err := metrics(ctx, pod.Name, bearer)
					return err
				}
			}
			Eventually(ctx, answer("")).Should(MatchError(refusal(http.StatusUnauthorized)))
			Eventually(ctx, answer(stranger)).Should(MatchError(refusal(http.StatusForbidden)))
			Eventually(ctx, answer(reader)).Should(Succeed())
		}
	})

	It("hand over when the leader is lost", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, nil)
		leader := leaderPod(ctx)
		Expect(operatorPods(ctx)).To(HaveLen(2))
		operators.kubectl("delete", "pod", leader, "--grace-period=0", "--force")
		g.kubectl("scale", "symphonycluster/prod", "--replicas=4")
		g.waitReady()
		g.waitHosts(ctx, 5)
		Expect(leaderPod(ctx)).NotTo(Equal(leader))
		operators.kubectl("rollout", "status", "deployment/"+operatorDeployment, "--timeout=60s")
	})

	It("restart without disturbing a single pod, and write nothing at rest", func(ctx SpecContext) {
		g := newGrid(ctx)
		g.start(ctx, object{"compute": object{"replicas": 5}})
		g.kubectl("wait", "--for=condition=GUIReady", "symphonycluster/prod", "--timeout="+promptly.String())
		before := g.snapshot(ctx)
		containers := g.containers(ctx, names.Compute)

		operators.kubectl("rollout", "restart", "deployment/"+operatorDeployment)
		operators.kubectl("rollout", "status", "deployment/"+operatorDeployment, "--timeout=60s")
		Eventually(ctx, func() int { return len(operatorPods(ctx)) }).Should(Equal(2), "the old ones are gone")
		Eventually(ctx, func() string { return leaderPod(ctx) }).Should(BeElementOf(operatorPods(ctx)[0].Name, operatorPods(ctx)[1].Name))
		Expect(g.snapshot(ctx).Disturbed(before)).To(BeEmpty())
		Expect(g.containers(ctx, names.Compute)).To(Equal(containers))

		bearer := scraper()
		writes := func() []string { return operatorWrites(ctx, bearer) }
		By("seeing the counters move with a write")
		unmoved := writes()
		g.kubectl("scale", "symphonycluster/prod", "--replicas=6")
		g.waitReady()
		g.waitHosts(ctx, 7)
		Expect(writes()).NotTo(Equal(unmoved))

		By("counting for a minute what they send, once they have seen that no host has work")
		g.waitCondition(ctx, v1alpha1.ConditionHostsReady, "True", v1alpha1.ReasonReady)
		Eventually(ctx, func() string {
			return g.kubectl("get", "pods", "-l", names.LabelIdle+"="+names.Idle, "-o", "name")
		}).Should(HaveLen(6*len("pod/prod-compute-abcde\n")), "six are idle")
		events := func() string {
			return g.kubectl("get", "events", "-o", `jsonpath={.items[?(@.reportingComponent=="symphony-operator")].metadata.resourceVersion}`)
		}
		var resting oracle.Snapshot
		Eventually(ctx, func(check Gomega) {
			g.checkTold(ctx, check, 0)
			before := resting
			resting = g.snapshot(ctx)
			check.Expect(resting.Touched(before)).To(BeEmpty(), "kubelets report the new pod's last details a moment later")
		}).WithPolling(5 * time.Second).Should(Succeed())
		told := events()
		Expect(told).NotTo(BeEmpty(), "it does send events")
		counted := writes()
		Consistently(ctx, func() []string { return g.snapshot(ctx).Touched(resting) }).
			WithTimeout(time.Minute).WithPolling(5 * time.Second).Should(BeEmpty())
		Expect(writes()).To(Equal(counted), lastWrites)
		Expect(events()).To(Equal(told))
	})
})

func operatorPods(ctx context.Context) []corev1.Pod {
	GinkgoHelper()
	return operators.pods(ctx, "")
}

// leaderPod is the pod that holds the lease.
func leaderPod(ctx context.Context) string {
	GinkgoHelper()
	pod, _, _ := strings.Cut(leader(ctx), "_")
	return pod
}

// leader is the process that holds the lease: a pod's name and something that is new with each start.
func leader(ctx context.Context) string {
	GinkgoHelper()
	lease := &coordinationv1.Lease{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: operatorLease}, lease)).To(Succeed())
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// operatorWrites counts what the operator's pods have sent that changes something.
func operatorWrites(ctx context.Context, bearer string) (all []string) {
	GinkgoHelper()
	for _, pod := range operatorPods(ctx) {
		Eventually(ctx, func() error {
			found, err := metrics(ctx, pod.Name, bearer)
			if err == nil {
				all = append(all, writeCounts(found)...)
			}
			return err
		}).Should(Succeed())
	}
	return all
}

// token is a token of a ServiceAccount in the operator's namespace.
func token(account string) string {
	GinkgoHelper()
	return strings.TrimSpace(operators.kubectl("create", "token", account))
}

// scraper is the token of a ServiceAccount that may read metrics.
func scraper() string {
	GinkgoHelper()
	const name = "e2e-scraper"
	operators.kubectl("create", "serviceaccount", name)
	operators.kubectl("create", "clusterrolebinding", name, "--clusterrole="+metricsReader, "--serviceaccount="+operatorNamespace+":"+name)
	DeferCleanup(func() {
		operators.kubectl("delete", "clusterrolebinding/"+name, "serviceaccount/"+name)
	})
	return token(name)
}

var forwarded = regexp.MustCompile(`127\.0\.0\.1:(\d+) ->`)

// metrics scrapes a pod, by a kubectl port-forward of its own: one that has seen a connection break forwards no more.
func metrics(ctx context.Context, pod, bearer string) (string, error) {
	command := operators.command("port-forward", "pod/"+pod, ":8443", "--address=127.0.0.1")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if found := forwarded.FindStringSubmatch(lines.Text()); found != nil {
			return scrape(ctx, "https://127.0.0.1:"+found[1]+"/metrics", bearer)
		}
	}
	return "", errors.New("kubectl port-forward ended without forwarding")
}

func scrape(ctx context.Context, url, bearer string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return fetch(request)
}

// writeCounts are the counters of requests that change something: applies, patches and deletions. Their metric does
// not tell POSTs of events, which are looked at by themselves, from reviews of a scraper's rights, nor PUTs from the
// lease's.
func writeCounts(metrics string) []string {
	var found []string
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "rest_client_requests_total") &&
			(strings.Contains(line, `method="PATCH"`) || strings.Contains(line, `method="DELETE"`)) {
			found = append(found, line)
		}
	}
	return found
}
