// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/symphony-operator/symphony-operator/internal/observe"
)

func TestProblemsSayWhoMustAct(t *testing.T) {
	service := observe.ChildKey{Kind: "Service", Name: "prod-gui"}
	services := schema.GroupResource{Resource: "services"}
	invalid := func(list ...*field.Error) error {
		return apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, "prod-gui", list)
	}
	ports := field.NewPath("spec", "ports").Index(0).Child("nodePort")
	for name, c := range map[string]struct {
		err     error
		kind    ProblemKind
		message string
	}{
		"a node port that is taken": {
			invalid(field.Invalid(ports, 30001, "provided port is already allocated")), NodePort,
			"spec.gui.nodePort cannot be used: spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated; choose another, or remove it to have one allocated",
		},
		"a child that the API server calls invalid": {
			invalid(field.Required(field.NewPath("spec", "selector"), "")), Rejected,
			`the API server rejects Service "prod-gui": spec.selector: Required value`,
		},
		"a child that the API server cannot read": {
			apierrors.NewBadRequest("error decoding patch: yaml: control characters are not allowed"), Rejected,
			`the API server rejects Service "prod-gui": error decoding patch: yaml: control characters are not allowed`,
		},
		// Texts that differ from attempt to attempt must not get into a condition.
		"a conflict": {
			apierrors.NewConflict(services, "prod-gui", errors.New("resourceVersion 4711 is not 4712")), Transient,
			"applying Service prod-gui: Conflict",
		},
		"a right that is missing": {apierrors.NewForbidden(services, "prod-gui", errors.New("no")), Forbidden, `applying Service prod-gui is refused: services "prod-gui" is forbidden: no`},
		"a connection that breaks": {
			errors.New("read tcp 10.0.0.1:43210->10.96.0.1:443: connection reset"), Transient,
			"applying Service prod-gui: the API server could not be reached",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := problem("applying Service prod-gui", service, c.err)
			g.Expect(found).To(HaveLen(1))
			g.Expect(found[0].Kind).To(Equal(c.kind))
			g.Expect(found[0].Message).To(Equal(c.message))
			g.Expect(found[0].Child).To(Equal(service))
		})
	}
	NewWithT(t).Expect(problem("applying", service, nil)).To(BeEmpty())
}

func TestNamesThatAreTaken(t *testing.T) {
	g := NewWithT(t)
	facts := &observe.Facts{Taken: []observe.TakenName{
		{ChildKey: observe.ChildKey{Kind: "Service", Name: "prod-gui"}},
		{ChildKey: observe.ChildKey{Kind: "ConfigMap", Name: "prod-hosts"}, Leaving: true},
	}}
	found := takenNames(facts)
	g.Expect(found).To(HaveLen(2))
	g.Expect(found[0].Kind).To(Equal(Conflict))
	g.Expect(found[0].Message).To(Equal(
		`Service "prod-gui" exists and does not belong to this cluster: delete or rename it, or give the cluster another name`))
	g.Expect(found[1].Kind).To(Equal(Leaving), "nobody has to act")
}

func TestPodsThatAreGoneNeedNothing(t *testing.T) {
	g := NewWithT(t)
	pods := make([]*corev1.Pod, 100)
	for i := range pods {
		pods[i] = &corev1.Pod{}
		pods[i].Name = string(rune('a' + i%3))
	}
	resource := schema.GroupResource{Resource: "pods"}
	done, err := inParallel(pods, func(pod *corev1.Pod) error {
		switch pod.Name {
		case "a":
			return gone(apierrors.NewNotFound(resource, pod.Name))
		case "b":
			return gone(apierrors.NewConflict(resource, pod.Name, errors.New("another UID")))
		}
		return nil
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(done).To(Equal(100))

	done, err = inParallel(pods, func(pod *corev1.Pod) error {
		if pod.Name == "a" {
			return errors.New("broken")
		}
		return nil
	})
	g.Expect(err).To(MatchError("34 of 100 pods, the first: broken"))
	g.Expect(done).To(Equal(66))
}

// An API server that has just started refuses like one whose administrator has taken a right away.
func TestAMissingRightMayBeThereSoon(t *testing.T) {
	services := schema.GroupResource{Resource: "services"}
	for reason, soon := range map[string]bool{
		`User "system:serviceaccount:system:manager" cannot patch resource "services" in API group "" in the namespace "grid"`: true,
		"exceeded quota: small, requested: count/services=1, used: count/services=2, limited: count/services=2":                false,
	} {
		found := problem("applying Service prod-gui", observe.ChildKey{Kind: "Service", Name: "prod-gui"}, apierrors.NewForbidden(services, "prod-gui", errors.New(reason)))
		g := NewWithT(t)
		g.Expect(found).To(HaveLen(1))
		g.Expect(found[0].Kind).To(Equal(Forbidden))
		g.Expect(found[0].Soon).To(Equal(soon), reason)
	}
}
