// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// SymphonyCluster is one IBM Spectrum Symphony cluster: a master (EGO's management host and the web
// console), compute hosts that join it, and a Service for the web console. The operator creates all of it
// from this object and keeps it true. Scale it with `kubectl scale symphonycluster/NAME --replicas=N`.
//
// The name becomes part of host names: at most 40 characters, lower-case letters, digits and '-',
// starting with a letter.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=symphonyclusters,shortName=symc,categories={all,symphony}
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.compute.replicas,statuspath=.status.compute.replicas,selectorpath=.status.compute.selector
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Master",type=string,JSONPath=`.status.master.podIP`,description="The master's pod IP"
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.spec.compute.replicas`,description="Compute pods that the spec asks for"
// +kubebuilder:printcolumn:name="Current-Ready",type=integer,JSONPath=`.status.compute.readyReplicas`,description="Compute pods that are ready"
// +kubebuilder:printcolumn:name="GUI",type=integer,JSONPath=`.status.gui.nodePort`,description="Node port of the web console"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Hosts-OK",type=integer,priority=1,JSONPath=`.status.compute.hosts.ok`,description="Compute hosts that EGO calls ok"
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be a DNS label of at most 40 characters that starts with a letter: host names are built from it"
type SymphonyCluster struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the Symphony cluster that is wanted.
	// +required
	Spec SymphonyClusterSpec `json:"spec"`

	// status is the Symphony cluster that was last seen. The operator writes it; observedGeneration is -1
	// until it has looked at the object for the first time.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status SymphonyClusterStatus `json:"status,omitzero"`
}

// SymphonyClusterList is a list of SymphonyClusters.
// +kubebuilder:object:root=true
type SymphonyClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []SymphonyCluster `json:"items"`
}

// SymphonyClusterSpec is the Symphony cluster that is wanted. Every field can be changed at any time,
// except clusterName and what a claim cannot change of master.storage; each says what a change does to running pods.
//
// +kubebuilder:validation:XValidation:rule="has(self.clusterName) == has(oldSelf.clusterName) && (!has(self.clusterName) || self.clusterName == oldSelf.clusterName)",message="clusterName cannot be changed, added or removed after creation, because EGO cannot rename a cluster: create a new SymphonyCluster instead",reason=FieldValueForbidden,fieldPath=".clusterName"
type SymphonyClusterSpec struct {
	// image is a container image with IBM Spectrum Symphony installed, such as `sym712` of the project's
	// hack/images/symphony. It runs as user 1000 without privileges, so it must be installed with the
	// simplified workload manager (SIMPLIFIEDWEM=Y). A change restarts the master and replaces compute
	// pods as compute.update says, after a small pod has pulled the new image: one that cannot be pulled
	// restarts nothing.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image"`

	// imagePullPolicy is Always, IfNotPresent or Never. Default: what Kubernetes chooses (Always for the
	// tag `latest`, else IfNotPresent). A change restarts the master and replaces compute pods.
	// +optional
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets are the Secrets of the same namespace that hold registry credentials. Default:
	// those of the namespace's default ServiceAccount. A change restarts the master and replaces compute pods.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []LocalSecretReference `json:"imagePullSecrets,omitempty"`

	// clusterName is the EGO cluster name: at most 39 letters, digits, '_', '.' and '-'. Default: the name
	// that the image was installed with (CLUSTERNAME of the installer). When it differs, the start script
	// renames the cluster before the first join. It must not be the name of a host or user. It cannot be
	// changed, added or removed later.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=39
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_.-]+$`
	ClusterName string `json:"clusterName,omitempty"`

	// license is `accept` when you accept IBM's licence, which 7.3 images ask for (LICENSE in their
	// environment). The operator never accepts it for you. Default: not accepted. A change restarts the
	// master and replaces compute pods.
	// +optional
	// +kubebuilder:validation:Enum=accept
	License string `json:"license,omitempty"`

	// egoConf are settings of EGO's ego.conf, over the operator's own (EGO_DYNAMIC_HOST_WAIT_TIME=1,
	// EGO_DYNAMIC_HOST_TIMEOUT=10m and others, see docs/concepts.md), on the master and on compute hosts.
	// Settings that the operator must own are refused: EGO_MASTER_LIST, EGO_CONFDIR, ports and the like.
	// A change restarts the master and replaces compute pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 64 && k.matches('^[A-Z][A-Z0-9_]*$'))",message="keys of egoConf must be ego.conf settings: upper-case letters, digits and '_', at most 64 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['EGO_CONFDIR', 'EGO_ENTITLEMENT_FILE', 'EGO_GET_CONF', 'EGO_KD_PORT', 'EGO_LIM_PORT', 'EGO_MASTER_LIST', 'EGO_PEM_PORT', 'EGO_SIMPLIFIED_WEM', 'EGO_TOP', 'EGO_VERSION']))",message="egoConf must not set what the operator owns: EGO_CONFDIR, EGO_ENTITLEMENT_FILE, EGO_GET_CONF, EGO_KD_PORT, EGO_LIM_PORT, EGO_MASTER_LIST, EGO_PEM_PORT, EGO_SIMPLIFIED_WEM, EGO_TOP, EGO_VERSION"
	EgoConf map[string]EgoConfValue `json:"egoConf,omitempty"`

	// installDir is the directory in the image that holds profile.platform. Default: whichever of
	// /opt/ibm/spectrumcomputing and /opt/ibm/platform has it. A change restarts the master and replaces
	// compute pods.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9_./-]+$`
	InstallDir string `json:"installDir,omitempty"`

	// entitlement is where the master finds Symphony's entitlement file. Default: none is set (the image's
	// own, if it was set at its build). A change restarts the master; a changed Secret is applied to the
	// running master without a restart.
	// +optional
	Entitlement *Entitlement `json:"entitlement,omitempty"`

	// adminPassword is the password of EGO's user Admin. 7.3.2 and later do not start without one; earlier
	// versions start with the product's default when it is left out. A change restarts the master; a
	// changed Secret is applied to the running master without a restart.
	// +optional
	AdminPassword *AdminPassword `json:"adminPassword,omitempty"`

	// suspend true takes the number of compute pods to zero, as compute.scaleIn says, and keeps it there; the master stays, and
	// compute.replicas keeps its value for the resume. Default: false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// restartedAt is any text, by custom the time (RFC 3339). A new value restarts the master and replaces
	// compute pods as compute.update says, like `kubectl rollout restart`.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	RestartedAt string `json:"restartedAt,omitempty"`

	// master is the management host: EGO's master, the session director and the web console.
	// +optional
	Master MasterSpec `json:"master,omitzero"`

	// compute are the hosts that run the work.
	// +optional
	// +kubebuilder:default={}
	Compute ComputeSpec `json:"compute,omitzero"`

	// gui is how the web console (HTTPS, port 8443 of the master) is reached from outside.
	// +optional
	GUI GUISpec `json:"gui,omitzero"`

	// network is what the pod network must be like before compute pods are created for the first time, and who may reach
	// the pods. Once compute pods were created, a network in trouble holds nothing up: scaling, repair and updates go on, and
	// the condition NetworkReady says what is wrong. Default: nothing is asked of it, and everybody may reach the pods. A
	// change restarts no running pod.
	// +optional
	Network NetworkSpec `json:"network,omitzero"`
}

