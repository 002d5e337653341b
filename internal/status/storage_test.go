// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build/scripts"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/status"
)

func wantsStorage(in *status.Input) {
	in.Facts.Cluster.Spec.Master.Storage = &v1alpha1.MasterStorage{}
	in.Facts.MasterClaim = &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod},
	}}
}

// mounts has a master pod use the claim.
func mounts(pod *corev1.Pod) {
	pod.Spec.Volumes = []corev1.Volume{{Name: names.SharedVolume, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "prod-master"},
	}}}
}

func hasStorage(in *status.Input) {
	wantsStorage(in)
	mounts(in.Plan.Master)
}

func TestWhetherStateIsPersistent(t *testing.T) {
	for name, c := range map[string]struct {
		in              *status.Input
		verdict, saying string
	}{
		"with storage":    {pass(hasStorage), "True SharedDirectory", "EGO's shared directory is on the claim prod-master"},
		"without storage": {pass(), "False NoStorage", "set spec.master.storage to keep them"},
		"while the running master has none yet": {
			pass(wantsStorage), "False NoStorage", "the master that runs was started without spec.master.storage",
		},
		"while the running master still has it": {
			pass(hasStorage, func(in *status.Input) { in.Facts.Cluster.Spec.Master.Storage = nil }),
			"True SharedDirectory", "until the master restarts without it; the claim stays",
		},
		"before there is a master": {pass(wantsStorage, noMaster), "True SharedDirectory", "the claim prod-master"},
		"before there is a master, on a claim that exists": {
			pass(noMaster, func(in *status.Input) {
				in.Facts.Cluster.Spec.Master.Storage = &v1alpha1.MasterStorage{ExistingClaim: "mine"}
			}), "True SharedDirectory", "the claim mine",
		},
		"when somebody deletes the claim": {
			pass(hasStorage, func(in *status.Input) { in.Facts.MasterClaim.DeletionTimestamp = new(metav1.NewTime(noon)) }),
			"False ClaimDeleted", "somebody has deleted the claim prod-master: it goes when the master pod does",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, after := NewWithT(t), status.Of(c.in)
			g.Expect(verdict(&after, v1alpha1.ConditionStatePersistent)).To(Equal(c.verdict))
			g.Expect(meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionStatePersistent).Message).To(ContainSubstring(c.saying))
		})
	}
	after := status.Of(pass())
	NewWithT(t).Expect(verdict(&after, v1alpha1.ConditionReady)).To(Equal(good), "it is no part of Ready")
}

// leaving has an earlier master pod on its way out, whose time is over so long.
func leaving(since time.Duration) edit {
	return func(in *status.Input) {
		earlier := pod("prod-master-abc-0", "m1")
		mounts(earlier)
		earlier.Spec.NodeName = "node9"
		earlier.DeletionTimestamp = new(metav1.NewTime(noon.Add(-since)))
		in.Facts.Now = noon
		in.Facts.MasterPods = append(in.Facts.MasterPods, earlier)
		in.Plan.LeavingMaster = earlier
	}
}

// pending has the new master without an address.
func pending(in *status.Input) {
	in.Plan.Master.Status = corev1.PodStatus{Phase: corev1.PodPending}
	in.Plan.Master, in.Plan.Address = nil, nil
}

func mode(mode corev1.PersistentVolumeAccessMode) edit {
	return func(in *status.Input) { in.Facts.MasterClaim.Spec.AccessModes[0] = mode }
}

func TestWhatKeepsAMasterFromItsDirectory(t *testing.T) {
	const held = "the volume of the claim prod-master (ReadWriteOncePod) is held by the earlier master pod on node node9 until that has ended"
	const lost = ", and its time is over; if that node is lost, delete the node or, by force, the pod"
	unschedulable := func(in *status.Input) {
		in.Facts.MasterPods[0].Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/2 nodes are available",
		}}
	}
	for name, s := range map[string]situation{
		"its predecessor is about to end": {
			pass(hasStorage, leaving(-time.Minute), pending), "False MasterPending", "False MasterPending", good, busy, held,
		},
		"the node of its predecessor does not answer": {
			pass(hasStorage, leaving(time.Minute), pending), "False VolumeHeld", "False VolumeHeld", good, busy, held + lost,
		},
		"the scheduler has something to say too": {
			pass(hasStorage, leaving(time.Minute), pending, unschedulable), "False VolumeHeld", "False VolumeHeld", good, busy,
			held + lost + "; the new pod cannot be scheduled: 0/2 nodes are available",
		},
		"a claim that exists has a mode that nobody told": {
			pass(hasStorage, leaving(-time.Minute), pending, func(in *status.Input) { in.Facts.MasterClaim = nil }),
			"False MasterPending", "False MasterPending", good, busy,
			"the volume of the claim prod-master is held by the earlier master pod on node node9 until that has ended",
		},
		"a volume for many holds nobody up": {
			pass(hasStorage, leaving(time.Minute), mode(corev1.ReadWriteMany), pending), "False MasterPending", "False MasterPending", good, busy,
			"the master pod has no address yet: the volume of the claim prod-master is attached first",
		},
		"its predecessor had another directory": {
			pass(hasStorage, leaving(time.Minute), pending, func(in *status.Input) { in.Plan.LeavingMaster.Spec.Volumes = nil }),
			"False MasterPending", "False MasterPending", good, busy,
			"the master pod has no address yet: the volume of the claim prod-master is attached first",
		},
		"the volume is being attached": {
			pass(hasStorage, func(in *status.Input) { in.Plan.Master.Status.PodIP, in.Plan.Master.Status.Conditions = "", nil }),
			"False MasterPending", "False MasterPending", good, busy,
			"the master pod has no address yet: the volume of the claim prod-master is attached first",
		},
		"the lease": {
			pass(hasStorage, leaving(time.Minute), mode(corev1.ReadWriteMany), starting), "False MasterStarting", "False MasterStarting", good, busy,
			"the master waits for the shared directory on the claim prod-master until its earlier pod on node node9 has ended or no longer renews its lease",
		},
		"nothing, any more": {pass(hasStorage, leaving(time.Minute)), good, good, good, "", "the master answers and 2 of 2 compute pods are ready"},
	} {
		t.Run(name, s.check)
	}
}

