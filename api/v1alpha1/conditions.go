// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of a SymphonyCluster. Ready, MasterReady, ComputeReady, GUIReady and StatePersistent are always
// present; Reconciling and Stalled are present only while True and never both (the kstatus convention,
// which `kubectl wait`, Flux and Argo CD build on).
const (
	// ConditionReady is True when everything that the spec of this generation asks for is there: the
	// master answers, every wanted compute pod runs the wanted revision, and NetworkReady, if it is there,
	// is not False. GUIReady is no part of it, because the product's web console starts minutes after EGO does.
	ConditionReady = "Ready"
	// ConditionMasterReady is True while the master's EGO answers.
	ConditionMasterReady = "MasterReady"
	// ConditionComputeReady is True while exactly the wanted compute pods are up to date and ready.
	ConditionComputeReady = "ComputeReady"
	// ConditionHostsReady is True while every wanted compute pod is a host that EGO calls ok, and Unknown while EGO cannot be
	// asked. It is no part of Ready: an administrator may close hosts for hours, and the right to ask EGO may be left out.
	ConditionHostsReady = "HostsReady"
	// ConditionGUIReady is True while the web console answers HTTPS requests on the master.
	ConditionGUIReady = "GUIReady"
	// ConditionStatePersistent is True while what the master's EGO knows is on a volume; it is no part of Ready.
	ConditionStatePersistent = "StatePersistent"
	// ConditionReconciling is True while the operator works towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when a person has to act before the operator can go on.
	ConditionStalled = "Stalled"
)

// ConditionComplete of a NetworkCheck is True when it has ended, whether it passed or not; Ready is True when it has passed,
// Reconciling while it runs, Stalled when it has failed.
const ConditionComplete = "Complete"

// ConditionNetworkReady of a SymphonyCluster is there when spec.network asks for something: True when it is met, Unknown while
// that is not known.
const ConditionNetworkReady = "NetworkReady"

// Condition types of a WeaveNetwork, always present: Ready is True when all of them are, but for Degraded. Reconciling and
// Stalled are as for a SymphonyCluster.
const (
	// ConditionPreflight is True when nothing speaks against installing Weave, or it is installed.
	ConditionPreflight = "Preflight"
	// ConditionRoutersReady is True when every node's router runs as the spec says and its node is on the overlay.
	ConditionRoutersReady = "RoutersReady"
	// ConditionIPAMReady is True when all nodes agree on who owns which addresses.
	ConditionIPAMReady = "IPAMReady"
	// ConditionPeersConnected is True when both ends of every pair of nodes are connected.
	ConditionPeersConnected = "PeersConnected"
	// ConditionHostsExposed is True when every node has the overlay address that Weave means it to have, and no other has it.
	ConditionHostsExposed = "HostsExposed"
	// ConditionDegraded is True when the network works and something about it is not as it should be.
	ConditionDegraded = "Degraded"
)

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
	// ReasonDraining says that compute pods are to go, and that their hosts end their work first.
	ReasonDraining = "Draining"
	// ReasonHostsMissing says that compute pods are no hosts of EGO yet.
	ReasonHostsMissing = "HostsMissing"
	// ReasonHostsClosed says that hosts take no new work.
	ReasonHostsClosed = "HostsClosed"
	// ReasonHostsUnavailable says that hosts do not answer the master.
	ReasonHostsUnavailable = "HostsUnavailable"
	// ReasonEGOUnreachable says that EGO's commands in the master pod do not answer.
	ReasonEGOUnreachable = "EGOUnreachable"
	// ReasonEGOForbidden says that the operator may not run EGO's commands in the master pod.
	ReasonEGOForbidden = "EGOForbidden"
	// ReasonEGORefused says that EGO does not take the operator's logon, or refused what it was asked.
	ReasonEGORefused = "EGORefused"
	// ReasonEGONotUnderstood says that EGO answered in a format that the operator does not know.
	ReasonEGONotUnderstood = "EGONotUnderstood"
	// ReasonDrainTimedOut is the reason of the event that tells of pods that went with work on them.
	ReasonDrainTimedOut = "DrainTimedOut"
	// ReasonGUIStarting says that the web console does not answer yet.
	ReasonGUIStarting = "GUIStarting"
	// ReasonMasterMoved is the reason of the event that tells the master's new address.
	ReasonMasterMoved = "MasterMoved"
)

// Reasons that are about the master's state.
const (
	// ReasonSharedDirectory says that the master's state is on a volume.
	ReasonSharedDirectory = "SharedDirectory"
	// ReasonNoStorage says that the master's state is in its container, and lost with it.
	ReasonNoStorage = "NoStorage"
	// ReasonClaimDeleted says that somebody has deleted the claim of the master's volume: it goes when the master does.
	ReasonClaimDeleted = "ClaimDeleted"
	// ReasonForeignDirectory says that the master's shared directory is another cluster's.
	ReasonForeignDirectory = "ForeignDirectory"
	// ReasonVolumeHeld says that the master's volume is still held by its earlier pod.
	ReasonVolumeHeld = "VolumeHeld"
	// ReasonNodeLost says that the master's node does not report.
	ReasonNodeLost = "NodeLost"
	// ReasonStateLost is the reason of the event that tells that a master started with an empty EGO.
	ReasonStateLost = "StateLost"
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
	// ReasonHostBlocked says that TCP does not pass from one node's pods to the other node's own address on the overlay.
	ReasonHostBlocked = "HostBlocked"
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
	// ReasonNoOverlay says that the check is to measure to overlay addresses, and no node has one.
	ReasonNoOverlay = "NoOverlay"
	// ReasonNoImage says that neither the check nor the operator names an image with iperf3.
	ReasonNoImage = "NoImage"
)

