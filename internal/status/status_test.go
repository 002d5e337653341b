// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
	"github.com/symphony-operator/symphony-operator/internal/status"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// edit changes what a pass saw, decided or did.
type edit func(*status.Input)

// pass is one over a cluster of two compute pods that has all that it wants, with edits.
func pass(edits ...edit) *status.Input {
	cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod", UID: "uid", Generation: 3}}
	master := pod("prod-master-abc-1", "m1")
	in := &status.Input{
		Facts: &observe.Facts{
			Cluster:          cluster,
			MasterDeployment: &appsv1.Deployment{},
			ComputeSet:       &appsv1.ReplicaSet{},
			Hosts:            &corev1.ConfigMap{Data: map[string]string{names.HostsKey: "10.0.0.1 prod-master\n"}},
			GUI:              &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 8443, NodePort: 30443}}}},
			GUIAnswers:       true,
			MasterPods:       []*corev1.Pod{master},
			ComputePods:      []*corev1.Pod{pod("prod-compute-x", "c1"), pod("prod-compute-y", "c1")},
		},
		Plan: &plan.Plan{
			Master:  master,
			Address: &plan.Address{IP: "10.0.0.1", Hostname: "prod-master"},
			Compute: plan.Compute{Verdict: plan.Follow, Replicas: 2, MasterHosts: "10.0.0.1 prod-master"},
		},
		Children: &build.Children{MasterRevision: "m1", ComputeRevision: "c1"},
	}
	for _, change := range edits {
		change(in)
	}
	return in
}

// pod is one that runs and is ready.
func pod(name, revision string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{names.LabelRevision: revision}},
		Spec:       corev1.PodSpec{NodeName: "node1"},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1", HostIP: "192.0.2.1",
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

// notReady makes pods of it that are not, for a reason that their container has.
func notReady(container corev1.ContainerStatus, pods ...*corev1.Pod) {
	for _, p := range pods {
		p.Status.Conditions = nil
		p.Status.ContainerStatuses = []corev1.ContainerStatus{container}
	}
}

func waiting(reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: "symphony", Image: "sym712", State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
	}}
}

func ended(code int32, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: "symphony", LastTerminationState: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", Message: message},
	}, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s restarting failed container"}}}
}

func noMaster(in *status.Input) {
	in.Facts.MasterPods, in.Plan.Master, in.Plan.Address = nil, nil, nil
}

func noCompute(in *status.Input) {
	in.Facts.ComputeSet, in.Facts.ComputePods = nil, nil
	in.Plan.Compute.Verdict = plan.Wait
}

func failure(message string) edit {
	return func(in *status.Input) {
		in.Facts.ComputePods = in.Facts.ComputePods[:1]
		in.Facts.ComputeSet.Status.Conditions = []appsv1.ReplicaSetCondition{{
			Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Message: message,
		}}
	}
}

func problem(kind apply.ProblemKind) edit {
	return func(in *status.Input) { in.Outcome.Problems = []apply.Problem{{Kind: kind, Message: "what happened"}} }
}

// stamp gives new conditions a time, as the controller does.
func stamp(after *v1alpha1.SymphonyClusterStatus) {
	for i := range after.Conditions {
		if after.Conditions[i].LastTransitionTime.IsZero() {
			after.Conditions[i].LastTransitionTime = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}
}

// verdict is what a person sees of a condition: its status and reason.
func verdict(after *v1alpha1.SymphonyClusterStatus, kind string) string {
	found := meta.FindStatusCondition(after.Conditions, kind)
	if found == nil {
		return "absent"
	}
	return string(found.Status) + " " + found.Reason
}

type situation struct {
	in *status.Input
	// ready, master and compute are verdicts; other is Stalled or Reconciling, the one that must be there.
	ready, master, compute, other string
	message                       string
}

func (s *situation) check(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	after := status.Of(s.in)
	stamp(&after)
	g.Expect(verdict(&after, v1alpha1.ConditionReady)).To(Equal(s.ready))
	g.Expect(verdict(&after, v1alpha1.ConditionMasterReady)).To(Equal(s.master))
	g.Expect(verdict(&after, v1alpha1.ConditionComputeReady)).To(Equal(s.compute))
	for _, kind := range []string{v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling} {
		if kind == s.other {
			g.Expect(verdict(&after, kind)).To(HavePrefix("True"), kind)
		} else {
			g.Expect(verdict(&after, kind)).To(Equal("absent"), kind)
		}
	}
	message := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady).Message
	g.Expect(message).To(Equal(s.message))
	g.Expect(message).NotTo(MatchRegexp("prod-(master-abc|compute-)"), "random names change a condition that has not changed")
	cluster := s.in.Facts.Cluster.DeepCopy()
	cluster.Status = after
	g.Expect(oracle.CheckStatus(cluster)).To(BeEmpty())
}

