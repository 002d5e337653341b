// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// The rules of admission, once more in Go; test/integration has them against a real API server.

func cluster(edits ...func(*v1alpha1.SymphonyCluster)) *v1alpha1.SymphonyCluster {
	made := &v1alpha1.SymphonyCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "prod"},
		Spec:       v1alpha1.SymphonyClusterSpec{Image: "sym712"},
	}
	for _, edit := range edits {
		edit(made)
	}
	return made
}

func spec(edit func(*v1alpha1.SymphonyClusterSpec)) *v1alpha1.SymphonyCluster {
	return cluster(func(c *v1alpha1.SymphonyCluster) { edit(&c.Spec) })
}

func storage(storage v1alpha1.MasterStorage) *v1alpha1.SymphonyCluster {
	return spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Master.Storage = &storage })
}

func clients(clients ...networkingv1.NetworkPolicyPeer) *v1alpha1.SymphonyCluster {
	return spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Network.Policy = &v1alpha1.AccessPolicy{Clients: clients} })
}

func named(name string) *v1alpha1.SymphonyCluster {
	return cluster(func(c *v1alpha1.SymphonyCluster) { c.Name = name })
}

func TestWhatIsValid(t *testing.T) {
	for name, valid := range map[string]*v1alpha1.SymphonyCluster{
		"the smallest cluster": cluster(),
		"the longest name":     named(strings.Repeat("a", v1alpha1.MaxNameLength)),
		"much": spec(func(s *v1alpha1.SymphonyClusterSpec) {
			s.ClusterName, s.InstallDir = "Symphony_7.1-2", "/opt/ibm/platform"
			s.EgoConf = map[string]v1alpha1.EgoConfValue{"EGO_LOG_MASK": "LOG_INFO"}
			s.Entitlement = &v1alpha1.Entitlement{Path: "/opt/entitlement.dat"}
			s.Compute.Replicas = new(int32(0))
			s.Compute.Update.MaxUnavailable = new(intstr.FromString("100%"))
			s.Master.Env = []corev1.EnvVar{{Name: "SYMPHONYX"}}
			s.GUI.NodePort = new(int32(30443))
			s.Network = v1alpha1.NetworkSpec{Mode: v1alpha1.NetworkWeave, Check: true}
		}),
		"storage with all defaults": storage(v1alpha1.MasterStorage{}),
		"storage of one's own": storage(v1alpha1.MasterStorage{
			Size: new(resource.MustParse("5Gi")), StorageClassName: new(""), AccessMode: corev1.ReadWriteMany, WhenDeleted: v1alpha1.RetainClaim,
		}),
		"storage that exists":       storage(v1alpha1.MasterStorage{ExistingClaim: "mine"}),
		"the network that is there": spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Network.Mode = v1alpha1.NetworkExisting }),
		"clients of every kind": clients(
			networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}},
			networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}, NamespaceSelector: &metav1.LabelSelector{}},
			networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24"}}),
		"no clients": clients(),
	} {
		t.Run(name, func(t *testing.T) { NewWithT(t).Expect(valid.Validate()).To(BeEmpty()) })
	}
}

