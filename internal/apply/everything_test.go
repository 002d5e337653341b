// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/apply"
	"github.com/symphony-operator/symphony-operator/internal/build"
	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/plan"
)

// write is one call of the client: what it does to what, with which body or precondition.
type write struct {
	what string
	uid  types.UID
	body string
}

// recorder notes every write and makes none; those whose description starts with fail fail.
type recorder struct {
	mutex  sync.Mutex
	writes []write
	fail   string
	// exists is the description of what is there already when it is created.
	exists string
	// rejects says which bodies of applies are invalid.
	rejects func(body string) bool
	// refuses is an error for some of what is done.
	refuses func(what string) error
	// answers is the version that what is applied has then.
	answers string
}

func (r *recorder) note(w write) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.fail != "" && strings.HasPrefix(w.what, r.fail) {
		return errors.New("broken")
	}
	if r.refuses != nil {
		if err := r.refuses(w.what); err != nil {
			return err
		}
	}
	r.writes = append(r.writes, w)
	return nil
}

// whats are the writes without their details.
func (r *recorder) whats() []string {
	var all []string
	for _, w := range r.writes {
		all = append(all, w.what)
	}
	return all
}

func (r *recorder) client() client.Client {
	return fake.NewClientBuilder().WithScheme(scheme.Scheme).WithInterceptorFuncs(interceptor.Funcs{
		Apply: func(_ context.Context, _ client.WithWatch, wanted runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
			data, err := json.Marshal(wanted)
			if err != nil {
				return err
			}
			var object metav1.PartialObjectMetadata
			if err := json.Unmarshal(data, &object); err != nil {
				return err
			}
			if r.rejects != nil && r.rejects(string(data)) {
				return apierrors.NewInvalid(schema.GroupKind{Kind: object.Kind}, object.Name, nil)
			}
			err = r.note(write{what: "apply " + object.Kind + " " + object.Name, uid: object.UID, body: string(data)})
			if err == nil && r.answers != "" {
				err = json.Unmarshal(fmt.Appendf(nil, `{"metadata": {"resourceVersion": %q}}`, r.answers), wanted)
			}
			return err
		},
		Create: func(_ context.Context, _ client.WithWatch, object client.Object, _ ...client.CreateOption) error {
			what := fmt.Sprintf("create %T %s", object, object.GetName())
			if r.exists != "" && strings.HasPrefix(what, r.exists) {
				return apierrors.NewAlreadyExists(schema.GroupResource{}, object.GetName())
			}
			return r.note(write{what: what})
		},
		Patch: func(_ context.Context, _ client.WithWatch, object client.Object, patch client.Patch, _ ...client.PatchOption) error {
			data, err := patch.Data(object)
			if err != nil {
				return err
			}
			return r.note(write{what: "patch " + object.GetNamespace() + "/" + object.GetName() + " " + string(patch.Type()), body: string(data)})
		},
		Delete: func(_ context.Context, _ client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			applied := (&client.DeleteOptions{}).ApplyOptions(options)
			done := write{what: "delete " + object.GetNamespace() + "/" + object.GetName()}
			if applied.Preconditions != nil && applied.Preconditions.UID != nil {
				done.uid = *applied.Preconditions.UID
			}
			return r.note(done)
		},
	}).Build()
}

// newFacts are of a new cluster, of which nothing exists.
func newFacts() *observe.Facts {
	return &observe.Facts{
		Cluster: &v1alpha1.SymphonyCluster{
			ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: "prod", UID: "cluster-uid"},
			Spec:       v1alpha1.SymphonyClusterSpec{Image: "sym712"},
		},
		Unseen: map[observe.ChildKey]types.UID{},
	}
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func newPlan() *plan.Plan {
	return &plan.Plan{
		Address: &plan.Address{IP: "10.32.0.1", Hostname: "prod-master"},
		Compute: plan.Compute{Verdict: plan.Follow, Replicas: 2, SetReplicas: 2, MasterHosts: "10.32.0.1 prod-master"},
	}
}

// everything builds and applies, in order.
func everything(t *testing.T, writer client.Client, facts *observe.Facts, decided *plan.Plan) apply.Outcome {
	t.Helper()
	children, err := build.All(facts, decided)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	applier := &apply.Applier{Client: writer, Clock: clocktesting.NewFakePassiveClock(noon), InOrder: true}
	return applier.Everything(t.Context(), facts, decided, children)
}

const (
	keepTemplates = "create *v1.ControllerRevision prod-"
	masterService = "apply Service prod-master"
	masterDeploy  = "apply Deployment prod-master"
	hostsMap      = "apply ConfigMap prod-hosts"
	budget        = "apply PodDisruptionBudget prod-compute"
	computeSet    = "apply ReplicaSet prod-compute"
	guiService    = "apply Service prod-gui"
)