// EgoConfValue is the value of one ego.conf setting, one line.
// +kubebuilder:validation:MaxLength=1024
// +kubebuilder:validation:Pattern=`^[^\n\r]*$`
type EgoConfValue string

// LocalSecretReference names a Secret of the same namespace.
type LocalSecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// SecretKeyReference names one key of a Secret of the same namespace. Only pods read it: the operator has
// no access to Secrets.
type SecretKeyReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// key of the Secret's data.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key"`
}

// Entitlement is where the entitlement file comes from: a Secret or a path in the image, exactly one.
// +kubebuilder:validation:XValidation:rule="has(self.secretKeyRef) != has(self.path)",message="entitlement needs exactly one source: either secretKeyRef or path"
type Entitlement struct {
	// secretKeyRef is the Secret that holds the file.
	// +optional
	SecretKeyRef *SecretKeyReference `json:"secretKeyRef,omitempty"`

	// path is an absolute path of the image, such as /opt/platform_sym_adv_entitlement.dat.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9_./-]+$`
	Path string `json:"path,omitempty"`
}

// AdminPassword is where the password of EGO's user Admin comes from.
type AdminPassword struct {
	// secretKeyRef is the Secret that holds the password: at most 40 characters, without white space, quotes,
	// backslash, '<', '>' and '&'. A script has to type it: EGO itself takes a few more.
	// +required
	SecretKeyRef SecretKeyReference `json:"secretKeyRef"`
}

