// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// An oracle that is always content would let every test pass: here each of its sentences is provoked.

var noon = metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))

type edit func(*v1alpha1.SymphonyCluster)

// sound is a cluster that is ready, with edits.
func sound(edits ...edit) *v1alpha1.SymphonyCluster {
	cluster := &v1alpha1.SymphonyCluster{ObjectMeta: metav1.ObjectMeta{Name: "prod", UID: "1", Generation: 2}}
	cluster.Status.ObservedGeneration = 2
	for _, kind := range []string{"Ready", "MasterReady", "ComputeReady", "HostsReady", "GUIReady", "StatePersistent"} {
		set(kind, metav1.ConditionTrue)(cluster)
	}
	for _, change := range edits {
		change(cluster)
	}
	return cluster
}

// set adds a condition, or changes its status.
func set(kind string, status metav1.ConditionStatus) edit {
	return func(c *v1alpha1.SymphonyCluster) {
		meta.SetStatusCondition(&c.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: "Reason", Message: "message", ObservedGeneration: 2, LastTransitionTime: noon,
		})
	}
}

func change(kind string, edit func(*metav1.Condition)) edit {
	return func(c *v1alpha1.SymphonyCluster) { edit(meta.FindStatusCondition(c.Status.Conditions, kind)) }
}

func TestSoundStatuses(t *testing.T) {
	for name, cluster := range map[string]*v1alpha1.SymphonyCluster{
		"ready":                  sound(),
		"on the way":             sound(set("Ready", metav1.ConditionFalse), set("Reconciling", metav1.ConditionTrue)),
		"stalled":                sound(set("Ready", metav1.ConditionFalse), set("Stalled", metav1.ConditionTrue)),
		"not seen yet":           {Status: v1alpha1.SymphonyClusterStatus{ObservedGeneration: -1}},
		"of an older generation": sound(func(c *v1alpha1.SymphonyCluster) { c.Generation = 3 }),
		"without a web console":  sound(set("GUIReady", metav1.ConditionFalse)),
		"with a network":         sound(set("NetworkReady", metav1.ConditionTrue)),
		"before it is measured":  sound(set("NetworkReady", metav1.ConditionUnknown)),
	} {
		t.Run(name, func(t *testing.T) { NewWithT(t).Expect(oracle.CheckStatus(cluster)).To(BeEmpty()) })
	}
}

func TestBrokenStatuses(t *testing.T) {
	for sentence, broken := range map[string]*v1alpha1.SymphonyCluster{
		"nobody has looked at the object":                     sound(func(c *v1alpha1.SymphonyCluster) { c.Status.ObservedGeneration = -1 }),
		"observedGeneration is 5, the generation 2":           sound(func(c *v1alpha1.SymphonyCluster) { c.Status.ObservedGeneration = 5 }),
		"the condition GUIReady is missing":                   sound(func(c *v1alpha1.SymphonyCluster) { meta.RemoveStatusCondition(&c.Status.Conditions, "GUIReady") }),
		"Ready: its observedGeneration is 1":                  sound(change("Ready", func(c *metav1.Condition) { c.ObservedGeneration = 1 })),
		"Ready: reason \"\" and message":                      sound(change("Ready", func(c *metav1.Condition) { c.Reason = "" })),
		"Ready: it has no lastTransitionTime":                 sound(change("Ready", func(c *metav1.Condition) { c.LastTransitionTime = metav1.Time{} })),
		"it must be present only while True":                  sound(set("Stalled", metav1.ConditionFalse)),
		"Reconciling and Stalled are both there":              sound(set("Ready", "False"), set("Stalled", "True"), set("Reconciling", "True")),
		"Ready is True while Reconciling is there":            sound(set("Reconciling", metav1.ConditionTrue)),
		"Ready is False without Reconciling or Stalled":       sound(set("Ready", metav1.ConditionFalse)),
		"kstatus says InProgress, a person would say Current": sound(set("Reconciling", metav1.ConditionTrue)),
		"Ready is True while MasterReady is False":            sound(set("MasterReady", metav1.ConditionFalse)),
		"Ready is True while NetworkReady is False":           sound(set("NetworkReady", metav1.ConditionFalse)),
		"Ready says Reason (message), Stalled says Else":      sound(set("Ready", "False"), set("Stalled", "True"), change("Stalled", func(c *metav1.Condition) { c.Reason = "Else" })),
	} {
		t.Run(sentence, func(t *testing.T) {
			NewWithT(t).Expect(oracle.CheckStatus(broken)).To(ContainElement(ContainSubstring(sentence)))
		})
	}
}