// A kept template whose labels somebody has taken away is not seen; its name is taken all the same.
func TestAKeptTemplateThatIsThereUnseen(t *testing.T) {
	for name, c := range map[string]struct {
		owner types.UID
		kind  apply.ProblemKind
	}{
		"ours, or the cache is behind": {"cluster-uid", apply.Unseen},
		"somebody else's":              {"other", apply.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			written := &recorder{exists: keepTemplates + "master"}
			facts := newFacts()
			children, err := build.All(facts, newPlan())
			g.Expect(err).NotTo(HaveOccurred())
			there := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{
				Namespace: "grid", Name: names.RevisionName("prod", names.Master, children.MasterRevision), UID: "there",
				OwnerReferences: []metav1.OwnerReference{{UID: c.owner, Controller: new(true)}},
			}}
			applier := &apply.Applier{
				Client: written.client(), Live: fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(there).Build(),
				Clock: clocktesting.NewFakePassiveClock(noon),
			}
			out := applier.Everything(t.Context(), facts, newPlan(), children)
			g.Expect(out.Problems).To(HaveExactElements(HaveField("Kind", c.kind)))
			patched := ContainElement(HavePrefix("patch grid/" + there.Name))
			if c.kind == apply.Unseen {
				g.Expect(written.whats()).To(patched, "its labels come back")
			} else {
				g.Expect(written.whats()).NotTo(patched)
			}
			g.Expect(written.whats()).NotTo(ContainElement(masterDeploy), "nothing is made from what is not seen to be kept")
		})
	}
}

// A pass that follows another closely does not see yet what that one has kept.
func TestATemplateThatWasKeptAMomentAgoIsNotKeptAgain(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{}
	clock := clocktesting.NewFakePassiveClock(noon)
	applier := &apply.Applier{Client: written.client(), Clock: clock, InOrder: true}
	pass := func(seen ...*appsv1.ControllerRevision) (apply.Outcome, []string) {
		facts := newFacts()
		children, err := build.All(facts, newPlan())
		g.Expect(err).NotTo(HaveOccurred())
		facts.Revisions, written.writes = seen, nil
		return applier.Everything(t.Context(), facts, newPlan(), children), written.whats()
	}
	out, writes := pass()
	g.Expect(out.Problems).To(BeEmpty())
	g.Expect(writes).To(ContainElement(HavePrefix(keepTemplates)))

	out, writes = pass()
	g.Expect(out.Problems).To(HaveExactElements(HaveField("Kind", apply.Unseen), HaveField("Kind", apply.Unseen)))
	g.Expect(writes).NotTo(ContainElement(HavePrefix(keepTemplates)))
	g.Expect(writes).NotTo(ContainElement(masterDeploy), "nothing is made from what is not seen to be kept")

	clock.SetTime(noon.Add(time.Minute))
	_, writes = pass()
	g.Expect(writes).To(ContainElement(HavePrefix(keepTemplates)), "a cache is not that far behind")

	master := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: strings.TrimPrefix(writes[0], "create *v1.ControllerRevision ")}}
	_, writes = pass(master)
	g.Expect(writes).To(ContainElement("create *v1.ControllerRevision "+master.Name), "it was seen, and is gone again")
}

// withoutRevisions are the writes but those that keep templates.
func withoutRevisions(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(what string) bool { return strings.HasPrefix(what, keepTemplates) })
}

// A crash between two writes must leave nothing whose template is lost: templates are kept first.
func TestTemplatesAreKeptBeforeAnythingIsMadeFromThem(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{}
	out := everything(t, written.client(), newFacts(), newPlan())
	g.Expect(out).To(Equal(apply.Outcome{}))
	g.Expect(written.whats()).To(HaveExactElements(
		HavePrefix(keepTemplates+"master-"), HavePrefix(keepTemplates+"compute-"),
		Equal(masterService), Equal(hostsMap), Equal(guiService), Equal(masterDeploy), Equal(budget), Equal(computeSet)))
}

func TestNothingIsMadeFromATemplateThatCouldNotBeKept(t *testing.T) {
	g := NewWithT(t)
	written := &recorder{fail: keepTemplates + "compute"}
	out := everything(t, written.client(), newFacts(), newPlan())
	g.Expect(withoutRevisions(written.whats())).To(HaveExactElements(masterService, hostsMap, guiService, budget))
	g.Expect(out.Problems).To(HaveLen(1))
	g.Expect(out.Problems[0].Message).To(Equal("keeping a pod template: the API server could not be reached"))
}

