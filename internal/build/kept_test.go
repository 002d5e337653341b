// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

func setImage(image string) edit {
	return func(c *v1alpha1.SymphonyCluster) { c.Spec.Image = image }
}

// keptBy are the facts about a cluster whose kept templates were rendered by an earlier version of the operator,
// which used the image "old-<image of the spec>" for everybody.
func keptBy(t *testing.T, cluster *v1alpha1.SymphonyCluster, specs ...edit) *observe.Facts {
	t.Helper()
	facts := &observe.Facts{Cluster: cluster}
	for i, change := range specs {
		spec := newCluster(change)
		for _, revision := range storedRevisions(t, buildFirst(t, change)) {
			old := changedData(t, revision, "old-"+spec.Spec.Image)
			old.Revision = int64(i + 1)
			facts.Revisions = append(facts.Revisions, old)
		}
	}
	return facts
}

func TestBuildingTwiceGivesTheSame(t *testing.T) {
	for name, change := range goldenSpecs() {
		t.Run(name, func(t *testing.T) {
			facts := &observe.Facts{Cluster: newCluster(change)}
			NewWithT(t).Expect(buildAll(t, facts, follow(2))).To(Equal(buildAll(t, facts, follow(2))))
		})
	}
}

// Facts come from the cache, which other passes read at the same time.
func TestBuildingChangesNoFacts(t *testing.T) {
	g := NewWithT(t)
	facts := keptBy(t, newCluster(setImage("b")), setImage("a"), setImage("b"))
	facts.ComputeSet = liveSet("live")
	cluster, set := facts.Cluster.DeepCopy(), facts.ComputeSet.DeepCopy()
	var revisions []*appsv1.ControllerRevision
	for _, revision := range facts.Revisions {
		revisions = append(revisions, revision.DeepCopy())
	}
	buildAll(t, facts, follow(1))
	buildAll(t, facts, hold(1))
	g.Expect(facts.Cluster).To(Equal(cluster))
	g.Expect(facts.ComputeSet).To(Equal(set))
	g.Expect(facts.Revisions).To(Equal(revisions))
}

// A new version of the operator renders other templates. It must restart nothing.
func TestAnUnchangedSpecIsAppliedFromItsKeptTemplate(t *testing.T) {
	g := NewWithT(t)
	children := buildAll(t, keptBy(t, newCluster(setImage("a")), setImage("a")), follow(3))
	g.Expect(masterPod(t, children).Spec.Containers[0].Image).To(Equal("old-a"))
	g.Expect(computePod(t, children).Spec.Containers[0].Image).To(Equal("old-a"))
	g.Expect(children.Revisions).To(BeEmpty())
	g.Expect(children.Obsolete).To(BeEmpty())
	// What does not belong to the template follows all the same.
	g.Expect(*children.ComputeSet.Spec.Replicas).To(BeEquivalentTo(3))
	g.Expect(computePod(t, children).Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, hostsLine))
	g.Expect(computePod(t, children).Labels).To(HaveKeyWithValue(names.LabelRevision, children.ComputeRevision))
}

func TestAChangedSpecIsRenderedAnewAndKeptAsTheNextRevision(t *testing.T) {
	g := NewWithT(t)
	children := buildAll(t, keptBy(t, newCluster(setImage("b")), setImage("a")), follow(1))
	g.Expect(masterPod(t, children).Spec.Containers[0].Image).To(Equal("b"))
	g.Expect(computePod(t, children).Spec.Containers[0].Image).To(Equal("b"))
	g.Expect(children.Revisions).To(HaveLen(2))
	for _, revision := range children.Revisions {
		g.Expect(*revision.Revision).To(BeEquivalentTo(2), "it must count as newer than the one before")
	}
}

