// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"errors"
	"reflect"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/symphony-operator/symphony-operator/internal/observe"
	"github.com/symphony-operator/symphony-operator/internal/recent"
)

// cacheLag is for how long an own write is remembered. A cache that is further behind has the API server asked, whose answer is a conflict: after
// its storage was restored from a backup, its versions are lower than those that are remembered, and nothing would be written any more.
const cacheLag = 10 * time.Second

// written remembers the versions that own writes have made. A pass that follows another closely sees the object from before it, and the API server
// would refuse what it wants for that version: a request for nothing, at the time when the server has most to do. The zero value is ready for use.
type written struct {
	recent.Things[types.UID, writing]

	created recent.Things[creation, time.Time]
}

// creation is a child of a cluster that was created, of which the cluster alone has a UID that a pass before it is seen knows.
type creation struct {
	cluster types.UID
	child   observe.ChildKey
}

type writing struct {
	version string
	at      time.Time
}

// note remembers the version that an apply was answered with.
func (w *written) note(answer runtime.ApplyConfiguration, now time.Time) {
	if uid, version := versionOf(answer); uid != "" && version != "" {
		w.Remember(uid, writing{version, now})
	}
}

// noteCreated remembers that a child was created.
func (w *written) noteCreated(cluster types.UID, child observe.ChildKey, now time.Time) {
	w.created.Remember(creation{cluster, child}, now)
}

// noteSeen remembers no longer that a child was created.
func (w *written) noteSeen(cluster types.UID, child observe.ChildKey) {
	w.created.Forget(creation{cluster, child})
}

// isCreated reports whether a child was created a moment ago. Of 50 clusters that came at once, one had its template created a second time, and was asked
// about it and labelled anew besides.
func (w *written) isCreated(cluster types.UID, child observe.ChildKey, now time.Time) bool {
	at, known := w.created.Recall(creation{cluster, child})
	return known && now.Sub(at) <= cacheLag
}

// conflict is what the API server would answer to an apply that is meant for a version from before an own write; nil if it may be
// sent.
func (w *written) conflict(wanted runtime.ApplyConfiguration, now time.Time) error {
	uid, version := versionOf(wanted)
	last, known := w.Recall(uid)
	if !known || version == "" || now.Sub(last.at) > cacheLag {
		return nil
	}
	if order, err := resourceversion.CompareResourceVersion(version, last.version); err != nil || order >= 0 {
		return nil //nolint:nilerr // Versions that have no order are for the API server to compare.
	}
	return apierrors.NewConflict(schema.GroupResource{}, "", errors.New("the cache has not seen the operator's own last write"))
}

// statusIsDue reports whether a ReplicaSet that the operator wrote a moment ago has yet to get its first status. What is applied meanwhile would be refused
// for the version that the status makes: of 100 clusters that were scaled as soon as they were there, nine were. A controller that does not come to it
// holds nothing up for longer than cacheLag; later statuses come at any time, and are not waited for.
func (w *written) statusIsDue(live metav1.Object, now time.Time) bool {
	set, is := live.(*appsv1.ReplicaSet)
	if !is || set.Status.ObservedGeneration > 0 {
		return false
	}
	last, known := w.Recall(set.UID)
	return known && now.Sub(last.at) <= cacheLag
}

// versionOf is the object and the version of it that a configuration is meant for, or, if it was sent, has become; "" for what it does not say. Configurations
// have methods to set both, and none to read them.
func versionOf(configuration runtime.ApplyConfiguration) (types.UID, string) {
	field := reflect.Indirect(reflect.ValueOf(configuration)).FieldByName("ObjectMetaApplyConfiguration")
	if !field.IsValid() {
		return "", ""
	}
	metadata, ok := reflect.TypeAssert[*metav1ac.ObjectMetaApplyConfiguration](field)
	if !ok || metadata == nil {
		return "", ""
	}
	return ptr.Deref(metadata.UID, ""), ptr.Deref(metadata.ResourceVersion, "")
}