func TestAChildThatFailsDoesNotKeepTheOthersAway(t *testing.T) {
	all := []string{masterService, hostsMap, guiService, masterDeploy, budget, computeSet}
	for _, failing := range all {
		t.Run(failing, func(t *testing.T) {
			g := NewWithT(t)
			written := &recorder{fail: failing}
			out := everything(t, written.client(), newFacts(), newPlan())
			g.Expect(withoutRevisions(written.whats())).To(Equal(slices.DeleteFunc(slices.Clone(all), func(what string) bool { return what == failing })))
			g.Expect(out.Problems).To(HaveExactElements(HaveField("Kind", apply.Transient)))
			g.Expect(out.Problems[0].Err).To(MatchError("applying " + strings.TrimPrefix(failing, "apply ") + ": broken"))
		})
	}
}

// The API server gives node ports one at a time, and a webhook for Services may take its time.
func TestNothingWaitsForTheConsoleOnceThereIsAMaster(t *testing.T) {
	g := NewWithT(t)
	facts, written := inForce(t), &recorder{}
	facts.MasterDeployment = &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "prod-master", UID: "deployment"}}
	g.Expect(everything(t, written.client(), facts, newPlan())).To(Equal(apply.Outcome{}))
	g.Expect(written.whats()).To(ContainElement(computeSet))
	g.Expect(written.writes[len(written.writes)-1].what).To(Equal(guiService))

	// Before that it is asked for first: a pass that waited for it would not see the master's address come.
	written = &recorder{}
	everything(t, written.client(), newFacts(), newPlan())
	g.Expect(slices.Index(written.whats(), guiService)).To(BeNumerically("<", slices.Index(written.whats(), masterDeploy)))
}

func TestAnObjectOfSomebodyElseIsLeftAlone(t *testing.T) {
	for _, leaving := range []bool{false, true} {
		g := NewWithT(t)
		facts := newFacts()
		facts.Taken = []observe.TakenName{{ChildKey: observe.ChildKey{Kind: "Service", Name: "prod-master"}, Leaving: leaving}}
		written := &recorder{}
		out := everything(t, written.client(), facts, newPlan())
		g.Expect(withoutRevisions(written.whats())).To(HaveExactElements(hostsMap, guiService, masterDeploy, budget, computeSet))
		g.Expect(out.Problems).To(HaveLen(1))
	}
}

// With its UID in the body, the server refuses a write that meets another object of the name.
func TestAnApplyCarriesTheUIDOfTheObjectThatItIsMeantFor(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.Hosts = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "prod-hosts", UID: "seen"}}
	facts.Unseen[observe.ChildKey{Kind: "Service", Name: "prod-gui"}] = "unseen"
	written := &recorder{}
	everything(t, written.client(), facts, newPlan())
	uids := map[string]types.UID{}
	for _, w := range written.writes {
		uids[w.what] = w.uid
	}
	g.Expect(uids).To(HaveKeyWithValue(hostsMap, types.UID("seen")))
	g.Expect(uids).To(HaveKeyWithValue(guiService, types.UID("unseen")))
	g.Expect(uids).To(HaveKeyWithValue(computeSet, types.UID("")), "a new object has none yet")
}

func numbered(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "grid", Name: name, UID: types.UID("uid of " + name)}}
}

// inForce are the facts of a cluster whose compute set has the template that the spec asks for.
func inForce(t *testing.T) *observe.Facts {
	t.Helper()
	facts := newFacts()
	children, err := build.All(facts, newPlan())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	facts.ComputeSet = &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "prod-compute", UID: "set-uid"}}
	facts.ComputeSet.Spec.Template = running(children.ComputeRevision)
	return facts
}

// running is a live template of a revision, with the image that the spec asks for.
func running(revision string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{names.LabelRevision: revision}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Image: "sym712"}}},
	}
}

// After a way back, the set goes on with the wrong template until the right one's image is pulled.
func TestNothingIsReplacedByPodsThatNobodyWants(t *testing.T) {
	g := NewWithT(t)
	facts, decided := inForce(t), newPlan()
	facts.ComputeSet.Spec.Template.Labels[names.LabelRevision] = "unwanted"
	decided.Compute.Steps = []plan.Step{{Do: plan.Delete, Pod: numbered("b"), Update: true}}
	written := &recorder{}
	everything(t, written.client(), facts, decided)
	g.Expect(written.whats()).NotTo(ContainElement(HavePrefix("delete")))
}