const (
	good = "True Ready"
	busy = v1alpha1.ConditionReconciling
	hurt = v1alpha1.ConditionStalled
)

func TestTheWayToReady(t *testing.T) {
	for name, s := range map[string]situation{
		"all is there": {pass(), good, good, good, "", "the master answers and 2 of 2 compute pods are ready"},
		"nothing is there yet": {
			pass(noMaster, noCompute), "False MasterPending", "False MasterPending", "False WaitingForMaster", busy,
			"the master pod is not created yet",
		},
		"the master has no address": {
			pass(noCompute, func(in *status.Input) {
				in.Plan.Master, in.Plan.Address = nil, nil
				in.Facts.MasterPods[0].Status = corev1.PodStatus{Phase: corev1.PodPending}
			}), "False MasterPending", "False MasterPending", "False WaitingForMaster", busy, "the master pod has no address yet",
		},
		"EGO does not answer yet": {
			pass(func(in *status.Input) { in.Plan.Master.Status.Conditions = nil }),
			"False MasterStarting", "False MasterStarting", good, busy, "the master pod runs; EGO does not answer yet",
		},
		"the master has the old template": {
			pass(func(in *status.Input) { in.Children.MasterRevision = "m2" }),
			"False Updating", "False Updating", good, busy, "the master is about to restart with its new template",
		},
		"more hosts are wanted": {
			pass(func(in *status.Input) { in.Plan.Compute.Replicas = 5 }), "False Scaling", good, "False Scaling", busy,
			"2 of 5 compute pods are ready",
		},
		"fewer hosts are wanted": {
			pass(func(in *status.Input) { in.Plan.Compute.Replicas = 1 }), "False Scaling", good, "False Scaling", busy,
			"1 compute pods are being deleted, 1 are wanted",
		},
		"hosts have the old template": {
			pass(func(in *status.Input) { in.Facts.ComputePods[0].Labels[names.LabelRevision] = "c0" }),
			"False Updating", good, "False Updating", busy, "1 of 2 compute pods have the new template and are ready",
		},
		"a host that ends does not count": {
			pass(func(in *status.Input) {
				gone := pod("prod-compute-z", "c0")
				gone.DeletionTimestamp = new(metav1.Now())
				in.Facts.ComputePods = append(in.Facts.ComputePods, gone)
			}), good, good, good, "", "the master answers and 2 of 2 compute pods are ready",
		},
		"compute is suspended": {
			pass(func(in *status.Input) {
				in.Facts.Cluster.Spec.Suspend = true
				in.Facts.ComputePods, in.Plan.Compute.Replicas = nil, 0
			}), good, good, "True Suspended", "", "the master answers; compute is suspended",
		},
		"an earlier cluster's children are leaving": {
			pass(problem(apply.Leaving)), "False WaitingForDeletion", good, good, busy, "what happened",
		},
		"a write failed and is repeated": {pass(problem(apply.Transient)), "False ProgressingWithRetry", good, good, busy, "what happened"},
	} {
		t.Run(name, s.check)
	}
}