// One role's change must leave the other's pods alone.
func TestAChangeOfOneRoleLeavesTheOthersKeptTemplateInForce(t *testing.T) {
	g := NewWithT(t)
	both := func(c *v1alpha1.SymphonyCluster) { c.Spec.Image, c.Spec.Compute.Image = "a", "b" }
	children := buildAll(t, keptBy(t, newCluster(both), setImage("a")), follow(1))
	g.Expect(masterPod(t, children).Spec.Containers[0].Image).To(Equal("old-a"))
	g.Expect(computePod(t, children).Spec.Containers[0].Image).To(Equal("b"))
}

// A user who goes back finds the kept template, if it is still there: its data cannot be changed.
func TestGoingBackTakesTheTemplateThatIsStillKept(t *testing.T) {
	g := NewWithT(t)
	children := buildAll(t, keptBy(t, newCluster(setImage("a")), setImage("a"), setImage("b")), follow(1))
	g.Expect(masterPod(t, children).Spec.Containers[0].Image).To(Equal("old-a"))
	g.Expect(children.Revisions).To(HaveLen(2))
	for _, revision := range children.Revisions {
		g.Expect(*revision.Revision).To(BeEquivalentTo(3), "it must count as newer than the one it replaces")
		g.Expect(revision.UID).NotTo(BeNil(), "it is the one that is there")
		g.Expect(revision.Data).To(BeNil())
	}
}

func TestAnInvalidOverlayLeavesTheNewestKeptTemplateInForce(t *testing.T) {
	g := NewWithT(t)
	broken := newCluster(setImage("c"), masterOverlay(`{"typo":1}`), computeOverlay(`{"typo":1}`))
	children := buildAll(t, keptBy(t, broken, setImage("a"), setImage("b")), follow(4))

	g.Expect(children.Invalid).To(HaveLen(2))
	g.Expect(children.MasterRevision).To(BeEmpty(), "what is wanted cannot be built")
	g.Expect(children.ComputeRevision).To(BeEmpty(), "what is wanted cannot be built")
	g.Expect(masterPod(t, children).Spec.Containers[0].Image).To(Equal("old-b"))
	g.Expect(computePod(t, children).Spec.Containers[0].Image).To(Equal("old-b"))
	g.Expect(children.Revisions).To(BeEmpty())
	// It is scaled and told the master's address as ever.
	g.Expect(*children.ComputeSet.Spec.Replicas).To(BeEquivalentTo(4))
	g.Expect(computePod(t, children).Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, hostsLine))
}

// keptRevision is the label of the kept template of a role, by its number.
func keptRevision(facts *observe.Facts, role string, number int64) string {
	for _, revision := range facts.Revisions {
		if revision.Labels[names.LabelRole] == role && revision.Revision == number {
			return revision.Labels[names.LabelRevision]
		}
	}
	return ""
}

// While the master has no address, a compute set keeps the template that it has, whatever the spec says.
func TestAHeldComputeSetKeepsItsOwnTemplate(t *testing.T) {
	for name, spec := range map[string]edit{
		"when the spec is newer":         setImage("c"),
		"when the overlay is invalid":    computeOverlay(`{"typo":1}`),
		"when a newer one is kept":       setImage("b"),
		"when its own is the wanted one": setImage("a"),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			facts := keptBy(t, newCluster(spec), setImage("a"), setImage("b"))
			facts.ComputeSet = liveSet(keptRevision(facts, names.Compute, 1))
			children := buildAll(t, facts, hold(7))
			pod := computePod(t, children)
			g.Expect(pod.Spec.Containers[0].Image).To(Equal("old-a"))
			g.Expect(pod.Labels).To(HaveKeyWithValue(names.LabelRevision, facts.ComputeSet.Spec.Template.Labels[names.LabelRevision]))
			g.Expect(pod.Annotations).To(HaveKeyWithValue(names.AnnotationMasterHosts, hostsLine))
			g.Expect(*children.ComputeSet.Spec.Replicas).To(BeEquivalentTo(7))
			g.Expect(children.Hosts).To(BeNil(), "the published address stays until there is a new one")
		})
	}
}

