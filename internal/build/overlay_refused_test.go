// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/names"
)

type refusal struct {
	overlay, problem string
}

// inSymphony is an overlay of the container symphony.
func inSymphony(fields string) string {
	return `{"spec":{"containers":[{"name":"symphony",` + fields + `}]}}`
}

// mistakes are overlays that the operator cannot read as what they are meant to be.
var mistakes = map[string]refusal{
	"no JSON":               {`{"spec":`, "does not parse: unexpected end of JSON input"},
	"not an object":         {`"x"`, "is not a PodTemplateSpec: json: cannot unmarshal string into Go value of type v1.PodTemplateSpec"},
	"an unknown field":      {`{"spec":{"nodeSelektor":{"a":"b"}}}`, `is not a PodTemplateSpec: unknown field "spec.nodeSelektor"`},
	"a field in wrong case": {`{"Spec":{}}`, `is not a PodTemplateSpec: unknown field "Spec"`},
	"a field given twice":   {`{"spec":{"priority":1,"priority":2}}`, `is not a PodTemplateSpec: duplicate field "spec.priority"`},
	"two unknown fields":    {`{"a":1,"b":2}`, "is not a PodTemplateSpec: unknown field \"a\"\nunknown field \"b\""},
	"a field of wrong type": {`{"spec":{"hostNetwork":"yes"}}`, "is not a PodTemplateSpec: json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"},
	"a number for a label":  {`{"metadata":{"labels":{"a":1}}}`, "is not a PodTemplateSpec: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"},
	"a merge directive":     {`{"spec":{"volumes":[{"$patch":"replace"}]}}`, `has "$patch": merge directives are not supported; to drop what the operator sets, use the fields of spec`},
	"a number without end": {
		`{"spec":{"containers":[{"name":"symphony","resources":{"limits":{"memory":"12345678901234567890e999999"}}}]}}`,
		`has "12345678901234567890e999999" with an exponent of more than two digits in memory`,
	},
	"one in a volume": {
		`{"spec":{"volumes":[{"name":"a","emptyDir":{"sizeLimit":" 12345678901234567890E+999999"}}]}}`,
		`has " 12345678901234567890E+999999" with an exponent of more than two digits in sizeLimit`,
	},
	"a directive for a list": {`{"spec":{"$setElementOrder/containers":[{"name":"a"}]}}`, `has "$setElementOrder/containers": merge directives are not supported; to drop what the operator sets, use the fields of spec`},
	"a container without its name": {
		`{"spec":{"containers":[{"image":"sym"}]}}`,
		"cannot be merged: map: map[image:sym] does not contain declared merge key: name",
	},
}

// twice are overlays of which a merge would swallow a part.
var twice = map[string]refusal{
	"a null in a list":         {`{"spec":{"containers":[null]}}`, "has a null in a list"},
	"a container":              {`{"spec":{"containers":[{"name":"a"},{"name":"a","image":"b"}]}}`, `has the container "a" twice`},
	"a volume":                 {`{"spec":{"volumes":[{"name":"a"},{"name":"a"}]}}`, `has the volume "a" twice`},
	"a variable":               {inSymphony(`"env":[{"name":"A"},{"name":"A","value":"b"}]`), `has the variable A of the container "symphony" twice`},
	"a mount":                  {inSymphony(`"volumeMounts":[{"name":"a","mountPath":"/a"},{"name":"b","mountPath":"/a"}]`), `has the mount /a of the container "symphony" twice`},
	"a port for two protocols": {inSymphony(`"ports":[{"containerPort":53},{"containerPort":53,"protocol":"UDP"}]`), `has port 53 of the container "symphony" twice`},
	"two directives": {
		`{"spec":{"$retainKeys":["a"],"$patch":"replace"}}`,
		`has "$patch": merge directives are not supported; to drop what the operator sets, use the fields of spec`,
	},
}