func TestWhatIsInvalid(t *testing.T) {
	maxUnavailable := func(value intstr.IntOrString) *v1alpha1.SymphonyCluster {
		return spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.Update.MaxUnavailable = &value })
	}
	egoConf := func(key, value string) *v1alpha1.SymphonyCluster {
		return spec(func(s *v1alpha1.SymphonyClusterSpec) {
			s.EgoConf = map[string]v1alpha1.EgoConfValue{key: v1alpha1.EgoConfValue(value)}
		})
	}
	nodePort := func(port int32, kind corev1.ServiceType) *v1alpha1.SymphonyCluster {
		return spec(func(s *v1alpha1.SymphonyClusterSpec) { s.GUI.NodePort, s.GUI.ServiceType = &port, kind })
	}
	for name, c := range map[string]struct {
		cluster *v1alpha1.SymphonyCluster
		message string
	}{
		"a name that is too long":         {named(strings.Repeat("a", v1alpha1.MaxNameLength+1)), "metadata.name: Invalid value"},
		"a name that starts with a digit": {named("7prod"), "that starts with a letter: host names are built from it"},
		"no image":                        {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Image = "" }), "spec.image: Required value"},
		"an illegal cluster name":         {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.ClusterName = "a b" }), "spec.clusterName: Invalid value"},
		"a relative directory":            {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.InstallDir = "opt" }), "spec.installDir: Invalid value"},
		"a setting that is none":          {egoConf("ego_x", "1"), "spec.egoConf[ego_x]: Invalid value"},
		"a setting of the operator":       {egoConf("EGO_MASTER_LIST", "x"), "spec.egoConf[EGO_MASTER_LIST]: Forbidden: the operator owns this setting"},
		"a setting of two lines":          {egoConf("EGO_X", "a\nb"), "must have a value of one line"},
		"two sources of entitlement": {spec(func(s *v1alpha1.SymphonyClusterSpec) {
			s.Entitlement = &v1alpha1.Entitlement{Path: "/a", SecretKeyRef: &v1alpha1.SecretKeyReference{Name: "a", Key: "b"}}
		}), "needs exactly one source"},
		"no source of entitlement": {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Entitlement = &v1alpha1.Entitlement{} }), "needs exactly one source"},
		"a relative path of the entitlement": {spec(func(s *v1alpha1.SymphonyClusterSpec) {
			s.Entitlement = &v1alpha1.Entitlement{Path: "opt/e"}
		}), "spec.entitlement.path: Invalid value"},
		"a licence that is not accepted": {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.License = "view" }), `supported values: "accept"`},
		"an unknown kind of update":      {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.Update.Type = "Recreate" }), "spec.compute.update.type: Unsupported value"},
		"an unknown kind of Service":     {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.GUI.ServiceType = "ExternalName" }), "spec.gui.serviceType: Unsupported value"},
		"an unknown network":             {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Network.Mode = "weave" }), "spec.network.mode: Unsupported value"},
		"a client that is nobody":        {clients(networkingv1.NetworkPolicyPeer{}), "spec.network.policy.clients[0]: Required value: a podSelector"},
		"a client in two ways": {clients(networkingv1.NetworkPolicyPeer{
			PodSelector: &metav1.LabelSelector{}, IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24"},
		}), "spec.network.policy.clients[0].ipBlock: Forbidden: goes with neither"},
		"negative replicas":   {spec(func(s *v1alpha1.SymphonyClusterSpec) { s.Compute.Replicas = new(int32(-1)) }), "spec.compute.replicas: Invalid value: -1"},
		"a budget of nothing": {maxUnavailable(intstr.FromInt32(0)), "spec.compute.update.maxUnavailable: Invalid value"},
		"a budget of 0%":      {maxUnavailable(intstr.FromString("0%")), "a percentage from 1% to 100%"},
		"a budget of 101%":    {maxUnavailable(intstr.FromString("101%")), "a percentage from 1% to 100%"},
		"a variable of the operator on the master": {spec(func(s *v1alpha1.SymphonyClusterSpec) {
			s.Master.Env = []corev1.EnvVar{{Name: "A"}, {Name: "SYMPHONY_MASTER_HOST"}}
		}), "spec.master.env[1].name: Forbidden: SYMPHONY_MASTER_HOST is set by the operator"},
		"a variable of the operator on hosts": {spec(func(s *v1alpha1.SymphonyClusterSpec) {
			s.Compute.Env = []corev1.EnvVar{{Name: "PATH"}}
		}), "spec.compute.env[0].name: Forbidden: PATH is set by the operator"},
		"storage that exists and is to be made": {
			storage(v1alpha1.MasterStorage{ExistingClaim: "mine", WhenDeleted: v1alpha1.DeleteClaim}), "spec.master.storage.existingClaim: Invalid value",
		},
		"storage of no size":                     {storage(v1alpha1.MasterStorage{Size: new(resource.MustParse("0"))}), "spec.master.storage.size: Invalid value"},
		"storage to be read only":                {storage(v1alpha1.MasterStorage{AccessMode: corev1.ReadOnlyMany}), "spec.master.storage.accessMode: Unsupported value"},
		"an unknown fate of the claim":           {storage(v1alpha1.MasterStorage{WhenDeleted: "Recycle"}), `supported values: "Delete", "Retain"`},
		"a node port that is none":               {nodePort(70000, ""), "spec.gui.nodePort: Invalid value: 70000"},
		"a node port of a Service that has none": {nodePort(30443, corev1.ServiceTypeClusterIP), "needs serviceType NodePort or LoadBalancer"},
	} {
		t.Run(name, func(t *testing.T) {
			found := c.cluster.Validate()
			NewWithT(t).Expect(found).To(HaveLen(1))
			NewWithT(t).Expect(found[0].Error()).To(ContainSubstring(c.message))
		})
	}
}
