// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// grid is a namespace for one SymphonyCluster, which is called prod.
type grid struct {
	namespace string
}

func newGrid(ctx context.Context) *grid {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}
	Expect(api.Create(ctx, namespace)).To(Succeed())
	g := &grid{namespace: namespace.Name}
	// As the sample does.
	g.kubectl("create", "rolebinding", "symphony-operator-ego", "--clusterrole=symphony-operator-ego",
		"--serviceaccount="+operatorNamespace+":"+operatorAccount)
	DeferCleanup(func(ctx SpecContext) {
		g.end(ctx)
		Expect(client.IgnoreNotFound(api.Delete(ctx, namespace))).To(Succeed())
	})
	return g
}

// end ends all pods at once, after telling of what has failed. Compute pods would wait half a minute for a master that is gone, and those with
// work for its end; a kubelet that waits already does not hear of less time. So nobody else may delete them, nor create others for them, nor may
// the operator go on with the cluster beside the next spec, which may count what it writes.
func (g *grid) end(ctx context.Context) {
	GinkgoHelper()
	if CurrentSpecReport().Failed() {
		g.tell()
	}
	for _, owner := range []client.Object{&v1alpha1.NetworkCheck{}, &v1alpha1.SymphonyCluster{}, &appsv1.Deployment{}, &appsv1.ReplicaSet{}} {
		Expect(api.DeleteAllOf(ctx, owner, client.InNamespace(g.namespace), client.PropagationPolicy(metav1.DeletePropagationOrphan))).To(Succeed())
	}
	Eventually(ctx, func(check Gomega) {
		// Controllers hear of their object's end and of its pods' by two watches, and may make one more pod between the two.
		check.Expect(api.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(g.namespace), client.GracePeriodSeconds(1))).To(Succeed())
		check.Expect(g.allPods(ctx)).To(BeEmpty(), "the next spec needs the room")
	}).Should(Succeed())
}

// tell prints what a person would look at after a failure.
func (g *grid) tell() {
	for _, look := range [][]string{
		{"get", "symphonyclusters,pods,replicasets,services", "-o", "wide"},
		{"get", "symphonycluster/prod", "-o", "jsonpath={.status.conditions}"},
		{"logs", "deployment/prod-master", "--tail=40"},
		{"logs", "-l", "symphony-operator.io/role=compute", "--tail=10"},
		{"get", "events", "--sort-by=.lastTimestamp"},
	} {
		output, _ := g.try("", look...)
		GinkgoWriter.Println("\n$ kubectl", strings.Join(look, " "), "\n"+output)
	}
}

// command is kubectl in the grid's namespace.
func (g *grid) command(arguments ...string) *exec.Cmd {
	program := os.Getenv("KUBECTL")
	if program == "" {
		program = "kubectl"
	}
	return exec.Command(program, append([]string{"--namespace", g.namespace}, arguments...)...)
}

// try runs kubectl with this standard input.
func (g *grid) try(input string, arguments ...string) (string, error) {
	command := g.command(arguments...)
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	return string(output), err
}

func (g *grid) kubectl(arguments ...string) string {
	GinkgoHelper()
	output, err := g.try("", arguments...)
	Expect(err).NotTo(HaveOccurred(), "kubectl %s: %s", strings.Join(arguments, " "), output)
	return output
}

// probedSeldom is the overlay of docs/performance.md: hosts are looked at often while they start, and seldom while they run.
var probedSeldom = object{"spec": object{"containers": []object{{
	"name":           names.Container,
	"startupProbe":   object{"exec": object{"command": []string{"/symphony/run/bin/ready"}}, "periodSeconds": 2, "failureThreshold": 1_000_000},
	"readinessProbe": object{"periodSeconds": 15, "failureThreshold": 1},
}}}}

// manifest is a cluster of simulated hosts, small enough for a test machine. A spec is merged over it.
func manifest(spec map[string]any) map[string]any {
	small := map[string]any{"requests": map[string]any{"cpu": "5m", "memory": "16Mi"}}
	whole := map[string]any{
		"image":   "symsim:dev",
		"master":  map[string]any{"resources": small},
		"compute": map[string]any{"resources": small, "replicas": 2, "podTemplate": probedSeldom},
	}
	merge(whole, spec)
	return map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "SymphonyCluster",
		"metadata": map[string]any{"name": "prod"}, "spec": whole,
	}
}

func merge(into, from map[string]any) {
	for key, value := range from {
		below, isMap := value.(map[string]any)
		existing, both := into[key].(map[string]any)
		if isMap && both {
			existing = maps.Clone(existing)
			merge(existing, below)
			into[key] = existing
			continue
		}
		into[key] = value
	}
}

// object is a literal of JSON.
type object = map[string]any

// apply applies as `kubectl apply -f` does.
func (g *grid) apply(spec object) {
	GinkgoHelper()
	data, err := json.Marshal(manifest(spec))
	Expect(err).NotTo(HaveOccurred())
	output, err := g.try(string(data), "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred(), output)
}

// start applies and waits until the cluster is ready and every host is ok.
func (g *grid) start(ctx context.Context, spec object) {
	GinkgoHelper()
	g.apply(spec)
	g.waitReady()
	g.waitHosts(ctx, int(g.cluster(ctx).Status.Compute.Replicas)+1)
}

// patch edits the spec as `kubectl patch --type=merge` does.
func (g *grid) patch(spec object) {
	GinkgoHelper()
	data, err := json.Marshal(object{"spec": spec})
	Expect(err).NotTo(HaveOccurred())
	g.kubectl("patch", "symphonycluster/prod", "--type=merge", "-p", string(data))
}

// waitReady waits by the command that the README tells users.
func (g *grid) waitReady() {
	GinkgoHelper()
	g.kubectl("wait", "--for=condition=Ready", "symphonycluster/prod", "--timeout="+promptly.String())
}

func (g *grid) cluster(ctx context.Context) *v1alpha1.SymphonyCluster {
	GinkgoHelper()
	cluster := &v1alpha1.SymphonyCluster{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: g.namespace, Name: "prod"}, cluster)).To(Succeed())
	return cluster
}

