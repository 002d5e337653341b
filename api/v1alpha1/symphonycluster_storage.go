// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// WhenDeleted says what happens to the master's claim when the SymphonyCluster is deleted.
// +kubebuilder:validation:Enum=Retain;Delete
type WhenDeleted string

const (
	// RetainClaim leaves it, for a cluster of the same name to find.
	RetainClaim WhenDeleted = "Retain"
	// DeleteClaim has it deleted with the cluster.
	DeleteClaim WhenDeleted = "Delete"
)

// MasterStorage is the volume of EGO's shared directory: a claim that the operator makes, or one that exists. An empty
// object is the former with all defaults. The directory carries the cluster's identity: the same cluster created again
// takes up its own, that of another one is refused (condition Stalled). A lease in it keeps two masters from using it at
// once.
//
// +kubebuilder:validation:XValidation:rule="!has(self.existingClaim) || !(has(self.size) || has(self.storageClassName) || has(self.accessMode) || has(self.whenDeleted))",message="existingClaim goes with none of size, storageClassName, accessMode and whenDeleted: they are about the claim that the operator makes otherwise"
// +kubebuilder:validation:XValidation:rule="has(self.existingClaim) == has(oldSelf.existingClaim) && (!has(self.existingClaim) || self.existingClaim == oldSelf.existingClaim)",message="existingClaim cannot be changed, added or removed while there is storage: the master would silently start with another cluster's state or none; remove master.storage, wait until the master runs without it, and add it anew",reason=FieldValueForbidden,fieldPath=".existingClaim"
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName cannot be changed, added or removed, because that of a claim cannot: make a claim of the other class, copy the data while master.storage is removed, and name it in existingClaim",reason=FieldValueForbidden,fieldPath=".storageClassName"
// +kubebuilder:validation:XValidation:rule="(has(self.accessMode) ? self.accessMode : 'ReadWriteOncePod') == (has(oldSelf.accessMode) ? oldSelf.accessMode : 'ReadWriteOncePod')",message="accessMode cannot be changed, because that of a claim cannot: make a claim of the other mode, copy the data while master.storage is removed, and name it in existingClaim",reason=FieldValueForbidden,fieldPath=".accessMode"
// +kubebuilder:validation:XValidation:rule="has(self.size) && string(self.size).matches('[eE][+-]?[0-9]{3}') || quantity(has(self.size) ? string(self.size) : '1Gi').compareTo(quantity(has(oldSelf.size) ? string(oldSelf.size) : '1Gi')) >= 0",message="size can grow and not shrink, because a volume cannot: keep it, or make a smaller claim, copy the data while master.storage is removed, and name it in existingClaim",reason=FieldValueForbidden,fieldPath=".size"
type MasterStorage struct {
	// size is how much room the claim asks for, such as 5Gi. Default: 1Gi. It can grow, if the storage class can, without a
	// restart of the master; it cannot shrink.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!string(self).matches('[eE][+-]?[0-9]{3}')",message="size must not have an exponent of more than two digits"
	// +kubebuilder:validation:XValidation:rule="string(self).matches('[eE][+-]?[0-9]{3}') || quantity(string(self)).isGreaterThan(quantity('0'))",message="size must be more than 0"
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName is the claim's storage class; "" takes a volume that was made by hand. Default: the Kubernetes
	// cluster's default class. It cannot be changed while there is storage.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// accessMode is ReadWriteOncePod (no second pod can have the volume, wherever it runs), ReadWriteOnce (no second node) or
	// ReadWriteMany (a master can start elsewhere while its lost node still has the volume, which makes it the fastest to come
	// back; the lease in the directory is what keeps two masters apart). Default: ReadWriteOncePod. It cannot be changed while
	// there is storage.
	// +optional
	// +kubebuilder:validation:Enum=ReadWriteOncePod;ReadWriteOnce;ReadWriteMany
	AccessMode corev1.PersistentVolumeAccessMode `json:"accessMode,omitempty"`

	// existingClaim is a PersistentVolumeClaim of the same namespace that is used instead of one that the operator makes. The
	// operator never changes it. It cannot be changed while there is storage.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ExistingClaim string `json:"existingClaim,omitempty"`

	// whenDeleted is Retain (the claim stays when the SymphonyCluster is deleted, and one of the same name and namespace finds
	// it again) or Delete (it goes with the SymphonyCluster, and its data with it). Default: Retain. A change affects no pod.
	// +optional
	WhenDeleted WhenDeleted `json:"whenDeleted,omitempty"`
}

// DefaultStorageSize is how much room the master's claim asks for when the spec does not say.
func DefaultStorageSize() resource.Quantity { return resource.MustParse("1Gi") }

// Mode is the claim's access mode.
func (s *MasterStorage) Mode() corev1.PersistentVolumeAccessMode {
	if s.AccessMode == "" {
		return corev1.ReadWriteOncePod
	}
	return s.AccessMode
}

func (s *MasterStorage) validate(path *field.Path) field.ErrorList {
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	if s.ExistingClaim != "" && (s.Size != nil || s.StorageClassName != nil || s.AccessMode != "" || s.WhenDeleted != "") {
		errs = append(errs, field.Invalid(path.Child("existingClaim"), s.ExistingClaim,
			"goes with none of size, storageClassName, accessMode and whenDeleted: they are about the claim that the operator makes otherwise"))
	}
	if s.Size != nil && s.Size.Sign() <= 0 {
		errs = append(errs, field.Invalid(path.Child("size"), s.Size.String(), "must be more than 0"))
	}
	switch s.AccessMode {
	case "", corev1.ReadWriteOncePod, corev1.ReadWriteOnce, corev1.ReadWriteMany:
	default:
		errs = append(errs, field.NotSupported(path.Child("accessMode"), s.AccessMode,
			[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany, corev1.ReadWriteOnce, corev1.ReadWriteOncePod}))
	}
	switch s.WhenDeleted {
	case "", RetainClaim, DeleteClaim:
	default:
		errs = append(errs, field.NotSupported(path.Child("whenDeleted"), s.WhenDeleted, []WhenDeleted{DeleteClaim, RetainClaim}))
	}
	return errs
}