// MasterSpec is the management host. A change of any field restarts the master (but for what storage says of
// itself); compute pods keep running and find the new master by themselves.
type MasterSpec struct {
	// image overrides spec.image for the master. Default: spec.image.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`

	// resources of the master container. Default: requests of 100m CPU and 4096M of memory, a limit of
	// 8192M of memory. What is given replaces the whole default.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// env are environment variables of the master container. Names that start with SYMPHONY_ and the
	// names LICENSE and PATH are the operator's. Default: none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:XValidation:rule="self.all(e, !e.name.startsWith('SYMPHONY_') && !(e.name in ['LICENSE', 'PATH']))",message="env names that start with SYMPHONY_, LICENSE and PATH are set by the operator"
	Env []corev1.EnvVar `json:"env,omitempty"`

	// storage keeps EGO's shared directory (configuration, users, hosts, recoverable work) on a volume, so that a master
	// that moves or restarts goes on where it was. Default: none; then every new master container starts with an empty EGO,
	// as the condition StatePersistent and the event StateLost say. Adding it restarts the master, with an empty directory:
	// what EGO knew until then is lost. Removing it restarts the master with an empty EGO; the claim stays as it is, and a
	// cluster that asks for storage again finds it.
	// +optional
	Storage *MasterStorage `json:"storage,omitempty"`

	PodOverlay `json:",inline"`
}

// PodOverlay is the part of a role that is merged over the operator's own pod template.
type PodOverlay struct {
	// podTemplate is a PodTemplateSpec (metadata labels and annotations, spec) that is merged over what the
	// operator builds, as `kubectl patch --type=strategic` does: lists by their merge keys, so that the
	// container `symphony` can be changed (`containers: [{name: symphony, …}]`) and side-cars, volumes and
	// node selectors added; tolerations are added to the operator's. It must not change what the operator
	// needs: its labels and annotations, the host name, and the command, variables, port, mounts,
	// readiness probe and (on compute hosts) preStop hook of the container `symphony`. One that does, or that has an unknown field or an entry
	// twice, makes the condition Stalled true and changes nothing that runs. Default: nothing. A change restarts the master, or replaces compute pods
	// as compute.update says. (It has no schema here: with one, the CRD would outgrow what `kubectl apply`
	// can record.)
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
}

// ComputeSpec are the compute hosts.
type ComputeSpec struct {
	// image overrides spec.image for compute pods. Default: spec.image.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`

	// replicas is the number of compute pods, each one EGO host. Default: 1. `kubectl scale` and a
	// HorizontalPodAutoscaler write it: leave it out of manifests that a pipeline applies then. A higher
	// number adds pods; a lower one deletes pods as scaleIn says, those that do not work first, then the idle ones.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	Replicas *int32 `json:"replicas,omitempty"`

	// resources of the compute container. Default: a request of 2048M of memory. What is given replaces
	// the whole default. A change replaces compute pods as update says.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// env are environment variables of the compute container. Names that start with SYMPHONY_ and the
	// names LICENSE and PATH are the operator's. Default: none. A change replaces compute pods as update says.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:XValidation:rule="self.all(e, !e.name.startsWith('SYMPHONY_') && !(e.name in ['LICENSE', 'PATH']))",message="env names that start with SYMPHONY_, LICENSE and PATH are set by the operator"
	Env []corev1.EnvVar `json:"env,omitempty"`

	PodOverlay `json:",inline"`

	// scaleIn is what happens to the work on compute pods that are to go, because replicas is lower, because suspend is true,
	// or because update replaces them.
	// +optional
	ScaleIn ComputeScaleIn `json:"scaleIn,omitzero"`

	// update is how running compute pods follow a change of their template. They are drained as scaleIn says.
	// +optional
	Update ComputeUpdate `json:"update,omitzero"`
}

// ScaleInPolicy says whether compute pods that are to go may end their work.
// +kubebuilder:validation:Enum=Drain;Immediate
type ScaleInPolicy string

const (
	// Drain closes their hosts in EGO and waits for their work.
	Drain ScaleInPolicy = "Drain"
	// Immediate deletes them at once.
	Immediate ScaleInPolicy = "Immediate"
)