func TestAMasterWhoseNodeIsLost(t *testing.T) {
	s := situation{
		pass(func(in *status.Input) {
			in.Plan.Master.Status.Conditions[0].Status = corev1.ConditionFalse
			in.Plan.Master.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "symphony", Ready: true}}
		}),
		"False NodeLost", "False NodeLost", good, busy, "the master's node node1 does not report; if it stays away, the master is started elsewhere",
	}
	s.check(t)
}

func TestAForeignDirectoryNeedsAPerson(t *testing.T) {
	words := ended(1, scripts.ForeignDirectory+"it holds the EGO cluster x.\n")
	s := situation{
		pass(hasStorage, func(in *status.Input) { notReady(words, in.Plan.Master) }),
		"False ForeignDirectory", "False MasterFailed", good, hurt,
		"the claim prod-master has the shared directory of another cluster: it holds the EGO cluster x.",
	}
	s.check(t)
	after := status.Of(pass(hasStorage, func(in *status.Input) { notReady(ended(1, "something else"), in.Plan.Master) }))
	NewWithT(t).Expect(verdict(&after, v1alpha1.ConditionStalled)).To(Equal("absent"))
}

// knew is the instance that the last status remembers.
func knew(instance, claim string) edit {
	return func(in *status.Input) {
		in.Facts.Cluster.Status.Master.Instance, in.Facts.Cluster.Status.Master.Claim = instance, claim
	}
}

func restarted(in *status.Input) {
	in.Plan.Master.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "symphony", Ready: true, RestartCount: 1}}
}

func TestALossOfStateIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		in   *status.Input
		note string
	}{
		"the first master":               {pass(), ""},
		"the same master":                {pass(knew("prod-master-abc-1/0", "")), ""},
		"another pod":                    {pass(knew("prod-master-abc-0/0", "")), "the master was replaced and started with an empty EGO: users, consumers and submitted work are lost. Set spec.master.storage to keep them"},
		"another container":              {pass(knew("prod-master-abc-1/0", ""), restarted), "the master was restarted and started with an empty EGO: users, consumers and submitted work are lost. Set spec.master.storage to keep them"},
		"another pod that is not up yet": {pass(knew("prod-master-abc-0/0", ""), starting), ""},
		"no master":                      {pass(knew("prod-master-abc-0/0", ""), noMaster), ""},
		"another pod on the same claim":  {pass(hasStorage, knew("prod-master-abc-0/0", "prod-master")), ""},
		"another container, same claim":  {pass(hasStorage, knew("prod-master-abc-1/0", "prod-master"), restarted), ""},
		"another pod, now with a claim":  {pass(hasStorage, knew("prod-master-abc-0/0", "")), "the master was replaced and uses the claim prod-master from now on; what EGO knew without it is lost: users, consumers and submitted work"},
		"another pod, now without":       {pass(knew("prod-master-abc-0/0", "prod-master")), "the master was replaced and no longer uses the claim prod-master, which still has what EGO knew: users, consumers and submitted work"},
	} {
		t.Run(name, func(t *testing.T) {
			was("True", "Ready")(c.in)
			after := status.Of(c.in)
			told := ""
			for _, event := range status.Events(c.in, &after) {
				if event.Reason == v1alpha1.ReasonStateLost {
					NewWithT(t).Expect(event.Type).To(Equal(corev1.EventTypeWarning))
					told = event.Note
				}
			}
			NewWithT(t).Expect(told).To(Equal(c.note))
		})
	}
}

// Who remembers only who runs would not know a successor from the first master.
func TestTheInstanceIsRememberedWhileThereIsNone(t *testing.T) {
	g := NewWithT(t)
	lost := status.Of(pass(knew("prod-master-abc-0/2", "prod-master"), noMaster))
	g.Expect(lost.Master).To(Equal(v1alpha1.MasterStatus{Instance: "prod-master-abc-0/2", Claim: "prod-master"}))
	starts := status.Of(pass(knew("prod-master-abc-0/2", ""), starting))
	g.Expect(starts.Master.Instance).To(Equal("prod-master-abc-0/2"), "it has nothing to lose yet")
	up := status.Of(pass(hasStorage, knew("prod-master-abc-0/2", "")))
	g.Expect(up.Master.Instance).To(Equal("prod-master-abc-1/0"))
	g.Expect(up.Master.Claim).To(Equal("prod-master"))
}