func TestWhatIsWrongWithPods(t *testing.T) {
	pull := `failed to pull and unpack image "sym712": not found`
	for name, s := range map[string]situation{
		"the master's image": {
			pass(func(in *status.Input) {
				notReady(waiting("ErrImagePull", "rpc error: code = NotFound desc = "+pull), in.Plan.Master)
			}),
			"False ImagePullBackOff", "False ImagePullBackOff", good, busy,
			`the master pod: image "sym712" cannot be pulled: code = NotFound desc = ` + pull,
		},
		"the master's image, on the next look": {
			pass(func(in *status.Input) {
				notReady(waiting("ImagePullBackOff", `Back-off pulling image "sym712": ErrImagePull: rpc error: code = NotFound desc = `+pull), in.Plan.Master)
			}),
			"False ImagePullBackOff", "False ImagePullBackOff", good, busy,
			`the master pod: image "sym712" cannot be pulled: code = NotFound desc = ` + pull,
		},
		"the master's start script": {
			pass(func(in *status.Input) { notReady(ended(1, "set spec.adminPassword\n"), in.Plan.Master) }),
			"False MasterFailed", "False MasterFailed", good, busy,
			`the master pod: the container "symphony" ended with exit code 1: set spec.adminPassword`,
		},
		"the master's start script, which ends as if all were well": {
			pass(func(in *status.Input) { notReady(ended(0, ""), in.Plan.Master) }),
			"False MasterFailed", "False MasterFailed", good, busy,
			`the master pod: the container "symphony" ended with exit code 0: Error`,
		},
		"the master's container runtime": {
			pass(func(in *status.Input) {
				notReady(waiting("CreateContainerError", `the container name "symphony_prod-master-abc-1_grid_0e4f8a2c-1b2c-4d5e-8f90-123456789abc_3" is reserved for "`+
					strings.Repeat("0a", 32)+`"`), in.Plan.Master)
			}),
			"False CreateContainerError", "False CreateContainerError", good, busy,
			`the master pod: the container name "symphony_the pod_grid_…" is reserved for "…"`,
		},
		"the master's Secret": {
			pass(func(in *status.Input) {
				notReady(waiting("CreateContainerConfigError", `secret "admin" not found`), in.Plan.Master)
			}),
			"False CreateContainerConfigError", "False CreateContainerConfigError", good, busy, `the master pod: secret "admin" not found`,
		},
		"the master's Deployment": {
			pass(noMaster, func(in *status.Input) {
				in.Facts.MasterDeployment.Status.Conditions = []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
					Message: `Pod "prod-master-abc-xyz" is invalid: spec.priorityClassName: not found`,
				}}
			}),
			"False MasterPending", "False MasterPending", good, busy,
			"the master pod cannot be created: the pod is invalid: spec.priorityClassName: not found",
		},
		"the room for hosts": {
			pass(func(in *status.Input) {
				for _, p := range in.Facts.ComputePods {
					p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
						Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/2 nodes are available",
					}}}
				}
			}),
			"False Unschedulable", good, "False Unschedulable", busy,
			"0 of 2 compute pods are ready: 2: cannot be scheduled: 0/2 nodes are available",
		},
		"a host's start script": {
			pass(func(in *status.Input) { notReady(ended(3, "the profile is not readable"), in.Facts.ComputePods[0]) }),
			"False ComputeFailed", good, "False ComputeFailed", busy,
			`1 of 2 compute pods are ready: 1: the container "symphony" ended with exit code 3: the profile is not readable`,
		},
		"the namespace's quota": {
			pass(failure(`pods "prod-compute-7xk2p" is forbidden: exceeded quota: small`)),
			"False Scaling", good, "False Scaling", busy,
			"1 of 2 compute pods are ready: pods cannot be created: the pod is forbidden: exceeded quota: small",
		},
	} {
		t.Run(name, s.check)
	}
}