// ComputeScaleIn is what happens to the work on compute pods that are to go. None of it restarts a running pod.
type ComputeScaleIn struct {
	// policy is Drain or Immediate. Drain: the pods with the least work are chosen, their hosts are closed in EGO (`egosh
	// resource close`), and each pod goes when its host has no work any more, or when drainTimeout is over. Immediate:
	// pods are deleted at once, and EGO starts their work again elsewhere. Drain needs the right to run EGO's
	// commands in the master pod (the ClusterRole symphony-operator-ego, bound in the namespace); without it, and while the
	// master does not answer, hosts count as busy until drainTimeout is over. Default: Drain. A change counts for
	// drains under way, too.
	// +optional
	Policy ScaleInPolicy `json:"policy,omitempty"`

	// drainTimeout is how long a pod's host may go on working after the pod was chosen, such as 90s, 10m or 8h; at most 168h.
	// Then EGO is told to take back what is left (`close -reclaim`), and reclaimGrace later the pod goes, with a Warning event.
	// It is also how long a pod that somebody else deletes (kubectl drain) may wait for its work: running pods keep the
	// value that they were created with for that, and a terminationGracePeriodSeconds in podTemplate (of which the last 30
	// seconds are for EGO to stop) takes its place. Default: 10m. A change counts for drains under way.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('168h')",message="drainTimeout must be a duration from 0s to 168h, such as 10m"
	DrainTimeout *metav1.Duration `json:"drainTimeout,omitempty"`

	// reclaimGrace is how long what was taken back may take to end before the pod goes, at most 1h: at least the longest
	// reclaim grace period of your consumers. Default: 120s. A change counts for drains under way.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="reclaimGrace must be a duration from 0s to 1h, such as 120s"
	ReclaimGrace *metav1.Duration `json:"reclaimGrace,omitempty"`

	// settle is how long after a start of the master hosts count as busy at most, at most 1h: until every compute host is back
	// and the session director answers, EGO's lists do not tell what is running. Default: 10m. A change counts at once.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="settle must be a duration from 0s to 1h, such as 10m"
	Settle *metav1.Duration `json:"settle,omitempty"`
}

// ComputeUpdateType says who replaces compute pods whose template changed.
// +kubebuilder:validation:Enum=RollingUpdate;OnDelete
type ComputeUpdateType string

const (
	// RollingUpdate has the operator replace them a few at a time.
	RollingUpdate ComputeUpdateType = "RollingUpdate"
	// OnDelete leaves them until somebody deletes them.
	OnDelete ComputeUpdateType = "OnDelete"
)

// ComputeUpdate is how running compute pods follow a change of their template. It never starts by itself:
// neither a moved master nor a new version of the operator replaces compute pods.
type ComputeUpdate struct {
	// type is RollingUpdate (the operator replaces outdated pods) or OnDelete (it leaves them until
	// somebody deletes them). Default: RollingUpdate.
	// +optional
	Type ComputeUpdateType `json:"type,omitempty"`

	// maxUnavailable is how many of the wanted compute pods may be missing, not ready or draining during a rolling
	// update: a number from 1 to 1000000, or a percentage of replicas (rounded down, at least 1). Default:
	// 25%. A new template whose pods do not become ready stops after this many.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=4
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 1000000 : self.matches('^([1-9][0-9]?|100)%$')",message="maxUnavailable must be a number from 1 to 1000000 or a percentage from 1% to 100%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// GUISpec is how the web console is reached.
// +kubebuilder:validation:XValidation:rule="!has(self.nodePort) || !has(self.serviceType) || self.serviceType != 'ClusterIP'",message="nodePort needs serviceType NodePort or LoadBalancer: a ClusterIP Service has none"
type GUISpec struct {
	// serviceType is NodePort, ClusterIP or LoadBalancer. Default: NodePort. A change affects no pod.
	// +optional
	// +kubebuilder:validation:Enum=NodePort;ClusterIP;LoadBalancer
	ServiceType corev1.ServiceType `json:"serviceType,omitempty"`

	// nodePort is the port on every node (normally 30000 to 32767). Default: one that Kubernetes
	// allocates; it is kept as long as the type has node ports, also when this field is removed again.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	NodePort *int32 `json:"nodePort,omitempty"`

	// annotations of the Service, for load balancers and DNS. Default: none.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`

	// tls is the web console's certificate. Default: one that the product generates, which no browser
	// trusts. A change restarts the master.
	// +optional
	TLS *GUITLS `json:"tls,omitempty"`
}

// GUITLS is the web console's certificate.
type GUITLS struct {
	// secretName is a Secret of type kubernetes.io/tls in the same namespace (keys tls.crt and tls.key,
	// PEM). Only the master pod reads it; a renewed certificate is put into the running console's key store,
	// without a restart, about a minute after the Secret has changed.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`
}
