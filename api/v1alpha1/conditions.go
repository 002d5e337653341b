// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of a SymphonyCluster. Ready, MasterReady, ComputeReady and GUIReady are always
// present; Reconciling and Stalled are present only while True and never both (the kstatus convention,
// which `kubectl wait`, Flux and Argo CD build on).
const (
	// ConditionReady is True when everything that the spec of this generation asks for is there: the
	// master answers and every wanted compute pod runs the wanted revision. GUIReady is no part of it,
	// because the product's web console starts minutes after EGO does.
	ConditionReady = "Ready"
	// ConditionMasterReady is True while the master's EGO answers.
	ConditionMasterReady = "MasterReady"
	// ConditionComputeReady is True while exactly the wanted compute pods are up to date and ready.
	ConditionComputeReady = "ComputeReady"
	// ConditionGUIReady is True while the web console answers HTTPS requests on the master.
	ConditionGUIReady = "GUIReady"
	// ConditionReconciling is True while the operator works towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when a person has to act before the operator can go on.
	ConditionStalled = "Stalled"
)

// ConditionComplete of a NetworkCheck is True when it has ended, whether it passed or not; Ready is True when it has passed,
// Reconciling while it runs, Stalled when it has failed.
const ConditionComplete = "Complete"

// Reasons of conditions and events. A reason that is taken from a pod (ImagePullBackOff, Unschedulable,
// CreateContainerConfigError …) is passed on as Kubernetes spells it and is not listed here.
const (
	// ReasonReady says that what the condition is about is there.
	ReasonReady = "Ready"
	// ReasonProgressing says that the operator works on it and that nothing is known to be wrong.
	ReasonProgressing = "Progressing"
	// ReasonRetrying says that the last attempt failed and will be repeated.
	ReasonRetrying = "ProgressingWithRetry"
	// ReasonInvalidSpec says that the spec breaks a rule of the API (normally refused at admission).
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonInvalidPodTemplate says that a podTemplate overlay does not parse, or changes what it must not.
	ReasonInvalidPodTemplate = "InvalidPodTemplate"
	// ReasonNameConflict says that an object that is not the cluster's has the name of one of its children.
	ReasonNameConflict = "NameConflict"
	// ReasonRejected says that the API server refused a child object as invalid.
	ReasonRejected = "Rejected"
	// ReasonNodePortUnavailable says that the wanted node port is taken or outside the cluster's range.
	ReasonNodePortUnavailable = "NodePortUnavailable"
	// ReasonForbidden says that a quota or an admission policy refuses what the operator wants to write.
	ReasonForbidden = "Forbidden"
	// ReasonWaitingForDeletion says that an earlier cluster of the same name is still being deleted.
	ReasonWaitingForDeletion = "WaitingForDeletion"
	// ReasonMasterPending says that there is no master pod with an address yet.
	ReasonMasterPending = "MasterPending"
	// ReasonMasterStarting says that the master pod runs and EGO does not answer yet.
	ReasonMasterStarting = "MasterStarting"
	// ReasonMasterFailed says that the master container ended with an error; the message is its last words.
	ReasonMasterFailed = "MasterFailed"
	// ReasonWaitingForMaster says that compute pods wait until the master's address is known.
	ReasonWaitingForMaster = "WaitingForMaster"
	// ReasonSuspended says that spec.suspend keeps the number of compute pods at zero.
	ReasonSuspended = "Suspended"
	// ReasonScaling says that compute pods are being created or deleted.
	ReasonScaling = "Scaling"
	// ReasonUpdating says that compute pods of an older revision are being replaced.
	ReasonUpdating = "Updating"
	// ReasonComputeFailed says that a compute container ended with an error; the message is its last words.
	ReasonComputeFailed = "ComputeFailed"
	// ReasonGUIStarting says that the web console does not answer yet.
	ReasonGUIStarting = "GUIStarting"
	// ReasonMasterMoved is the reason of the event that tells the master's new address.
	ReasonMasterMoved = "MasterMoved"
)

// Reasons of a NetworkCheck and of its pairs.
const (
	// ReasonMeasuring says that pairs are still to be measured.
	ReasonMeasuring = "Measuring"
	// ReasonPassed says that every pair, or this one, met the thresholds.
	ReasonPassed = "Passed"
	// ReasonTCPBlocked says that TCP does not pass between two nodes' pods.
	ReasonTCPBlocked = "TCPBlocked"
	// ReasonUDPBlocked says that UDP does not pass, while TCP does.
	ReasonUDPBlocked = "UDPBlocked"
	// ReasonTCPTooSlow says that TCP is slower than thresholds.minTCPMegabitsPerSecond.
	ReasonTCPTooSlow = "TCPTooSlow"
	// ReasonUDPLoss says that more UDP packets were lost than thresholds.maxUDPLossPercent.
	ReasonUDPLoss = "UDPLoss"
	// ReasonNotMeasured says that a pair's pods did not run, or not in time.
	ReasonNotMeasured = "NotMeasured"
	// ReasonNothingToMeasure says that there is only one node, and so no pair.
	ReasonNothingToMeasure = "NothingToMeasure"
	// ReasonNoNodes says that no node meets the placement.
	ReasonNoNodes = "NoNodes"
	// ReasonTooManyPairs says that pairs All means more than can be measured.
	ReasonTooManyPairs = "TooManyPairs"
	// ReasonNoImage says that neither the check nor the operator names an image with iperf3.
	ReasonNoImage = "NoImage"
)
