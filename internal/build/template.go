// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/internal/observe"
)

// chosenTemplate is the pod template that a role gets in this pass.
//
// A template is rendered when the user's part of it changes, and kept in a ControllerRevision; until the
// next such change it is applied from there. So a new version of the operator, which renders other
// templates, restarts nothing, and an overlay that cannot be merged leaves the last good one in force.
type chosenTemplate struct {
	role string
	// wanted is the revision that the spec asks for; "" when it cannot be built.
	wanted string
	// revision is the revision of template: wanted, or the last good one.
	revision string
	// number orders a role's revisions by age.
	number int64
	// data is the template as JSON, template the same, decoded and labelled; nil when there is none.
	data     []byte
	template *corev1ac.PodTemplateSpecApplyConfiguration
	// isNew is true when the ControllerRevision must be written first; keptAs is its UID when it is there with a lower number.
	isNew  bool
	keptAs types.UID
	// invalid is why the wanted template cannot be built.
	invalid *OverlayError
	// check is the image check of the wanted template, nil when it needs none. Until it has passed, the last good
	// template stays in force.
	check *ImageCheck
}

func chooseTemplate(facts *observe.Facts, role string) (*chosenTemplate, error) {
	wanted, err := userRevision(facts.Cluster, role)
	if err != nil {
		return nil, err
	}
	chosen := &chosenTemplate{role: role, wanted: wanted}
	kept := keptRevisions(facts, role)
	if len(kept) > 0 {
		newest := kept[len(kept)-1]
		good := lastGood(kept, wanted, liveRevision(facts, role))
		chosen.revision, chosen.number, chosen.data = good.Labels[names.LabelRevision], newest.Revision, good.Data.Raw
	}
	if chosen.revision != wanted {
		if err := chosen.render(facts, kept); err != nil {
			return nil, err
		}
	}
	if err := chosen.decode(); err != nil {
		return nil, err
	}
	return chosen, nil
}

// lastGood is the kept template to go on with: the newest if it is the wanted one, else the one in force; without either,
// the newest. A newer one than that in force is one that the API server rejected.
func lastGood(kept []*appsv1.ControllerRevision, wanted, live string) *appsv1.ControllerRevision {
	newest := kept[len(kept)-1]
	if newest.Labels[names.LabelRevision] == wanted {
		return newest
	}
	if inForce := ofRevision(kept, live); inForce != nil {
		return inForce
	}
	return newest
}

// ofRevision is the kept template of a revision, nil when there is none.
func ofRevision(kept []*appsv1.ControllerRevision, revision string) *appsv1.ControllerRevision {
	at := slices.IndexFunc(kept, func(one *appsv1.ControllerRevision) bool { return one.Labels[names.LabelRevision] == revision })
	if at < 0 {
		return nil
	}
	return kept[at]
}

// render makes the wanted template. When it cannot, or while it is not known whether its images can be pulled, the
// last good one stays chosen.
func (c *chosenTemplate) render(facts *observe.Facts, kept []*appsv1.ControllerRevision) error {
	base, overlay := masterTemplate(facts.Cluster), facts.Cluster.Spec.Master.PodTemplate
	if c.role == names.Compute {
		base, overlay = computeTemplate(facts.Cluster), facts.Cluster.Spec.Compute.PodTemplate
	}
	data, err := merge(base, overlay)
	if invalid, ok := errors.AsType[*OverlayError](err); ok {
		invalid.Role, c.invalid, c.wanted = c.role, invalid, ""
		return nil
	}
	if err != nil {
		return fmt.Errorf("building the %s pod template: %w", c.role, err)
	}
	// A revision of this name is left while a later one is not in force, or by a crash between writing the next one and
	// deleting it. Its data cannot be changed, and it is what the user asks for: it is taken as it is, with a new number.
	if there := ofRevision(kept, c.wanted); there != nil {
		data, c.keptAs = there.Data.Raw, there.UID
	}
	c.check, err = imageCheck(facts, c.role, c.wanted, data)
	if err != nil || c.check != nil && !c.check.Passed {
		return err
	}
	c.data, c.revision, c.isNew = data, c.wanted, true
	c.number++
	return nil
}

// asIs is the choice of the revision that the live child has, nil when that is the chosen one; without a template when that
// is not kept.
func (c *chosenTemplate) asIs(facts *observe.Facts) (*chosenTemplate, error) {
	live := liveRevision(facts, c.role)
	if c.revision == live {
		return nil, nil
	}
	other := &chosenTemplate{role: c.role, wanted: c.wanted, revision: live, invalid: c.invalid}
	if kept := ofRevision(keptRevisions(facts, c.role), live); kept != nil {
		other.number, other.data = kept.Revision, kept.Data.Raw
	}
	if err := other.decode(); err != nil {
		return nil, err
	}
	return other, nil
}

// decode reads data and puts the revision's label on the template.
func (c *chosenTemplate) decode() error {
	if c.data == nil {
		return nil
	}
	template := &corev1ac.PodTemplateSpecApplyConfiguration{}
	if err := json.Unmarshal(c.data, template); err != nil {
		return fmt.Errorf("decoding the %s pod template of revision %s: %w", c.role, c.revision, err)
	}
	c.template = template.WithLabels(map[string]string{names.LabelRevision: c.revision})
	return nil
}

// keptRevisions are a role's revisions, oldest first.
func keptRevisions(facts *observe.Facts, role string) []*appsv1.ControllerRevision {
	var kept []*appsv1.ControllerRevision
	for _, revision := range facts.Revisions {
		if revision.Labels[names.LabelRole] == role {
			kept = append(kept, revision)
		}
	}
	slices.SortFunc(kept, func(a, b *appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Name, b.Name))
	})
	return kept
}

// liveRevision is the revision of the template that a role's live child has, "" when there is none.
func liveRevision(facts *observe.Facts, role string) string {
	if live := liveTemplate(facts, role); live != nil {
		return live.Labels[names.LabelRevision]
	}
	return ""
}

func liveTemplate(facts *observe.Facts, role string) *corev1.PodTemplateSpec {
	switch {
	case role == names.Master && facts.MasterDeployment != nil:
		return &facts.MasterDeployment.Spec.Template
	case role == names.Compute && facts.ComputeSet != nil:
		return &facts.ComputeSet.Spec.Template
	}
	return nil
}

// obsolete are the revisions that are neither chosen nor in force.
func obsolete(facts *observe.Facts, chosen ...*chosenTemplate) []*appsv1.ControllerRevision {
	var old []*appsv1.ControllerRevision
	for _, template := range chosen {
		live := liveRevision(facts, template.role)
		for _, revision := range keptRevisions(facts, template.role) {
			label := revision.Labels[names.LabelRevision]
			inUse := label == template.revision || label == template.wanted || label == live
			if !inUse && revision.DeletionTimestamp == nil {
				old = append(old, revision)
			}
		}
	}
	return old
}