func TestStepsThatCannotBe(t *testing.T) {
	later := metav1.NewTime(noon.Add(time.Minute))
	moved := change("Ready", func(c *metav1.Condition) { c.LastTransitionTime = later })
	fallen := func(at metav1.Time) edit {
		return change("Ready", func(c *metav1.Condition) { c.Status, c.LastTransitionTime = metav1.ConditionFalse, at })
	}
	older := func(c *v1alpha1.SymphonyCluster) { c.Status.ObservedGeneration = 1 }
	another := func(c *v1alpha1.SymphonyCluster) { c.UID = "2" }
	for name, c := range map[string]struct {
		before, after *v1alpha1.SymphonyCluster
		sentence      string
	}{
		"nothing happened":               {sound(), sound(), ""},
		"a transition":                   {sound(), sound(fallen(later)), ""},
		"another object":                 {sound(moved), sound(another), ""},
		"a time that moves by itself":    {sound(), sound(moved), "lastTransitionTime moved, but the status is the same"},
		"a time that goes back":          {sound(moved), sound(fallen(noon)), "lastTransitionTime went back"},
		"a generation that is forgotten": {sound(), sound(older), "observedGeneration went back from 2 to 1"},
	} {
		t.Run(name, func(t *testing.T) {
			found := strings.Join(oracle.CheckStep(c.before, c.after), "; ")
			if c.sentence == "" {
				NewWithT(t).Expect(found).To(BeEmpty())
				return
			}
			NewWithT(t).Expect(found).To(ContainSubstring(c.sentence))
		})
	}
}

func TestSnapshotsTellWhatWasTouched(t *testing.T) {
	g := NewWithT(t)
	before := oracle.Snapshot{
		"Pod a":     {UID: "1", ResourceVersion: "1", Generation: 1},
		"Pod b":     {UID: "2", ResourceVersion: "1", Generation: 1},
		"Service c": {UID: "3", ResourceVersion: "1", Generation: 1},
	}
	after := oracle.Snapshot{
		"Pod a":     {UID: "1", ResourceVersion: "2", Generation: 1},
		"Pod d":     {UID: "4", ResourceVersion: "1", Generation: 1},
		"Service c": {UID: "3", ResourceVersion: "2", Generation: 2},
	}
	g.Expect(after.Touched(before)).To(ConsistOf(
		HavePrefix("Pod a changed"), Equal("Pod d is new"), Equal("Pod b is gone"), HavePrefix("Service c changed")))
	g.Expect(after.Disturbed(before)).To(ConsistOf(Equal("Pod d is new"), Equal("Pod b is gone"), HavePrefix("Service c changed")))
	g.Expect(after.Without("Pod").Touched(before.Without("Pod"))).To(ConsistOf(HavePrefix("Service c changed")))
	g.Expect(before.Touched(before)).To(BeEmpty())
}

func TestTheRecorderSeesWritesOnly(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
	defer server.Close()
	recorder := &oracle.Recorder{}
	client := &http.Client{Transport: recorder.Wrap(http.DefaultTransport)}
	for _, call := range []string{
		"GET /api/v1/pods", "PATCH /api/v1/pods/a", "DELETE /api/v1/pods/b",
		"PUT /apis/coordination.k8s.io/v1/leases/l", "POST /apis/authentication.k8s.io/v1/tokenreviews", "POST /api/v1/namespaces/n/pods?dryRun=All",
	} {
		method, path, _ := strings.Cut(call, " ")
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader("body"))
		g.Expect(err).NotTo(HaveOccurred())
		response, err := client.Do(request)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(response.Body.Close()).To(Succeed())
	}
	g.Expect(recorder.Writes()).To(Equal([]oracle.Write{
		{Method: "PATCH", Path: "/api/v1/pods/a", Body: "body", Code: 201}, {Method: "DELETE", Path: "/api/v1/pods/b", Body: "body", Code: 201},
	}))
	g.Expect(recorder.Matching("DELETE", "pods/b")).To(HaveLen(1))
	g.Expect(recorder.Matching("DELETE", "pods/a")).To(BeEmpty())
}

func TestWhatKstatusMakesOfIt(t *testing.T) {
	for wanted, cluster := range map[string]*v1alpha1.SymphonyCluster{
		"Current":     sound(),
		"InProgress":  sound(set("Ready", metav1.ConditionFalse), set("Reconciling", metav1.ConditionTrue)),
		"Failed":      sound(set("Ready", metav1.ConditionFalse), set("Stalled", metav1.ConditionTrue)),
		"Terminating": sound(func(c *v1alpha1.SymphonyCluster) { c.DeletionTimestamp = &noon }),
	} {
		t.Run(wanted, func(t *testing.T) { NewWithT(t).Expect(oracle.Computed(cluster)).To(Equal(wanted)) })
	}
}