// losses are overlays that would take away what the operator needs, on either role.
var losses = map[string]refusal{
	"another value of a selector label": {
		`{"metadata":{"labels":{"symphony-operator.io/cluster":"other"}}}`,
		`must not change the label "symphony-operator.io/cluster": the operator finds its pods by it`,
	},
	"a selector label dropped": {
		`{"metadata":{"labels":{"symphony-operator.io/role":null}}}`,
		`must not change the label "symphony-operator.io/role": the operator finds its pods by it`,
	},
	"the caches' label dropped": {
		`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`,
		`must not change the label "app.kubernetes.io/managed-by": the operator finds its pods by it`,
	},
	"the revision label": {
		`{"metadata":{"labels":{"symphony-operator.io/revision":"mine"}}}`,
		`must not set the label "symphony-operator.io/revision": it is the operator's`,
	},
	"another host name by an override": {
		`{"spec":{"hostnameOverride":"other"}}`,
		"must not change spec.hostname or set spec.hostnameOverride: EGO knows the host by its name",
	},
	"a finalizer": {
		`{"metadata":{"finalizers":["example.com/a"]}}`,
		"must not set metadata other than labels and annotations: a pod template has nothing else",
	},
	"a variable of the operator that it does not set": {
		inSymphony(`"env":[{"name":"SYMPHONY_ROOT","value":"/tmp"}]`),
		`must not change the variable SYMPHONY_ROOT of the container "symphony": it is the operator's`,
	},
	"the master's address": {
		`{"metadata":{"annotations":{"symphony-operator.io/master-hosts":"1.2.3.4 prod-master"}}}`,
		`must not set the annotation "symphony-operator.io/master-hosts": it carries the master's address`,
	},
	"the label of hosts without work": {
		`{"metadata":{"labels":{"symphony-operator.io/idle":"true"}}}`,
		`must not set the label "symphony-operator.io/idle": it is the operator's`,
	},
	"a pod that is to go from the start": {
		`{"metadata":{"annotations":{"symphony-operator.io/drain":"Released"}}}`,
		`must not set the annotation "symphony-operator.io/drain": it is the operator's`,
	},
	"the time for work": {
		`{"metadata":{"annotations":{"symphony-operator.io/drain-seconds":"1"}}}`,
		`must not set the annotation "symphony-operator.io/drain-seconds": it is the operator's`,
	},
	"a pod's name":      {`{"metadata":{"name":"x"}}`, "must not set metadata other than labels and annotations: a pod template has nothing else"},
	"a pod's namespace": {`{"metadata":{"namespace":"x"}}`, "must not set metadata other than labels and annotations: a pod template has nothing else"},
	"a name's stem":     {`{"metadata":{"generateName":"x"}}`, "must not set metadata other than labels and annotations: a pod template has nothing else"},
	"a host name":       {`{"spec":{"hostname":"other"}}`, "must not change spec.hostname or set spec.hostnameOverride: EGO knows the host by its name"},
	"a subdomain": {
		`{"spec":{"subdomain":"other"}}`,
		"must not set spec.subdomain, spec.hostNetwork or spec.setHostnameAsFQDN: EGO's host names depend on them",
	},
	"the node's network": {
		`{"spec":{"hostNetwork":true}}`,
		"must not set spec.subdomain, spec.hostNetwork or spec.setHostnameAsFQDN: EGO's host names depend on them",
	},
	"a long host name": {
		`{"spec":{"setHostnameAsFQDN":true}}`,
		"must not set spec.subdomain, spec.hostNetwork or spec.setHostnameAsFQDN: EGO's host names depend on them",
	},
	"another restart policy":        {`{"spec":{"restartPolicy":"Never"}}`, "must not change spec.restartPolicy: a container that ends must start again"},
	"a volume of another kind":      {`{"spec":{"volumes":[{"name":"run","hostPath":{"path":"/"}}]}}`, `must not change the volume "run"`},
	"the container symphony gone":   {`{"spec":{"containers":null}}`, `must not remove the container "symphony"`},
	"another command":               {inSymphony(`"command":["sleep"]`), `must not change command or args of the container "symphony": they are the start script`},
	"no command":                    {inSymphony(`"command":null`), `must not change command or args of the container "symphony": they are the start script`},
	"other arguments":               {inSymphony(`"args":["exit"]`), `must not change command or args of the container "symphony": they are the start script`},
	"the search path":               {inSymphony(`"env":[{"name":"PATH","value":"/bin"}]`), `must not change the variable PATH of the container "symphony": it is the operator's`},
	"the licence":                   {inSymphony(`"env":[{"name":"LICENSE","value":"accept"}]`), `must not change the variable LICENSE of the container "symphony": it is the operator's`},
	"a setting of the operator":     {inSymphony(`"env":[{"name":"SYMPHONY_EGO_CONF","value":""}]`), `must not change the variable SYMPHONY_EGO_CONF of the container "symphony": it is the operator's`},
	"no environment":                {inSymphony(`"env":null`), `must not change the variable PATH of the container "symphony": it is the operator's`},
	"no mounts":                     {inSymphony(`"volumeMounts":null`), `must not change the mount of /symphony/run in the container "symphony"`},
	"another volume at a mount":     {inSymphony(`"volumeMounts":[{"mountPath":"/symphony/run","name":"other"}]`), `must not change the mount of /symphony/run in the container "symphony"`},
	"no readiness probe":            {inSymphony(`"readinessProbe":null`), `must not change what the readiness probe of the container "symphony" runs`},
	"another readiness probe":       {inSymphony(`"readinessProbe":{"exec":{"command":["true"]}}`), `must not change what the readiness probe of the container "symphony" runs`},
	"a readiness probe by the port": {inSymphony(`"readinessProbe":{"exec":null,"tcpSocket":{"port":8443}}`), `must not change what the readiness probe of the container "symphony" runs`},
	"one port number twice in a side-car": {
		`{"spec":{"containers":[{"name":"dns","image":"dns","ports":[{"containerPort":53,"protocol":"TCP"},{"containerPort":53,"protocol":"UDP"}]}]}}`,
		`has port 53 of the container "dns" twice`,
	},
}