// The master does not wait for its own address.
func TestTheMasterFollowsWhileComputeIsHeld(t *testing.T) {
	g := NewWithT(t)
	facts := keptBy(t, newCluster(setImage("b")), setImage("a"))
	facts.ComputeSet = liveSet(keptRevision(facts, names.Compute, 1))
	children := buildAll(t, facts, hold(1))
	g.Expect(masterPod(t, children).Spec.Containers[0].Image).To(Equal("b"))
}

// The strategy Recreate would end the master that runs, and then wait for the one whose node is lost.
func TestTheMasterKeepsItsTemplateWhileAnEarlierPodLeaves(t *testing.T) {
	g := NewWithT(t)
	facts := runs(t, setImage("a"), func(c *v1alpha1.SymphonyCluster) { c.Spec.Image, c.Spec.RestartedAt = "a", "now" })
	live := keptRevision(facts, names.Master, facts.Revisions[0].Revision)
	decided := follow(1)
	decided.LeavingMaster = &corev1.Pod{}
	children := buildAll(t, facts, decided)
	g.Expect(masterPod(t, children).Labels).To(HaveKeyWithValue(names.LabelRevision, live))
	g.Expect(children.MasterRevision).NotTo(Equal(live), "which is not what is wanted")
	g.Expect(obsoleteNames(children)).NotTo(ContainElement(names.RevisionName("prod", names.Master, live)))

	decided.LeavingMaster = nil
	g.Expect(masterPod(t, buildAll(t, facts, decided)).Labels).NotTo(HaveKeyWithValue(names.LabelRevision, live))
}

// The API server may reject a template: then the child is applied with the one that it has.
func TestTheTemplateInForceIsAtHand(t *testing.T) {
	g := NewWithT(t)
	facts := runs(t, setImage("a"), func(c *v1alpha1.SymphonyCluster) { c.Spec.Image, c.Spec.RestartedAt = "a", "now" })
	children := buildAll(t, facts, follow(3))
	g.Expect(decoded[appsv1.Deployment](t, children.MasterAsIs).Spec.Template.Labels).To(Equal(facts.MasterDeployment.Spec.Template.Labels))
	asIs := decoded[appsv1.ReplicaSet](t, children.ComputeAsIs)
	g.Expect(asIs.Spec.Template.Labels).To(Equal(facts.ComputeSet.Spec.Template.Labels))
	g.Expect(*asIs.Spec.Replicas).To(BeEquivalentTo(3), "what can be followed is followed")
	g.Expect(obsoleteNames(children)).To(BeEmpty())

	same := buildAll(t, runs(t, setImage("a"), setImage("a")), follow(3))
	g.Expect(same.MasterAsIs).To(BeNil())
	g.Expect(same.ComputeAsIs).To(BeNil())
}

// A kept template that is newer than the one in force is one that the API server rejected: it must not be tried again, or
// even succeed, while the next one's image is pulled.
func TestARejectedTemplateIsNotGoneOnWith(t *testing.T) {
	g := NewWithT(t)
	facts := runs(t, setImage("a"), setImage("c"))
	for _, rejected := range storedRevisions(t, buildFirst(t, setImage("b"))) {
		rejected.Revision = 2
		facts.Revisions = append(facts.Revisions, rejected)
	}
	g.Expect(images(t, buildAll(t, facts, follow(1)))).To(Equal([]string{"a", "a"}))
	facts.Cluster = newCluster(masterOverlay(`{"typo":1}`), computeOverlay(`{"typo":1}`))
	g.Expect(images(t, buildAll(t, facts, follow(1)))).To(Equal([]string{"a", "a"}))
}

// Without its kept template nothing is known about a held set: it is left as it is.
func TestAHeldComputeSetWithoutItsKeptTemplateIsLeftAlone(t *testing.T) {
	g := NewWithT(t)
	facts := keptBy(t, newCluster(setImage("a")), setImage("a"))
	facts.ComputeSet = liveSet("unknown")
	children := buildAll(t, facts, hold(1))
	g.Expect(children.ComputeSet).To(BeNil())
	g.Expect(children.MasterDeployment).NotTo(BeNil())
}