// Reasons of a WeaveNetwork. Several conflicts can be there at once; the reason is the first one's.
const (
	// ReasonPreflightPassed says that nothing speaks against installing Weave.
	ReasonPreflightPassed = "PreflightPassed"
	// ReasonObserved says that the operator only reports.
	ReasonObserved = "Observed"
	// ReasonInstalled says that the operator has installed Weave.
	ReasonInstalled = "Installed"
	// ReasonWaitingForReports says that nodes' agents have not reported yet.
	ReasonWaitingForReports = "WaitingForReports"
	// ReasonWaitingForNodes says that nodes are still coming, and that the first install waits for the last of them.
	ReasonWaitingForNodes = "WaitingForNodes"
	// ReasonExistingCNI says that another pod network is installed.
	ReasonExistingCNI = "ExistingCNI"
	// ReasonPodsOutsideRange says that pods have addresses of another network.
	ReasonPodsOutsideRange = "PodsOutsideRange"
	// ReasonForeignWeave says that somebody else has installed Weave.
	ReasonForeignWeave = "ForeignWeave"
	// ReasonRangeOverlap says that ipRange overlaps a route of a node.
	ReasonRangeOverlap = "RangeOverlap"
	// ReasonPortTaken says that a port of Weave's is taken on a node.
	ReasonPortTaken = "PortTaken"
	// ReasonNodeUnfit says that a node lacks what Weave needs.
	ReasonNodeUnfit = "NodeUnfit"
	// ReasonDuplicateMachineID says that nodes are copies of each other, and would get one name.
	ReasonDuplicateMachineID = "DuplicateMachineID"
	// ReasonLeftovers says that a node has links of an earlier Weave.
	ReasonLeftovers = "Leftovers"
	// ReasonIncompatible says that Weave runs with what cannot be changed, and the spec wants something else.
	ReasonIncompatible = "Incompatible"
	// ReasonServiceAccountMissing says that Weave's own ServiceAccount is not installed.
	ReasonServiceAccountMissing = "ServiceAccountMissing"
	// ReasonPasswordMissing says that the Secret with the password, or its key, is missing.
	ReasonPasswordMissing = "PasswordMissing"
	// ReasonNoWeave says that there is no Weave to report on.
	ReasonNoWeave = "NoWeave"
	// ReasonPasswordChanging says that all routers are being replaced for another password.
	ReasonPasswordChanging = "PasswordChanging"
	// ReasonWaitingForDeletedPods says that a template waits for somebody to delete pods (update.type OnDelete).
	ReasonWaitingForDeletedPods = "WaitingForDeletedPods"
	// ReasonAwaitingConsensus says that too few nodes see each other to agree on who owns which addresses.
	ReasonAwaitingConsensus = "AwaitingConsensus"
	// ReasonSplitBrain says that groups of nodes gave out the same addresses without knowing of each other.
	ReasonSplitBrain = "SplitBrain"
	// ReasonRangeMismatch says that nodes run with different ranges.
	ReasonRangeMismatch = "RangeMismatch"
	// ReasonOwnersUnreachable says that many addresses belong to peers that cannot be reached.
	ReasonOwnersUnreachable = "OwnersUnreachable"
	// ReasonPeersFailed says that nodes cannot connect to each other.
	ReasonPeersFailed = "PeersFailed"
	// ReasonPasswordMismatch says that nodes have different passwords.
	ReasonPasswordMismatch = "PasswordMismatch"
	// ReasonPeerNameCollision says that two nodes have the same name.
	ReasonPeerNameCollision = "PeerNameCollision"
	// ReasonNotExposed says that nodes have no address on the overlay.
	ReasonNotExposed = "NotExposed"
	// ReasonStaleBridgeAddress says that a node's link has another address than Weave means it to have.
	ReasonStaleBridgeAddress = "StaleBridgeAddress"
	// ReasonDuplicateAddress says that nodes have the same address on the overlay.
	ReasonDuplicateAddress = "DuplicateAddress"
	// ReasonSleeve says that nodes are connected without the fast datapath.
	ReasonSleeve = "Sleeve"
	// ReasonStalePeers says that Weave still counts peers whose nodes are gone.
	ReasonStalePeers = "StalePeers"
	// ReasonNoReport says that a node's agent does not run, so that what it said may have changed.
	ReasonNoReport = "NoReport"
	// ReasonLeaving says that routers hand their addresses over before they end.
	ReasonLeaving = "Leaving"
	// ReasonCleaning says that nodes are being cleaned.
	ReasonCleaning = "Cleaning"
	// ReasonAllGood is the reason of a condition that has nothing to say.
	ReasonAllGood = "AllGood"
)

// Reasons of a SymphonyCluster's NetworkReady.
const (
	// ReasonWeaveNotInstalled says that network.mode is Weave and the Kubernetes cluster has no WeaveNetwork.
	ReasonWeaveNotInstalled = "WeaveNotInstalled"
	// ReasonWeaveNotReady says that the WeaveNetwork is not Ready.
	ReasonWeaveNotReady = "WeaveNotReady"
	// ReasonNetworkCheckRunning says that the network between compute nodes is being measured.
	ReasonNetworkCheckRunning = "NetworkCheckRunning"
	// ReasonNetworkCheckFailed says that the network between compute nodes did not pass.
	ReasonNetworkCheckFailed = "NetworkCheckFailed"
	// ReasonNetworkCheckOutdated says that the network was measured between other nodes than those that compute pods may
	// run on by now.
	ReasonNetworkCheckOutdated = "NetworkCheckOutdated"
)