func TestAMistakenOverlayIsRefused(t *testing.T) {
	expectRefused(t, mistakes)
}

func TestAnOverlayThatAMergeWouldSwallowAPartOfIsRefused(t *testing.T) {
	expectRefused(t, twice)
}

func TestAnOverlayThatTakesAwayWhatTheOperatorNeedsIsRefused(t *testing.T) {
	expectRefused(t, losses)
}

func TestTheMastersPortIsTheOperators(t *testing.T) {
	g := NewWithT(t)
	children := buildFirst(t, masterOverlay(inSymphony(`"ports":[{"containerPort":8443,"protocol":"UDP"}]`)))
	g.Expect(children.Invalid).To(HaveLen(1))
	g.Expect(children.Invalid[0].Problem).To(Equal(`must not change port 8443 of the container "symphony"`))
}

// Dropping a whole part loses several things; which of them is named first is of no interest.
func TestAnOverlayThatDropsAWholePartIsRefused(t *testing.T) {
	for _, text := range []string{
		`{"metadata":null}`, `{"metadata":{"labels":null}}`, `{"spec":null}`, `{"spec":{"volumes":null}}`,
	} {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			for role, change := range map[string]edit{names.Master: masterOverlay(text), names.Compute: computeOverlay(text)} {
				children := buildFirst(t, change)
				g.Expect(children.Invalid).To(HaveLen(1), role)
				g.Expect(children.Invalid[0].Problem).To(HavePrefix("must not "))
			}
		})
	}
}

// expectRefused expects each overlay to be refused on both roles, and the other role to be built all the same.
func expectRefused(t *testing.T, refusals map[string]refusal) {
	t.Helper()
	for name, test := range refusals {
		t.Run(name+" on the master", func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, masterOverlay(test.overlay))
			g.Expect(children.Invalid).To(HaveLen(1))
			g.Expect(children.Invalid[0]).To(MatchError("spec.master.podTemplate " + test.problem))
			g.Expect(children.MasterDeployment).To(BeNil())
			g.Expect(children.MasterRevision).To(BeEmpty())
			g.Expect(children.ComputeSet).NotTo(BeNil())
		})
		t.Run(name+" on compute hosts", func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, computeOverlay(test.overlay))
			g.Expect(children.Invalid).To(HaveLen(1))
			g.Expect(children.Invalid[0]).To(MatchError("spec.compute.podTemplate " + test.problem))
			g.Expect(children.ComputeSet).To(BeNil())
			g.Expect(children.ComputeRevision).To(BeEmpty())
			g.Expect(children.MasterDeployment).NotTo(BeNil())
		})
	}
}