func TestComputeWaitsForTheMastersAddress(t *testing.T) {
	g := NewWithT(t)
	wait := &plan.Plan{Compute: plan.Compute{Verdict: plan.Wait, Replicas: 2, SetReplicas: 2}}
	children := buildAll(t, &observe.Facts{Cluster: newCluster()}, wait)
	g.Expect(children.ComputeSet).To(BeNil())
	g.Expect(children.Hosts).To(BeNil())
	g.Expect(children.MasterDeployment).NotTo(BeNil())
	g.Expect(children.MasterService).NotTo(BeNil())
	g.Expect(children.GUI).NotTo(BeNil())
	g.Expect(children.ComputeRevision).NotTo(BeEmpty(), "what is wanted is known already")
}

func obsoleteNames(children *build.Children) []string {
	var all []string
	for _, revision := range children.Obsolete {
		all = append(all, revision.Name)
	}
	return all
}

func TestTemplatesThatNothingRefersToAreObsolete(t *testing.T) {
	g := NewWithT(t)
	facts := keptBy(t, newCluster(setImage("c")), setImage("a"), setImage("b"), setImage("c"))
	// The set still runs the template of "a": it is applied from there when it is held.
	facts.ComputeSet = liveSet(keptRevision(facts, names.Compute, 1))
	children := buildAll(t, facts, follow(1))
	g.Expect(obsoleteNames(children)).To(ConsistOf(
		names.RevisionName("prod", names.Master, keptRevision(facts, names.Master, 1)),
		names.RevisionName("prod", names.Master, keptRevision(facts, names.Master, 2)),
		names.RevisionName("prod", names.Compute, keptRevision(facts, names.Compute, 2))))
	g.Expect(children.Obsolete).To(HaveEach(HaveField("UID", Not(BeEmpty()))))
}

// The newest good template is the only one that there is while the overlay is invalid.
func TestTheTemplateInForceIsNotObsoleteWhileTheOverlayIsInvalid(t *testing.T) {
	g := NewWithT(t)
	facts := keptBy(t, newCluster(masterOverlay(`{"typo":1}`), computeOverlay(`{"typo":1}`)), setImage("a"))
	g.Expect(buildAll(t, facts, follow(1)).Obsolete).To(BeEmpty())
}

func TestATemplateThatIsBeingDeletedIsNotDeletedAgain(t *testing.T) {
	g := NewWithT(t)
	facts := keptBy(t, newCluster(setImage("b")), setImage("a"), setImage("b"))
	for _, revision := range facts.Revisions {
		if revision.Revision == 1 {
			revision.DeletionTimestamp = &metav1.Time{}
		}
	}
	g.Expect(buildAll(t, facts, follow(1)).Obsolete).To(BeEmpty())
}

// A kept template that cannot be read is a bug or somebody's vandalism: nothing is built on a guess.
func TestAKeptTemplateThatCannotBeReadIsAnError(t *testing.T) {
	g := NewWithT(t)
	facts := keptBy(t, newCluster(setImage("a")), setImage("a"))
	for _, revision := range facts.Revisions {
		revision.Data.Raw = []byte(`{"spec":1}`)
	}
	_, err := build.All(facts, follow(1))
	g.Expect(err).To(MatchError(ContainSubstring("decoding the master pod template")))
}

// The API server writes the template anew at every patch of another field, with its keys in order, and then compares: one
// whose bytes had changed would be refused, and the garbage collector could not even take its owner away.
func TestKeptTemplatesAreAsTheAPIServerWritesThem(t *testing.T) {
	for name, change := range goldenSpecs() {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			for _, revision := range buildFirst(t, change).Revisions {
				var tree any
				g.Expect(json.Unmarshal(revision.Data.Raw, &tree)).To(Succeed())
				g.Expect(json.Marshal(tree)).To(BeEquivalentTo(revision.Data.Raw))
			}
		})
	}
}
