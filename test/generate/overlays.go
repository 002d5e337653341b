// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

// Overlay is a value of spec.master.podTemplate or spec.compute.podTemplate, which have no schema.
type Overlay struct {
	// Name says what it is about.
	Name string
	// JSON is the overlay.
	JSON string
	// Says is what a person must be told about one that is not taken.
	Says string
}

// Merged are overlays that must work, on both roles.
var Merged = []Overlay{
	{Name: "nothing", JSON: `{}`},
	{Name: "a label and an annotation", JSON: `{"metadata":{"labels":{"team":"grid"},"annotations":{"example.com/note":"a b"}}}`},
	{Name: "a node selector", JSON: `{"spec":{"nodeSelector":{"pool":"grid"}}}`},
	{Name: "a toleration", JSON: `{"spec":{"tolerations":[{"key":"dedicated","operator":"Equal","value":"grid","effect":"NoSchedule"}]}}`},
	{Name: "node affinity", JSON: `{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
		{"matchExpressions":[{"key":"pool","operator":"In","values":["grid"]}]}]}}}}}`},
	{Name: "a side-car", JSON: `{"spec":{"containers":[{"name":"side","image":"side:1","command":["sleep","infinity"]}]}}`},
	{Name: "an init container", JSON: `{"spec":{"initContainers":[{"name":"first","image":"side:1","restartPolicy":"Always"}]}}`},
	{Name: "a volume", JSON: `{"spec":{"volumes":[{"name":"scratch","emptyDir":{"sizeLimit":"1Gi"}}],
		"containers":[{"name":"symphony","volumeMounts":[{"name":"scratch","mountPath":"/scratch"}]}]}}`},
	{Name: "resources", JSON: `{"spec":{"containers":[{"name":"symphony","resources":{"requests":{"cpu":"250m"}}}]}}`},
	{Name: "a variable", JSON: `{"spec":{"containers":[{"name":"symphony","env":[{"name":"EXTRA","value":"1e999"}]}]}}`},
	{Name: "a port", JSON: `{"spec":{"containers":[{"name":"symphony","ports":[{"containerPort":9100,"name":"metrics"}]}]}}`},
	{Name: "a slower probe", JSON: `{"spec":{"containers":[{"name":"symphony","readinessProbe":{"periodSeconds":30}}]}}`},
	{Name: "a priority class", JSON: `{"spec":{"priorityClassName":"system-cluster-critical"}}`},
	{Name: "a service account", JSON: `{"spec":{"serviceAccountName":"default"}}`},
	{Name: "a scheduler", JSON: `{"spec":{"schedulerName":"volcano"}}`},
	{Name: "topology spread", JSON: `{"spec":{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}]}}`},
	{Name: "a grace period", JSON: `{"spec":{"terminationGracePeriodSeconds":120}}`},
	{Name: "host aliases", JSON: `{"spec":{"hostAliases":[{"ip":"192.0.2.9","hostnames":["licence"]}]}}`},
	{Name: "a DNS policy", JSON: `{"spec":{"dnsPolicy":"Default"}}`},
	{Name: "a security context", JSON: `{"spec":{"securityContext":{"supplementalGroups":[2000]}}}`},
	{Name: "an image", JSON: `{"spec":{"containers":[{"name":"symphony","image":"sym712:patched"}]}}`},
}

// Refused are overlays that the operator must refuse itself: admission cannot see what is wrong with them.
var Refused = []Overlay{
	{"an unknown field", `{"spec":{"nodeSelectors":{"a":"b"}}}`, `unknown field "spec.nodeSelectors"`},
	{"a wrong type", `{"spec":{"nodeSelector":"fast"}}`, "is not a PodTemplateSpec"},
	{"a merge directive", `{"spec":{"containers":[{"name":"symphony","$patch":"delete"}]}}`, "merge directives are not supported"},
	{"no containers", `{"spec":{"containers":null}}`, `must not remove the container "symphony"`},
	{"a null in a list", `{"spec":{"volumes":[null]}}`, "has a null in a list"},
	{"a host name", `{"spec":{"hostname":"other"}}`, "must not change spec.hostname"},
	{"a subdomain", `{"spec":{"subdomain":"other"}}`, "must not set spec.subdomain"},
	{"the host network", `{"spec":{"hostNetwork":true}}`, "spec.hostNetwork"},
	{"a restart policy", `{"spec":{"restartPolicy":"Never"}}`, "must not change spec.restartPolicy"},
	{"a label of the operator", `{"metadata":{"labels":{"symphony-operator.io/role":"other"}}}`, "must not change the label"},
	{"the revision", `{"metadata":{"labels":{"symphony-operator.io/revision":"a"}}}`, "must not set the label"},
	{"the master's address", `{"metadata":{"annotations":{"symphony-operator.io/master-hosts":"10.0.0.1 x"}}}`, "it carries the master's address"},
	{"a drain", `{"metadata":{"annotations":{"symphony-operator.io/drain":"Released"}}}`, "must not set the annotation"},
	{"a name", `{"metadata":{"name":"other"}}`, "must not set metadata other than labels and annotations"},
	{"the start script", `{"spec":{"containers":[{"name":"symphony","args":["sleep"]}]}}`, "must not change command or args"},
	{"no probe", `{"spec":{"containers":[{"name":"symphony","readinessProbe":null}]}}`, "must not change what the readiness probe"},
	{"a variable of the operator", `{"spec":{"containers":[{"name":"symphony","env":[{"name":"SYMPHONY_MASTER_HOST","value":"x"}]}]}}`, "must not change the variable SYMPHONY_MASTER_HOST"},
	{"another volume", `{"spec":{"volumes":[{"name":"run","hostPath":{"path":"/"}}]}}`, `must not change the volume "run"`},
	{"a mount over the operator's", `{"spec":{"containers":[{"name":"symphony","volumeMounts":[{"name":"x","mountPath":"/symphony/run"}]}]}}`, "must not change the mount"},
	{"a variable twice", `{"spec":{"containers":[{"name":"symphony","env":[{"name":"A"},{"name":"A","value":"b"}]}]}}`, "twice"},
	{"a number without end", `{"spec":{"overhead":{"cpu":"12345678901234567890e999999"}}}`, "an exponent of more than two digits"},
}

// Rejected are overlays that merge, and whose pods the API server calls invalid.
var Rejected = []Overlay{
	{"a container's name", `{"spec":{"containers":[{"name":"no such name","image":"a"}]}}`, "spec.template.spec.containers"},
	{"a container without an image", `{"spec":{"containers":[{"name":"side"}]}}`, "image: Required value"},
	{"a limit below the request", `{"spec":{"containers":[{"name":"symphony","resources":{"requests":{"memory":"2Gi"},"limits":{"memory":"1Gi"}}}]}}`, "resources.requests"},
	{"a mount of no volume", `{"spec":{"containers":[{"name":"symphony","volumeMounts":[{"name":"none","mountPath":"/none"}]}]}}`, "volumeMounts"},
	{"a label's value", `{"metadata":{"labels":{"team":"a b"}}}`, "labels: Invalid value"},
	{"a toleration's operator", `{"spec":{"tolerations":[{"key":"a","operator":"Maybe"}]}}`, "tolerations"},
	{"a DNS policy without a server", `{"spec":{"dnsPolicy":"None"}}`, "dnsConfig"},
}