// withMaster has the master's Deployment run what the operator made of the spec at first, and all templates kept.
func withMaster(g *WithT) (*observe.Facts, *build.Children) {
	facts := newFacts()
	first, err := build.All(facts, newPlan())
	g.Expect(err).NotTo(HaveOccurred())
	for _, revision := range first.Revisions {
		facts.Revisions = append(facts.Revisions, &appsv1.ControllerRevision{
			ObjectMeta: metav1.ObjectMeta{Name: *revision.Name, Labels: revision.Labels}, Data: *revision.Data, Revision: *revision.Revision,
		})
	}
	facts.MasterDeployment = &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "prod-master", UID: "deployment-uid"}}
	facts.MasterDeployment.Spec.Template = running(first.MasterRevision)
	return facts, first
}

// The rest of the child goes on being true: number, address, repair.
func TestARejectedTemplateLeavesTheOneThatIsThere(t *testing.T) {
	g := NewWithT(t)
	facts, first := withMaster(g)
	facts.ComputeSet = &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "prod-compute", UID: "set-uid"}}
	facts.ComputeSet.Spec.Template = running(first.ComputeRevision)
	facts.Cluster.Spec.RestartedAt = "a template that the API server rejects"

	written := &recorder{rejects: func(body string) bool {
		return strings.Contains(body, `"template"`) && !strings.Contains(body, first.MasterRevision) && !strings.Contains(body, first.ComputeRevision)
	}}
	out := everything(t, written.client(), facts, newPlan())
	g.Expect(out.Problems).To(HaveExactElements(HaveField("Kind", apply.Rejected), HaveField("Kind", apply.Rejected)))
	g.Expect(written.whats()).To(ContainElements(masterDeploy, computeSet))
}

func TestPodsAreToldAndReplacedByTheirUID(t *testing.T) {
	g := NewWithT(t)
	decided := newPlan()
	decided.Compute.Tell = []*corev1.Pod{numbered("a")}
	decided.Compute.Steps = []plan.Step{{Do: plan.Delete, Pod: numbered("b"), Update: true}}
	written := &recorder{}
	out := everything(t, written.client(), inForce(t), decided)
	g.Expect(out).To(Equal(apply.Outcome{Told: 1, Done: map[plan.Do]int{plan.Delete: 1}}))
	last := written.writes[len(written.writes)-2:]
	g.Expect(last[0].what).To(Equal("patch grid/a application/merge-patch+json"))
	g.Expect(last[0].body).To(MatchJSON(
		`{"metadata":{"uid":"uid of a","annotations":{"` + names.AnnotationMasterHosts + `":"10.32.0.1 prod-master"}}}`))
	g.Expect(last[1]).To(Equal(write{what: "delete grid/b", uid: "uid of b"}))
}

// Its pods' names are random: in a condition they would be another text at every attempt.
func TestAFailureToTellNamesNoPod(t *testing.T) {
	g := NewWithT(t)
	decided := newPlan()
	decided.Compute.Tell = []*corev1.Pod{numbered("a"), numbered("b")}
	out := everything(t, (&recorder{fail: "patch"}).client(), newFacts(), decided)
	g.Expect(out.Told).To(BeZero())
	g.Expect(out.Problems).To(HaveLen(1))
	g.Expect(out.Problems[0].Message).To(Equal("telling compute pods the master's address: the API server could not be reached"))
	g.Expect(out.Problems[0].Err).To(MatchError(ContainSubstring("2 of 2 pods, the first: broken")))
}

func oldTemplate() []*appsv1.ControllerRevision {
	return []*appsv1.ControllerRevision{{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "grid", Name: "prod-master-old", UID: "old-uid",
			Labels: map[string]string{names.LabelRole: names.Master, names.LabelRevision: "old"},
		},
		Data: runtime.RawExtension{Raw: []byte("{}")}, Revision: 1,
	}}
}

func TestOldTemplatesAreDeletedLastAndByTheirUID(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.Revisions = oldTemplate()
	written := &recorder{}
	out := everything(t, written.client(), facts, newPlan())
	g.Expect(out.Problems).To(BeEmpty())
	g.Expect(written.writes[len(written.writes)-1]).To(Equal(write{what: "delete grid/prod-master-old", uid: "old-uid"}))
}

// What failed may still run by the old template.
func TestOldTemplatesStayWhileAnythingFails(t *testing.T) {
	g := NewWithT(t)
	facts := newFacts()
	facts.Revisions = oldTemplate()
	written := &recorder{fail: masterDeploy}
	everything(t, written.client(), facts, newPlan())
	g.Expect(written.whats()).NotTo(ContainElement(HavePrefix("delete")))
}