// The master alone has a host name and files from Secrets.
func TestAnOverlayOfTheMasterMustNotTakeItsOwnThings(t *testing.T) {
	for name, test := range map[string]refusal{
		"its host name": {`{"spec":{"hostname":null}}`, "must not change spec.hostname or set spec.hostnameOverride: EGO knows the host by its name"},
		"a Secret": {
			`{"spec":{"volumes":[{"name":"gui-tls","secret":{"secretName":"other"}}]}}`,
			`must not change the volume "gui-tls"`,
		},
		"a Secret's mount": {
			inSymphony(`"volumeMounts":[{"mountPath":"/symphony/gui-tls","name":"run"}]`),
			`must not change the mount of /symphony/gui-tls in the container "symphony"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, masterOverlay(test.overlay), func(c *v1alpha1.SymphonyCluster) {
				c.Spec.GUI.TLS = &v1alpha1.GUITLS{SecretName: "console-certificate"}
			})
			g.Expect(children.Invalid).To(HaveLen(1))
			g.Expect(children.Invalid[0].Problem).To(Equal(test.problem))
		})
	}
}

// Compute hosts alone wait for work.
func TestAnOverlayOfComputeHostsMustNotTakeTheirDrainingAway(t *testing.T) {
	const hook = `must not change the preStop hook of the container "symphony": it waits for the host's work`
	for name, test := range map[string]refusal{
		"no hook":                  {inSymphony(`"lifecycle":null`), hook},
		"the hook taken out":       {inSymphony(`"lifecycle":{"preStop":null}`), hook},
		"another command":          {inSymphony(`"lifecycle":{"preStop":{"exec":{"command":["true"]}}}`), hook},
		"a pause in its place":     {inSymphony(`"lifecycle":{"preStop":{"exec":null,"sleep":{"seconds":5}}}`), hook},
		"a pause beside it":        {inSymphony(`"lifecycle":{"preStop":{"sleep":{"seconds":5}}}`), hook},
		"the files of annotations": {`{"spec":{"volumes":[{"name":"pod","downwardAPI":{"items":[]}}]}}`, `must not change the volume "pod"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			children := buildFirst(t, computeOverlay(test.overlay))
			g.Expect(children.Invalid).To(HaveLen(1))
			g.Expect(children.Invalid[0]).To(MatchError("spec.compute.podTemplate " + test.problem))
		})
	}
}

func TestHooksThatAreNotTheOperatorsAreTheUsers(t *testing.T) {
	g := NewWithT(t)
	hook := inSymphony(`"lifecycle":{"postStart":{"exec":{"command":["true"]}}}`)
	compute := buildFirst(t, computeOverlay(hook))
	g.Expect(computePod(t, compute).Spec.Containers[0].Lifecycle.PostStart).NotTo(BeNil())
	g.Expect(computePod(t, compute).Spec.Containers[0].Lifecycle.PreStop).NotTo(BeNil())
	master := buildFirst(t, masterOverlay(inSymphony(`"lifecycle":{"preStop":{"exec":{"command":["true"]}}}`)))
	g.Expect(masterPod(t, master).Spec.Containers[0].Lifecycle.PreStop).NotTo(BeNil())
}

func TestBothRolesCanBeInvalidAtOnce(t *testing.T) {
	g := NewWithT(t)
	children := buildFirst(t, masterOverlay(`{"x":1}`), computeOverlay(`{"y":1}`))
	g.Expect(children.Invalid).To(HaveExactElements(
		HaveField("Role", names.Master), HaveField("Role", names.Compute)))
	g.Expect(children.Revisions).To(BeEmpty())
	g.Expect(children.MasterService).NotTo(BeNil())
	g.Expect(children.Hosts).NotTo(BeNil())
	g.Expect(children.GUI).NotTo(BeNil())
}