// waitCondition waits for a condition of the present generation and returns its message.
func (g *grid) waitCondition(ctx context.Context, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	var found *metav1.Condition
	Eventually(ctx, func(check Gomega) {
		cluster := g.cluster(ctx)
		found = meta.FindStatusCondition(cluster.Status.Conditions, kind)
		check.Expect(found).NotTo(BeNil(), "%+v", cluster.Status.Conditions)
		check.Expect(found.ObservedGeneration).To(Equal(cluster.Generation))
		check.Expect(found.Status).To(Equal(status), "%+v", found)
		check.Expect(found.Reason).To(Equal(reason), "%+v", found)
	}).Should(Succeed())
	return found.Message
}

// egosh runs it in the master pod, as people do.
func (g *grid) egosh(arguments ...string) (string, error) {
	return g.try("", append([]string{"exec", "deployment/prod-master", "--", "egosh"}, arguments...)...)
}

// okHosts are the hosts that EGO itself calls ok.
func (g *grid) okHosts() []string { return g.okHostsBy("deployment/prod-master") }

// okHostsBy asks this master: of a Deployment, kubectl may take the pod that is on its way out.
func (g *grid) okHostsBy(master string) []string {
	printed, err := g.try("", "exec", master, "--", "egosh", "resource", "list", "-l")
	if err != nil {
		return nil // EGO does not answer: the master may be on its way from one machine to another.
	}
	hosts := []string{}
	for host, state := range hostStates(printed) {
		if state == "ok" {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return hosts
}

// hostStates reads `egosh resource list -l`.
func hostStates(printed string) map[string]string {
	known := map[string]string{}
	for line := range strings.Lines(printed) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] != "NAME" {
			known[fields[0]] = fields[1]
		}
	}
	return known
}

// waitHosts waits until the hosts that EGO calls ok are the master and the compute pods, n together: a host of a
// pod that has just ended is ok until its heartbeats are missed.
func (g *grid) waitHosts(ctx context.Context, n int) {
	GinkgoHelper()
	Eventually(ctx, func(check Gomega) {
		wanted := []string{"prod-master"}
		for _, pod := range g.pods(ctx, names.Compute) {
			wanted = append(wanted, pod.Name)
		}
		check.Expect(wanted).To(HaveLen(n))
		check.Expect(g.okHosts()).To(ConsistOf(wanted))
	}).WithPolling(inPods).Should(Succeed())
}

func (g *grid) allPods(ctx context.Context) []corev1.Pod {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(api.List(ctx, &pods, client.InNamespace(g.namespace))).To(Succeed())
	return pods.Items
}

// pods are those of a role that are not on their way out.
func (g *grid) pods(ctx context.Context, role string) []corev1.Pod {
	GinkgoHelper()
	return slices.DeleteFunc(g.allPods(ctx), func(pod corev1.Pod) bool {
		return pod.DeletionTimestamp != nil || pod.Labels[names.LabelRole] != role
	})
}

func (g *grid) master(ctx context.Context) *corev1.Pod {
	GinkgoHelper()
	pods := g.pods(ctx, names.Master)
	Expect(pods).To(HaveLen(1))
	return &pods[0]
}

// containers are the pods of a role with their UIDs and restarts: equal as long as nothing was restarted.
func (g *grid) containers(ctx context.Context, role string) map[string]string {
	GinkgoHelper()
	all := map[string]string{}
	for _, pod := range g.pods(ctx, role) {
		restarts := 0
		for i := range pod.Status.ContainerStatuses {
			restarts += int(pod.Status.ContainerStatuses[i].RestartCount)
		}
		all[pod.Name] = string(pod.UID) + " restarts: " + strconv.Itoa(restarts)
	}
	return all
}

func (g *grid) snapshot(ctx context.Context) oracle.Snapshot {
	GinkgoHelper()
	snapshot, err := oracle.Take(ctx, api, g.namespace)
	Expect(err).NotTo(HaveOccurred())
	return snapshot
}

// checkTold checks that nothing is left to write of the compute hosts that run, of which so many have work: their lists are written seconds
// apart, and so are statuses that only count, the number of busy hosts a minute apart.
func (g *grid) checkTold(ctx context.Context, check Gomega, busy int) {
	listed, running, err := oracle.ComputeHosts(ctx, api, client.ObjectKey{Namespace: g.namespace, Name: "prod"})
	check.Expect(err).NotTo(HaveOccurred())
	check.Expect(listed).To(Equal(running))
	told := g.cluster(ctx).Status.Compute.Hosts
	check.Expect(told).NotTo(BeNil())
	told.BusyTime = nil
	check.Expect(*told).To(Equal(v1alpha1.HostCounts{
		Joined: int32(len(running)), OK: int32(len(running)), Busy: new(int32(busy)),
	}))
}

func (g *grid) secret(ctx context.Context, name string, data map[string]string) {
	GinkgoHelper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: g.namespace, Name: name}, StringData: data}
	if _, isCertificate := data["tls.crt"]; isCertificate {
		secret.Type = corev1.SecretTypeTLS
	}
	Expect(api.Create(ctx, secret)).To(Succeed())
}