func TestWhatAPersonMustMend(t *testing.T) {
	for name, s := range map[string]situation{
		"a spec that got past admission": {
			pass(func(in *status.Input) { in.InvalidSpec, in.Children = "spec.image: Required value", nil }),
			"False InvalidSpec", good, good, hurt, "spec.image: Required value",
		},
		"an overlay": {
			pass(func(in *status.Input) {
				in.Children.Invalid = []*build.OverlayError{{Role: names.Compute, Problem: "does not parse"}}
			}), "False InvalidPodTemplate", good, good, hurt, "spec.compute.podTemplate does not parse",
		},
		"a name that is taken": {pass(problem(apply.Conflict)), "False NameConflict", good, good, hurt, "what happened"},
		"a node port":          {pass(problem(apply.NodePort)), "False NodePortUnavailable", good, good, hurt, "what happened"},
		"a rejected child":     {pass(problem(apply.Rejected)), "False Rejected", good, good, hurt, "what happened"},
		// A person who is told two things mends the one that the operator cannot.
		"a name that is taken, while the master starts": {
			pass(problem(apply.Conflict), func(in *status.Input) { in.Plan.Master.Status.Conditions = nil }),
			"False NameConflict", "False MasterStarting", good, hurt, "what happened",
		},
	} {
		t.Run(name, s.check)
	}
}

func TestTimesMoveWithTheStatusOnly(t *testing.T) {
	g := NewWithT(t)
	earlier := metav1.NewTime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	in := pass(func(in *status.Input) { in.Plan.Master.Status.Conditions = nil })
	in.Facts.Cluster.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "Another", LastTransitionTime: earlier},
		{Type: v1alpha1.ConditionMasterReady, Status: metav1.ConditionTrue, LastTransitionTime: earlier},
	}
	after := status.Of(in)
	g.Expect(meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady).LastTransitionTime).To(Equal(earlier), "False as before")
	g.Expect(meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionMasterReady).LastTransitionTime.IsZero()).To(BeTrue(), "True before")
}

func TestALongMessageIsCut(t *testing.T) {
	in := pass(problem(apply.Rejected))
	in.Outcome.Problems[0].Message = strings.Repeat("ä", 40000)
	after := status.Of(in)
	message := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady).Message
	NewWithT(t).Expect([]rune(message)).To(HaveLen(1026))
}

func TestWhereTheClusterIs(t *testing.T) {
	g := NewWithT(t)
	after := status.Of(pass())
	g.Expect(after.ObservedGeneration).To(BeEquivalentTo(3))
	g.Expect(after.Master).To(Equal(v1alpha1.MasterStatus{
		PodName: "prod-master-abc-1", Hostname: "prod-master", PodIP: "10.0.0.1", NodeName: "node1", HostIP: "192.0.2.1",
		Instance: "prod-master-abc-1/0",
	}))
	g.Expect(after.Compute).To(Equal(v1alpha1.ComputeStatus{
		Replicas: 2, ReadyReplicas: 2, UpdatedReplicas: 2, Revision: "c1",
		Selector: "symphony-operator.io/cluster=prod,symphony-operator.io/role=compute",
	}))
	lost := status.Of(pass(noMaster))
	g.Expect(lost.Master).To(Equal(v1alpha1.MasterStatus{}), "an address that is not known is not told")
}

func TestTheAddressOfTheWebConsole(t *testing.T) {
	for name, c := range map[string]struct {
		change edit
		url    string
	}{
		"by a node's address": {func(*status.Input) {}, "https://192.0.2.1:30443/platform/login/login.html"},
		"by a node's IPv6 address": {
			func(in *status.Input) { in.Plan.Master.Status.HostIP = "2001:db8::1" }, "https://[2001:db8::1]:30443/platform/login/login.html",
		},
		"by a load balancer's address": {func(in *status.Input) {
			in.Facts.GUI.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "198.51.100.7"}}
		}, "https://198.51.100.7:8443/platform/login/login.html"},
		"by a load balancer's name": {func(in *status.Input) {
			in.Facts.GUI.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: "lb.example.com"}}
		}, "https://lb.example.com:8443/platform/login/login.html"},
		"not at all without a node port": {func(in *status.Input) { in.Facts.GUI.Spec.Ports[0].NodePort = 0 }, ""},
		"not at all without a master":    {noMaster, ""},
		"not at all without a Service":   {func(in *status.Input) { in.Facts.GUI = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(status.Of(pass(c.change)).GUI.URL).To(Equal(c.url))
		})
	}
}
